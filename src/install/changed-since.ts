/** Finds what was changed on a host since an Install. Pure. */
import type { ManifestEntry } from './manifest.ts';
import type { TreeView } from './types.ts';

/** Times are set in microseconds, and read as fractions of milliseconds: what differs by less is the same. */
const SAME_TIME_MS = 0.01;

/**
 * Whether a file that an Install brought is not any more as that Install left it. Pure: it looks through views.
 *
 * @param entry what the Install's manifest says of the file; undefined: nothing, and then nobody can tell
 * @param installedAtMs when that Install was complete
 */
export function isChangedSince(
  { archive, host }: { readonly archive: TreeView; readonly host: TreeView },
  path: string,
  entry: ManifestEntry | undefined,
  installedAtMs: number,
): boolean {
  const there = host.lstat(path);
  // A pipe, a socket or a device holds nothing that could be kept.
  if (entry === undefined || there === null || there.kind === 'other') return false;
  if (entry.target !== null) return there.kind !== 'symlink' || host.readlink(path) !== entry.target;
  if (there.kind !== 'file' || there.sizeBytes !== entry.sizeBytes) return true;
  // Whoever changes a file can give it its old time again, but not its old time of change.
  if (isSameTime(there.mtimeMs, entry.mtimeMs) && there.ctimeMs < installedAtMs) return false;
  // A new time alone is no new content; where the old revision is gone, nobody can say so.
  return archive.lstat(entry.source)?.kind !== 'file' || !host.sameContent(entry.source, path);
}

export function isSameTime(a: number, b: number): boolean {
  return Math.abs(a - b) < SAME_TIME_MS;
}
