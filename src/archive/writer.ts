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
import { copyContent, type ShareContent } from './copy-content.ts';
import { createEntryJudge, type UnpackLimits } from './entry-judge.ts';
import { type EntryRules, safeMode } from './entry-rules.ts';
import { archiveError } from './problems.ts';

/** Facts about an entry beside its content. */
export interface EntryFacts {
  readonly mode: number | undefined;
  readonly mtimeMs: number | undefined;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** A file that is being written. */
export interface WritableFile {
  write(content: Uint8Array): void;
  /** Goes on behind so many bytes that are zero and take no room. They count as content: a copy of the file may fill them. */
  hole(bytes: number): void;
  close(): void;
}

export interface OpenFile extends WritableFile {
  /** Copies all of another open file, from its beginning, instead of writing. */
  copy(from: number, bytes: number): void;
}

/**
 * The one way in which bundles reach the disk. It works in a folder that it has to itself and that starts empty, so it has made every
 * folder on the way to an entry. Symbolic links are made last, so nothing can be written through one.
 *
 * All calls are synchronous: tens of thousands of small asynchronous ones would take ten times as long. Files are opened with `wx`:
 * truncating one makes ext4 write it back at close. One file is open at a time.
 */
export interface ArchiveWriter {
  directory(name: string, facts: EntryFacts): void;
  file(name: string, facts: EntryFacts): OpenFile;
  /** Whatever the target is, it is only written down. */
  symlink(name: string, target: string, facts: EntryFacts): void;
  hardLink(name: string, target: string): void;
  /** Makes the links, then gives folders the modes and times that files inside them would have changed. */
  finish(): { readonly entries: number; readonly bytes: number };
  /** Judges once more where links lead, for a folder below the root that will be the root. @throws SlipwayError ARCHIVE_LINK_ESCAPES */
  judgeLinksBelow(folder: string): void;
  /** Lets go of a file that is still open, when what was unpacked is to be thrown away. */
  abandon(): void;
}

export function createArchiveWriter(root: string, limits: UnpackLimits, rules: EntryRules): ArchiveWriter {
  const judge = createEntryJudge(limits, rules, (name, path) => onDisk(name, () => mkdirSync(join(root, path))));
  const directories = new Map<string, EntryFacts>();
  const links = new Map<string, { readonly target: string; readonly facts: EntryFacts }>();
  const grantedBits = onDisk(null, () => modeBitsGranted(root));
  const share: ShareContent = { isRefused: false };
  let openFile: number | null = null;

  /** Clears what an earlier entry of the same name left, which is no folder. */
  function admitFile(name: string): string {
    const { path, before } = judge.admit(name, 'file');
    clear(path, before);
    return path;
  }

  function clear(path: string, before: 'file' | 'directory' | 'symlink' | undefined): void {
    if (before === 'symlink') links.delete(path);
    else if (before === 'file') rmSync(`${root}/${path}`);
  }

  function addLink(name: string, target: string, facts: EntryFacts): void {
    const { path, before } = judge.admitLink(name, target);
    clear(path, before);
    links.set(path, { target, facts });
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
      const { path, before } = judge.admit(name, 'directory');
      if (before === undefined) onDisk(name, () => mkdirSync(join(root, path)));
      directories.set(path, facts);
    },

    file(name, facts) {
      const path = `${root}/${admitFile(name)}`;
      const mode = safeMode(facts.mode, 'file');
      const isOwned = rules.keepOwnership && facts.owner !== undefined;
      // Not for others to read before it is its owner's.
      const file = onDisk(name, () => openSync(path, 'wx', isOwned ? 0o600 : mode));
      openFile = file;
      /** Where the next write goes; null: where the last one ended. */
      let position: number | null = null;
      let length = 0;
      let isShared = false;

      function grow(by: number): void {
        length += by;
        judge.grow(name, by);
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
        copy(from, size) {
          grow(size);
          onDisk(name, () => {
            isShared = copyContent(from, file, size, share);
          });
        },
        close() {
          openFile = null;
          try {
            onDisk(name, () => {
              if (position !== null) ftruncateSync(file, length);
              if (isOwned) chown((uid, gid) => fchownSync(file, uid, gid), facts);
              if (isOwned || isShared || (mode & ~grantedBits) !== 0) fchmodSync(file, mode);
              if (facts.mtimeMs !== undefined) futimesSync(file, facts.mtimeMs / 1000, facts.mtimeMs / 1000);
            });
          } finally {
            closeSync(file);
          }
        },
      };
    },

    symlink: addLink,

    hardLink(name, target) {
      const source = judge.sourceOfHardLink(name, target);
      if (source === null) return;
      if (source.kind === 'symlink') {
        // One link under two names is that link twice; it is made when all links are.
        const link = links.get(source.path);
        if (link !== undefined) addLink(name, link.target, link.facts);
        return;
      }
      const path = admitFile(name);
      onDisk(name, () => linkSync(join(root, source.path), join(root, path)));
    },

    finish() {
      judge.judgeLinks(targetsOf(links));
      for (const [path, { target, facts }] of links) {
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
      return judge.totals();
    },

    judgeLinksBelow: (folder) => judge.judgeLinks(targetsOf(links), folder),

    abandon() {
      if (openFile !== null) closeSync(openFile);
      openFile = null;
    },
  };
}

function targetsOf(links: ReadonlyMap<string, { readonly target: string }>): ReadonlyMap<string, string> {
  return new Map([...links].map(([path, { target }]) => [path, target]));
}

/**
 * Returns the permission bits that a new file really gets here when it asks for all. The umask takes some, or an ACL that the folder hands
 * down. A file that asks for no others has its mode from the start, which saves a call a file.
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
