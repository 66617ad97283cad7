/**
 * What Install does once for each of many files, each time apart from all others: so two threads may do it beside each other.
 *
 * A batch is plain data, because it may have to go to another thread. Its files lie in few folders: two threads in one folder would wait
 * for each other in the kernel.
 */
import type { AclTool } from './attributes.ts';
import { type CopyStep, type CopyWays, copyNew } from './copy-new.ts';
import { installFault } from './install-fault.ts';
import type { InstallFs } from './install-fs.ts';
import { discardReplaced, type PlaceOperation, placeNew } from './place.ts';

export type Batch =
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
/** A folder with more than that is divided all the same. */
const MOST_LENGTH = 256;

/** Puts together what lies in one folder, or in few. */
export interface Gatherer<T> {
  /** @returns a batch that is full now; null: none is */
  add(item: T): readonly T[] | null;
  /** What is left; there is nothing gathered after that. */
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
export function carryOutBatch(fs: InstallFs, ways: CopyWays, { work, items }: Batch): void {
  switch (work) {
    case 'copy':
      for (const step of items) {
        explained(
          () => copyNew(fs, noAcls, step, ways),
          () => `${step.source} could not be copied to ${step.temp}`,
        );
      }
      return;
    case 'place':
      for (const operation of items) {
        explained(
          () => placeNew(fs, operation),
          () => `could not put in place ${operation.path}`,
        );
      }
      return;
    case 'discard':
      for (const operation of items) discardReplaced(fs, operation);
      return;
  }
}

function explained(work: () => void, what: () => string): void {
  try {
    work();
  } catch (cause) {
    throw installFault(cause, what());
  }
}
