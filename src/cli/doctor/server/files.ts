/** The data folder, the bundle store and what is in them: whether the server can work there, and how full their disks are. */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { shellCommand } from '../../../system/shell-word.ts';
import { canChangeAs, canWriteAs } from '../access.ts';
import { type Finding, fail } from '../check.ts';
import { type FolderFacts, lookAtFolder, lookAtTmp, nearestOf } from '../folder.ts';
import { fullness, lookAtRoom } from '../room.ts';

/** Files that only the server writes: a file of another user's locks it out. */
const OWN_FILES = ['slipway.db', 'slipway.db-wal', 'slipway.db-shm'];

export function lookAtServerFiles(dataDir: string, facts: Omit<FolderFacts, 'move' | 'danger'>): Finding[] {
  const ofServer: FolderFacts = {
    ...facts,
    move: 'move the folder (--data-dir)',
    danger: 'whoever writes there decides what hosts run.',
  };
  const store = join(dataDir, 's3');
  const folders = existsSync(store) ? [dataDir, store] : [dataDir];
  return [
    ...folders.map((path) => lookAtFolder(path, ofServer)),
    ...foreignFiles(dataDir, facts.user),
    ...lookAtDisks(folders),
    ...(facts.env['TMPDIR'] ? lookAtTmp(ofServer, 'the server’s') : []),
  ];
}

/** Finds files that are closed to the server’s user because root has made them, by putting a copy back or running a program. */
function foreignFiles(dataDir: string, user: string | null): Finding[] {
  // That the whole folder is closed is said of the folder.
  if (canWriteAs(nearestOf(dataDir), user) !== true) return [];
  const closed = OWN_FILES.map((name) => join(dataDir, name)).filter(
    (file) => existsSync(file) && canChangeAs(file, user) === false,
  );
  if (closed.length === 0) return [];
  const who = user ?? 'this user';
  const remedy = `Give the server’s user what is its own: \`${shellCommand('chown', '-R', `${user ?? 'USER'}:`, dataDir)}\`.`;
  return [fail(`folder ${dataDir}`, `${closed.join(', ')} cannot be written by ${who}`, remedy)];
}

function lookAtDisks(folders: readonly string[]): Finding[] {
  const seen = new Set<number>();
  return folders.flatMap((path) => {
    const nearest = nearestOf(path);
    const { dev } = statSync(nearest);
    if (seen.has(dev)) return [];
    seen.add(dev);
    const full = fullness(nearest, OLD_BUNDLES);
    return [
      full === null ? lookAtRoom(path, nearest, MAKE_ROOM) : fail('disk', `${full.detail} for ${path}`, full.remedy),
    ];
  });
}

const OLD_BUNDLES =
  'Bundles that nobody deploys any more can be deleted by any S3 client; the server goes on by itself when there is room.';
const MAKE_ROOM = 'Make room before it is full: without it neither deployments nor uploads are taken.';
