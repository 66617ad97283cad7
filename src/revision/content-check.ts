/** Whether what has come adds up to what it must. */
import { SlipwayError } from '../errors.ts';
import type { BundlePart } from './bundle-part.ts';
import { createDigest, type ExpectedDigest } from './content-digest.ts';

const READ_BACK_BYTES = 1024 * 1024;

export interface ContentCheck {
  written(position: number, chunk: Uint8Array): void;
  /** Reads back what came out of order. */
  catchUp(): void;
  /** @throws SlipwayError REVISION_DIGEST_MISMATCH */
  finish(name: string): void;
}

/** Sums up the content from its beginning while it comes, so that little is left to read at the end. */
export function createContentCheck(part: BundlePart, expected: ExpectedDigest | null): ContentCheck {
  const digest = expected === null ? null : createDigest(expected.algorithm);
  let at = 0;
  const catchUp = () => {
    const [front] = part.done;
    if (digest === null || front === undefined || front.from > 0) return;
    const buffer = Buffer.allocUnsafe(READ_BACK_BYTES);
    while (at < front.to) {
      const read = part.read(at, buffer.subarray(0, Math.min(buffer.length, front.to - at)));
      if (read === 0) return;
      digest.update(buffer.subarray(0, read));
      at += read;
    }
  };
  return {
    written(position, chunk) {
      if (digest === null || position !== at) return;
      digest.update(chunk);
      at += chunk.length;
    },
    catchUp,
    finish(name) {
      if (digest === null || expected === null) return;
      catchUp();
      const found = digest.hex();
      if (found === expected.hex) return;
      throw new SlipwayError(
        'REVISION_DIGEST_MISMATCH',
        `what came of ${name} is not what it should be: its ${expected.algorithm} is ${found}, but ${expected.origin} says ${expected.hex}`,
      );
    },
  };
}
