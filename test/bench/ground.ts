/**
 * Where the figures are measured. For root an ext4 file system in an image that lies in memory: journal and sync are real, and the disk
 * below, which differs from machine to machine and from minute to minute, is not in the figures. For others, memory itself.
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
 * How the image lies in memory. What unpacks and installs is measured by the millisecond: all of its memory is there before, as a disk is,
 * because to find some at the first write takes longer than the write. Whole deployments need more room than there is memory for.
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

/** What it has taken of the memory is for the figures. */
function withoutImage(image: string): null {
  rmSync(image, { force: true });
  return null;
}
