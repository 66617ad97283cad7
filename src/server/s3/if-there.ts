/** Files and folders that may be gone already. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';

/** @returns null: there is no such file */
export function readIfThere(path: string): string | null {
  return ifThere(() => readFileSync(path, 'utf8'));
}

/** Names in a folder; none when there is no such folder. */
export function namesIn(folder: string): string[] {
  return ifThere(() => readdirSync(folder)) ?? [];
}

/** Removes what lies in a folder and has not changed since a time. @returns how much of it there was */
export async function removeOlder(folder: string, sinceMs: number): Promise<number> {
  const old = namesIn(folder).filter((name) => {
    const changedMs = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? sinceMs;
    return changedMs < sinceMs;
  });
  for (const name of old) await rm(join(folder, name), { recursive: true, force: true });
  return old.length;
}

/** @returns null: what it reads is not there */
export function ifThere<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}
