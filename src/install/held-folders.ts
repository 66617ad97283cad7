/**
 * Folders that are held open, so that nobody can put another in their place.
 *
 * Every call of the kernel looks a whole path up anew. Between two calls, a user who owns one of its folders may put a link there. So a
 * folder is opened step by step from the root, no link is followed but trusted ones, and it stays open. Then `/proc/PID/fd/N/name` is the
 * object in that very folder, whatever its path has become. The number of the process, not `self`, because programs that are started get
 * such paths as well.
 */
import { constants, readlinkSync, type Stats } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path/posix';
import { SlipwayError } from '../errors.ts';
import type { InstallFs } from './install-fs.ts';
import { isTrustedLink } from './trusted-links.ts';

export interface HeldFolders {
  /** A path to the same object that no link can lead elsewhere; the object itself may be a link. @throws ENOENT, ENOTDIR of its folders */
  locate(path: string): string;
  /** Call it when an object is moved or removed: it may have been a folder. */
  forget(path: string): void;
  close(): void;
}

/** Enough for every folder of most revisions; a process may have 1024 files open at the least. */
const MOST_HELD = 256;
/** As in the kernel. */
const MOST_LINKS = 40;
/** Linux alone has it, and Node no name for it: a descriptor that stands for an object without opening it. */
const O_PATH = 0o10000000;

/** A folder's path, and how its descriptor is reached. */
interface LocatedFolder {
  readonly parent: string;
  readonly located: string;
}

interface HeldFolder {
  readonly file: number;
  /** Without links. */
  readonly path: string;
}

/** Without `/proc` (another system, a chroot) every folder is looked at before every call, which leaves the moment between the two. */
export function holdFolders(fs: InstallFs, agentUid: number): HeldFolders {
  return hasDescriptorPaths() ? new Held(fs, agentUid) : checkedFolders(fs, agentUid);
}

/** An object that is held itself, whatever its name stands for in the meantime; a link is held as such, and never followed. */
export interface HeldObject extends Disposable {
  /** For programs. */
  readonly path: string;
  stats(): Stats;
  chown(uid: number, gid: number): void;
  /** @throws ENOTSUP for a link */
  chmod(mode: number): void;
}

export function holdObject(fs: InstallFs, path: string): HeldObject {
  if (!hasDescriptorPaths()) {
    return {
      path,
      stats: () => fs.lstatSync(path),
      chown: (uid, gid) => fs.lchownSync(path, uid, gid),
      chmod: (mode) => fs.chmodSync(path, mode),
      [Symbol.dispose]: () => undefined,
    };
  }
  const file = fs.openSync(path, O_PATH | constants.O_NOFOLLOW);
  const located = descriptorPath(file);
  return {
    path: located,
    stats: () => fs.fstatSync(file),
    chown: (uid, gid) => fs.chownSync(located, uid, gid),
    chmod: (mode) => fs.chmodSync(located, mode),
    [Symbol.dispose]: () => fs.closeSync(file),
  };
}

/** A file that is open is held by that. */
export function heldByDescriptor(fs: InstallFs, file: number, path: string): Omit<HeldObject, keyof Disposable> {
  return {
    path: hasDescriptorPaths() ? descriptorPath(file) : path,
    stats: () => fs.fstatSync(file),
    chown: (uid, gid) => fs.fchownSync(file, uid, gid),
    chmod: (mode) => fs.fchmodSync(file, mode),
  };
}

class Held implements HeldFolders {
  readonly #fs: InstallFs;
  readonly #agentUid: number;
  /** Held folders by real path, the one that was used last at the end. */
  readonly #folders = new Map<string, HeldFolder>();
  /** Paths with links on the way → where they lead. */
  readonly #realPaths = new Map<string, string>();
  /** Whatever was opened or followed, whether it is held now or not. */
  readonly #known = new Set<string>();
  /** The two folders before, because calls come folder by folder, and a copy has two. */
  #last: LocatedFolder | null = null;
  #lastButOne: LocatedFolder | null = null;

  constructor(fs: InstallFs, agentUid: number) {
    this.#fs = fs;
    this.#agentUid = agentUid;
  }

  locate(path: string): string {
    if (isDescriptorPath(path)) return path;
    const nameAt = path.lastIndexOf('/');
    const parent = nameAt === 0 ? '/' : path.slice(0, nameAt);
    if (this.#last?.parent !== parent) {
      const isKnown = this.#lastButOne?.parent === parent;
      const found = isKnown ? this.#lastButOne : { parent, located: descriptorPath(this.#hold(parent, 0).file) };
      this.#lastButOne = this.#last;
      this.#last = found;
    }
    return `${this.#last?.located}${path.slice(nameAt)}`;
  }

  #forgetLast(): void {
    this.#last = null;
    this.#lastButOne = null;
  }

  #hold(path: string, links: number): HeldFolder {
    const real = this.#realPaths.get(path) ?? path;
    const held = this.#folders.get(real);
    if (held !== undefined) {
      this.#folders.delete(real);
      this.#folders.set(real, held);
      return held;
    }
    if (real === '/') return this.#keep({ path: '/', file: this.#fs.openSync('/', O_PATH | constants.O_DIRECTORY) });
    const found = this.#step(this.#hold(dirname(real), links), basename(real), links);
    if (found.path !== path) {
      this.#realPaths.set(path, found.path);
      this.#known.add(path);
    }
    return found;
  }

  #step(parent: HeldFolder, name: string, links: number): HeldFolder {
    const path = join(parent.path, name);
    const held = this.#folders.get(path);
    if (held !== undefined) return held;
    const at = `${descriptorPath(parent.file)}/${name}`;
    try {
      const file = this.#fs.openSync(at, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      return this.#keep({ path, file });
    } catch (error) {
      const stats = this.#fs.lstatSync(at, { throwIfNoEntry: false });
      if (stats?.isSymbolicLink() !== true || links >= MOST_LINKS) throw error;
      return this.#follow(parent, path, stats, links + 1);
    }
  }

  /** Judges the place that a link leads to: the text of the link may be another's word by the time it is read. */
  #follow(parent: HeldFolder, path: string, link: { readonly uid: number }, links: number): HeldFolder {
    const text = this.#fs.readlinkSync(`${descriptorPath(parent.file)}/${basename(path)}`);
    const names = text.split('/').filter((name) => name !== '' && name !== '.');
    let at = isAbsolute(text) ? this.#hold('/', links) : parent;
    for (const name of names) {
      at = name === '..' ? this.#hold(dirname(at.path), links) : this.#step(at, name, links);
    }
    const [folder, target] = [this.#fs.fstatSync(parent.file), this.#fs.fstatSync(at.file)];
    if (isTrustedLink(link, folder, target, this.#agentUid)) return at;
    throw plantedLink(path, `user ${link.uid} has made it, or others can exchange it`);
  }

  #keep(folder: HeldFolder): HeldFolder {
    this.#folders.set(folder.path, folder);
    this.#known.add(folder.path);
    const [oldest] = this.#folders.values();
    if (this.#folders.size > MOST_HELD && oldest !== undefined) this.#drop(oldest);
    return folder;
  }

  #drop({ path, file }: HeldFolder): void {
    this.#forgetLast();
    this.#folders.delete(path);
    this.#fs.closeSync(file);
  }

  forget(path: string): void {
    const parent = this.#realPaths.size === 0 ? undefined : this.#realPaths.get(dirname(path));
    const real = parent === undefined ? path : join(parent, basename(path));
    if (!this.#known.has(real) && !this.#known.has(path)) return;
    const isBelow = (other: string, top: string) => other === top || other.startsWith(`${top}/`);
    for (const folder of this.#folders.values()) if (isBelow(folder.path, real)) this.#drop(folder);
    for (const [from, to] of this.#realPaths) {
      if (isBelow(from, path) || isBelow(to, real)) this.#realPaths.delete(from);
    }
    this.#forgetLast();
  }

  close(): void {
    for (const folder of this.#folders.values()) this.#drop(folder);
  }
}

function checkedFolders(fs: InstallFs, agentUid: number): HeldFolders {
  const check = (path: string) => {
    for (let at = path; at !== dirname(at); at = dirname(at)) {
      const link = fs.lstatSync(at, { throwIfNoEntry: false });
      if (link?.isSymbolicLink() !== true) continue;
      if (isTrustedLink(link, fs.statSync(dirname(at)), fs.statSync(at), agentUid)) continue;
      throw plantedLink(at, `user ${link.uid} has made it, or others can exchange it`);
    }
  };
  return {
    locate(path) {
      check(dirname(path));
      return path;
    },
    forget: () => undefined,
    close: () => undefined,
  };
}

function hasDescriptorPaths(): boolean {
  try {
    // Another number where /proc is that of an outer container: `/proc/PID/fd` would be another process's there.
    return process.platform === 'linux' && readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
}

function descriptorPath(file: number): string {
  return `/proc/${process.pid}/fd/${file}`;
}

export function isDescriptorPath(path: string): boolean {
  return path.startsWith('/proc/') && /^\/proc\/(\d+)\/fd\/\d+$/.exec(path)?.[1] === String(process.pid);
}

function plantedLink(path: string, why: string): SlipwayError {
  return new SlipwayError(
    'INSTALL_LINK_PLANTED',
    `${path} is a link that is not followed: ${why}; nothing was written through it`,
  );
}

/** Descriptors mean nothing to an operator: in what a call has thrown, the path goes where it was reached by. */
export function nameInstead(error: unknown, located: string, path: string): unknown {
  if (!(error instanceof Error) || located === path) return error;
  error.message = error.message.replaceAll(located, path);
  if ('path' in error && error.path === located) error.path = path;
  if ('dest' in error && error.dest === located) error.dest = path;
  return error;
}
