/** The ledger's folders on disk, which somebody may delete, move away or replace while the agent runs. */
import { lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { FolderModes } from '../deployment/folder-modes.ts';
import { systemErrorCode } from '../errors.ts';

export interface LedgerFolders {
  /**
   * Makes the folders that are missing.
   *
   * @returns whether one of them is another one than the last time, so that what was in it is gone
   * @throws Error of the system when a folder cannot be made
   */
  renew(): boolean;
}

/** @param folders paths below `rootDir` */
export function ledgerFolders(
  rootDir: string,
  folders: readonly string[],
  modes: Pick<FolderModes, 'passage' | 'own'>,
): LedgerFolders {
  const known = new Map<string, string>();
  return {
    renew() {
      let isOther = false;
      for (const folder of folders) {
        const before = known.get(folder);
        let now = identityOf(folder);
        if (now === null) {
          mkdirSync(rootDir, { recursive: true, mode: modes.passage });
          clearTheWay(rootDir, folder);
          mkdirSync(folder, { recursive: true, mode: modes.own });
          now = identityOf(folder);
        }
        if (before !== undefined && before !== now) isOther = true;
        if (now !== null) known.set(folder, now);
      }
      return isOther;
    },
  };
}

/** Whether a call failed because a folder on the path was gone, or was something else. */
export function isFolderGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '');
}

/** File systems give the number of a deleted folder to the next one that is made; its time of birth is another. */
function identityOf(folder: string): string | null {
  try {
    const stats = statSync(folder, { bigint: true });
    return stats.isDirectory() ? `${stats.dev}:${stats.ino}:${stats.birthtimeNs}` : null;
  } catch (error) {
    if (isFolderGone(error)) return null;
    throw error;
  }
}

/** The names are the agent's own: a file or a dangling link that has one is removed. A link to a folder is an operator's, and stays. */
function clearTheWay(rootDir: string, folder: string): void {
  const names = relative(rootDir, folder).split(sep);
  for (let depth = 1; depth <= names.length; depth += 1) {
    const path = join(rootDir, ...names.slice(0, depth));
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
    if (identityOf(path) === null) unlinkSync(path);
  }
}
