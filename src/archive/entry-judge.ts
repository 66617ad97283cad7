import { type EntryRules, judgeEntryPath, linkEscapes } from './entry-rules.ts';
import { archiveError, linkEscapeError } from './problems.ts';

export interface UnpackLimits {
  /** Limit on the content as it is really unpacked, in bytes: what an archive declares is not believed. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

export type EntryKind = 'file' | 'directory' | 'symlink';

/**
 * The one set of rules for the entries of a bundle: a tar, a zip, or a folder that is about to be packed or copied. It sees them in their
 * order and knows no disk.
 *
 * @throws SlipwayError ARCHIVE_…, naming the entry at fault, from each of its functions
 */
export interface EntryJudge {
  /**
   * Counts and judges an entry.
   * @returns its path below the root, and whether an entry of the same name came before it
   */
  admit(name: string, kind: EntryKind): { readonly path: string; readonly before: EntryKind | undefined };
  /** Counts content. */
  grow(name: string, bytes: number): void;
  /** Judges where a symbolic link points to. @returns its path below the root, and what was there */
  admitLink(name: string, target: string): ReturnType<EntryJudge['admit']>;
  /** @returns what the hard link is another name of; null for its own */
  sourceOfHardLink(name: string, target: string): { readonly path: string; readonly kind: EntryKind } | null;
  /**
   * Call it at the end: only then it is known where links lead.
   *
   * @param root the folder below the root that will be the root
   */
  judgeLinks(links: ReadonlyMap<string, string>, root?: string): void;
  totals(): { readonly entries: number; readonly bytes: number };
}

const LINK_ANEW = 'Make the link anew where the bundle is built, or leave it out.';
const FILE_FIRST = 'Pack the whole folder at once: a packer then writes the file before other names for it.';

/** @param makeFolder is told of folders that no entry stands for, before what lies in them */
export function createEntryJudge(
  limits: UnpackLimits,
  rules: EntryRules,
  makeFolder: (name: string, path: string) => void,
): EntryJudge {
  const kinds = new Map<string, EntryKind>([['', 'directory']]);
  let entries = 0;
  let bytes = 0;

  function makeParents(name: string, parts: readonly string[]): void {
    for (let depth = 1; depth < parts.length; depth += 1) {
      const parent = parts.slice(0, depth).join('/');
      const kind = kinds.get(parent);
      if (kind === 'directory') continue;
      if (kind === 'symlink')
        throw archiveError('ARCHIVE_ENTRY_ESCAPES', name, `would be written through the link '${parent}'`);
      if (kind === 'file')
        throw archiveError('ARCHIVE_ENTRY_CONFLICT', name, `lies below '${parent}', which is a file`);
      makeFolder(name, parent);
      kinds.set(parent, 'directory');
    }
  }

  function requireSameKind(name: string, before: EntryKind | undefined, kind: EntryKind): void {
    if (before === undefined || before === kind) return;
    if (before === 'directory')
      throw archiveError('ARCHIVE_ENTRY_CONFLICT', name, `is a ${kind}, but was a directory before`);
    if (kind === 'directory')
      throw archiveError('ARCHIVE_ENTRY_CONFLICT', name, `is a directory, but was a ${before} before`);
  }

  function admit(name: string, kind: EntryKind): ReturnType<EntryJudge['admit']> {
    entries += 1;
    if (entries > limits.maxEntries) {
      throw archiveError('ARCHIVE_TOO_MANY_ENTRIES', null, `has more than ${limits.maxEntries} entries`);
    }
    const verdict = judgeEntryPath(name);
    if (!verdict.ok) {
      const code = verdict.problem === 'escapes' ? 'ARCHIVE_ENTRY_ESCAPES' : 'ARCHIVE_ENTRY_UNUSABLE';
      throw archiveError(code, name, verdict.why, { remedy: verdict.remedy });
    }
    const path = verdict.parts.join('/');
    const parent = path.lastIndexOf('/');
    if (parent > 0 && kinds.get(path.slice(0, parent)) !== 'directory') makeParents(name, verdict.parts);
    const before = kinds.get(path);
    requireSameKind(name, before, kind);
    kinds.set(path, kind);
    return { path, before };
  }

  return {
    admit,

    grow(name, by) {
      bytes += by;
      if (bytes > limits.maxBytes) {
        throw archiveError('ARCHIVE_TOO_LARGE', name, `brings the content to more than ${limits.maxBytes} bytes`);
      }
    },

    admitLink(name, target) {
      if (rules.rejectSymlinks === true)
        throw archiveError('ARCHIVE_LINK_REFUSED', name, 'is a symbolic link, which the configuration forbids');
      if (target === '' || target.includes('\0'))
        throw archiveError('ARCHIVE_ENTRY_UNUSABLE', name, 'is a link to nothing', { remedy: LINK_ANEW });
      return admit(name, 'symlink');
    },

    sourceOfHardLink(name, target) {
      if (rules.rejectSymlinks === true)
        throw archiveError('ARCHIVE_LINK_REFUSED', name, 'is a hard link, which the configuration forbids');
      const verdict = judgeEntryPath(target);
      if (!verdict.ok)
        throw archiveError('ARCHIVE_ENTRY_ESCAPES', name, `is a hard link to '${target}', outside of the bundle`);
      const path = verdict.parts.join('/');
      const kind = kinds.get(path);
      if (kind === undefined || kind === 'directory') {
        const what = `is a hard link to '${target}', which is no file that came before it`;
        throw archiveError('ARCHIVE_ENTRY_UNUSABLE', name, what, { remedy: FILE_FIRST });
      }
      const own = judgeEntryPath(name);
      return own.ok && own.parts.join('/') === path ? null : { path, kind };
    },

    judgeLinks(links, root = '') {
      if (rules.rejectSymlinks !== 'escaping') return;
      const prefix = root === '' ? '' : `${root}/`;
      const below = new Map(
        [...links].flatMap(([path, target]) => (path.startsWith(prefix) ? [[path.slice(prefix.length), target]] : [])),
      );
      for (const [path, target] of below) if (linkEscapes(path, below)) throw linkEscapeError(prefix + path, target);
    },

    totals: () => ({ entries, bytes }),
  };
}
