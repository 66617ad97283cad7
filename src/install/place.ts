/** One new object comes to its place, and the one before keeps a second name until the end. */
import { SlipwayError, systemErrorCode } from '../errors.ts';
import type { InstallFs } from './install-fs.ts';
import type { CommitOperation } from './operations.ts';

export type PlaceOperation = Extract<CommitOperation, { op: 'place' }>;

export function placeNew(fs: InstallFs, { path, temp, backup }: PlaceOperation): void {
  if (backup !== null) keepOld(fs, path, backup);
  else if (exists(fs, path)) throw appeared(path);
  place(fs, temp, path);
}

/** Removes the old object; may be repeated from any point. */
export function discardReplaced(fs: InstallFs, { backup }: Pick<PlaceOperation, 'backup'>): void {
  if (backup !== null) fs.rmSync(backup, { recursive: true, force: true });
}

/** Makes the error for an object that was not there when the plan was made. Nobody has judged whether it may be replaced. */
function appeared(path: string): SlipwayError {
  return new SlipwayError('INSTALL_FAILED', `${path} has come to be while Install was at work, made by somebody else`, {
    remedy:
      'Deploy again: it is then treated as what was there before. If it comes again, stop what makes it in ApplicationStop.',
  });
}

/**
 * Gives the old object a second name. A file gets it as a hard link, so that at every instant the old or the new one is there. A folder, or
 * a file system without hard links, leaves a gap that the journal covers.
 */
function keepOld(fs: InstallFs, path: string, backup: string): void {
  try {
    fs.linkSync(path, backup);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'EPERM' && code !== 'EMLINK' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
    fs.renameSync(path, backup);
  }
}

/** A folder cannot be renamed over a file, which has its second name by now. */
function place(fs: InstallFs, temp: string, path: string): void {
  try {
    fs.renameSync(temp, path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOTDIR') throw error;
    fs.unlinkSync(path);
    fs.renameSync(temp, path);
  }
}

export function exists(fs: InstallFs, path: string): boolean {
  try {
    fs.lstatSync(path);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
