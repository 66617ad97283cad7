/**
 * Folders in which the pipes of a script have names, for the moment until they are opened.
 *
 * A process killed in that moment leaves a folder behind. Its name says whose it is: the PID namespace, the pid and the start time of its
 * maker. The agent removes only folders that belong to this user, hold nothing but pipes, and whose maker is gone. Others may have made
 * folders and links with such names in shared places.
 */
import {
  type Dirent,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { opendir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mayStillRun, startTimeOf } from '../system/processes.ts';

/** Where everybody may make pipes; in memory first: a full disk must not keep a script from running. */
export const SHARED_FOLDERS: readonly string[] = ['/dev/shm', tmpdir()];

const PREFIX = 'slipway-pipes-';
const NAME = /^slipway-pipes-(\d+)-(\d+)-(\d+)-\w{6}$/;
/** As they were called before the name said whose they are; only in the agent's own folder such a name means anything. */
const FORMER_NAME = /^slipway-\w{6}$/;
/** A folder whose maker cannot be known (of another container, of a former version) is left behind when it is older than this. */
const LEFT_BEHIND_MS = 60 * 60_000;
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/** Makes a folder that nobody else may enter, with a name that says whose it is. */
export function makePipeFolder(parent: string): string {
  return mkdtempSync(join(parent, `${PREFIX}${pidNamespace()}-${process.pid}-${startTimeOf(process.pid) ?? 0}-`));
}

/** Removes what makers that are gone have left in the agent's own folder. @returns the paths that were removed */
export function sweepOwnFolder(folder: string, nowMs = Date.now()): readonly string[] {
  if (!isSafeParent(folder)) return [];
  const names = namesIn(folder).filter((name) => NAME.test(name) || FORMER_NAME.test(name));
  return names.map((name) => join(folder, name)).filter((path) => removeLeftBehind(path, nowMs));
}

/** The same in folders where everybody may write, which may hold very many names. */
export async function sweepSharedFolders(
  folders: readonly string[] = SHARED_FOLDERS,
  nowMs = Date.now(),
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const folder of new Set(folders)) {
    if (!isSafeParent(folder)) continue;
    for await (const { name } of entriesOf(folder)) {
      const path = join(folder, name);
      if (NAME.test(name) && removeLeftBehind(path, nowMs)) removed.push(path);
    }
  }
  return removed;
}

async function* entriesOf(folder: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(folder);
  } catch {
    // What cannot be listed cannot be swept.
  }
}

/** Whether nobody else can put something in the place of what was looked at. */
function isSafeParent(folder: string): boolean {
  const stats = lstatOf(folder);
  if (stats === null || !stats.isDirectory()) return false;
  const isOurs = stats.uid === 0 || stats.uid === process.geteuid?.();
  return isOurs && ((stats.mode & WRITABLE_BY_OTHERS) === 0 || (stats.mode & STICKY) !== 0);
}

function removeLeftBehind(path: string, nowMs: number): boolean {
  const stats = lstatOf(path);
  if (stats === null || !stats.isDirectory() || stats.uid !== process.geteuid?.()) return false;
  if (!isLeftBehind(path, nowMs - stats.mtimeMs)) return false;
  try {
    const pipes = readdirSync(path, { withFileTypes: true });
    if (!pipes.every((entry) => entry.isFIFO())) return false;
    for (const { name } of pipes) unlinkSync(join(path, name));
    rmdirSync(path);
    return true;
  } catch {
    // Somebody else removes it, or has put something there meanwhile.
    return false;
  }
}

function isLeftBehind(path: string, ageMs: number): boolean {
  const [, namespace, pid, startTime] = NAME.exec(path.slice(path.lastIndexOf('/') + 1)) ?? [];
  const own = pidNamespace();
  if (own === '0' || namespace !== own) return ageMs > LEFT_BEHIND_MS;
  return !mayStillRun(Number(pid), startTime === '0' ? null : (startTime ?? null));
}

/** A number that all processes of this container have; 0 where the system does not say. */
function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function lstatOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}
