/**
 * The disk as Install works on it: every call reaches its object through folders that are held, and follows no link at its end.
 *
 * Calls that only look ahead (`existsSync`, `realpathSync` and their kin) are not among these. A plan changes nothing, and the calls that
 * do change something check what it has seen against the disk.
 */
import { constants, type PathLike } from 'node:fs';
import { dirname } from 'node:path/posix';
import { systemErrorCode } from '../errors.ts';
import { holdFolders, holdObject, isDescriptorPath, nameInstead } from './held-folders.ts';
import type { InstallFs } from './install-fs.ts';

export interface AnchoredFs extends Disposable {
  readonly fs: InstallFs;
}

/** @param agentUid the user that the agent runs as: links that it or root made are the operator's own */
export function anchorFs(fs: InstallFs, agentUid: number): AnchoredFs {
  const held = holdFolders(fs, agentUid);

  /** Makes a call on the object itself; what it throws names the path that the operator knows. */
  const reach = <T>(path: PathLike, call: (located: string) => T): T => {
    const located = held.locate(String(path));
    try {
      return call(located);
    } catch (error) {
      throw nameInstead(error, located, String(path));
    }
  };
  /** The same call in the held folder. */
  const anchored = <Name extends 'lchownSync' | 'lutimesSync' | 'readlinkSync' | 'unlinkSync'>(name: Name) =>
    ((path: PathLike, ...args: unknown[]) =>
      reach(path, (located) => (fs[name] as (...all: unknown[]) => unknown)(located, ...args))) as InstallFs[Name];

  const isThere = (path: PathLike) => own.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  const removeTree = (path: string): void => {
    try {
      reach(path, fs.unlinkSync);
    } catch (error) {
      const isFolder = ['EISDIR', 'EPERM'].includes(systemErrorCode(error) ?? '') && own.lstatSync(path).isDirectory();
      if (!isFolder) throw error;
      const inside = held.locate(`${path}/.`);
      for (const name of fs.readdirSync(inside, { encoding: 'buffer' })) {
        const text = name.toString();
        if (Buffer.from(text).equals(name)) removeTree(`${path}/${text}`);
        // A name that is no text at all, and so never one of a revision's.
        else fs.rmSync(Buffer.concat([Buffer.from(`${inside}/`), name]), { recursive: true });
      }
      own.rmdirSync(path);
    }
  };
  const makeFolders = (path: string, mode: number | string | undefined): void => {
    try {
      reach(path, (located) => fs.mkdirSync(located, { mode: mode ?? 0o777 }));
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'EEXIST') return;
      if (code !== 'ENOENT') throw error;
      makeFolders(dirname(path), mode);
      makeFolders(path, mode);
    }
  };

  const own: InstallFs = {
    ...fs,
    lchownSync: anchored('lchownSync'),
    lutimesSync: anchored('lutimesSync'),
    readlinkSync: anchored('readlinkSync'),
    unlinkSync: anchored('unlinkSync'),
    utimesSync: (path, atime, mtime) => reach(path, (located) => fs.lutimesSync(located, atime, mtime)),
    lstatSync: ((path: PathLike, options: { readonly throwIfNoEntry?: boolean } = {}) => {
      try {
        return reach(path, (located) => fs.lstatSync(located, options));
      } catch (error) {
        // Its folder is not there either.
        if (options.throwIfNoEntry === false && systemErrorCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    }) as InstallFs['lstatSync'],
    chmodSync(path, mode) {
      if (isDescriptorPath(String(path))) return fs.chmodSync(path, mode);
      using object = holdObject(own, String(path));
      object.chmod(Number(mode));
    },
    openSync: (path, flags, mode) => reach(path, (located) => fs.openSync(located, withoutLinks(flags), mode)),
    mkdirSync: ((path: string, options: { readonly recursive?: boolean; readonly mode?: number | string } = {}) => {
      if (options.recursive === true) makeFolders(path, options.mode);
      else reach(path, (located) => fs.mkdirSync(located, options));
    }) as InstallFs['mkdirSync'],
    symlinkSync: (target, path) => reach(path, (located) => fs.symlinkSync(target, located)),
    linkSync: (from, to) => reach(from, (located) => reach(to, (other) => fs.linkSync(located, other))),
    renameSync(from, to) {
      reach(from, (located) => reach(to, (other) => fs.renameSync(located, other)));
      held.forget(String(from));
      held.forget(String(to));
    },
    rmdirSync(path) {
      reach(path, (located) => fs.rmdirSync(located));
      held.forget(String(path));
    },
    rmSync(path, options) {
      try {
        if (options?.recursive === true) removeTree(String(path));
        else own.unlinkSync(path);
      } catch (error) {
        // A read-only file system says so before it looks whether there is anything.
        const isGone = ['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '') || !isThere(path);
        if (options?.force !== true || !isGone) throw error;
      }
    },
  };
  return { fs: own, [Symbol.dispose]: () => held.close() };
}

/** A file that must be new is never found through a link. */
function withoutLinks(flags: Parameters<InstallFs['openSync']>[1]): Parameters<InstallFs['openSync']>[1] {
  if (typeof flags === 'number') return flags | constants.O_NOFOLLOW;
  return flags === undefined || flags === 'r' ? constants.O_RDONLY | constants.O_NOFOLLOW : flags;
}
