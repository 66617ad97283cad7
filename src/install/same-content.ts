import type { InstallFs } from './install-fs.ts';

const HALF = 64 * 1024;
/** Length of the buffer that two files are compared in. */
export const COMPARE_BYTES = 2 * HALF;

/**
 * Compares two files byte for byte.
 *
 * @param buffer of `COMPARE_BYTES` or more; what it held is overwritten
 * @throws Error of the disk
 */
export function sameContent(fs: InstallFs, buffer: Buffer, a: string, b: string): boolean {
  const mine = buffer.subarray(0, HALF);
  const theirs = buffer.subarray(HALF, COMPARE_BYTES);
  const first = fs.openSync(a, 'r');
  try {
    const second = fs.openSync(b, 'r');
    try {
      for (;;) {
        const length = fs.readSync(first, mine, 0, HALF, null);
        // One byte more, so that a longer file does not look the same at its end.
        const other = fs.readSync(second, theirs, 0, length === 0 ? 1 : length, null);
        if (length !== other || mine.compare(theirs, 0, other, 0, length) !== 0) return false;
        if (length < HALF) return fs.readSync(second, theirs, 0, 1, null) === 0;
      }
    } finally {
      fs.closeSync(second);
    }
  } finally {
    fs.closeSync(first);
  }
}
