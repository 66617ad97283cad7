/**
 * Removing a revision of many files takes as long as unpacking one, and nobody has to wait for it. So it is moved out of everybody's sight,
 * which is one rename. After the Install, a program that may outlive this process removes it there. Beside the Install the file system
 * would have both in its journal, and the Install waits for the journal.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, opendirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { runDetachedShell } from '../system/detached-shell.ts';
import { removeTree } from '../system/remove-tree.ts';
import { setAsideDir } from './layout.ts';

/** Fewer are gone sooner than a program has started. */
const MANY_OBJECTS = 1000;

/** @returns false: it is still there, because it is small, or because it lies on a file system of its own */
export function setAside(rootDir: string, folder: string): boolean {
  if (!hasMany(folder)) return false;
  const aside = join(setAsideDir(rootDir), randomUUID());
  mkdirSync(dirname(aside), { recursive: true, mode: 0o700 });
  try {
    renameSync(folder, aside);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
    return false;
  }
  return true;
}

/** In nobody's way: scripts of the new revision may run meanwhile. Without `nice` as good as it can be. */
const REMOVE = 'nice -n 19 rm -rf -- "$1"/* || rm -rf -- "$1"/*';

/** Begins to remove what was set aside, also what an end of the machine has left there. */
export function clearAside(rootDir: string): void {
  const folder = setAsideDir(rootDir);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    runDetachedShell(REMOVE, ['slipway-remove', folder], 'ignore');
}

/** Removes what was set aside, and waits for it: its room is needed now. @returns whether there was anything */
export function removeSetAside(rootDir: string): boolean {
  const folder = setAsideDir(rootDir);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of names) removeTree(join(folder, name));
  return names.length > 0;
}

/** Counts no further than it has to. */
function hasMany(folder: string): boolean {
  let objects = 0;
  const look = (path: string): boolean => {
    using entries = opendirSync(path);
    for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
      objects += 1;
      if (objects >= MANY_OBJECTS || (entry.isDirectory() && look(join(path, entry.name)))) return true;
    }
    return false;
  };
  return look(folder);
}
