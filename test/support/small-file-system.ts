/** A disk of its own for machines of tests: small, so that it can be filled. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface SmallFileSystem extends Disposable {
  readonly folder: string;
  /** Makes it read-only for everybody, or lets it be written again. */
  setReadOnly(isReadOnly: boolean): void;
}

/**
 * Makes an ext4 file system of 8 MB in a file and mounts it; machines that the folder is bound to see it, too.
 *
 * @param folder where the file and the mounted folder go
 */
export function smallFileSystem(folder: string): SmallFileSystem {
  const image = join(folder, 'small.img');
  const mounted = join(folder, 'small');
  mkdirSync(mounted);
  execFileSync('truncate', ['--size=8M', image]);
  execFileSync('mkfs.ext4', ['-q', image]);
  execFileSync('mount', ['-o', 'loop', image, mounted]);
  return {
    folder: mounted,
    setReadOnly(isReadOnly) {
      execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, mounted]);
    },
    [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', mounted]),
  };
}
