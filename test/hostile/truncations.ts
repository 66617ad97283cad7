import { gzipSync } from 'node:zlib';
import type { Attack } from './corpus.ts';
import { tarOf, zipOf } from './makers.ts';

const entries = Array.from({ length: 6 }, (_, n) => ({ path: `d/f${n}`, content: `${n}`.repeat(700) }));

/** A tar cut off at every block, and its compressed form at every few bytes. */
export function tarTruncations(group: string): Attack[] {
  const whole = tarOf(entries);
  const packed = gzipSync(whole);
  const plain = Array.from({ length: whole.length / 512 }, (_, n): Attack => {
    // Some writers leave out the second block of the end.
    const ends = n * 512 === whole.length - 512 ? ['unpacked'] : ['ARCHIVE_TRUNCATED'];
    const bytes = whole.subarray(0, n * 512);
    return { group, name: `cut off after ${n} blocks, tar`, ends, make: () => ({ kind: 'tar', bytes }) };
  });
  const compressed = Array.from({ length: 20 }, (_, n): Attack => {
    const length = Math.floor((packed.length * n) / 20);
    const bytes = packed.subarray(0, length);
    return {
      group,
      name: `cut off after ${length} bytes, tgz`,
      ends: ['ARCHIVE_TRUNCATED'],
      make: () => ({ kind: 'tgz', bytes }),
    };
  });
  return [...plain, ...compressed];
}

export function zipTruncations(group: string): Attack[] {
  const whole = zipOf(entries);
  return Array.from({ length: 40 }, (_, n): Attack => {
    const length = Math.floor((whole.length * n) / 40);
    const bytes = whole.subarray(0, length);
    return {
      group,
      name: `cut off after ${length} bytes, zip`,
      ends: ['ARCHIVE_TRUNCATED'],
      make: () => ({ kind: 'zip', bytes }),
    };
  });
}
