import { copyFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { messageOf, SlipwayError } from '../errors.ts';
import type { LocalFileRevision } from '../protocol/specification.ts';
import type { FetchedBundle, FetchRequest } from './fetch-bundle.ts';

/** A bundle that is on this machine already: a link to it, or a copy where links cannot be. */
export function fetchLocalFile(revision: LocalFileRevision, request: Pick<FetchRequest, 'bundleFile'>): FetchedBundle {
  const stats = statSync(revision.location, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) {
    throw new SlipwayError('REVISION_NOT_FOUND', `the bundle ${revision.location} is not there, or is no file`);
  }
  rmSync(request.bundleFile, { force: true });
  try {
    symlinkSync(revision.location, request.bundleFile);
  } catch {
    try {
      copyFileSync(revision.location, request.bundleFile);
    } catch (cause) {
      throw new SlipwayError('REVISION_CANNOT_WRITE', `${revision.location} could not be copied: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
  return { eTag: null, sizeBytes: stats.size };
}
