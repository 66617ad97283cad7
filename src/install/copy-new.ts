/** Copies one object, under a hidden name, complete with owner, mode and times. */
import { constants } from 'node:fs';
import { type AclTool, setAttributes } from './attributes.ts';
import { heldByDescriptor } from './held-folders.ts';
import type { InstallFs } from './install-fs.ts';
import type { StagingStep } from './operations.ts';
import { createMustBeGiven, type MustBeGiven } from './owner-of-new.ts';
import { createReflink, type Reflink } from './reflink.ts';
import { writeAll } from './writing.ts';

export type CopyStep = Extract<StagingStep, { step: 'copy' }>;

/** Not for others to read before it is its owner's and has its mode. */
const UNFINISHED_MODE = 0o600;
/** Large enough that system calls do not count, small enough to be nothing in memory. */
const COPY_BYTES = 256 * 1024;
/** `O_NONBLOCK`: a pipe that somebody puts in a file's place must not hold up the Install. */
const OPEN_SOURCE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** How content comes into a new file, shared where the file systems can, else read and written; and when it needs another owner. */
export interface CopyWays {
  readonly reflink: Reflink;
  readonly buffer: Buffer;
  readonly mustBeGiven: MustBeGiven;
}

export function createCopyWays(fs: InstallFs): CopyWays {
  return {
    reflink: createReflink(fs),
    buffer: Buffer.allocUnsafe(COPY_BYTES),
    mustBeGiven: createMustBeGiven(),
  };
}

/** @param tools for files whose ACL is set */
export function copyNew(fs: InstallFs, tools: AclTool, step: CopyStep, ways: CopyWays): void {
  const { permission, source, temp } = step;
  if (step.kind === 'symlink') {
    copyLink(fs, source, temp, ways);
    return;
  }
  copyFile(fs, source, temp, ways, (file, mode) => {
    // The AppSpec file's mode may be narrower: whom it keeps out never gets in.
    if (permission === null || permission.mode === null) fs.fchmodSync(file, mode);
    if (permission !== null) setAttributes(tools, heldByDescriptor(fs, file, temp), permission);
  });
}

/**
 * Content, mode, times and, for root, owner and group, whatever group the folder gives; through descriptors, which saves looking up the path
 * again for each. No link is followed, and with `wx` whatever has the hidden name is not ours and is not written into.
 *
 * @param complete is given the copy, still open and for its owner alone, and the mode of the original
 */
export function copyFile(
  fs: InstallFs,
  source: string,
  temp: string,
  ways: CopyWays,
  complete: (file: number, mode: number) => void,
): void {
  const from = fs.openSync(source, OPEN_SOURCE);
  try {
    const stats = fs.fstatSync(from);
    const to = fs.openSync(temp, 'wx', UNFINISHED_MODE);
    try {
      if (!ways.reflink(from, stats, to, UNFINISHED_MODE)) copyBytes(fs, from, stats.size, to, ways.buffer);
      if (ways.mustBeGiven(stats, temp, () => fs.fstatSync(to))) fs.fchownSync(to, stats.uid, stats.gid);
      complete(to, stats.mode & 0o7777);
      fs.futimesSync(to, stats.atimeMs / 1000, stats.mtimeMs / 1000);
    } finally {
      fs.closeSync(to);
    }
  } finally {
    fs.closeSync(from);
  }
}

function copyBytes(fs: InstallFs, from: number, sizeBytes: number, to: number, buffer: Buffer): void {
  for (let copied = 0; copied < sizeBytes; ) {
    const read = fs.readSync(from, buffer, 0, buffer.length, null);
    if (read === 0) break;
    writeAll(fs, to, read === buffer.length ? buffer : buffer.subarray(0, read));
    copied += read;
  }
}

export function copyLink(fs: InstallFs, source: string, temp: string, { mustBeGiven }: CopyWays): void {
  const stats = fs.lstatSync(source);
  fs.symlinkSync(fs.readlinkSync(source), temp);
  if (mustBeGiven(stats, temp, () => fs.lstatSync(temp))) fs.lchownSync(temp, stats.uid, stats.gid);
  fs.lutimesSync(temp, stats.atimeMs / 1000, stats.mtimeMs / 1000);
}
