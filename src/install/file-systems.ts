import { dirname } from 'node:path';
import { mountPointOf } from '../system/mount-point.ts';
import type { InstallFs } from './install-fs.ts';
import type { FileSystem, RoomInput } from './room.ts';

/**
 * Looks up the file system of a path by the nearest folder that is there. Each folder and each file system is asked once, so that all
 * answers are of one moment.
 *
 * @param agentUid root may use the blocks that are held back from everybody else
 */
export function fileSystemLookup(fs: InstallFs, agentUid: number): RoomInput['fileSystemOf'] {
  const byFolder = new Map<string, FileSystem>();
  const byDevice = new Map<string, FileSystem>();
  const ofFolder = (folder: string): FileSystem => {
    const known = byFolder.get(folder);
    if (known !== undefined) return known;
    const isThere = fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
    const found = isThere || folder === dirname(folder) ? ofDevice(folder) : ofFolder(dirname(folder));
    byFolder.set(folder, found);
    return found;
  };
  const ofDevice = (folder: string): FileSystem => {
    const id = String(fs.statSync(folder).dev);
    const fileSystem = byDevice.get(id) ?? ask(fs, folder, id, agentUid);
    byDevice.set(id, fileSystem);
    return fileSystem;
  };
  return ofFolder;
}

function ask(fs: InstallFs, folder: string, id: string, agentUid: number): FileSystem {
  const { bavail, bfree, bsize, ffree, files } = fs.statfsSync(folder);
  return {
    id,
    mountPoint: mountPointOf(fs.realpathSync(folder)),
    blockBytes: bsize,
    freeBytes: (agentUid === 0 ? bfree : bavail) * bsize,
    freeInodes: files === 0 ? null : ffree,
  };
}
