/**
 * The manifest: what the last Install brought, so that the next one can tell what another hand has changed since. Pure: text and entries.
 *
 * Three things tell at a glance that nothing has happened to a file: its size, its time, and its time of change (ctime). The last must be
 * older than the end of the last Install, which is the manifest's own time (`markComplete`). Size and time can be kept by who changes a
 * file (`touch -r`, `rsync -t`), the time of change cannot. Where one of the three differs, the file is compared, byte for byte, with the
 * revision that it came from, which is still on the disk. If that is gone, the file counts as changed, and a copy is kept.
 *
 * There are no hashes in it. They would tell no more than the bytes do. Every Install would have to hash what it writes, and all installed
 * files once more, to find a change that keeps size and time: 0.6 s of a core for each GiB and each of the two with SHA-256 in hardware,
 * 1.8 s without, where copying takes 0.4 s. The time of change costs nothing, because the object is looked at anyway.
 *
 * The first line names the format and the revision's folder. Every other line is one file: path, source (below that folder, or absolute),
 * size, time and target of a link. It also tells whether the file had an ACL or a context.
 */
import { childPath } from './child-path.ts';
import type { InstallPlan } from './types.ts';

export interface ManifestEntry {
  /** Absolute: the file of the revision. */
  readonly source: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly target: string | null;
  readonly isSpecial: boolean;
}

/** Path on the host → what the last Install put there. */
export type Manifest = ReadonlyMap<string, ManifestEntry>;

const FORMAT = 1;

/** Returns the entries of the previous manifest that stay. */
export function carriedEntries({ carried }: Pick<InstallPlan, 'carried'>, previous: Manifest): Manifest {
  return new Map(
    carried.flatMap((path) => {
      const entry = previous.get(path);
      return entry === undefined ? [] : [[path, entry] as const];
    }),
  );
}

/**
 * @param carried of the Install before
 * @returns its lines, made as they are taken
 */
export function* formatManifest(plan: InstallPlan, archiveDir: string, carried: Manifest): Generator<string> {
  const special = new Set(
    plan.permissions.flatMap(({ path, acls, context }) => (acls !== null || context !== null ? path : [])),
  );
  const base = `${archiveDir}/`;
  const format = (path: string, { source, sizeBytes, mtimeMs, target, isSpecial }: ManifestEntry) => {
    const short = source.startsWith(base) ? source.slice(base.length) : source;
    return `${JSON.stringify([path, short, sizeBytes, mtimeMs, target, isSpecial])}\n`;
  };
  yield `${JSON.stringify({ format: FORMAT, archiveDir })}\n`;
  for (const files of [plan.files, plan.unchanged]) {
    for (const { path, source, facts, target } of files) {
      const { sizeBytes, mtimeMs } = facts;
      yield format(path, { source, sizeBytes, mtimeMs, target, isSpecial: special.has(path) });
    }
  }
  for (const [path, entry] of carried) yield format(path, entry);
}

/** Leaves out lines that cannot be read: of such a file nothing is known, as before there were manifests. */
export function parseManifest(text: string): Manifest {
  const [head = '', ...lines] = text.split('\n').slice(0, -1);
  const archiveDir = archiveDirOf(parseLine(head));
  const entries = new Map<string, ManifestEntry>();
  if (archiveDir === null) return entries;
  for (const line of lines) {
    const entry = entryOf(parseLine(line), archiveDir);
    if (entry !== null) entries.set(...entry);
  }
  return entries;
}

function archiveDirOf(head: unknown): string | null {
  if (typeof head !== 'object' || head === null) return null;
  const { format, archiveDir } = head as { format?: unknown; archiveDir?: unknown };
  return format === FORMAT && typeof archiveDir === 'string' ? archiveDir : null;
}

function entryOf(line: unknown, archiveDir: string): [string, ManifestEntry] | null {
  if (!Array.isArray(line)) return null;
  const [path, source, sizeBytes, mtimeMs, target, isSpecial] = line as unknown[];
  if (typeof path !== 'string' || typeof source !== 'string') return null;
  if (typeof sizeBytes !== 'number' || typeof mtimeMs !== 'number') return null;
  const absolute = source.startsWith('/') ? source : childPath(archiveDir, source);
  const entry = { source: absolute, sizeBytes, mtimeMs, target: typeof target === 'string' ? target : null };
  return [path, { ...entry, isSpecial: isSpecial === true }];
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
