/** Reads where a revision is, and makes the row of it. */
import { ApiError } from '../../protocol/errors.ts';
import {
  bundleUrlOf,
  digestOf,
  identityOf,
  isWebAddress,
  type RevisionLocation,
} from '../../protocol/management/revision-location.ts';
import {
  problemOfBundleUrl,
  problemOfCommitId,
  problemOfGitUrl,
  problemOfSha256,
} from '../../protocol/specification.ts';
import { readContentRevision } from './appspec-revision.ts';
import type { Platform } from './compute-platform.ts';
import type { ApiContext, Input } from './context.ts';
import { checkChoice, quote, readObject, readText } from './input.ts';
import { isEmpty } from './not-done.ts';

/** Where a revision of each type says where it is. */
const LOCATIONS = {
  S3: 's3Location',
  GitHub: 'gitHubLocation',
  String: 'string',
  AppSpecContent: 'appSpecContent',
} as const;
const TYPES = ['S3', 'GitHub', 'String', 'AppSpecContent'] as const;
/** A function's or a service's revision is an AppSpec file, or a bundle that holds one. */
const BUNDLE_TYPES = { hosts: ['tar', 'tgz', 'zip'], others: ['YAML', 'JSON', 'zip', 'tgz'] } as const;
const INVALID = 'InvalidRevisionException';
/** A key of S3 has 1024 bytes at most. Revisions are found by their location, and PostgreSQL finds by 2704 bytes at most. */
const MAX_LOCATION_BYTES = 2_400;

export interface RevisionRequest {
  /** The revision's own, for messages. */
  readonly path: string;
  /** Platform of its application. */
  readonly platform: Platform;
  /** Whether the revision is only looked for: its content was checked when it was registered. */
  readonly isLookup?: boolean;
}

/** A revision that the request has. @throws ApiError InvalidRevisionException naming the member at fault */
export function readRevision(input: Input, { path, platform, isLookup = false }: RevisionRequest): RevisionLocation {
  const revision = readObject(input, path) ?? {};
  const type = checkChoice(readText(revision, 'revisionType') ?? '', `${path}.revisionType`, TYPES, INVALID);
  refuseOtherPlatform(type, platform, path);
  const own = LOCATIONS[type];
  const other = Object.values(LOCATIONS).find((name) => name !== own && !isEmpty(revision[name]));
  if (other !== undefined) {
    throw invalid(
      `${path} is of revisionType ${type}, but has the member ${other}, too. Leave out what does not count.`,
    );
  }
  const place = readObject(revision, own);
  if (place === null) throw invalid(`${path} is of revisionType ${type} and needs the member ${own}.`);
  const location = readLocation(place, { type, path: `${path}.${own}`, platform, isLookup });
  const bytes = Buffer.byteLength(identityOf(location));
  if (bytes <= MAX_LOCATION_BYTES) return location;
  throw invalid(`${path}.${own} has ${bytes} bytes; ${MAX_LOCATION_BYTES} is the limit.`);
}

/** @throws ApiError InvalidRevisionException */
function refuseOtherPlatform(type: (typeof TYPES)[number], platform: Platform, path: string): void {
  const isContent = type === 'String' || type === 'AppSpecContent';
  if (isContent && platform === 'Server') {
    throw invalid(`${path}.revisionType ${type} is for Lambda and ECS; a revision for hosts is of type S3 or GitHub.`);
  }
  if (type === 'GitHub' && platform !== 'Server') {
    throw invalid(`${path}.revisionType GitHub is for hosts; one for ${platform} is of type AppSpecContent or S3.`);
  }
}

function readLocation(
  place: Input,
  { type, path, platform, isLookup }: Required<RevisionRequest> & { readonly type: (typeof TYPES)[number] },
): RevisionLocation {
  switch (type) {
    case 'S3':
      return { revisionType: 'S3', s3Location: readS3Location(place, path, platform) };
    case 'GitHub':
      return { revisionType: 'GitHub', gitHubLocation: readGitHubLocation(place, path) };
    default:
      // Of hosts it was refused before.
      return readContentRevision({ type, given: place, path, platform: platform as 'Lambda' | 'ECS', isLookup });
  }
}

function invalid(why: string): ApiError {
  return new ApiError(INVALID, why);
}

function readNeeded(place: Input, path: string, member: string): string {
  const value = readText(place, member);
  if (value !== null && value !== '') return value;
  throw invalid(`${path}.${member} is missing or empty.`);
}

function readS3Location(place: Input, path: string, platform: Platform) {
  const known = platform === 'Server' ? BUNDLE_TYPES.hosts : BUNDLE_TYPES.others;
  const given = readNeeded(place, path, 'bundleType');
  const bundleType = checkChoice<(typeof known)[number]>(given, `${path}.bundleType`, known, INVALID);
  const version = readText(place, 'version');
  const eTag = readText(place, 'eTag');
  const location = {
    bucket: readNeeded(place, path, 'bucket'),
    key: readNeeded(place, path, 'key'),
    bundleType,
    ...(version ? { version } : {}),
    ...(eTag ? { eTag } : {}),
  };
  if (isWebAddress(location.bucket)) requireBundleUrl(location, path);
  return location;
}

/** An address in place of a bucket's name: the bundle is at a web server, and its eTag says `sha256:` and its digest. */
function requireBundleUrl(location: NonNullable<RevisionLocation['s3Location']>, path: string): void {
  const digest = digestOf(location);
  const problem =
    (location.version === undefined ? null : 'a web address has no version') ??
    problemOfBundleUrl(bundleUrlOf(location)) ??
    (digest === null ? 'its eTag must be sha256:DIGEST' : problemOfSha256(digest));
  if (problem !== null) throw invalid(`${path} cannot be used as a web address: ${problem}.`);
}

function readGitHubLocation(place: Input, path: string) {
  const repository = readNeeded(place, path, 'repository');
  if (isWebAddress(repository)) {
    const commitId = readText(place, 'commitId') ?? '';
    // A path on the hosts is nothing for a caller of this API to choose.
    const problem =
      (repository.startsWith('file:') ? 'file: is not for deployments from a server' : problemOfGitUrl(repository)) ??
      problemOfCommitId(commitId);
    if (problem !== null) throw invalid(`${path} cannot be used as the address of a git repository: ${problem}.`);
    return { repository, commitId };
  }
  if (!/^[^/\s]+\/[^/\s]+$/.test(repository)) {
    throw invalid(`${path}.repository must be of the form account/repository, but is ${quote(repository)}.`);
  }
  return { repository, commitId: readNeeded(place, path, 'commitId') };
}

/** The row of a revision that is made known to its application. */
export function revisionRow(
  ctx: Pick<ApiContext, 'random' | 'clock'>,
  applicationId: string,
  location: RevisionLocation,
  description: string | null,
) {
  return {
    revision_id: ctx.random.uuid(),
    application_id: applicationId,
    identity: identityOf(location),
    location_json: JSON.stringify(location),
    description,
    registered_at_ms: ctx.clock.now(),
  };
}
