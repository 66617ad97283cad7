/** Copies one object, under a hidden name, complete with owner, mode and times. */
import { constants } from 'node:fs';
import { type AclTool, setAttributes } from './attributes.ts';
import { heldByDescriptor } from './held-folders.ts';
import type { InstallFs } from './install-fs.ts';
import { createNewFiles, type NewFiles, UNFINISHED_MODE } from './new-files.ts';
import type { StagingStep } from './operations.ts';
import { createReflink, type Reflink } from './reflink.ts';
import { writeAll } from './writing.ts';

export type CopyStep = Extract<StagingStep, { step: 'copy' }>;

/** Large enough that system calls do not count, small enough to be nothing in memory. */
const COPY_BYTES = 256 * 1024;
/** Largest file that is written by one call, in bytes. */
const SMALL_BYTES = 64 * 1024;
/** `O_NONBLOCK`: a pipe that somebody puts in a file's place must not hold up the Install. */
const OPEN_SOURCE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** How content comes into a new file, shared where the file systems can, else read and written; and when it needs another owner. */
export interface CopyWays {
  readonly reflink: Reflink;
  readonly buffer: Buffer;
  readonly newFiles: NewFiles;
}

export function createCopyWays(fs: InstallFs): CopyWays {
  return {
    reflink: createReflink(fs),
    buffer: Buffer.allocUnsafe(COPY_BYTES),
    newFiles: createNewFiles(),
  };
}

/** @param tools for files whose ACL is set */
export function copyNew(fs: InstallFs, tools: AclTool, step: CopyStep, ways: CopyWays): void {
  const { permission, source, temp } = step;
  if (step.kind === 'symlink') {
    copyLink(fs, source, temp, ways);
    return;
  }
  const given = permission && {
    set: (file: number) => setAttributes(tools, heldByDescriptor(fs, file, temp), permission),
    // The AppSpec file's mode may be narrower: whom it keeps out never gets in.
    keepsMode: permission.mode === null,
  };
  copyFile(fs, source, temp, ways, given ?? { keepsMode: true });
}

/** Mode and owner that a copy gets. */
export interface Finish {
  /** Whether the copy gets the mode of the original; else it is the agent's alone. */
  readonly keepsMode: boolean;
  /** Sets what the AppSpec file says of it, while it is open. */
  set?(file: number): void;
}

/**
 * Content, mode, times and, for root, owner and group, whatever group the folder gives; through descriptors, which saves looking up the path
 * again for each. No link is followed, and with `wx` whatever has the hidden name is not ours and is not written into.
 */
export function copyFile(fs: InstallFs, source: string, temp: string, ways: CopyWays, finish: Finish): void {
  const { newFiles } = ways;
  const from = fs.openSync(source, OPEN_SOURCE);
  try {
    const stats = fs.fstatSync(from);
    const mode = stats.mode & 0o7777;
    // A large copy is not open to others before it is whole; a small one is whole at once.
    const isPlain = finish.keepsMode && finish.set === undefined && stats.size <= SMALL_BYTES;
    const opened = isPlain ? newFiles.modeToOpen(temp, stats) : UNFINISHED_MODE;
    const to = fs.openSync(temp, 'wx', opened);
    const look = () => fs.fstatSync(to);
    try {
      if (!ways.reflink(from, stats, to, opened)) copyBytes(fs, from, stats.size, to, ways.buffer);
      if (newFiles.mustBeGiven(temp, stats, look)) fs.fchownSync(to, stats.uid, stats.gid);
      if (finish.keepsMode && !newFiles.hasMode(temp, opened, mode, look)) fs.fchmodSync(to, mode);
      finish.set?.(to);
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

export function copyLink(fs: InstallFs, source: string, temp: string, { newFiles }: CopyWays): void {
  const stats = fs.lstatSync(source);
  fs.symlinkSync(fs.readlinkSync(source), temp);
  if (newFiles.mustBeGiven(temp, stats, () => fs.lstatSync(temp))) fs.lchownSync(temp, stats.uid, stats.gid);
  fs.lutimesSync(temp, stats.atimeMs / 1000, stats.mtimeMs / 1000);
}
