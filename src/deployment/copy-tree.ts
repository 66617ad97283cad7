import { constants, cpSync, renameSync, rmSync } from 'node:fs';

/**
 * Copies a folder to where none is: there in one step when all of it is copied, and never a part. On file systems with reflinks the copies
 * share their content with the originals until one of them is written to.
 */
export function copyTree(source: string, destination: string): void {
  const temporary = `${destination}-temp`;
  rmSync(temporary, { recursive: true, force: true });
  try {
    cpSync(source, temporary, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
    renameSync(temporary, destination);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
