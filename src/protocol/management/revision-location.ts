/**
 * Where a revision is, in the two forms that it has: the API's `RevisionLocation`, and the `Revision` of a deployment specification. Pure.
 *
 * The API's model knows only S3 and GitHub. An address in place of a bucket's or a repository's name is an extension of ours. It means a
 * bundle from any web server, whose eTag is `sha256:` and its digest, or a commit from any git repository. That rule stands here and
 * nowhere else.
 */
import type { BundleType, Revision } from '../specification.ts';
import type { ManagementOperations } from './shapes.ts';

export type RevisionLocation = NonNullable<ManagementOperations['GetApplicationRevision']['output']['revision']>;
type S3Location = NonNullable<RevisionLocation['s3Location']>;

const DIGEST_PREFIX = 'sha256:';

/** Whether a bucket's or a repository's name is an address. */
export function isWebAddress(name: string): boolean {
  return name.includes('://');
}

/** The address of a bundle whose location has one in place of a bucket. */
export function bundleUrlOf({ bucket = '', key = '' }: S3Location): string {
  return `${bucket.replace(/\/$/, '')}/${key.replace(/^\//, '')}`;
}

/** The digest that the eTag of such a location says; null: it says none. */
export function digestOf({ eTag }: S3Location): string | null {
  return eTag?.startsWith(DIGEST_PREFIX) ? eTag.slice(DIGEST_PREFIX.length) : null;
}

/** Returns the form of a location that hosts are told; null: it cannot be deployed to hosts. */
export function revisionOf(location: RevisionLocation): Revision | null {
  const { s3Location, gitHubLocation } = location;
  if (location.revisionType === 'S3' && s3Location !== undefined) return revisionInStore(s3Location);
  const { repository: name = '', commitId = '' } = gitHubLocation ?? {};
  if (isWebAddress(name)) return { revisionType: 'Git', url: name, commitId: commitId.toLowerCase() };
  const [account = '', repository = ''] = name.split('/');
  if (account === '' || repository === '') return null;
  return { revisionType: 'GitHub', account, repository, commitId, bundleType: null };
}

function revisionInStore(location: S3Location): Revision {
  const { bucket = '', key = '', version, eTag } = location;
  const bundleType = location.bundleType as BundleType;
  if (isWebAddress(bucket)) {
    return { revisionType: 'HTTPS', url: bundleUrlOf(location), bundleType, sha256: digestOf(location) ?? '' };
  }
  return { revisionType: 'S3', bucket, key, bundleType, version: version ?? null, eTag: unquoted(eTag) };
}

/** The location of a revision; null: a file or a folder of one machine has none. */
export function locationOf(revision: Revision): RevisionLocation | null {
  switch (revision.revisionType) {
    case 'S3': {
      const { bucket, key, bundleType, version, eTag } = revision;
      const object = { ...(version === null ? {} : { version }), ...(eTag === null ? {} : { eTag }) };
      return { revisionType: 'S3', s3Location: { bucket, key, bundleType, ...object } };
    }
    case 'HTTPS': {
      const { origin, pathname, search } = new URL(revision.url);
      const key = `${pathname.slice(1)}${search}`;
      const { bundleType, sha256 } = revision;
      return { revisionType: 'S3', s3Location: { bucket: origin, key, bundleType, eTag: `${DIGEST_PREFIX}${sha256}` } };
    }
    case 'GitHub': {
      const { account, repository, commitId } = revision;
      return { revisionType: 'GitHub', gitHubLocation: { repository: `${account}/${repository}`, commitId } };
    }
    case 'Git':
      return { revisionType: 'GitHub', gitHubLocation: { repository: revision.url, commitId: revision.commitId } };
    default:
      return null;
  }
}

/** A location as it is kept. */
export function parseLocation(json: string): RevisionLocation {
  return JSON.parse(json) as RevisionLocation;
}

/**
 * Identity of a revision: two locations with the same text are the same revision. S3: bucket, key, and version or ETag as far as given;
 * GitHub: repository and commit; an AppSpec file: its digest.
 *
 * @returns a canonical text; ETags may come wrapped in quotes, which do not count
 */
export function identityOf({ revisionType, s3Location, gitHubLocation, ...location }: RevisionLocation): string {
  if (revisionType === 'AppSpecContent' || revisionType === 'String') {
    return JSON.stringify([revisionType, (location.appSpecContent ?? location.string)?.sha256 ?? '']);
  }
  if (revisionType === 'GitHub') {
    return JSON.stringify(['GitHub', gitHubLocation?.repository ?? '', gitHubLocation?.commitId ?? '']);
  }
  const { bucket = '', key = '', version, eTag } = s3Location ?? {};
  return JSON.stringify(['S3', bucket, key, version ?? null, unquoted(eTag)]);
}

/** The beginning that the identities of all objects in a bucket share whose keys begin so. */
export function s3IdentityPrefix(bucket: string, keyPrefix: string): string {
  return JSON.stringify(['S3', bucket, keyPrefix]).slice(0, -'"]'.length);
}

function unquoted(eTag: string | undefined): string | null {
  return eTag?.replaceAll('"', '') ?? null;
}
