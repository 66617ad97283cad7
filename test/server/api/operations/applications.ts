/** Rows of the table: applications and their revisions. */
import {
  LONG_NAME,
  NO_APPLICATION,
  NO_PAGE,
  NO_ROLES,
  NO_THROTTLE,
  type Operations,
  omit,
  tooMany,
} from './operation.ts';
import { S3 } from './world.ts';

const SITE = { applicationName: 'site' };
const NO_NAME = omit(NO_APPLICATION, 'ApplicationDoesNotExistException');
const GIT = { revisionType: 'GitHub', gitHubLocation: { repository: 'team/site', commitId: 'a'.repeat(40) } };

/** Refusals of every operation that takes a revision. */
export const NO_REVISION = {
  RevisionRequiredException: { revision: null },
  InvalidRevisionException: [
    { revision: {} },
    { revision: { revisionType: 'Bitbucket' } },
    { revision: { revisionType: 'S3' } },
    { revision: { ...S3, s3Location: { ...S3.s3Location, bucket: '' } } },
    { revision: { ...S3, s3Location: { ...S3.s3Location, bundleType: 'rar' } } },
    { revision: { ...S3, gitHubLocation: GIT.gitHubLocation } },
    { revision: { ...GIT, gitHubLocation: { ...GIT.gitHubLocation, repository: 'site' } } },
    { revision: { ...GIT, gitHubLocation: { ...GIT.gitHubLocation, commitId: '' } } },
    { revision: { revisionType: 'AppSpecContent', appSpecContent: { content: 'version: 0.0' } } },
    { revision: { revisionType: 'String', string: { content: 'version: 0.0' } } },
  ],
} as const;

export const APPLICATIONS: Operations<
  | 'CreateApplication'
  | 'GetApplication'
  | 'BatchGetApplications'
  | 'ListApplications'
  | 'UpdateApplication'
  | 'DeleteApplication'
  | 'RegisterApplicationRevision'
  | 'GetApplicationRevision'
  | 'BatchGetApplicationRevisions'
  | 'ListApplicationRevisions'
> = {
  CreateApplication: {
    does: 'makes an application, with up to 50 tags',
    refuses: '`computePlatform` Lambda and ECS where the server asks no AWS',
    good: { applicationName: 'fresh', computePlatform: 'Server', tags: [{ Key: 'Team', Value: 'a' }] },
    refused: {
      ...NO_NAME,
      ApplicationAlreadyExistsException: { applicationName: 'site' },
      InvalidComputePlatformException: ['Lambda', 'ECS', 'server', ''].map((computePlatform) => ({ computePlatform })),
      InvalidTagsToAddException: [
        { tags: [{ Value: 'a' }] },
        { tags: [{ Key: 'x'.repeat(129) }] },
        { tags: [{ Key: 'k', Value: '\u{1F6A2}'.repeat(257) }] },
        { tags: [{ Key: 'k' }, { Key: 'k' }] },
        ...['aws:', 'aws:cloudformation:stack-name', 'AWS:x'].map((Key) => ({ tags: [{ Key, Value: 'v' }] })),
        { tags: tooMany(50, (n) => ({ Key: `k${n}`, Value: '' })) },
      ],
    },
    full: ['ApplicationLimitExceededException'],
    never: { ThrottlingException: NO_THROTTLE },
  },
  GetApplication: {
    does: 'shows an application',
    refuses: null,
    good: SITE,
    refused: NO_APPLICATION,
    never: {},
  },
  BatchGetApplications: {
    does: 'shows up to 100 applications; each must exist',
    refuses: null,
    good: { applicationNames: ['site', 'other'] },
    refused: {
      ApplicationNameRequiredException: [{ applicationNames: null }, { applicationNames: [] }],
      InvalidApplicationNameException: [{ applicationNames: ['site', 'a b'] }, { applicationNames: [''] }],
      ApplicationDoesNotExistException: { applicationNames: ['site', 'nobody'] },
      BatchLimitExceededException: { applicationNames: tooMany(100, (n) => `site-${n}`) },
    },
    never: {},
  },
  ListApplications: {
    does: 'lists the names of applications, 100 a page',
    refuses: null,
    good: {},
    refused: NO_PAGE,
    never: {},
  },
  UpdateApplication: {
    does: 'renames an application; its id, tags and history stay',
    refuses: null,
    good: { applicationName: 'other', newApplicationName: 'another' },
    refused: {
      ...NO_APPLICATION,
      InvalidApplicationNameException: [
        ...NO_APPLICATION.InvalidApplicationNameException,
        { newApplicationName: 'my site' },
        { newApplicationName: LONG_NAME },
      ],
      ApplicationAlreadyExistsException: { newApplicationName: 'site' },
    },
    never: {},
  },
  DeleteApplication: {
    does: 'deletes an application with its groups, revisions and deployments, or does nothing if there is none; hosts and bundles stay as they are. A deployment that moves traffic of a function or a service is ended first',
    refuses: null,
    good: { applicationName: 'another' },
    refused: NO_NAME,
    never: { InvalidRoleException: NO_ROLES },
  },
  RegisterApplicationRevision: {
    does: 'makes a revision known to an application, or changes its description',
    refuses:
      'for hosts, revisions of type `String` and `AppSpecContent`; for Lambda and ECS, those of type `GitHub`, and AppSpec files with an error',
    good: { ...SITE, revision: GIT, description: '\u{1F6A2}'.repeat(256) },
    refused: {
      ...NO_APPLICATION,
      ...NO_REVISION,
      DescriptionTooLongException: [{ description: 'x'.repeat(257) }, { description: '\u{1F6A2}'.repeat(257) }],
    },
    never: {},
  },
  GetApplicationRevision: {
    does: 'shows a revision, when it was used, and the groups that have it',
    refuses: 'as RegisterApplicationRevision',
    good: { ...SITE, revision: S3 },
    refused: { ...NO_APPLICATION, ...NO_REVISION, RevisionDoesNotExistException: { applicationName: 'other' } },
    never: {},
  },
  BatchGetApplicationRevisions: {
    does: 'shows up to 25 revisions; `errorMessage` counts those that are not registered',
    refuses: 'as RegisterApplicationRevision',
    good: { ...SITE, revisions: [S3] },
    refused: {
      ...NO_APPLICATION,
      RevisionRequiredException: [{ revisions: null }, { revisions: [] }],
      InvalidRevisionException: NO_REVISION.InvalidRevisionException.map(({ revision }) => ({
        revisions: [S3, revision],
      })),
      BatchLimitExceededException: { revisions: tooMany(25, () => S3) },
    },
    never: {},
  },
  ListApplicationRevisions: {
    does: 'lists the revisions of an application, 100 a page, sorted and filtered',
    refuses: null,
    good: {
      ...{ ...SITE, sortBy: 'lastUsedTime', sortOrder: 'descending', deployed: 'include' },
      ...{ s3Bucket: 'revisions', s3KeyPrefix: 'si' },
    },
    refused: {
      ...NO_APPLICATION,
      ...NO_PAGE,
      InvalidSortByException: [{ sortBy: 'name' }, { sortBy: '' }, { sortBy: 'toString' }],
      InvalidSortOrderException: [{ sortOrder: 'up' }, { sortOrder: 'Ascending' }],
      InvalidDeployedStateFilterException: [{ deployed: 'yes' }, { deployed: '' }],
      BucketNameFilterRequiredException: [{ s3Bucket: null }, { s3Bucket: '' }],
      InvalidBucketNameFilterException: { s3Bucket: '', s3KeyPrefix: null },
      InvalidKeyPrefixFilterException: { s3KeyPrefix: '' },
    },
    never: {},
  },
};
