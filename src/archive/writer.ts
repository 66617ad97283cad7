import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { type EntryRules, judgeEntryPath, linkEscapes, safeMode } from './entry-rules.ts';
import { archiveError, linkEscapeError } from './problems.ts';

/** What is known of an entry beside its content. */
export interface EntryFacts {
  readonly mode: number | undefined;
  readonly mtimeMs: number | undefined;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export interface UnpackLimits {
  /** Of content, as it is really unpacked: what an archive declares is not believed. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** A file that is being written. */
export interface OpenFile {
  write(content: Uint8Array): void;
  /** Goes on behind so many bytes that are zero and take no room. They count as content: whoever copies the file may fill them. */
  hole(bytes: number): void;
  close(): void;
}

/**
 * The one way in which archives reach the disk. It works in a folder that it has to itself and that starts empty, so every folder on
 * the way to an entry is one that it has made; symbolic links are made last, so nothing can be written through one.
 *
 * All calls are synchronous: tens of thousands of small asynchronous ones would take ten times as long. Files are opened with `wx`:
 * truncating one makes ext4 write it back at close. One file is open at a time.
 */
export interface ArchiveWriter {
  directory(name: string, facts: EntryFacts): void;
  file(name: string, facts: EntryFacts): OpenFile;
  symlink(name: string, target: string, facts: EntryFacts): void;
  hardLink(name: string, target: string): void;
  /** Makes the links, then gives folders the modes and times that files inside them would have changed. */
  finish(): {
    readonly entries: number;
    readonly bytes: number;
    /** Each symbolic link's path and target. */
    readonly links: ReadonlyMap<string, string>;
  };
  /** Lets go of a file that is still open, when what was unpacked is to be thrown away. */
  abandon(): void;
}

type Kind = 'file' | 'directory' | 'symlink';

export function createArchiveWriter(root: string, limits: UnpackLimits, rules: EntryRules): ArchiveWriter {
  const kinds = new Map<string, Kind>([['', 'directory']]);
  const directories = new Map<string, EntryFacts>();
  const links = new Map<string, { readonly target: string; readonly facts: EntryFacts }>();
  const grantedBits = onDisk(null, () => modeBitsGranted(root));
  let entries = 0;
  let bytes = 0;
  let openFile: number | null = null;

  /** Counts and judges an entry, makes the folders above it, and clears what an earlier entry of the same name left. */
  function admit(name: string, kind: Kind): string {
    entries += 1;
    if (entries > limits.maxEntries) {
      throw archiveError('ARCHIVE_TOO_MANY_ENTRIES', null, `has more than ${limits.maxEntries} entries`);
    }
    const verdict = judgeEntryPath(name);
    if (!verdict.ok) {
      throw archiveError(
        verdict.problem === 'escapes' ? 'ARCHIVE_ENTRY_ESCAPES' : 'ARCHIVE_ENTRY_UNUSABLE',
        name,
        verdict.why,
      );
    }
    const path = verdict.parts.join('/');
    const parent = path.lastIndexOf('/');
    if (parent > 0 && kinds.get(path.slice(0, parent)) !== 'directory') makeParents(name, verdict.parts);
    const before = kinds.get(path);
    if (before !== undefined && (before !== kind || kind !== 'directory')) {
      if (before === 'directory')
        throw archiveError('ARCHIVE_ENTRY_CONFLICT', name, `is a ${kind}, but was a directory before`);
      if (kind === 'directory')
        throw archiveError('ARCHIVE_ENTRY_CONFLICT', name, `is a directory, but was a ${before} before`);
      if (before === 'symlink') links.delete(path);
      else rmSync(`${root}/${path}`);
    }
    kinds.set(path, kind);
    return path;
  }

  function makeParents(name: string, parts: readonly string[]): void {
    for (let depth = 1; depth < parts.length; depth += 1) {
      const parent = parts.slice(0, depth).join('/');
      const kind = kinds.get(parent);
      if (kind === 'directory') continue;
      if (kind === 'symlink')
        throw archiveError('ARCHIVE_ENTRY_ESCAPES', name, `would be written through the link '${parent}'`);
      if (kind === 'file')
        throw archiveError('ARCHIVE_ENTRY_CONFLICT', name, `lies below '${parent}', which is a file`);
      onDisk(name, () => mkdirSync(join(root, parent)));
      kinds.set(parent, 'directory');
    }
  }

  function chown(change: (uid: number, gid: number) => void, facts: EntryFacts): void {
    if (rules.keepOwnership && facts.owner !== undefined) change(facts.owner.uid, facts.owner.gid);
  }

  function finishDirectory(path: string, facts: EntryFacts): void {
    const folder = openSync(join(root, path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      chown((uid, gid) => fchownSync(folder, uid, gid), facts);
      fchmodSync(folder, safeMode(facts.mode, 'directory'));
      if (facts.mtimeMs !== undefined) futimesSync(folder, facts.mtimeMs / 1000, facts.mtimeMs / 1000);
    } finally {
      closeSync(folder);
    }
  }

  return {
    directory(name, facts) {
      const isNew = !kinds.has(judgedPath(name));
      const path = admit(name, 'directory');
      if (isNew) onDisk(name, () => mkdirSync(join(root, path)));
      directories.set(path, facts);
    },

    file(name, facts) {
      const path = `${root}/${admit(name, 'file')}`;
      const mode = safeMode(facts.mode, 'file');
      const isOwned = rules.keepOwnership && facts.owner !== undefined;
      // Not for others to read before it is its owner's.
      const file = onDisk(name, () => openSync(path, 'wx', isOwned ? 0o600 : mode));
      openFile = file;
      /** Where the next write goes; null: where the last one ended. */
      let position: number | null = null;
      let length = 0;

      function grow(by: number): void {
        length += by;
        bytes += by;
        if (bytes > limits.maxBytes) {
          throw archiveError('ARCHIVE_TOO_LARGE', name, `brings the content to more than ${limits.maxBytes} bytes`);
        }
      }

      return {
        write(content) {
          const at = position === null ? null : length;
          grow(content.length);
          onDisk(name, () => writeAll(file, content, at));
        },
        hole(size) {
          grow(size);
          position = length;
        },
        close() {
          openFile = null;
          try {
            onDisk(name, () => {
              if (position !== null) ftruncateSync(file, length);
              if (isOwned) chown((uid, gid) => fchownSync(file, uid, gid), facts);
              if (isOwned || (mode & ~grantedBits) !== 0) fchmodSync(file, mode);
              if (facts.mtimeMs !== undefined) futimesSync(file, facts.mtimeMs / 1000, facts.mtimeMs / 1000);
            });
          } finally {
            closeSync(file);
          }
        },
      };
    },

    symlink(name, target, facts) {
      if (rules.rejectSymlinks)
        throw archiveError('ARCHIVE_LINK_REFUSED', name, 'is a symbolic link, which the configuration forbids');
      if (target === '' || target.includes('\0'))
        throw archiveError('ARCHIVE_ENTRY_UNUSABLE', name, 'is a link to nothing');
      links.set(admit(name, 'symlink'), { target, facts });
    },

    hardLink(name, target) {
      if (rules.rejectSymlinks)
        throw archiveError('ARCHIVE_LINK_REFUSED', name, 'is a hard link, which the configuration forbids');
      const verdict = judgeEntryPath(target);
      const source = verdict.ok ? verdict.parts.join('/') : null;
      if (source === null)
        throw archiveError('ARCHIVE_ENTRY_ESCAPES', name, `is a hard link to '${target}', outside of the bundle`);
      if (kinds.get(source) !== 'file') {
        throw archiveError(
          'ARCHIVE_ENTRY_UNUSABLE',
          name,
          `is a hard link to '${target}', which is no file that came before it`,
        );
      }
      const path = judgedPath(name);
      if (path === source) return;
      admit(name, 'file');
      onDisk(name, () => linkSync(join(root, source), join(root, path)));
    },

    finish() {
      const targets = new Map([...links].map(([path, { target }]) => [path, target]));
      for (const [path, { target, facts }] of links) {
        if (linkEscapes(path, targets)) throw linkEscapeError(path, target);
        onDisk(path, () => {
          symlinkSync(target, join(root, path));
          chown((uid, gid) => lchownSync(join(root, path), uid, gid), facts);
          if (facts.mtimeMs !== undefined) lutimesSync(join(root, path), facts.mtimeMs / 1000, facts.mtimeMs / 1000);
        });
      }
      // Innermost first: setting the time of a folder is undone by what happens in it.
      for (const [path, facts] of [...directories].sort(([a], [b]) => b.length - a.length)) {
        onDisk(path, () => finishDirectory(path, facts));
      }
      return { entries, bytes, links: targets };
    },

    abandon() {
      if (openFile !== null) closeSync(openFile);
      openFile = null;
    },
  };
}

function judgedPath(name: string): string {
  const verdict = judgeEntryPath(name);
  return verdict.ok ? verdict.parts.join('/') : name;
}

/**
 * The permission bits that a new file really gets here when it asks for all: less what the umask takes, or an ACL that the folder
 * hands down. A file that asks for no others has its mode from the start, which saves a call a file.
 */
function modeBitsGranted(root: string): number {
  const probe = `${root}/.mode`;
  const file = openSync(probe, 'wx', 0o777);
  try {
    return fstatSync(file).mode & 0o777;
  } finally {
    closeSync(file);
    rmSync(probe);
  }
}

function writeAll(file: number, content: Uint8Array, position: number | null): void {
  for (let written = 0; written < content.length; ) {
    const at = position === null ? null : position + written;
    written += writeSync(file, content, written, content.length - written, at);
  }
}

/** Names the entry at which the disk refused, if there is one. @throws SlipwayError ARCHIVE_DISK_FULL, ARCHIVE_CANNOT_WRITE */
export function onDisk<T>(name: string | null, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw archiveError('ARCHIVE_DISK_FULL', name, 'does not fit: the disk is full', cause);
    }
    throw archiveError(
      'ARCHIVE_CANNOT_WRITE',
      name,
      `cannot be written: ${cause instanceof Error ? cause.message : code}`,
      cause,
    );
  }
}
