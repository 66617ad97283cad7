/**
 * Where the parts of an object lie that was uploaded in parts. They are counted from 1 in the order of the object, whatever their numbers were in
 * the upload. Pure.
 */
import type { ByteRange } from './pieces.ts';

/** So many parts of one size in a row: nearly all objects have one size and a rest. */
export type PartRun = readonly [count: number, sizeBytes: number];

export function runsOf(sizes: readonly number[]): readonly PartRun[] {
  const runs: [number, number][] = [];
  for (const sizeBytes of sizes) {
    const last = runs.at(-1);
    if (last?.[1] === sizeBytes) last[0] += 1;
    else runs.push([1, sizeBytes]);
  }
  return runs;
}

export function sizesOf(runs: readonly PartRun[]): readonly number[] {
  return runs.flatMap(([count, sizeBytes]) => Array.from({ length: count }, () => sizeBytes));
}

/** @param number from 1 on @returns null: there is no such part; a part without content ends before it begins */
export function rangeOfPart(runs: readonly PartRun[], number: number): ByteRange | null {
  let [before, start] = [0, 0];
  for (const [count, sizeBytes] of runs) {
    const inRun = number - 1 - before;
    if (inRun < count) {
      const at = start + inRun * sizeBytes;
      return { start: at, end: at + sizeBytes - 1 };
    }
    before += count;
    start += count * sizeBytes;
  }
  return null;
}

/** How many parts an ETag says that its object was made of; null: it was put in one piece. */
export function partsCountOf(eTag: string): number | null {
  const count = /-(\d+)$/.exec(eTag)?.[1];
  return count === undefined ? null : Number(count);
}
