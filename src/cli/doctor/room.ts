/** How full the file system of a path is. */
import { statfsSync } from 'node:fs';
import { shellCommand } from '../../system/shell-word.ts';
import { type Finding, ok, warn } from './check.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
/** Below this the next revision of usual size may not fit. */
const LITTLE_BYTES = GIB;
const LITTLE_INODES = 50_000;
/** Below this nothing fits. */
const NO_BYTES = 16 * MIB;
const NO_INODES = 200;

/**
 * Tells what is used up on the file system of a path; null: nothing.
 *
 * @param tip what to do beside looking for what is large
 */
export function fullness(
  path: string,
  tip = 'Lower max_revisions or max_revisions_bytes if it is old revisions.',
): { readonly detail: string; readonly remedy: string } | null {
  const { bavail, bsize, ffree, files } = statfsSync(path);
  if (bavail * bsize < NO_BYTES) {
    return {
      detail: `is full: ${((bavail * bsize) / MIB).toFixed(1)} MiB free`,
      remedy: `Make room: \`${shellCommand('du', '-xh', path)} | sort -h | tail\` shows what is large. ${tip}`,
    };
  }
  if (files === 0 || ffree >= NO_INODES) return null;
  return {
    detail: `has no inodes left: ${ffree} free, though there are ${((bavail * bsize) / GIB).toFixed(1)} GiB`,
    remedy: `Remove small files: \`${shellCommand('du', '-x', '--inodes', path)} | sort -n | tail\` shows where they are. Room in bytes is not what is missing.`,
  };
}

/** @param nearest the path itself, or the nearest folder above it that is there @param tip what to do when little is left */
export function lookAtRoom(path: string, nearest: string, tip: string): Finding {
  const { bavail, bsize, ffree, files } = statfsSync(nearest);
  const inodes = files === 0 ? 'any number of' : String(ffree);
  const detail = `${((bavail * bsize) / GIB).toFixed(1)} GiB and ${inodes} inodes free for ${path}`;
  const isEnough = bavail * bsize >= LITTLE_BYTES && (files === 0 || ffree >= LITTLE_INODES);
  return isEnough ? ok('disk', detail) : warn('disk', detail, tip);
}
