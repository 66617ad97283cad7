import { constants, copyFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { messageOf, SlipwayError } from '../errors.ts';
import type { LocalFileRevision } from '../protocol/specification.ts';
import type { FetchedBundle, FetchRequest } from './fetch-bundle.ts';

/** A bundle that is on this machine already: a link to it, or a copy where links cannot be or must not. */
export function fetchLocalFile(
  revision: Pick<LocalFileRevision, 'location'>,
  request: Pick<FetchRequest, 'bundleFile' | 'isOwnCopy'>,
): FetchedBundle {
  const stats = statSync(revision.location, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) {
    throw new SlipwayError('REVISION_NOT_FOUND', `the bundle ${revision.location} is not there, or is no file`);
  }
  rmSync(request.bundleFile, { force: true });
  if (request.isOwnCopy === true || !isLinked(revision.location, request.bundleFile)) {
    try {
      copyFileSync(revision.location, request.bundleFile, constants.COPYFILE_FICLONE);
    } catch (cause) {
      throw new SlipwayError('REVISION_CANNOT_WRITE', `${revision.location} could not be copied: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
  return { eTag: null, sizeBytes: stats.size };
}

function isLinked(target: string, path: string): boolean {
  try {
    symlinkSync(target, path);
    return true;
  } catch {
    return false;
  }
}
