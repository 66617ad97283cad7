/**
 * The keys of each bucket, in order, so that a page of a list costs what it shows and not what the bucket holds.
 *
 * A key has one folder in its bucket, and the folder's name never stands for another key: each folder is read once. The bucket's own folder
 * changes its time when a key comes or goes, whichever server of the folder did it. Until then the keys are known. Whether a key holds an
 * object just now is another question, which the folder of the key answers.
 */
import { statSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import * as keyFolder from './key-folder.ts';
import { compareKeys } from './listing.ts';
import { servingOthers } from './serving-others.ts';
import { mergeKeys, sortKeys } from './sort-keys.ts';

/** A change so shortly before a look may be followed by another one that leaves the same time; milliseconds. */
const SETTLED_MS = 2_000;
/** Limit on the keys kept for one bucket; more would take too much memory, at some hundred bytes each. */
const MAX_KEPT = 500_000;
interface Known {
  /** When the bucket's folder changed, in nanoseconds; null: it must be looked at again whatever its time is. */
  readonly changedNs: bigint | null;
  readonly keyOf: ReadonlyMap<string, string>;
  readonly sorted: readonly string[];
}

export interface KeyIndex {
  /** In the order of lists. @param folder of a bucket that is there @throws the signal's reason when it aborts */
  keysIn(folder: string, signal: AbortSignal): Promise<readonly string[]>;
}

export function createKeyIndex(nowMs: () => number): KeyIndex {
  const known = new Map<string, Known>();
  return {
    async keysIn(folder, signal) {
      const changedNs = statSync(folder, { bigint: true }).mtimeNs;
      const before = known.get(folder);
      if (before !== undefined && before.changedNs === changedNs) return before.sorted;
      const isSettled = nowMs() - Number(changedNs / 1_000_000n) > SETTLED_MS;
      const { isWhole, ...read } = await readKeys(folder, before, signal);
      if (read.sorted.length > MAX_KEPT) known.delete(folder);
      else known.set(folder, { ...read, changedNs: isSettled && isWhole ? changedNs : null });
      return read.sorted;
    },
  };
}

/** @returns `isWhole`: no key is only now coming into being */
async function readKeys(
  folder: string,
  before: Known | undefined,
  signal: AbortSignal,
): Promise<Omit<Known, 'changedNs'> & { readonly isWhole: boolean }> {
  const keyOf = new Map<string, string>();
  const added: string[] = [];
  const names = await namesIn(folder);
  await servingOthers(names, signal, (name) => {
    const old = before?.keyOf.get(name);
    const key = old ?? keyFolder.keyOf(join(folder, name));
    if (key === null) return;
    keyOf.set(name, key);
    if (old === undefined) added.push(key);
  });
  const isWhole = keyOf.size === names.length;
  const gone = new Set<string>();
  // Names that stayed are as many as before: then there is nothing to look for.
  if (before !== undefined && keyOf.size - added.length < before.keyOf.size)
    await servingOthers(before.keyOf, signal, ([name, key]) => {
      if (!keyOf.has(name)) gone.add(key);
    });
  const stayed = before?.sorted ?? [];
  if (added.length === 0 && gone.size === 0) return { keyOf, sorted: stayed, isWhole };
  return { keyOf, sorted: await mergeKeys(stayed, await sortKeys(added, signal), gone, signal), isWhole };
}

/** Reads a folder in pieces: a hundred thousand names in one would hold up everybody. */
async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of await opendir(folder, { bufferSize: 1_000 })) names.push(name);
  return names;
}

/** The keys from this one on. */
export function* keysFrom(sorted: readonly string[], key: string): Generator<string> {
  const at = firstAfter(sorted, key);
  for (let next = sorted[at - 1] === key ? at - 1 : at; next < sorted.length; next += 1) yield sorted[next] ?? '';
}

/** Where the first key stands that is behind this one. */
function firstAfter(sorted: readonly string[], key: string): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (compareKeys(sorted[middle] ?? '', key) <= 0) from = middle + 1;
    else to = middle;
  }
  return from;
}
