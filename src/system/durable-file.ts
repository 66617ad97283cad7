import { randomInt } from 'node:crypto';
import {
  closeSync,
  fdatasync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemErrorCode } from '../errors.ts';

/** Enough that two files of one name are told apart. */
const MAX_CHANCE = 2 ** 32;

/**
 * Replaces `path` by `content` so that after a power cut it holds the old text or the new one, never a part. It writes a temporary file in
 * the same folder, syncs it, renames it, and syncs the folder.
 */
export function writeFileDurably(path: string, content: string | Uint8Array, mode = 0o644): void {
  putDurably(path, content, mode, renameSync);
}

/** The same while everybody else in this process is served. Nobody else may write to the same path meanwhile. */
export async function writeFileDurablyAsync(path: string, content: string, mode = 0o644): Promise<void> {
  const temporary = temporaryFor(path);
  try {
    const file = await open(temporary, 'w', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolderAsync(dirname(path));
}

/** `syncFolder` while everybody else in this process is served. */
export async function syncFolderAsync(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The same for readers of now alone: after a power cut the file may hold nothing. */
export function replaceFile(path: string, content: string, mode = 0o644): void {
  write(path, content, mode, renameSync, () => undefined);
}

/**
 * Adds text to a file, made if there is none, for readers of now; while it comes to the disk everybody else in this process is served. A
 * power cut before that leaves what was there, and of the text nothing, a part, or zeros.
 *
 * @returns settled when it is on the disk
 * @throws at once when it cannot be written
 */
export function appendText(path: string, text: string): Promise<void> {
  const file = openSync(path, 'a', 0o644);
  try {
    writeAll(file, Buffer.from(text));
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return new Promise((resolve, reject) => {
    fdatasync(file, (error) => {
      closeSync(file);
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** `writeFileDurably` for a file that is not there yet. @returns whether it was made: if there is one already, that one stays */
export function createFileDurably(path: string, content: string, mode = 0o644): boolean {
  try {
    putDurably(path, content, mode, (temporary) => {
      linkSync(temporary, path);
      rmSync(temporary);
    });
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function putDurably(
  path: string,
  content: string | Uint8Array,
  mode: number,
  put: (temporary: string, path: string) => void,
): void {
  write(path, content, mode, put, fsyncSync);
  syncFolder(dirname(path));
}

function write(
  path: string,
  content: string | Uint8Array,
  mode: number,
  put: (temporary: string, path: string) => void,
  sync: (file: number) => void,
): void {
  const temporary = temporaryFor(path);
  try {
    const file = openSync(temporary, 'w', mode);
    try {
      writeAll(file, typeof content === 'string' ? Buffer.from(content) : content);
      sync(file);
    } finally {
      closeSync(file);
    }
    put(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

/** Processes of several machines or containers, which may have the same number, share folders: chance tells their files apart. */
function temporaryFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}${randomInt(MAX_CHANCE)}.tmp`);
}

/**
 * Removes what `writeFileDurably` was at when its process was cut off.
 *
 * @param beforeMs only what was last written before this time; without it nobody else may write in the folder
 */
export function removeUnfinished(folder: string, beforeMs = Number.POSITIVE_INFINITY): void {
  const unfinished = readdirSync(folder).filter((name) => /^\..+\.\d+\.tmp$/.test(name));
  for (const name of unfinished) {
    const path = join(folder, name);
    const writtenMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? beforeMs;
    if (writtenMs < beforeMs) rmSync(path, { force: true });
  }
}

/** Makes the names in a folder durable: renames and removals in it survive a power cut from here on. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
