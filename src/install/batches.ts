/**
 * Work that Install does once for each of many files, each time apart from all others. So two threads may do it beside each other.
 *
 * A batch is plain data, because it may have to go to another thread. Its files lie in few folders: two threads in one folder would wait
 * for each other in the kernel.
 */
import type { AclTool } from './attributes.ts';
import { type CopyStep, type CopyWays, copyNew } from './copy-new.ts';
import { installFault } from './install-fault.ts';
import type { InstallFs } from './install-fs.ts';
import { discardReplaced, type PlaceOperation, placeNew } from './place.ts';
import { sameContent } from './same-content.ts';

/** Two files of equal size: one of the revision, and what stands in its place. */
export interface Comparison {
  readonly source: string;
  readonly path: string;
}

export interface CompareBatch {
  readonly work: 'compare';
  readonly items: readonly Comparison[];
  /** 1 for each item whose content is the same; shared memory, so that it need not be sent back. */
  readonly same: Uint8Array<SharedArrayBuffer>;
}

export type Batch =
  | CompareBatch
  | { readonly work: 'copy'; readonly items: readonly CopyStep[] }
  | { readonly work: 'place' | 'discard'; readonly items: readonly PlaceOperation[] };

/** ACLs are set by a program, which only the first thread starts. */
export function mayBeShared({ permission }: CopyStep): boolean {
  return permission === null || permission.acls === null;
}

const noAcls: AclTool = {
  setfacl(path) {
    throw new Error(`${path} is to have an ACL, and was put into a batch`);
  },
};

/** So many that handing them over does not count, and so few that nobody waits long for the other at the end. */
const BATCH_LENGTH = 64;
/** A folder with more than that is divided anyway. */
const MOST_LENGTH = 256;

/** Puts together what lies in one folder, or in few. */
export interface Gatherer<T> {
  /** @returns a batch that is full now; null: none is */
  add(item: T): readonly T[] | null;
  /** Returns the items that are left; nothing is gathered after that. */
  rest(): readonly T[];
}

/** @param pathOf where the item is worked on */
export function createGatherer<T>(pathOf: (item: T) => string): Gatherer<T> {
  let batch: T[] = [];
  let folder = '';
  const rest = () => {
    const gathered = batch;
    batch = [];
    return gathered;
  };
  return {
    add(item) {
      const path = pathOf(item);
      const parent = path.slice(0, path.lastIndexOf('/'));
      const isFull = batch.length >= MOST_LENGTH || (batch.length >= BATCH_LENGTH && parent !== folder);
      const full = isFull ? rest() : null;
      folder = parent;
      batch.push(item);
      return full;
    },
    rest,
  };
}

export function* inBatches<T>(items: Iterable<T>, pathOf: (item: T) => string): Generator<readonly T[]> {
  const gatherer = createGatherer(pathOf);
  for (const item of items) {
    const full = gatherer.add(item);
    if (full !== null) yield full;
  }
  yield gatherer.rest();
}

/** @throws SlipwayError INSTALL_… for what the disk refused; then what is left of the batch is not done */
export function carryOutBatch(fs: InstallFs, ways: CopyWays, batch: Batch): void {
  switch (batch.work) {
    case 'compare':
      compareAll(fs, ways, batch);
      return;
    case 'copy':
      for (const step of batch.items) {
        explained(
          () => copyNew(fs, noAcls, step, ways),
          () => `${step.source} could not be copied to ${step.temp}`,
        );
      }
      return;
    case 'place':
      for (const operation of batch.items) {
        explained(
          () => placeNew(fs, operation),
          () => `could not put in place ${operation.path}`,
        );
      }
      return;
    case 'discard':
      for (const operation of batch.items) discardReplaced(fs, operation);
      return;
  }
}

function compareAll(fs: InstallFs, { buffer }: CopyWays, { items, same }: CompareBatch): void {
  for (const [n, { source, path }] of items.entries()) {
    explained(
      () => {
        same[n] = sameContent(fs, buffer, source, path) ? 1 : 0;
      },
      () => `${source} could not be compared with ${path}`,
    );
  }
}

function explained(work: () => void, what: () => string): void {
  try {
    work();
  } catch (cause) {
    throw installFault(cause, what());
  }
}
