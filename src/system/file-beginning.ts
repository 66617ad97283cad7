import { closeSync, openSync, readSync } from 'node:fs';

/** As much as the kernel looks at to tell what a file is, and more. */
export const BEGINNING_BYTES = 512;

/** The beginning of a file, a character a byte. @throws Error of the system when it cannot be read */
export function readBeginning(path: string, bytes: number = BEGINNING_BYTES): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(file);
  }
}
