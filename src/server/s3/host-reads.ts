/** Reading rights of a host. Pure. */
import type { ObjectVersion } from './stored-version.ts';

/** An object that a deployment to a host needs. */
export interface NeededObject {
  readonly bucket: string;
  readonly key: string;
  /** null: the deployment names none. */
  readonly version: string | null;
  /** Without quotes; null: the deployment names none. */
  readonly eTag: string | null;
}

/** Endings of the names of signatures beside a bundle. */
const SIGNATURES = ['.sig', '.minisig'];

/**
 * Whether a host needs an object: the bundle of a revision, in the version that the deployment names, or a signature beside it.
 *
 * @param object null: there is none of this name and version
 * @returns true also for what is missing, if it is the host's to know that
 */
export function isNeeded(
  needed: readonly NeededObject[],
  address: { readonly bucket: string; readonly key: string },
  object: ObjectVersion | null,
  isLatest: boolean,
): boolean {
  return needed.some(({ bucket, key, version, eTag }) => {
    if (bucket !== address.bucket) return false;
    if (SIGNATURES.some((suffix) => address.key === `${key}${suffix}`)) return object === null || isLatest;
    if (address.key !== key) return false;
    if (object === null) return true;
    if (version !== null && version !== object.version) return false;
    if (eTag !== null && eTag !== object.eTag) return false;
    return version !== null || eTag !== null || isLatest;
  });
}
