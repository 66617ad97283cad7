import { readFileSync } from 'node:fs';
import { fromOctal } from './mounts.ts';

/** A mount: the tree below `root` of the file system `device` is seen at `mountPoint`. */
export interface MountedTree {
  /** `major:minor`. */
  readonly device: string;
  readonly root: string;
  readonly mountPoint: string;
}

const DEVICE = /^\d+:\d+$/;

/** The mounts of this process, in the order they were made; none where `/proc` is missing. @see proc_pid_mountinfo(5) */
export function readMountTable(file = '/proc/self/mountinfo'): readonly MountedTree[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [, , device, root, mountPoint] = line.split(' ');
    if (device === undefined || root === undefined || mountPoint === undefined || !DEVICE.test(device)) return [];
    return [{ device, root: fromOctal(root), mountPoint: fromOctal(mountPoint) }];
  });
}
