import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SlipwayError, systemErrorCode } from '../errors.ts';

/**
 * Lends a new folder that only this user can look into, and removes it with all that is in it, however the work ends.
 *
 * @throws SlipwayError TEMPORARY_FOLDER_UNUSABLE when it cannot be made, and when the work ends because nothing more fits into it
 */
export async function withScratchFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = newFolder();
  try {
    return await work(folder);
  } catch (error) {
    throw isForRoom(error) ? unusable('ENOSPC', error) : error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function newFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'slipway-'));
  } catch (error) {
    throw unusable(systemErrorCode(error), error);
  }
}

const FAULTS: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['is not there', 'Make it, or set TMPDIR to a folder that is there.'],
  ENOTDIR: ['is no folder', 'Set TMPDIR to a folder.'],
  EACCES: ['may not be written by this user', 'Set TMPDIR to a folder that this user may write to.'],
  EROFS: ['is on a file system that is mounted read-only', 'Set TMPDIR to a folder on another one.'],
  ENOSPC: ['has no room left', 'Make room there, or set TMPDIR to a folder that has room.'],
  EDQUOT: ['has no room left for this user', 'Make room there, or set TMPDIR to a folder that has room.'],
};

function unusable(code: string | null, cause: unknown): SlipwayError {
  const [fault, remedy] = FAULTS[code ?? ''] ?? [`cannot be used (${code})`, undefined];
  return new SlipwayError('TEMPORARY_FOLDER_UNUSABLE', `the folder for temporary files, ${tmpdir()}, ${fault}`, {
    cause,
    ...(remedy !== undefined && { remedy }),
  });
}

function isForRoom(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (['ENOSPC', 'EDQUOT'].includes(systemErrorCode(error) ?? '')) return true;
  }
  return false;
}
