import { dirname } from 'node:path/posix';
import { systemErrorCode } from '../errors.ts';
import type { InstallFs } from './install-fs.ts';
import type { ObjectFacts, TreeView } from './types.ts';

const COMPARED_BYTES = 64 * 1024;

/** The real disk as the planner looks at it. */
export function diskView(fs: InstallFs): TreeView {
  const buffers = [Buffer.allocUnsafe(COMPARED_BYTES), Buffer.allocUnsafe(COMPARED_BYTES)] as const;
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
    sameContent: (a, b) => sameContent(fs, buffers, a, b),
  };
}

/**
 * A view that looks at each object once, and not at what lies in a folder that is known to be absent: a plan asks several times, and twenty
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

function sameContent(fs: InstallFs, buffers: readonly [Buffer, Buffer], a: string, b: string): boolean {
  const first = fs.openSync(a, 'r');
  try {
    const second = fs.openSync(b, 'r');
    try {
      for (;;) {
        const length = fs.readSync(first, buffers[0], 0, COMPARED_BYTES, null);
        // One byte more, so that a longer file does not look the same at its end.
        const other = fs.readSync(second, buffers[1], 0, length === 0 ? 1 : length, null);
        if (length !== other || buffers[0].compare(buffers[1], 0, other, 0, length) !== 0) return false;
        if (length < COMPARED_BYTES) return fs.readSync(second, buffers[1], 0, 1, null) === 0;
      }
    } finally {
      fs.closeSync(second);
    }
  } finally {
    fs.closeSync(first);
  }
}
