/** Content on its way into the store: a file that is nobody's until it is complete and on the disk. */
import { createHash } from 'node:crypto';
import { closeSync, fsync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemErrorCode } from '../../errors.ts';

export interface IncomingFile {
  readonly sizeBytes: number;
  /** Where it lies for now. */
  readonly path: string;
  write(chunk: Uint8Array): void;
  /** The MD5 of what was written, in hex. */
  md5(): string;
  /** Waits until it is on the disk, which may take seconds, and meanwhile everybody else is served. Nothing is written afterwards. */
  settle(): Promise<void>;
  discard(): void;
}

/** @param path of a file that does not exist */
export function openIncoming(path: string): IncomingFile {
  let file: number | null = openSync(path, 'wx', 0o600);
  const hash = createHash('md5');
  let sum: string | null = null;
  let sizeBytes = 0;
  const close = () => {
    if (file !== null) closeSync(file);
    file = null;
  };
  return {
    path,
    get sizeBytes() {
      return sizeBytes;
    },
    write(chunk) {
      if (file === null) throw new Error('the content is complete already');
      for (let written = 0; written < chunk.length; )
        written += writeSync(file, chunk, written, chunk.length - written);
      hash.update(chunk);
      sizeBytes += chunk.length;
    },
    md5() {
      sum ??= hash.digest('hex');
      return sum;
    },
    async settle() {
      if (file !== null) await promisify(fsync)(file);
      close();
    },
    discard() {
      close();
      rmSync(path, { force: true });
    },
  };
}

/** @returns null: there is no such file */
export function readIfThere(path: string): string | null {
  return ifThere(() => readFileSync(path, 'utf8'));
}

/** Names in a folder; none when there is no such folder. */
export function namesIn(folder: string): string[] {
  return ifThere(() => readdirSync(folder)) ?? [];
}

/** Removes what lies in a folder and has not changed since a time. @returns how much of it there was */
export function removeOlder(folder: string, sinceMs: number): number {
  const old = namesIn(folder).filter((name) => {
    const changedMs = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? sinceMs;
    return changedMs < sinceMs;
  });
  for (const name of old) rmSync(join(folder, name), { recursive: true, force: true });
  return old.length;
}

function ifThere<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}
