/**
 * The renames that turn the old tree into the new one, and their reverse.
 *
 * Every operation leaves on the disk itself a sign that it was done. So undoing needs no record of how far the commit came: it looks, and
 * puts right. That makes it safe to undo twice, or from the middle.
 */
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { type AttributeTools, applyPermission, restoreAttributes, restoreContext } from './attributes.ts';
import { inBatches } from './batches.ts';
import type { Crew } from './crew.ts';
import { installFault } from './install-fault.ts';
import type { InstallFs } from './install-fs.ts';
import { type JournalBegin, type JournalState, syncFolder } from './journal.ts';
import type { CommitOperation, Operations, TouchedAttributes } from './operations.ts';
import { discardReplaced, exists, type PlaceOperation, placeNew } from './place.ts';
import { restoreTimes } from './times.ts';

export async function commitAll(
  fs: InstallFs,
  tools: AttributeTools,
  { commit, apart }: Pick<Operations, 'commit' | 'apart'>,
  crew: Crew,
): Promise<void> {
  const inOrder = (operations: readonly CommitOperation[]) => {
    for (const operation of operations) {
      try {
        commitOne(fs, tools, operation);
      } catch (cause) {
        const what = operation.op === 'remove' ? 'remove' : 'put in place';
        throw installFault(cause, `could not ${what} ${operation.path}`);
      }
    }
  };
  inOrder(commit.slice(0, apart.from));
  for (const items of inBatches(placedApart(commit, apart), ({ path }) => path)) crew.work({ work: 'place', items });
  await crew.settled();
  inOrder(commit.slice(apart.to));
}

function* placedApart(
  commit: readonly CommitOperation[],
  { from, to }: Operations['apart'],
): Generator<PlaceOperation> {
  for (let at = from; at < to; at += 1) {
    const operation = commit[at];
    if (operation?.op === 'place') yield operation;
  }
}

function commitOne(fs: InstallFs, tools: AttributeTools, operation: CommitOperation): void {
  switch (operation.op) {
    case 'place':
      placeNew(fs, operation);
      return;
    case 'remove':
      fs.renameSync(operation.path, operation.backup);
      return;
    case 'attributes':
      applyPermission(fs, tools, operation.path, operation.permission);
      return;
    case 'context':
      tools.setContext(operation.path, operation.context, operation.before.rule);
      return;
    case 'touch':
      touch(fs, operation.path, operation.after);
      return;
  }
}

/**
 * Through a descriptor that follows no link: the path may have another owner. Mode first, the time is what is read last. Values that are as
 * they should be are left alone: an immutable file takes neither, and undoing what was never done must not fail on it.
 */
function touch(fs: InstallFs, path: string, { mode, mtimeMs }: TouchedAttributes): void {
  const file = fs.openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const now = fs.fstatSync(file);
    if ((now.mode & 0o7777) !== mode) fs.fchmodSync(file, mode);
    if (now.mtimeMs !== mtimeMs) fs.futimesSync(file, now.atimeMs / 1000, mtimeMs / 1000);
  } finally {
    fs.closeSync(file);
  }
}

/**
 * Puts back the old tree exactly. Content, mode, owner, times, ACLs and other extended attributes come back with the inodes. Changes to
 * objects that stay in place are put back from the journal.
 */
export function rollBack(
  fs: InstallFs,
  tools: AttributeTools,
  begin: JournalBegin,
  state: Exclude<JournalState, 'committed'>,
): void {
  for (const operation of [...begin.commit].reverse()) {
    if (state === 'committing') undoOne(fs, tools, operation);
    if (operation.op === 'place') fs.rmSync(operation.temp, { recursive: true, force: true });
  }
  if (begin.savedFilesDir !== undefined) fs.rmSync(begin.savedFilesDir, { recursive: true, force: true });
  restoreTimes(fs, begin.times ?? []);
  for (const folder of foldersOf(begin)) syncFolder(fs, folder);
}

function undoOne(fs: InstallFs, tools: AttributeTools, operation: CommitOperation): void {
  switch (operation.op) {
    case 'place':
      // The hidden name is gone exactly when the new object has come to its place.
      if (operation.backup === null) {
        if (!exists(fs, operation.temp)) fs.rmSync(operation.path, { recursive: true, force: true });
      } else if (exists(fs, operation.backup)) {
        // Neither a folder can be renamed over a file nor a file over a folder.
        const moveAway = isFolder(fs, operation.path) || isFolder(fs, operation.backup);
        if (moveAway && exists(fs, operation.path)) fs.renameSync(operation.path, operation.temp);
        fs.renameSync(operation.backup, operation.path);
        // Two names of one file: renaming one over the other does nothing and leaves both.
        fs.rmSync(operation.backup, { recursive: true, force: true });
      }
      return;
    case 'remove':
      if (exists(fs, operation.backup)) fs.renameSync(operation.backup, operation.path);
      return;
    case 'attributes':
      if (exists(fs, operation.path)) restoreAttributes(fs, tools, operation.path, operation.before);
      return;
    case 'context':
      restoreContext(fs, tools, operation.path, operation.before);
      return;
    case 'touch':
      if (exists(fs, operation.path)) touch(fs, operation.path, operation.before);
      return;
  }
}

/** Throws away what the new tree has replaced. It may be repeated from any point. */
export function discardOld(fs: InstallFs, tools: AttributeTools, begin: JournalBegin): void {
  for (const operation of begin.commit) {
    if (operation.op === 'place' || operation.op === 'remove') discardReplaced(fs, operation);
  }
  for (const folder of begin.folderRemovals) removeIfEmpty(fs, folder);
  for (const path of begin.staleContexts ?? []) tools.dropContext(path);
}

/** The same, by as many threads as there are. */
export async function discardWithCrew(
  fs: InstallFs,
  tools: AttributeTools,
  begin: JournalBegin,
  apart: Operations['apart'],
  crew: Crew,
): Promise<void> {
  const { commit } = begin;
  for (const items of inBatches(placedApart(commit, apart), ({ path }) => path)) crew.work({ work: 'discard', items });
  await crew.settled();
  discardOld(fs, tools, { ...begin, commit: [...commit.slice(0, apart.from), ...commit.slice(apart.to)] });
}

function removeIfEmpty(fs: InstallFs, folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch (error) {
    // Somebody has put something there, mounted something on it, or took the folder away: each is their right.
    if (!['ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw error;
  }
}

/** Folders whose names the commit changes. */
export function foldersOf(begin: Pick<JournalBegin, 'commit'>): string[] {
  return [...new Set(begin.commit.flatMap(({ op, path }) => (op === 'place' || op === 'remove' ? dirname(path) : [])))];
}

function isFolder(fs: InstallFs, path: string): boolean {
  return exists(fs, path) && fs.lstatSync(path).isDirectory();
}
