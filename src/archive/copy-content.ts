import { constants, copyFileSync, existsSync, fstatSync, readSync, writeSync } from 'node:fs';

/** Below this, sharing takes longer than reading and writing. */
const SHARED_BYTES = 128 * 1024;
const PIECE_BYTES = 256 * 1024;
/** With setuid or setgid a copy would for a moment lend this user's own rights. */
const SET_ID_BITS = 0o6000;

/** Whether the file system has said already that it cannot share content. One for all files of a copy. */
export interface ShareContent {
  isRefused: boolean;
}

/**
 * Copies the content of one open file into another that is new and empty. Where the file system can, both share it until one of them is
 * written to (reflinks); else it is read and written.
 *
 * @param bytes no more than these, however long the file has grown meanwhile
 * @returns whether the copy has the mode of the original now, which sharing brings along
 */
export function copyContent(from: number, to: number, bytes: number, share: ShareContent): boolean {
  if (bytes >= SHARED_BYTES && !share.isRefused && isShareable(from)) {
    try {
      copyFileSync(descriptorPath(from), descriptorPath(to), constants.COPYFILE_FICLONE_FORCE);
      return true;
    } catch {
      share.isRefused = true;
      copyBytes(from, to, bytes);
      return true;
    }
  }
  copyBytes(from, to, bytes);
  return false;
}

function isShareable(from: number): boolean {
  return existsSync(descriptorPath(from)) && (fstatSync(from).mode & SET_ID_BITS) === 0;
}

function copyBytes(from: number, to: number, bytes: number): void {
  const buffer = Buffer.allocUnsafe(Math.min(bytes, PIECE_BYTES));
  for (let copied = 0; copied < bytes; ) {
    const read = readSync(from, buffer, 0, Math.min(buffer.length, bytes - copied), copied);
    if (read === 0) return;
    for (let written = 0; written < read; ) {
      written += writeSync(to, buffer, written, read - written, copied + written);
    }
    copied += read;
  }
}

function descriptorPath(file: number): string {
  return `/proc/self/fd/${file}`;
}
