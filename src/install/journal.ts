/**
 * The journal of one Install: what recovery needs to know after the power was cut, and nothing else.
 *
 * One JSON text a line, each with its own checksum, synced to the disk before what it announces begins:
 *
 *   begin      which Install it is
 *   part       some of its operations, and of the times of what stays in place; as many as it takes
 *   begun      that was the whole list; from here on hidden files may exist
 *   staged     everything new is complete and durable under hidden names; from here on the tree changes
 *   committed  the new tree is complete and durable; from here on old files are thrown away
 *
 * No journal: nothing happened, or everything is done. Without `committed` recovery puts back the old tree, because the event was not
 * reported as a success. With it, recovery finishes the rest of the new one. A last line that is torn was not synced, so what it would have
 * announced has not begun. One that could not be synced is taken back before anything is undone.
 */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import type { InstallFs } from './install-fs.ts';
import type { CommitOperation } from './operations.ts';
import type { ObjectTimes } from './times.ts';
import { writeLines } from './writing.ts';

export interface JournalBegin {
  readonly deploymentGroupId: string;
  readonly deploymentId: string;
  readonly commit: readonly CommitOperation[];
  readonly folderRemovals: readonly string[];
  /** Where copies of changed files are put; journals of older versions have none. */
  readonly savedFilesDir?: string;
  /** Paths whose SELinux rule goes with the old tree; journals of older versions have none. */
  readonly staleContexts?: readonly string[];
  /** Times of the folders that the Install works in and of the files that it changes in place; journals of older versions have none. */
  readonly times?: readonly ObjectTimes[];
}

export type JournalState = 'staging' | 'committing' | 'committed';

export interface JournalContent {
  readonly begin: JournalBegin;
  readonly state: JournalState;
}

export interface JournalWriter {
  readonly path: string;
  append(record: 'staged' | 'committed'): void;
  /**
   * Before anything is undone: takes back a record that was written and could not be synced. Else a recovery would go on from it, in a tree
   * that is half undone.
   *
   * @throws Error of the disk; then nothing may be undone, and what the journal says is true
   */
  takeBack(): void;
  close(): void;
}

/** How many operations one line holds. Lines as long as a page of V8's would lie about until the next great collection. */
const PART_LENGTH = 50;

/** Starts a journal; when this returns, the whole list is durable. @throws if there is one already */
export function beginJournal(fs: InstallFs, path: string, begin: JournalBegin): JournalWriter {
  const file = fs.openSync(path, 'wx', 0o600);
  const append = (records: Iterable<object>) => {
    writeLines(fs, file, linesOf(records));
    fs.fsyncSync(file);
  };
  try {
    append(recordsOf(begin));
    syncFolder(fs, dirname(path));
  } catch (error) {
    fs.closeSync(file);
    fs.rmSync(path, { force: true });
    throw error;
  }
  let trueBytes = fs.fstatSync(file).size;
  return {
    path,
    append(record) {
      append([{ record }]);
      trueBytes = fs.fstatSync(file).size;
    },
    takeBack() {
      if (fs.fstatSync(file).size === trueBytes) return;
      // It takes no room, as another record would.
      fs.ftruncateSync(file, trueBytes);
      fs.fsyncSync(file);
    },
    close: () => fs.closeSync(file),
  };
}

function* recordsOf({ commit, times = [], ...begin }: JournalBegin): Generator<object> {
  yield { record: 'begin', ...begin };
  for (let at = 0; at < commit.length; at += PART_LENGTH) {
    yield { record: 'part', commit: commit.slice(at, at + PART_LENGTH) };
  }
  for (let at = 0; at < times.length; at += PART_LENGTH) {
    yield { record: 'part', times: times.slice(at, at + PART_LENGTH) };
  }
  yield { record: 'begun' };
}

function* linesOf(records: Iterable<object>): Generator<string> {
  for (const record of records) yield `${line(JSON.stringify(record))}\n`;
}

/** @returns null when not even the whole list was durable: then nothing of it has happened */
export function readJournal(fs: InstallFs, path: string): JournalContent | null {
  const lines = fs.readFileSync(path, 'utf8').split('\n').map(readLine);
  const [begin, ...rest] = lines.slice(0, lines.indexOf(null));
  if (begin?.record !== 'begin') return null;
  const names = rest.map((record) => record?.record);
  const state = names.includes('committed') ? 'committed' : names.includes('staged') ? 'committing' : 'staging';
  // Journals of older versions have the whole list in their first line.
  if (begin.commit !== undefined) return { begin: begin as unknown as JournalBegin, state };
  if (!names.includes('begun')) return null;
  const commit = rest.flatMap((record) => record?.commit ?? []);
  const times = rest.flatMap((record) => record?.times ?? []);
  return { begin: { ...(begin as unknown as JournalBegin), commit, times }, state };
}

export function removeJournal(fs: InstallFs, path: string): void {
  fs.rmSync(path, { force: true });
  syncFolder(fs, dirname(path));
}

/** Makes names in a folder durable, also of one that a trusted link leads to. A folder that is gone by now needs none. */
export function syncFolder(fs: InstallFs, path: string): void {
  let folder: number;
  try {
    folder = fs.openSync(`${path}/.`, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  try {
    fs.fsyncSync(folder);
  } finally {
    fs.closeSync(folder);
  }
}

function line(json: string): string {
  return `${createHash('sha256').update(json).digest('hex').slice(0, 16)} ${json}`;
}

interface JournalRecord {
  readonly record: string;
  readonly commit?: readonly CommitOperation[];
  readonly times?: readonly ObjectTimes[];
}

function readLine(text: string): JournalRecord | null {
  const json = text.slice(17);
  if (text === '' || line(json) !== text) return null;
  return JSON.parse(json) as JournalRecord;
}
