import { writeSync } from 'node:fs';
import { systemErrorCode } from '../errors.ts';
import { archiveError } from './problems.ts';

/** Names the entry at which the disk refused, if there is one. @throws SlipwayError ARCHIVE_DISK_FULL, ARCHIVE_CANNOT_WRITE */
export function onDisk<T>(name: string | null, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw archiveError('ARCHIVE_DISK_FULL', name, 'does not fit: the disk is full', { cause });
    }
    throw archiveError(
      'ARCHIVE_CANNOT_WRITE',
      name,
      `cannot be written: ${cause instanceof Error ? cause.message : code}`,
      { cause },
    );
  }
}

/** @param position where to begin in the file; null: where the last write has ended */
export function writeAll(file: number, content: Uint8Array, position: number | null): void {
  for (let written = 0; written < content.length; ) {
    const at = position === null ? null : position + written;
    written += writeSync(file, content, written, content.length - written, at);
  }
}
