import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { createEntryJudge, type UnpackLimits } from './entry-judge.ts';
import { type EntryRules, safeMode } from './entry-rules.ts';
import { createFileWriter, type OpenFile } from './file-writer.ts';
import { onDisk } from './on-disk.ts';
import { createSmallFiles, type SecondWriters } from './small-files.ts';

/** Facts about an entry beside its content. */
export interface EntryFacts {
  readonly mode: number | undefined;
  readonly mtimeMs: number | undefined;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * The one way in which bundles reach the disk. It works in a folder that it has to itself and that starts empty, so it has made every
 * folder on the way to an entry. Symbolic links are made last, so nothing can be written through one.
 *
 * All calls are synchronous: tens of thousands of small asynchronous ones would take ten times as long. One file is open at a time. From
 * many small files on, a second thread writes some of them: an entry that needs an earlier one waits for it.
 */
export interface ArchiveWriter extends AsyncDisposable {
  directory(name: string, facts: EntryFacts): void;
  file(name: string, facts: EntryFacts): OpenFile;
  /** Whatever the target is, it is only written down. */
  symlink(name: string, target: string, facts: EntryFacts): void;
  hardLink(name: string, target: string): void;
  /** Makes the links, then gives folders the modes and times that files inside them would have changed. */
  finish(): Promise<{ readonly entries: number; readonly bytes: number }>;
  /** Judges once more where links lead, for a folder below the root that will be the root. @throws SlipwayError ARCHIVE_LINK_ESCAPES */
  judgeLinksBelow(folder: string): void;
  /**
   * Lets go of everything, when what was unpacked is to be thrown away: nothing is written any more when this has ended.
   *
   * @returns why a file could not be written, if another thread has found that out
   */
  abandon(): Promise<unknown>;
}

/** @param secondWriters undefined: one thread writes everything */
export function createArchiveWriter(
  root: string,
  limits: UnpackLimits,
  rules: EntryRules,
  secondWriters?: SecondWriters,
): ArchiveWriter {
  const judge = createEntryJudge(limits, rules, (name, path) => onDisk(name, () => mkdirSync(join(root, path))));
  const directories = new Map<string, EntryFacts>();
  const links = new Map<string, { readonly target: string; readonly facts: EntryFacts }>();
  const grantedBits = onDisk(null, () => modeBitsGranted(root));
  const small = createSmallFiles(secondWriters, grantedBits);
  const files = createFileWriter(grantedBits, small);

  /** Clears what an earlier entry of the same name left, which is no folder. */
  function admitFile(name: string): string {
    const { path, before } = judge.admit(name, 'file');
    clear(path, before);
    return path;
  }

  function clear(path: string, before: 'file' | 'directory' | 'symlink' | undefined): void {
    if (before === 'symlink') links.delete(path);
    else if (before === 'file') {
      small.writeAllNow();
      rmSync(`${root}/${path}`);
    }
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
      const owner = rules.keepOwnership && facts.owner !== undefined ? facts.owner : null;
      const file = { name, path, mode: safeMode(facts.mode, 'file'), owner, mtimeMs: facts.mtimeMs };
      return files.begin(file, (bytes) => judge.grow(name, bytes));
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
      small.writeAllNow();
      onDisk(name, () => linkSync(join(root, source.path), join(root, path)));
    },

    async finish() {
      await small.settled();
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

    async abandon() {
      files.abandon();
      return small.abandon();
    },

    [Symbol.asyncDispose]: () => small[Symbol.asyncDispose](),
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
