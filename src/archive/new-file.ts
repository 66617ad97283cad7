/** New files of a revision, with the attributes that their entries say. */
import { closeSync, fchmodSync, fchownSync, futimesSync, openSync } from 'node:fs';
import { onDisk, writeAll } from './on-disk.ts';

export interface NewFile {
  /** As the entry calls it, for errors. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly mode: number;
  /** null: the agent's own user. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** undefined: the time at which it was written. */
  readonly mtimeMs: number | undefined;
}

/**
 * Opens a file that must be new. With `wx`, because truncating a file makes ext4 write it back at close.
 *
 * @returns its descriptor
 */
export function openNew({ name, path, mode, owner }: NewFile): number {
  // Not for others to read before it is its owner's.
  return onDisk(name, () => openSync(path, 'wx', owner === null ? mode : 0o600));
}

/**
 * Gives a written file what its entry says of it. The caller closes it.
 *
 * @param grantedBits permission bits that a new file really gets here when it asks for all
 * @param hasOtherMode whether something beside `openNew` has set its mode
 */
export function finishNew(
  file: number,
  { mode, owner, mtimeMs }: NewFile,
  grantedBits: number,
  hasOtherMode = false,
): void {
  if (owner !== null) fchownSync(file, owner.uid, owner.gid);
  if (owner !== null || hasOtherMode || (mode & ~grantedBits) !== 0) fchmodSync(file, mode);
  if (mtimeMs !== undefined) futimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
}

/** Makes a whole file. @throws SlipwayError ARCHIVE_… naming its entry */
export function writeNew(facts: NewFile, content: Uint8Array, grantedBits: number): void {
  const file = openNew(facts);
  try {
    onDisk(facts.name, () => {
      writeAll(file, content, null);
      finishNew(file, facts, grantedBits);
    });
  } finally {
    closeSync(file);
  }
}
