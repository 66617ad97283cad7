/** An old and a new revision of one site, different in every way that two revisions can be. */
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SeededRandom } from '../random.ts';

/** Path → what is there. Folders are made as they are needed. */
export type Site = ReadonlyMap<string, SiteObject>;
type SiteObject =
  | { readonly kind: 'file'; readonly content: string; readonly mode: number; readonly mtimeSeconds: number }
  | { readonly kind: 'link'; readonly target: string };

const NAMES = ['a', 'b', 'index.html', 'with blank', 'ünïcode', "it's", '-dash', '.hidden', 'x.y', '#1'] as const;
const MODES = [0o644, 0o600, 0o755, 0o640] as const;
/** Archives keep whole seconds, and zip only even ones. */
const SOME_TIME = 1_700_000_000;

export function randomSites(random: SeededRandom): { readonly old: Site; readonly young: Site } {
  const old = new Map<string, SiteObject>();
  for (let count = random.integer(5, 40); count > 0; count -= 1) put(old, randomPath(random), randomObject(random));
  const young = new Map<string, SiteObject>();
  for (const [path, object] of old) {
    if (random.chance(0.2)) continue;
    // A file becomes a folder.
    if (random.chance(0.1)) put(young, `${path}/inside`, randomObject(random));
    else put(young, path, random.chance(0.5) ? object : randomObject(random));
  }
  for (let count = random.integer(1, 15); count > 0; count -= 1) put(young, randomPath(random), randomObject(random));
  return { old, young };
}

/** So many that two threads install them. */
const MANY = { folders: 42, filesPerFolder: 50 } as const;

/** Adds many files, which differ from edition to edition. */
export function withManyFiles(site: Site, edition: string): Site {
  const more = new Map(site);
  for (let folder = 0; folder < MANY.folders; folder += 1) {
    for (let file = 0; file < MANY.filesPerFolder; file += 1) {
      const content = `${edition}, file ${file} of folder ${folder}`;
      const path = `many/folder-${folder}/file-${file}`;
      more.set(path, { kind: 'file', content, mode: 0o644, mtimeSeconds: SOME_TIME + 2 * file });
    }
  }
  return more;
}

/** Adds an object unless something else needs its place. */
function put(site: Map<string, SiteObject>, path: string, object: SiteObject): void {
  const isTaken = [...site.keys()].some((other) => other.startsWith(`${path}/`) || path.startsWith(`${other}/`));
  if (!isTaken) site.set(path, object);
}

function randomPath(random: SeededRandom): string {
  return Array.from({ length: random.integer(1, 3) }, () => random.pick(NAMES)).join('/');
}

function randomObject(random: SeededRandom): SiteObject {
  if (random.chance(0.15)) return { kind: 'link', target: `${random.pick(NAMES)}-${random.integer(1, 9)}` };
  const content = `${random.integer(0, 1e9)} `.repeat(random.pick([0, 1, 10, 5000]));
  return {
    kind: 'file',
    content,
    mode: random.pick(MODES),
    mtimeSeconds: SOME_TIME + 2 * random.integer(0, 1e6),
  };
}

export function writeSite(folder: string, site: Site): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, object] of site) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    if (object.kind === 'link') {
      symlinkSync(object.target, path);
      continue;
    }
    writeFileSync(path, object.content);
    chmodSync(path, object.mode);
    utimesSync(path, object.mtimeSeconds, object.mtimeSeconds);
  }
}
