/**
 * Recognises the agent's own places: its deployment root, configuration, identity, keys and logs. It does so under whatever path they are
 * reached: through links, hard links and bind mounts. A revision that could write there could make itself the agent.
 */
import { basename, dirname } from 'node:path/posix';
import { systemErrorCode } from '../errors.ts';
import type { MountedTree } from '../system/mount-table.ts';
import { childPath } from './child-path.ts';
import type { InstallFs } from './install-fs.ts';
import type { OwnPlace, OwnPlaceLookup } from './types.ts';

type PlacesFs = Pick<InstallFs, 'lstatSync' | 'realpathSync' | 'statSync'>;

/** A folder that is there is known by device and inode; one that is not, by the nearest folder that is, and the names below. */
interface Located {
  readonly key: string;
  /** The place that the folder is, or is in. */
  readonly place: OwnPlace | null;
}

/** @param mounts in the order they were made; by them the parts of places are found that are mounted elsewhere */
export function ownPlaceLookup(
  fs: PlacesFs,
  places: readonly OwnPlace[],
  mounts: readonly MountedTree[],
): OwnPlaceLookup {
  const byKey = new Map<string, OwnPlace>();
  const above = new Map<string, OwnPlace>();
  const mounted = new Map<string, OwnPlace>();
  const prefixes: { readonly folder: string; readonly place: OwnPlace }[] = [];
  /** Keys of folders in which a name may stand for a place. Elsewhere names need not be looked up, and a plan asks for each file. */
  const named = new Set<string>();
  const mountPoints = new Set(mounts.map(({ mountPoint }) => mountPoint));
  let located = new Map<string, Located>();

  const placeOfName = (parent: Located, path: string): OwnPlace | null => {
    const name = basename(path);
    const own = byKey.get(`${parent.key}/${name}`);
    if (own !== undefined || path === '/') return own ?? null;
    const shared = prefixes.find(({ folder, place }) => folder === parent.key && name.startsWith(place.prefix ?? ''));
    return shared?.place ?? null;
  };
  const folder = (path: string): Located => {
    const known = located.get(path);
    if (known !== undefined) return known;
    const found = locate(path);
    located.set(path, found);
    return found;
  };
  const locate = (path: string): Located => {
    const real = absent(() => fs.realpathSync(path));
    if (real !== null && real !== path) return folder(real);
    const parent: Located = path === '/' ? { key: '', place: null } : folder(dirname(path));
    const name = placeOfName(parent, path);
    if (real === null) {
      const place = parent.place ?? name;
      return { key: `${parent.key}/${basename(path)}`, place };
    }
    const key = idOf(fs.statSync(path));
    return { key, place: parent.place ?? name ?? byKey.get(key) ?? mounted.get(path) ?? null };
  };

  for (const place of places) {
    const parent = folder(dirname(place.path));
    if (place.prefix !== undefined) {
      prefixes.push({ folder: folder(place.path).key, place });
      continue;
    }
    byKey.set(`${parent.key}/${basename(place.path)}`, place);
    for (const look of [fs.lstatSync, fs.statSync]) {
      const stats = absent(() => look(place.path));
      if (stats !== null) byKey.set(idOf(stats), place);
    }
    for (let at = dirname(place.path); at !== '/'; at = dirname(at)) {
      above.set(folder(at).key, place);
      if (absent(() => fs.statSync(at)) !== null) break;
    }
    for (const mountPoint of mountsOf(fs, place.path, mounts)) mounted.set(mountPoint, place);
  }
  for (const key of [...byKey.keys(), ...above.keys()])
    if (key.includes('/')) named.add(key.slice(0, key.lastIndexOf('/')));
  for (const { folder: key } of prefixes) named.add(key);
  // What was looked at before all places were known has to be looked at again.
  located = new Map();

  const placeOfFile = (parent: Located, path: string) =>
    placeOfName(parent, path) ?? above.get(`${parent.key}/${basename(path)}`);

  return {
    ofFolder: (path) => folder(path).place,
    ofFile(path, facts) {
      const parent = folder(path.slice(0, path.lastIndexOf('/')) || '/');
      const found = parent.place ?? (named.has(parent.key) ? placeOfFile(parent, path) : undefined);
      if (found !== undefined) return found;
      if (facts === null || (facts.kind === 'file' && facts.links < 2 && !mountPoints.has(path))) return null;
      const stats = absent(() => fs.lstatSync(path));
      if (stats === null) return null;
      return byKey.get(idOf(stats)) ?? mounted.get(path) ?? above.get(idOf(stats)) ?? null;
    },
  };
}

/**
 * Which of the places is, or lies in, a folder of this machine, also one that is bind-mounted below it; null: none.
 *
 * @param folder absolute
 */
export function placeWithin(
  fs: PlacesFs,
  folder: string,
  places: readonly OwnPlace[],
  mounts: readonly MountedTree[],
): OwnPlace | null {
  const stats = absent(() => fs.statSync(folder));
  const real = absent(() => fs.realpathSync(folder));
  if (stats === null || real === null) return null;
  const id = idOf(stats);
  for (const place of places) {
    const at = absent(() => fs.realpathSync(place.path));
    if (at === null) continue;
    for (let one = at; ; one = dirname(one)) {
      if (idOf(fs.statSync(one)) === id) return place;
      if (one === '/') break;
    }
    const isBelow = (path: string) => path.startsWith(real === '/' ? '/' : `${real}/`);
    if (mountsOf(fs, place.path, mounts).some(isBelow)) return place;
    const holdsIt = mounts.some((mount) => isBelow(mount.mountPoint) && isInMount(mount, at, mounts));
    if (holdsIt) return place;
  }
  return null;
}

/** Mount points at which the place, or a part of it, can be seen. */
function mountsOf(fs: PlacesFs, path: string, mounts: readonly MountedTree[]): string[] {
  let there = path;
  while (absent(() => fs.realpathSync(there)) === null) there = dirname(there);
  const real = fs.realpathSync(there);
  const whole = there === path ? real : childPath(real, path.slice(there === '/' ? 1 : there.length + 1));
  const place = onFileSystem(whole, mounts);
  if (place === null) return [];
  return mounts.flatMap(({ device, root, mountPoint }) =>
    device === place.device && isAtOrBelow(root, place.path) ? mountPoint : [],
  );
}

/** Whether a mount shows the tree that the path lies in. */
function isInMount({ device, root }: MountedTree, path: string, mounts: readonly MountedTree[]): boolean {
  const place = onFileSystem(path, mounts);
  return place !== null && place.device === device && isAtOrBelow(place.path, root);
}

/** Where a path without links is on its file system, whatever that is mounted at. */
function onFileSystem(
  path: string,
  mounts: readonly MountedTree[],
): { readonly device: string; readonly path: string } | null {
  let nearest: MountedTree | null = null;
  for (const mount of mounts) {
    const isNearer = nearest === null || mount.mountPoint.length >= nearest.mountPoint.length;
    if (isNearer && isAtOrBelow(path, mount.mountPoint)) nearest = mount;
  }
  if (nearest === null) return null;
  const { device, root, mountPoint } = nearest;
  const below = path.slice(mountPoint === '/' ? 1 : mountPoint.length + 1);
  return { device, path: below === '' ? root : childPath(root, below) };
}

function isAtOrBelow(path: string, top: string): boolean {
  return top === '/' || path === top || path.startsWith(`${top}/`);
}

function idOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}

function absent<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'EACCES') return null;
    throw error;
  }
}
