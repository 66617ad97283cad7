import { closeSync, fsyncSync, linkSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemErrorCode } from '../errors.ts';

/**
 * Replaces `path` by `content` so that after a power cut it holds the old text or the new one, never a part: temporary file in
 * the same folder, fsync, rename, fsync of the folder.
 */
export function writeFileDurably(path: string, content: string | Uint8Array, mode = 0o644): void {
  putDurably(path, content, mode, renameSync);
}

/** The same for readers of now alone: after a power cut the file may hold nothing. */
export function replaceFile(path: string, content: string, mode = 0o644): void {
  write(path, content, mode, renameSync, () => undefined);
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
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = openSync(temporary, 'w', mode);
    try {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      let written = 0;
      while (written < bytes.length) written += writeSync(file, bytes, written);
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

/** Removes what `writeFileDurably` was at when its process was cut off. Nobody else may write in the folder. */
export function removeUnfinished(folder: string): void {
  const unfinished = readdirSync(folder).filter((name) => /^\..+\.\d+\.tmp$/.test(name));
  for (const name of unfinished) rmSync(join(folder, name), { force: true });
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
