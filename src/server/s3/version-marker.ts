/** Where a page of versions begins. Pure. */
import type { StoredVersion } from './stored-version.ts';

/** A version as a list shows it. */
export interface ListedVersion {
  readonly key: string;
  readonly version: StoredVersion;
  readonly isLatest: boolean;
}

/** The last version of the page before. */
export interface VersionMarker {
  /** Empty: there was no page before. */
  readonly key: string;
  /** Empty: behind all versions of the key. */
  readonly version: string;
}

/**
 * The versions of one key that come behind a marker.
 *
 * @param key that comes not before the marker's
 * @param listed all versions of the key, in order. Where the marker's version was removed meanwhile, all that are left come behind it
 */
export function versionsBehind(
  marker: VersionMarker,
  key: string,
  listed: readonly ListedVersion[],
): readonly ListedVersion[] {
  if (key !== marker.key) return listed;
  if (marker.version === '') return [];
  return listed.slice(1 + listed.findIndex(({ version }) => version.version === marker.version));
}
