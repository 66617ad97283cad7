import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaSync } from 'execa';

export interface MountedImage extends Disposable {
  readonly path: string;
}

/** Less, XFS does not take; the file is sparse. */
const IMAGE_BYTES = 400 * 2 ** 20;

/** A new file system in an image in memory, mounted until the test lets go of it. Only root can, and not in every container. */
export function mountedImage(kind: 'xfs' | 'btrfs'): MountedImage {
  const folder = mkdtempSync(join(memory(), 'slipway-test-'));
  const [image, path] = [join(folder, 'image'), join(folder, 'disk')];
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    writeFileSync(image, '');
    truncateSync(image, IMAGE_BYTES);
    mkdirSync(path);
    execaSync(`mkfs.${kind}`, [image]);
    execaSync('mount', ['-o', 'loop', image, path]);
  } catch (error) {
    remove();
    throw error;
  }
  return {
    path,
    [Symbol.dispose]() {
      execaSync('umount', ['--lazy', path]);
      remove();
    },
  };
}

export function canMountImage(kind: 'xfs' | 'btrfs'): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    using _image = mountedImage(kind);
    return true;
  } catch {
    return false;
  }
}

/** A folder in memory where there is such a file system, which knows no reflinks. */
export function memory(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}
