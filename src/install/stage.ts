import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { type AttributeTools, applyPermission, setAttributes } from './attributes.ts';
import { createWriteAhead } from './durability.ts';
import { createFileSyncs } from './file-syncs.ts';
import { heldByDescriptor } from './held-folders.ts';
import { installFault } from './install-fault.ts';
import type { InstallFs } from './install-fs.ts';
import { syncFolder, writeAll, writeLines } from './journal.ts';
import type { StagingStep } from './operations.ts';
import { createMustBeGiven, type MustBeGiven } from './owner-of-new.ts';
import { createReflink, type Reflink } from './reflink.ts';

/** Not for others to read before it is its owner's and has its mode. */
const UNFINISHED_MODE = 0o600;
/** Large enough that system calls do not count, small enough to be nothing in memory. */
const COPY_BYTES = 256 * 1024;
/** `O_NONBLOCK`: a pipe that somebody puts in a file's place must not hold up the Install. */
const OPEN_SOURCE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface StagingOptions {
  /** Files and new folders are durable when this is done; their hidden names in folders that stay are not. */
  readonly syncsEach: boolean;
  readonly signal?: AbortSignal;
}

/** Builds everything new under its hidden name, complete with owner, mode and times. */
export async function stageAll(
  fs: InstallFs,
  tools: AttributeTools,
  steps: Iterable<StagingStep>,
  { syncsEach, signal }: StagingOptions,
): Promise<void> {
  const ways: CopyWays = {
    reflink: createReflink(fs),
    buffer: Buffer.allocUnsafe(COPY_BYTES),
    mustBeGiven: createMustBeGiven(),
  };
  const folders: string[] = [];
  await using syncs = syncsEach ? createFileSyncs(fs) : null;
  const writeAhead = createWriteAhead();
  for (const step of steps) {
    signal?.throwIfAborted();
    try {
      stageOne(fs, tools, step, ways);
    } catch (cause) {
      throw installFault(
        cause,
        `${step.step === 'copy' ? `${step.source} could not be copied to` : 'could not write'} ${step.temp}`,
      );
    }
    if (step.step === 'folder') folders.push(step.temp);
    else if (step.step === 'permission') continue;
    else if (syncs === null) writeAhead(step.temp);
    else await syncs.begin(step.temp);
  }
  await syncs?.allDone();
  if (syncsEach) for (const folder of folders.reverse()) syncFolder(fs, folder);
}

/** How content comes into a new file, shared where the file systems can, else read and written; and when it needs another owner. */
interface CopyWays {
  readonly reflink: Reflink;
  readonly buffer: Buffer;
  readonly mustBeGiven: MustBeGiven;
}

function stageOne(fs: InstallFs, tools: AttributeTools, step: StagingStep, ways: CopyWays): void {
  switch (step.step) {
    case 'folder':
      fs.mkdirSync(step.temp, { mode: 0o755 });
      return;
    case 'copy':
      if (step.kind === 'symlink') copyLink(fs, step.source, step.temp, ways);
      else {
        copyFile(fs, step.source, step.temp, ways, (file, mode) => {
          // The AppSpec file's mode may be narrower: whom it keeps out never gets in.
          if (step.permission === null || step.permission.mode === null) fs.fchmodSync(file, mode);
          if (step.permission !== null) setAttributes(tools, heldByDescriptor(fs, file, step.temp), step.permission);
        });
      }
      return;
    case 'save':
      fs.mkdirSync(dirname(step.temp), { recursive: true, mode: 0o700 });
      if (fs.lstatSync(step.path).isSymbolicLink()) copyLink(fs, step.path, step.temp, ways);
      else {
        // What somebody else may not have been allowed to read stays with the agent.
        copyFile(fs, step.path, step.temp, ways, () => undefined);
      }
      return;
    case 'text':
      writeText(fs, step.temp, step.lines);
      return;
    case 'permission':
      applyPermission(fs, tools, step.temp, step.permission);
      return;
  }
}

/**
 * Content, mode, times and, for root, owner and group, whatever group the folder gives; through descriptors, which saves looking up the path
 * again for each. No link is followed, and with `wx` whatever has the hidden name is not ours and is not written into.
 *
 * @param complete is given the copy, still open and for its owner alone, and the mode of the original
 */
function copyFile(
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

function copyLink(fs: InstallFs, source: string, temp: string, { mustBeGiven }: CopyWays): void {
  const stats = fs.lstatSync(source);
  fs.symlinkSync(fs.readlinkSync(source), temp);
  if (mustBeGiven(stats, temp, () => fs.lstatSync(temp))) fs.lchownSync(temp, stats.uid, stats.gid);
  fs.lutimesSync(temp, stats.atimeMs / 1000, stats.mtimeMs / 1000);
}

function writeText(fs: InstallFs, temp: string, lines: Iterable<string>): void {
  const file = fs.openSync(temp, 'wx', 0o644);
  try {
    writeLines(fs, file, lines);
  } finally {
    fs.closeSync(file);
  }
}
