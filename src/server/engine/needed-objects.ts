/** Which objects of S3-compatible stores the open deployments to a host need. */

import { parseLocation } from '../../protocol/management/revision-location.ts';
import type { StoreReader } from '../store/store.ts';
import { openRevisionsOf } from '../store/targets.ts';

interface S3Location {
  readonly bucket: string;
  readonly key: string;
  /** null: the deployment names none. */
  readonly version: string | null;
  /** Without quotes; null: the deployment names none. */
  readonly eTag: string | null;
}

/** @returns one for each open deployment to the host whose revision is an object */
export async function neededObjects(db: StoreReader, hostArn: string): Promise<readonly S3Location[]> {
  const revisions = await openRevisionsOf(db, hostArn);
  return revisions.flatMap((json) => {
    const { s3Location } = parseLocation(json);
    if (s3Location?.bucket === undefined || s3Location.key === undefined) return [];
    const { bucket, key, version, eTag } = s3Location;
    return [{ bucket, key, version: version ?? null, eTag: eTag?.replaceAll('"', '') ?? null }];
  });
}
