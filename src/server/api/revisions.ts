import { ApiError } from '../../protocol/errors.ts';
import {
  bundleUrlOf,
  digestOf,
  identityOf,
  isWebAddress,
  parseLocation,
  type RevisionLocation,
  s3IdentityPrefix,
} from '../../protocol/management/revision-location.ts';
import {
  problemOfBundleUrl,
  problemOfCommitId,
  problemOfGitUrl,
  problemOfSha256,
} from '../../protocol/specification.ts';
import { targetRevisionsOf } from '../store/deployment-groups.ts';
import { findRevision, listRevisions, putRevision, type RevisionFilter } from '../store/revisions.ts';
import type { RevisionRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { requireApplication, requireHeldApplication } from './applications.ts';
import { type ApiContext, type Handlers, type Input, seconds } from './context.ts';
import {
  APPLICATION,
  readDescription,
  readList,
  readName,
  readObject,
  readText,
  requireBatch,
  requireObject,
} from './input.ts';
import { isEmpty } from './not-done.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';

/** Where a revision of each type says where it is. */
const LOCATIONS: Readonly<Record<string, string>> = {
  S3: 's3Location',
  GitHub: 'gitHubLocation',
  String: 'string',
  AppSpecContent: 'appSpecContent',
};
const BUNDLE_TYPES = ['tar', 'tgz', 'zip'];
const MAX_BATCH = 25;
/** A key of S3 has 1024 bytes at most. Revisions are found by their location, and PostgreSQL finds by 2704 bytes at most. */
const MAX_LOCATION_BYTES = 2_400;

/** @throws ApiError RevisionRequiredException, InvalidRevisionException naming the member at fault */
export function readRevision(input: Input, member: string): RevisionLocation {
  const revision = readObject(input, member);
  if (revision === null) throw new ApiError('RevisionRequiredException', `The revision (${member}) is missing.`);
  const type = readText(revision, 'revisionType');
  const own = type !== null && Object.hasOwn(LOCATIONS, type) ? LOCATIONS[type] : undefined;
  const other = Object.values(LOCATIONS).find((name) => name !== own && !isEmpty(revision[name]));
  if (own !== undefined && other !== undefined) {
    throw new ApiError(
      'InvalidRevisionException',
      `${member} is of revisionType ${type}, but has ${/^[aeiou]/.test(other) ? 'an' : 'a'} ${other}, too. Leave out what does not count.`,
    );
  }
  switch (type) {
    case 'S3':
      return requireShort({ revisionType: 'S3', s3Location: readS3Location(revision) });
    case 'GitHub':
      return requireShort({ revisionType: 'GitHub', gitHubLocation: readGitHubLocation(revision) });
    case 'String':
    case 'AppSpecContent':
      throw new ApiError(
        'InvalidRevisionException',
        `A revision of type ${type} is for Lambda and ECS; hosts need S3 or GitHub.`,
      );
    default:
      throw new ApiError('InvalidRevisionException', `revisionType must be S3 or GitHub, but is '${type ?? ''}'.`);
  }
}

function requireShort(location: RevisionLocation): RevisionLocation {
  const bytes = Buffer.byteLength(identityOf(location));
  if (bytes <= MAX_LOCATION_BYTES) return location;
  throw new ApiError(
    'InvalidRevisionException',
    `The location of the revision has ${bytes} bytes; ${MAX_LOCATION_BYTES} is the limit.`,
  );
}

function readS3Location(revision: Input) {
  const location = readObject(revision, 's3Location');
  if (location === null) throw new ApiError('InvalidRevisionException', 'A revision of type S3 needs an s3Location.');
  const needed = (member: string): string => {
    const value = readText(location, member);
    if (value === null || value === '')
      throw new ApiError('InvalidRevisionException', `The s3Location has no ${member}.`);
    return value;
  };
  const bundleType = needed('bundleType');
  if (!BUNDLE_TYPES.includes(bundleType)) {
    throw new ApiError('InvalidRevisionException', `The bundleType must be tar, tgz or zip, but is '${bundleType}'.`);
  }
  const version = readText(location, 'version');
  const eTag = readText(location, 'eTag');
  const read = {
    bucket: needed('bucket'),
    key: needed('key'),
    bundleType: bundleType as 'tar' | 'tgz' | 'zip',
    ...(version ? { version } : {}),
    ...(eTag ? { eTag } : {}),
  };
  if (isWebAddress(read.bucket)) requireBundleUrl(read);
  return read;
}

/** An address in place of a bucket's name: the bundle is at a web server, and its eTag says `sha256:` and its digest. */
function requireBundleUrl(location: NonNullable<RevisionLocation['s3Location']>): void {
  const digest = digestOf(location);
  const problem =
    (location.version === undefined ? null : 'a web address has no version') ??
    problemOfBundleUrl(bundleUrlOf(location)) ??
    (digest === null ? 'its eTag must be sha256:DIGEST' : problemOfSha256(digest));
  if (problem !== null) {
    throw new ApiError('InvalidRevisionException', `The s3Location cannot be used as a web address: ${problem}.`);
  }
}

function readGitHubLocation(revision: Input) {
  const location = readObject(revision, 'gitHubLocation');
  const repository = location === null ? null : readText(location, 'repository');
  const commitId = location === null ? null : readText(location, 'commitId');
  if (repository !== null && isWebAddress(repository)) {
    // A path on the hosts is nothing for a caller of this API to choose.
    const problem =
      (repository.startsWith('file:') ? 'file: is not for deployments from a server' : problemOfGitUrl(repository)) ??
      problemOfCommitId(commitId ?? '');
    if (problem !== null) {
      throw new ApiError('InvalidRevisionException', `The gitHubLocation cannot be used as git’s: ${problem}.`);
    }
    return { repository, commitId: commitId ?? '' };
  }
  if (repository === null || !/^[^/\s]+\/[^/\s]+$/.test(repository)) {
    throw new ApiError(
      'InvalidRevisionException',
      "The gitHubLocation needs a repository of the form 'account/repository'.",
    );
  }
  if (!commitId) throw new ApiError('InvalidRevisionException', 'The gitHubLocation needs a commitId.');
  return { repository, commitId };
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

async function revisionInfo(db: StoreReader, row: RevisionRow) {
  const groups = await targetRevisionsOf(db, row.application_id);
  const using = groups.filter((group) => identityOf(parseLocation(group.revisionJson)) === row.identity);
  return {
    ...(row.description === null ? {} : { description: row.description }),
    deploymentGroups: using.map((group) => group.groupName),
    registerTime: seconds(row.registered_at_ms),
    ...(row.first_used_at_ms === null ? {} : { firstUsedTime: seconds(row.first_used_at_ms) }),
    ...(row.last_used_at_ms === null ? {} : { lastUsedTime: seconds(row.last_used_at_ms) }),
  };
}

const SORT_COLUMNS = {
  registerTime: 'registered_at_ms',
  firstUsedTime: 'first_used_at_ms',
  lastUsedTime: 'last_used_at_ms',
} as const;

interface ListFilter {
  readonly sortBy: keyof typeof SORT_COLUMNS | null;
  readonly descending: boolean;
  readonly bucket: string | null;
  readonly keyPrefix: string | null;
  readonly deployed: 'include' | 'exclude' | 'ignore';
}

function readListFilter(input: Input): ListFilter {
  const sortBy = readText(input, 'sortBy');
  if (sortBy !== null && !Object.hasOwn(SORT_COLUMNS, sortBy)) {
    throw new ApiError(
      'InvalidSortByException',
      `sortBy must be registerTime, firstUsedTime or lastUsedTime, but is '${sortBy}'.`,
    );
  }
  const sortOrder = readText(input, 'sortOrder');
  if (sortOrder !== null && sortOrder !== 'ascending' && sortOrder !== 'descending') {
    throw new ApiError(
      'InvalidSortOrderException',
      `sortOrder must be ascending or descending, but is '${sortOrder}'.`,
    );
  }
  const deployed = readText(input, 'deployed') ?? 'ignore';
  if (deployed !== 'include' && deployed !== 'exclude' && deployed !== 'ignore') {
    throw new ApiError(
      'InvalidDeployedStateFilterException',
      `deployed must be include, exclude or ignore, but is '${deployed}'.`,
    );
  }
  const bucket = readText(input, 's3Bucket');
  const keyPrefix = readText(input, 's3KeyPrefix');
  if (bucket === '') throw new ApiError('InvalidBucketNameFilterException', 'The s3Bucket is empty.');
  if (keyPrefix === '') throw new ApiError('InvalidKeyPrefixFilterException', 'The s3KeyPrefix is empty.');
  if (keyPrefix !== null && bucket === null) {
    throw new ApiError('BucketNameFilterRequiredException', 'An s3KeyPrefix needs an s3Bucket.');
  }
  return {
    sortBy: sortBy as ListFilter['sortBy'],
    descending: sortOrder === 'descending',
    bucket,
    keyPrefix,
    deployed,
  };
}

export const revisionHandlers: Handlers<
  'RegisterApplicationRevision' | 'GetApplicationRevision' | 'BatchGetApplicationRevisions' | 'ListApplicationRevisions'
> = {
  async RegisterApplicationRevision(ctx, input) {
    const name = readName(input, 'applicationName', APPLICATION);
    const revision = readRevision(input, 'revision');
    const description = readDescription(input);
    await ctx.store.transaction(async (tx) => {
      const { application_id } = await requireHeldApplication(tx, name);
      await putRevision(tx, revisionRow(ctx, application_id, revision, description));
    });
    return {};
  },

  async GetApplicationRevision(ctx, input) {
    const name = readName(input, 'applicationName', APPLICATION);
    const revision = readRevision(input, 'revision');
    const { application_id } = await requireApplication(ctx.store.db, name);
    const row = await findRevision(ctx.store.db, application_id, identityOf(revision));
    if (row === null)
      throw new ApiError('RevisionDoesNotExistException', `No such revision is registered with ${name}.`);
    return { applicationName: name, revision, revisionInfo: await revisionInfo(ctx.store.db, row) };
  },

  async BatchGetApplicationRevisions(ctx, input) {
    const name = readName(input, 'applicationName', APPLICATION);
    const list = readList(input, 'revisions');
    if (list === null || list.length === 0)
      throw new ApiError('RevisionRequiredException', 'The list revisions is missing or empty.');
    requireBatch(list, 'revisions', MAX_BATCH);
    const locations = list.map((entry) => readRevision({ revision: requireObject(entry, 'revisions') }, 'revision'));
    const { application_id } = await requireApplication(ctx.store.db, name);
    const rows = await Promise.all(
      locations.map((location) => findRevision(ctx.store.db, application_id, identityOf(location))),
    );
    const missing = rows.filter((row) => row === null).length;
    const revisions = await Promise.all(
      rows.flatMap((row, index) => {
        const revisionLocation = locations[index];
        if (row === null || revisionLocation === undefined) return [];
        return revisionInfo(ctx.store.db, row).then((genericRevisionInfo) => ({
          revisionLocation,
          genericRevisionInfo,
        }));
      }),
    );
    return {
      applicationName: name,
      errorMessage: missing === 0 ? '' : `${missing} of the revisions do not exist.`,
      revisions,
    };
  },

  async ListApplicationRevisions(ctx, input) {
    const name = readName(input, 'applicationName', APPLICATION);
    const filter = readListFilter(input);
    const token = readPageToken(ctx, 'ListApplicationRevisions', input);
    const { application_id } = await requireApplication(ctx.store.db, name);
    const [sortedBy, revisionId] = token.after.split(' ');
    const found = await listRevisions(ctx.store.db, {
      applicationId: application_id,
      sortBy: SORT_COLUMNS[filter.sortBy ?? 'registerTime'],
      descending: filter.descending,
      identityPrefix: filter.bucket === null ? null : s3IdentityPrefix(filter.bucket, filter.keyPrefix ?? ''),
      identities: await deployedIdentities(ctx.store.db, application_id, filter.deployed),
      after: revisionId === undefined ? null : { sortedByMs: Number(sortedBy), revisionId },
      limit: PAGE_SIZE + 1,
    });
    const { rows, ...rest } = toPage(found, token, (row) => `${row.sorted_by_ms} ${row.revision_id}`);
    return { revisions: rows.map((row) => parseLocation(row.location_json)), ...rest };
  },
};

/** What the filter `deployed` asks for: revisions that are the target of a group, or those that are not. */
async function deployedIdentities(
  db: StoreReader,
  applicationId: string,
  deployed: ListFilter['deployed'],
): Promise<RevisionFilter['identities']> {
  if (deployed === 'ignore') return null;
  const groups = await targetRevisionsOf(db, applicationId);
  const list = [...new Set(groups.map(({ revisionJson }) => identityOf(parseLocation(revisionJson))))];
  return { are: deployed === 'include' ? 'in' : 'not in', list };
}
