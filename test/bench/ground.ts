/**
 * Where the figures are measured. For root it is an ext4 file system in an image that lies in memory. Journal and sync are real. The disk
 * below differs from machine to machine and from minute to minute, and is not in the figures. For others, memory itself.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { canMakeImages } from './tools.ts';

export interface Ground extends Disposable {
  readonly path: string;
  readonly kind: string;
}

const GIB = 2 ** 30;

/**
 * How the image lies in memory. Unpacking and installing are measured by the millisecond, so all of the memory is there before, as a disk
 * is. It would take longer to find memory at the first write than to write. Whole deployments need more room than there is memory for.
 */
export type GroundUse = 'contests' | 'deployments';

export function prepareGround(use: GroundUse): Ground {
  const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const folder = mkdtempSync(join(memory, 'slipway-bench-'));
  const mounted = process.getuid?.() === 0 && canMakeImages() ? mountImage(folder, use) : null;
  return {
    path: mounted ?? folder,
    kind: mounted === null ? `in ${memory}` : 'on ext4, in an image in memory',
    [Symbol.dispose]() {
      // Lazily: after an interruption a process may still stand in it.
      if (mounted !== null) execaSync('umount', ['--lazy', mounted]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @returns null where images cannot be mounted */
function mountImage(folder: string, use: GroundUse): string | null {
  const [image, mountPoint] = [join(folder, 'image'), join(folder, 'ground')];
  writeFileSync(image, '');
  mkdirSync(mountPoint);
  const length = ['--length', String(8 * GIB)];
  if (use !== 'contests') truncateSync(image, 14 * GIB);
  else if (execaSync('fallocate', [...length, image], { reject: false }).failed) return withoutImage(image);
  const made = execaSync('mkfs.ext4', ['-q', '-F', '-E', 'nodiscard,lazy_itable_init=0', image], { reject: false });
  // `discard`: what is deleted is given back to the memory.
  const options = ['loop', 'noatime', use === 'contests' ? 'nodiscard' : 'discard'].join();
  const mount = () => execaSync('mount', ['-o', options, image, mountPoint], { reject: false });
  return made.failed || mount().failed ? withoutImage(image) : mountPoint;
}

/** Memory that it has taken, for the figures. */
function withoutImage(image: string): null {
  rmSync(image, { force: true });
  return null;
}
