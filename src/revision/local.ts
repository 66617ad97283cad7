import { accessSync, constants, copyFileSync, renameSync, rmSync, type Stats, statSync, symlinkSync } from 'node:fs';
import { messageOf, SlipwayError } from '../errors.ts';
import type { LocalFileRevision } from '../protocol/specification.ts';
import { partFileOf, writeFault } from './bundle-part.ts';
import type { FetchedBundle, FetchRequest } from './types.ts';

/**
 * A bundle that is on this machine already: a link to it, or a copy where links cannot be or must not.
 *
 * @throws SlipwayError REVISION_NOT_FOUND, REVISION_DENIED, REVISION_DISK_FULL, REVISION_CANNOT_WRITE
 */
export function fetchLocalFile(
  { location }: Pick<LocalFileRevision, 'location'>,
  { bundleFile, isOwnCopy }: Pick<FetchRequest, 'bundleFile' | 'isOwnCopy'>,
): FetchedBundle {
  const { size } = readableFile(location);
  const partFile = partFileOf(bundleFile);
  try {
    rmSync(bundleFile, { force: true });
    if (isOwnCopy === true || !isLinked(location, bundleFile)) {
      copyFileSync(location, partFile, constants.COPYFILE_FICLONE);
      renameSync(partFile, bundleFile);
    }
  } catch (cause) {
    rmSync(partFile, { force: true });
    throw writeFault(bundleFile, cause);
  }
  return { eTag: null, sizeBytes: size };
}

function readableFile(location: string): Stats {
  let stats: Stats | undefined;
  try {
    stats = statSync(location, { throwIfNoEntry: false });
    if (stats !== undefined) accessSync(location, constants.R_OK);
  } catch (cause) {
    throw new SlipwayError('REVISION_DENIED', `the bundle ${location} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: 'Let the agent’s user read it, and pass through the folders above it.',
    });
  }
  if (stats?.isFile() === true) return stats;
  throw new SlipwayError('REVISION_NOT_FOUND', `the bundle ${location} is not there, or is no file`);
}

function isLinked(target: string, path: string): boolean {
  try {
    symlinkSync(target, path);
    return true;
  } catch {
    return false;
  }
}
