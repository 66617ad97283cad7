import { dirname } from 'node:path/posix';
import { systemErrorCode } from '../errors.ts';
import type { InstallFs } from './install-fs.ts';
import { COMPARE_BYTES, sameContent } from './same-content.ts';
import type { ObjectFacts, TreeView } from './types.ts';

/** The real disk as the planner looks at it. */
export function diskView(fs: InstallFs): TreeView {
  const buffer = Buffer.allocUnsafe(COMPARE_BYTES);
  return {
    lstat(path) {
      const stats = absent(() => fs.lstatSync(path, { throwIfNoEntry: false }));
      if (stats === null || stats === undefined) return null;
      const { uid, gid, size, mtimeMs, ctimeMs, nlink } = stats;
      const mode = stats.mode & 0o7777;
      return { kind: kindOf(stats), mode, uid, gid, sizeBytes: size, mtimeMs, ctimeMs, links: nlink };
    },
    readdir: (path) => fs.readdirSync(path),
    readlink: (path) => fs.readlinkSync(path),
    realpath: (path) => absent(() => fs.realpathSync(path)),
    sameContent: (a, b) => sameContent(fs, buffer, a, b),
  };
}

/**
 * A view that looks at each object once, and not at what lies in a folder that is known to be absent. A plan asks several times, and twenty
 * thousand system calls are felt.
 */
export function rememberingView(view: TreeView): TreeView & { forget(): void } {
  const seen = new Map<string, ObjectFacts | null>();
  return {
    ...view,
    lstat(path) {
      const known = seen.get(path);
      if (known !== undefined) return known;
      if (seen.get(dirname(path)) === null) return null;
      const facts = view.lstat(path);
      seen.set(path, facts);
      return facts;
    },
    forget: () => seen.clear(),
  };
}

type Stats = Exclude<ReturnType<InstallFs['lstatSync']>, undefined>;

function kindOf(stats: Stats): ObjectFacts['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}

function absent<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return null;
    throw error;
  }
}
