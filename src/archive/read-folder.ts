import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf, SlipwayError } from '../errors.ts';
import { BREATH_BYTES, breathe } from './breathe.ts';
import { archiveError, nameNotUtf8Error, specialFileError } from './problems.ts';
import type { ArchiveWriter, EntryFacts } from './writer.ts';

export interface FolderEntry {
  /** Relative to the folder. */
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  /** Facts about the object itself, never about the target of a link. */
  readonly stats: Stats;
  /** Target of a symbolic link. */
  readonly target: string;
}

export interface ReadFolderOptions {
  /** Whether content is copied; else files are only counted, with holes for their content. */
  readonly withContent: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Gives a writer the entries of a folder, as the readers of archives do. Hidden files and empty folders are included, and all come in the
 * order of the names. Nothing is read through a link, not even one that is put there meanwhile: folders are held open on the way down.
 *
 * @throws SlipwayError ARCHIVE_ENTRY_UNUSABLE for a device, pipe or socket, and for a name that is not UTF-8; ARCHIVE_CANNOT_READ
 */
export async function readFolder(
  folder: string,
  writer: Pick<ArchiveWriter, 'directory' | 'file' | 'symlink'>,
  { withContent, signal }: ReadFolderOptions,
): Promise<readonly FolderEntry[]> {
  const entries: FolderEntry[] = [];
  let sinceBreath = 0;
  const pending = walk(folder, '', constants.O_RDONLY | constants.O_DIRECTORY);
  for (const { entry, at } of pending) {
    give(writer, entry, at, withContent);
    entries.push(entry);
    sinceBreath += (withContent ? entry.stats.size : 0) + 4096;
    if (sinceBreath < BREATH_BYTES) continue;
    sinceBreath = 0;
    await breathe(signal);
  }
  return entries;
}

interface Found {
  readonly entry: FolderEntry;
  /** A path that leads to it through the folder that is held. */
  readonly at: string;
}

function* walk(path: string, below: string, flags: number): Generator<Found> {
  const shown = below === '' ? path : below;
  const held = onFolder(shown, () => openSync(path, flags));
  try {
    const inside = existsSync(`/proc/self/fd/${held}`) ? `/proc/self/fd/${held}` : path;
    for (const base of namesIn(inside, below)) {
      const name = below === '' ? base : `${below}/${base}`;
      const at = join(inside, base);
      const entry = entryAt(name, at);
      yield { entry, at };
      if (entry.kind === 'directory') {
        yield* walk(at, name, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      }
    }
  } finally {
    closeSync(held);
  }
}

/** Bytes that are no text come back as the mark for it, which is also a character of its own. */
function namesIn(folder: string, below: string): string[] {
  const names = onFolder(below, () => readdirSync(folder));
  if (names.some((name) => name.includes('\ufffd'))) {
    for (const bytes of readdirSync(folder, { encoding: 'buffer' })) {
      const name = bytes.toString();
      if (Buffer.from(name).equals(bytes)) continue;
      throw nameNotUtf8Error(join(below, name));
    }
  }
  return names.sort();
}

function entryAt(name: string, at: string): FolderEntry {
  const stats = onFolder(name, () => lstatSync(at));
  if (stats.isFile()) return { name, kind: 'file', stats, target: '' };
  if (stats.isDirectory()) return { name, kind: 'directory', stats, target: '' };
  if (stats.isSymbolicLink()) {
    return { name, kind: 'symlink', stats, target: onFolder(name, () => readlinkSync(at)) };
  }
  throw specialFileError(name, specialKind(stats));
}

function specialKind(stats: Stats): string {
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isBlockDevice() ? 'a block device' : 'a character device';
}

function give(
  writer: Pick<ArchiveWriter, 'directory' | 'file' | 'symlink'>,
  { name, kind, stats, target }: FolderEntry,
  at: string,
  withContent: boolean,
): void {
  const facts: EntryFacts = { mode: stats.mode, mtimeMs: stats.mtimeMs };
  if (kind === 'directory') writer.directory(name, facts);
  else if (kind === 'symlink') writer.symlink(name, target, facts);
  else if (withContent) copyFile(writer, name, at, facts);
  else {
    onFolder(name, () => accessSync(at, constants.R_OK));
    const output = writer.file(name, facts);
    output.hole(stats.size);
    output.close();
  }
}

/** Refuses an object that has become something else meanwhile: it is not followed, and not waited for. */
function copyFile(writer: Pick<ArchiveWriter, 'file'>, name: string, at: string, facts: EntryFacts): void {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = onFolder(name, () => openSync(at, flags));
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw archiveError('ARCHIVE_ENTRY_UNUSABLE', name, 'was exchanged while it was read');
    const output = writer.file(name, facts);
    output.copy(file, stats.size);
    output.close();
  } finally {
    closeSync(file);
  }
}

function onFolder<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new SlipwayError('ARCHIVE_CANNOT_READ', `${name} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
