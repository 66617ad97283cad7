/**
 * The folder of one key: all its versions, each whole or not there.
 *
 *   <version>.json   facts about a version; written first
 *   <version>        its content
 *   latest           the version that is read when a request names none
 *
 * An object exists when both of its files are there. So a write that was cut off can leave no more than the small first one. A delete
 * marker has no content, and exists with its `.json`. Only one change at a time may be made to a folder.
 */
import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import { removeUnfinished, syncFolderAsync, writeFileDurablyAsync } from '../../system/durable-file.ts';
import { namesIn, readIfThere } from './if-there.ts';
import type { IncomingFile } from './incoming-file.ts';
import {
  compareVersions,
  type DeleteMarker,
  type ObjectVersion,
  readVersion,
  type StoredVersion,
} from './stored-version.ts';
import type { ListedVersion } from './version-marker.ts';

const VERSION = /^[A-Za-z0-9]{1,64}$/;
const FACTS = '.json';
/**
 * Age in ms at which an unfinished file counts as abandoned. A small file is written within a moment, so an older one is from a server that
 * was killed, not from another live one.
 */
const UNFINISHED_MS = 60 * 60_000;

/** One version; null: it is not there, or not whole. */
export function versionIn(folder: string, version: string): StoredVersion | null {
  if (!VERSION.test(version)) return null;
  const text = readIfThere(join(folder, `${version}${FACTS}`));
  const found = text === null ? null : readVersion(text);
  return found?.kind === 'object' && !existsSync(contentOf(folder, found)) ? null : found;
}

/** Returns the current version of a key, which may be a delete marker; null: none. */
export function latestIn(folder: string): StoredVersion | null {
  const version = readIfThere(join(folder, 'latest'));
  return version === null ? null : versionIn(folder, version);
}

/** Newest first. */
export function versionsIn(folder: string): StoredVersion[] {
  return namesIn(folder)
    .filter((name) => name.endsWith(FACTS))
    .flatMap((name) => versionIn(folder, name.slice(0, -FACTS.length)) ?? [])
    .sort(compareVersions);
}

/** All versions as a list shows them, newest first. */
export function listedIn(folder: string): ListedVersion[] {
  const latest = latestIn(folder)?.version;
  return versionsIn(folder).map((version) => ({ key: version.key, version, isLatest: version.version === latest }));
}

/** The key that the folder is of; null: it has no version yet. */
export function keyOf(folder: string): string | null {
  return (latestIn(folder) ?? versionsIn(folder)[0])?.key ?? null;
}

export function contentOf(folder: string, { version }: ObjectVersion): string {
  return join(folder, version);
}

/** The number of the version that comes next. */
export function nextSequence(folder: string): number {
  return (latestIn(folder)?.sequence ?? 0) + 1;
}

/** Adds an object, which is then the latest version. @param content that has settled */
export function addObject(folder: string, object: ObjectVersion, content: IncomingFile): Promise<void> {
  return addVersion(folder, object, () => renameSync(content.path, contentOf(folder, object)));
}

/** Adds a delete marker, which is then the latest version. */
export function addMarker(folder: string, marker: DeleteMarker): Promise<void> {
  return addVersion(folder, marker, () => undefined);
}

async function addVersion(folder: string, added: StoredVersion, putContent: () => void): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  removeUnfinished(folder, added.modifiedAtMs - UNFINISHED_MS);
  const latest = join(folder, 'latest');
  try {
    await writeFacts(folder, added);
    putContent();
    await syncFolderAsync(folder);
    await writeFileDurablyAsync(latest, added.version, 0o600);
  } catch (error) {
    // On a full disk, say: an object that was refused must not take up the room that is missing.
    if (readIfThere(latest) !== added.version) await removeFiles(folder, added.version);
    throw error;
  }
}

/** Replaces what is known of a version; its content stays. */
export function writeFacts(folder: string, version: StoredVersion): Promise<void> {
  return writeFileDurablyAsync(join(folder, `${version.version}${FACTS}`), JSON.stringify(version), 0o600);
}

/** Removes one version for good. If it was the latest, the newest of the others is. */
export async function removeVersion(folder: string, { version }: StoredVersion): Promise<void> {
  const latest = join(folder, 'latest');
  if (readIfThere(latest) === version) {
    const next = versionsIn(folder).find((other) => other.version !== version);
    // First, so that a reader of the key while the power goes reads one version or the other.
    if (next !== undefined) await writeFileDurablyAsync(latest, next.version, 0o600);
  }
  await removeFiles(folder, version);
  await syncFolderAsync(folder);
  if (!namesIn(folder).some((name) => name.endsWith(FACTS))) removeKeyFolder(folder);
}

/** The facts last: content without them would be unknown, and take up room for ever. */
async function removeFiles(folder: string, version: string): Promise<void> {
  for (const name of [version, `${version}${FACTS}`]) await rm(join(folder, name), { force: true });
}

/** Removes the folder of a key without versions, unless another server has put one there just now. */
function removeKeyFolder(folder: string): void {
  for (const name of namesIn(folder).filter((name) => name === 'latest' || name.startsWith('.')))
    rmSync(join(folder, name), { force: true });
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemErrorCode(error) ?? '')) throw error;
  }
}
