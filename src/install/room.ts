/**
 * Whether what an Install writes has room: bytes and inodes on each file system that it touches, held against what is free. Pure.
 *
 * Replaced files free nothing, because the old tree is kept until the new one is complete. Savings by reflinks are not counted. Whether
 * there are any shows only when it is tried, and a copy that is written to later takes its room after all.
 */
import { dirname } from 'node:path/posix';
import type { InstallPlan, PlanProblem, TreeView } from './types.ts';

/** A file system, as far as room goes. */
export interface FileSystem {
  /** The same for two paths exactly when they share the room. */
  readonly id: string;
  readonly mountPoint: string;
  readonly blockBytes: number;
  /** Bytes that the agent's own user may still write. */
  readonly freeBytes: number;
  /** null: the file system makes them as they are needed. */
  readonly freeInodes: number | null;
}

/** Facts that the planner needs to check the new tree against the disk. */
export interface RoomInput {
  /** The file system that a folder is on, or would be made on. */
  fileSystemOf(folder: string): FileSystem;
  /** Where copies of changed files are put. */
  readonly savedFilesDir: string;
  /** Where the journal and the lists of what was installed are. */
  readonly instructionsDir: string;
}

interface Needed {
  readonly fileSystem: FileSystem;
  readonly firstPath: string;
  bytes: number;
  inodes: number;
}

/** Many file systems round up to this; network ones name what they like to transfer, which is far more than a file's end takes. */
const LARGEST_BLOCK = 4096;
/** A link that is shorter lies in its inode, on most file systems. */
const INLINE_LINK_BYTES = 60;
/** The journal and three lists name each object about once, with some words around it. */
const MENTIONS = 4;
const WORDS_BYTES = 64;
const BOOKKEEPING_FILES = 5;
const MIB = 2 ** 20;

export function roomProblems(plan: InstallPlan, host: TreeView, room: RoomInput): PlanProblem[] {
  const needed = new Map<string, Needed>();
  const add = (path: string, bytes: number, inodes: number, folder = dirname(path)) => {
    const fileSystem = room.fileSystemOf(folder);
    const before = needed.get(fileSystem.id) ?? { fileSystem, firstPath: path, bytes: 0, inodes: 0 };
    const block = Math.min(fileSystem.blockBytes, LARGEST_BLOCK);
    before.bytes += Math.ceil(bytes / block) * block;
    before.inodes += inodes;
    needed.set(fileSystem.id, before);
  };

  for (const path of plan.folders) if (host.lstat(path)?.kind !== 'directory') add(path, 1, 1);
  for (const { path, kind, facts } of plan.files) {
    const isInline = kind === 'symlink' && facts.sizeBytes < INLINE_LINK_BYTES;
    add(path, isInline ? 0 : facts.sizeBytes, 1);
  }
  const savedFolders = new Set<string>();
  for (const path of plan.saved) {
    add(room.savedFilesDir, host.lstat(path)?.sizeBytes ?? 0, 1, room.savedFilesDir);
    for (let at = dirname(path); !savedFolders.has(at); at = dirname(at)) savedFolders.add(at);
  }
  for (const _ of savedFolders) add(room.savedFilesDir, 1, 1, room.savedFilesDir);
  add(room.instructionsDir, bookkeepingBytes(plan), BOOKKEEPING_FILES, room.instructionsDir);
  return [...needed.values()].flatMap(shortages);
}

function bookkeepingBytes({ files, unchanged, folders, removals }: InstallPlan): number {
  const named = [...files, ...unchanged].map(({ path, source }) => path.length + source.length);
  const others = [...folders, ...removals].map((path) => path.length);
  return [...named, ...others].reduce((sum, length) => sum + MENTIONS * (length + WORDS_BYTES), 0);
}

function shortages({ fileSystem, firstPath, bytes, inodes }: Needed): PlanProblem[] {
  const { mountPoint, freeBytes, freeInodes } = fileSystem;
  const where = `the file system at ${mountPoint}`;
  const wayOut = `make room there: the old files go only when the new ones are complete`;
  const problems: PlanProblem[] = [];
  if (bytes > freeBytes) {
    const message = `${where} has no space for ${firstPath} and what comes with it: ${needs(bytes, freeBytes)}; ${wayOut}`;
    problems.push({ rule: 'no-space', path: firstPath, message, origin: null });
  }
  if (freeInodes !== null && inodes > freeInodes) {
    const message = `${where} has no inodes for ${firstPath} and what comes with it: ${inodes} are needed and ${freeInodes} are free; ${wayOut}`;
    problems.push({ rule: 'no-inodes', path: firstPath, message, origin: null });
  }
  return problems;
}

/** Rounded away from each other, so that what is needed never looks as if it were there. */
function needs(bytes: number, freeBytes: number): string {
  const needed = Math.ceil((bytes / MIB) * 10) / 10;
  const free = Math.floor((freeBytes / MIB) * 10) / 10;
  return `${needed} MiB are needed and ${free} MiB are free`;
}
