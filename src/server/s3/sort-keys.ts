/** Puts very many keys in the order of lists, and lets everybody else be served in between. */
import { compareKeys } from './listing.ts';
import { servingOthers } from './serving-others.ts';

/** So many keys are sorted in one piece: that takes about a millisecond. */
const PIECE = 1_000;

const NONE: ReadonlySet<string> = new Set();

/** @throws the signal's reason when it aborts */
export async function sortKeys(keys: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  const count = Math.ceil(keys.length / PIECE);
  let runs: (readonly string[])[] = [];
  await servingOthers(Array(count).keys(), signal, (at) => {
    runs.push(keys.slice(at * PIECE, (at + 1) * PIECE).sort(compareKeys));
  });
  while (runs.length > 1) {
    const merged: (readonly string[])[] = [];
    for (let at = 0; at < runs.length; at += 2)
      merged.push(await mergeKeys(runs[at] ?? [], runs[at + 1] ?? [], NONE, signal));
    runs = merged;
  }
  return runs[0] ?? [];
}

/**
 * Both lists in one.
 *
 * @param some in order, as `others`
 * @param gone keys of `some` that are left out
 * @throws the signal's reason when it aborts
 */
export async function mergeKeys(
  some: readonly string[],
  others: readonly string[],
  gone: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const merged: string[] = [];
  let at = 0;
  await servingOthers(some, signal, (key) => {
    for (let other = others[at]; other !== undefined && compareKeys(other, key) < 0; other = others[at]) {
      merged.push(other);
      at += 1;
    }
    if (!gone.has(key)) merged.push(key);
  });
  return merged.concat(others.slice(at));
}
