import { statfsSync } from 'node:fs';
import { SlipwayError } from '../errors.ts';
import { renderBytes } from '../revision/progress.ts';
import { mountPointOf } from '../system/mount-point.ts';

/** Space that something takes on a file system. */
export interface SpaceNeeded {
  readonly bytes: number;
  readonly inodes: number;
}

/** Space that is free on a file system. */
export interface SpaceFree {
  readonly bytes: number;
  /** null: the file system makes them as they are needed. */
  readonly inodes: number | null;
}

/** Asks the file system that a folder is on. */
export type SpaceProbe = (folder: string) => SpaceFree;

/** Counts the space of ordinary users only: root's reserve is there to repair a full system. */
export const freeSpace: SpaceProbe = (folder) => {
  const { bavail, bsize, ffree, files } = statfsSync(folder);
  return { bytes: bavail * bsize, inodes: files === 0 ? null : ffree };
};

/** Left over for logs and for what cannot be known beforehand, such as the block that each file's end fills. */
export const SPARE: SpaceNeeded = { bytes: 16 * 2 ** 20, inodes: 64 };

/** How much is lacking of what is needed and a spare; null: nothing. Pure. */
export function shortage(free: SpaceFree, needed: SpaceNeeded): SpaceNeeded | null {
  const bytes = Math.max(0, needed.bytes + SPARE.bytes - free.bytes);
  const inodes = free.inodes === null ? 0 : Math.max(0, needed.inodes + SPARE.inodes - free.inodes);
  return bytes === 0 && inodes === 0 ? null : { bytes, inodes };
}

/** @param purpose what the space is for: `the bundle`, `the unpacked revision` */
export function noSpace(folder: string, purpose: string, free: SpaceFree, needed: SpaceNeeded): SlipwayError {
  const lacks = shortage(free, needed);
  const what =
    lacks !== null && lacks.bytes > 0
      ? `${renderBytes(needed.bytes + SPARE.bytes)} are needed and ${renderBytes(free.bytes)} are free`
      : `${needed.inodes + SPARE.inodes} inodes are needed and ${free.inodes} are free`;
  return new SlipwayError(
    'REVISION_NO_SPACE',
    `${purpose} does not fit on the file system at ${mountPointOf(folder)}, which holds ${folder}: ${what}`,
  );
}
