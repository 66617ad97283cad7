import { systemErrorCode } from '../errors.ts';
import type { InstallFs } from './install-fs.ts';
import type { ObjectFacts, TreeView } from './types.ts';

const COMPARED_BYTES = 64 * 1024;

/** The real disk as the planner looks at it. */
export function diskView(fs: InstallFs): TreeView {
  return {
    lstat(path) {
      const stats = absent(() => fs.lstatSync(path));
      if (stats === null) return null;
      return { kind: kindOf(stats), mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
    },
    readdir: (path) => fs.readdirSync(path),
    readlink: (path) => fs.readlinkSync(path),
    realpath: (path) => absent(() => fs.realpathSync(path)),
    sameContent: (a, b) => sameContent(fs, a, b),
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

function sameContent(fs: InstallFs, a: string, b: string): boolean {
  const size = fs.lstatSync(a).size;
  if (size !== fs.lstatSync(b).size) return false;
  const files = [fs.openSync(a, 'r'), fs.openSync(b, 'r')] as const;
  try {
    const buffers = [Buffer.alloc(COMPARED_BYTES), Buffer.alloc(COMPARED_BYTES)] as const;
    for (let position = 0; position < size; ) {
      const lengths = [0, 1].map((n) =>
        fs.readSync(files[n as 0 | 1], buffers[n as 0 | 1], 0, COMPARED_BYTES, position),
      );
      const [length = 0, other] = lengths;
      if (length !== other || length === 0) return false;
      if (!buffers[0].subarray(0, length).equals(buffers[1].subarray(0, length))) return false;
      position += length;
    }
    return true;
  } finally {
    for (const file of files) fs.closeSync(file);
  }
}
