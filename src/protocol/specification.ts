/**
 * The deployment specification: what the signed envelope says is to be deployed, as the agent works with it.
 *
 * The wire form (PascalCase JSON) is read by `parseSpecification` and written by `encodeSpecification`, nowhere else.
 */
import { invalid, type Members, quote, readMembers } from './specification-reader.ts';

export type FileExistsBehavior = 'DISALLOW' | 'OVERWRITE' | 'RETAIN';

export type BundleType = 'tar' | 'tgz' | 'zip';

export interface S3Revision {
  readonly revisionType: 'S3';
  readonly bucket: string;
  readonly key: string;
  readonly bundleType: BundleType;
  readonly version: string | null;
  /** Without double quotes. */
  readonly eTag: string | null;
}

export interface GitHubRevision {
  readonly revisionType: 'GitHub';
  readonly account: string;
  readonly repository: string;
  readonly commitId: string;
  /** null: tar, the default on Linux. */
  readonly bundleType: 'tar' | 'zip' | null;
}

export interface LocalFileRevision {
  readonly revisionType: 'Local File';
  readonly location: string;
  readonly bundleType: BundleType;
}

export interface LocalDirectoryRevision {
  readonly revisionType: 'Local Directory';
  readonly location: string;
}

export type Revision = S3Revision | GitHubRevision | LocalFileRevision | LocalDirectoryRevision;

export interface DeploymentSpecification {
  readonly deploymentId: string;
  readonly deploymentGroupId: string;
  readonly deploymentGroupName: string;
  readonly applicationName: string;
  /** `user` unless told otherwise; the exact text `codeDeployRollback` changes whose scripts run. */
  readonly deploymentCreator: string;
  readonly deploymentType: 'IN_PLACE' | 'BLUE_GREEN';
  /** Relative to the archive's root; `appspec.yml` unless told otherwise. */
  readonly appSpecFilename: string;
  readonly fileExistsBehavior: FileExistsBehavior;
  /** null: event names are not checked. */
  readonly allPossibleLifecycleEvents: readonly string[] | null;
  readonly reuseArchiveFromDeploymentId: string | null;
  readonly gitHubAccessToken: string | null;
  readonly revision: Revision;
}

/** The specification as the signed envelope carries it: JSON with PascalCase members, absent ones left out. */
export function encodeSpecification(specification: DeploymentSpecification): string {
  return JSON.stringify({
    DeploymentId: specification.deploymentId,
    DeploymentGroupId: specification.deploymentGroupId,
    DeploymentGroupName: specification.deploymentGroupName,
    ApplicationName: specification.applicationName,
    DeploymentCreator: specification.deploymentCreator,
    DeploymentType: specification.deploymentType,
    AppSpecFilename: specification.appSpecFilename,
    AgentActionOverrides: { AgentOverrides: { FileExistsBehavior: specification.fileExistsBehavior } },
    AllPossibleLifecycleEvents: specification.allPossibleLifecycleEvents ?? undefined,
    ReuseArchiveFromDeploymentId: specification.reuseArchiveFromDeploymentId ?? undefined,
    GitHubAccessToken: specification.gitHubAccessToken ?? undefined,
    Revision: encodeRevision(specification.revision),
  });
}

function encodeRevision(revision: Revision): Record<string, unknown> {
  switch (revision.revisionType) {
    case 'S3':
      return {
        RevisionType: 'S3',
        S3Revision: {
          Bucket: revision.bucket,
          Key: revision.key,
          BundleType: revision.bundleType,
          Version: revision.version ?? undefined,
          ETag: revision.eTag ?? undefined,
        },
      };
    case 'GitHub':
      return {
        RevisionType: 'GitHub',
        GitHubRevision: {
          Account: revision.account,
          Repository: revision.repository,
          CommitId: revision.commitId,
          BundleType: revision.bundleType ?? undefined,
        },
      };
    case 'Local File':
      return {
        RevisionType: 'Local File',
        LocalRevision: { Location: revision.location, BundleType: revision.bundleType },
      };
    case 'Local Directory':
      return {
        RevisionType: 'Local Directory',
        LocalRevision: { Location: revision.location, BundleType: 'directory' },
      };
  }
}

/**
 * Reads the JSON text of an opened envelope.
 *
 * Everything that becomes a path on this host is checked here: ids must each be one safe path component, the AppSpec file name must
 * stay inside the revision. Unknown members are ignored.
 *
 * @throws SlipwayError SPECIFICATION_INVALID naming the member at fault
 * @see the official agent 1.8.1, `deployment_specification.rb`, for members and defaults; 2.1 for the path checks
 */
export function parseSpecification(json: string): DeploymentSpecification {
  const root = readMembers(json);
  const overrides = root.object('AgentActionOverrides')?.object('AgentOverrides') ?? null;
  return {
    deploymentId: deploymentId('DeploymentId', root.required('DeploymentId')),
    deploymentGroupId: pathComponent('DeploymentGroupId', root.required('DeploymentGroupId')),
    deploymentGroupName: root.required('DeploymentGroupName'),
    applicationName: root.required('ApplicationName'),
    deploymentCreator: root.text('DeploymentCreator') ?? 'user',
    // Types that a later protocol may bring are treated as in-place, as the official agent does.
    deploymentType: root.text('DeploymentType') === 'BLUE_GREEN' ? 'BLUE_GREEN' : 'IN_PLACE',
    appSpecFilename: pathInside('AppSpecFilename', root.text('AppSpecFilename') ?? 'appspec.yml'),
    fileExistsBehavior: fileExistsBehavior(overrides),
    allPossibleLifecycleEvents: root.textList('AllPossibleLifecycleEvents'),
    reuseArchiveFromDeploymentId: optional(root.text('ReuseArchiveFromDeploymentId'), (id) =>
      deploymentId('ReuseArchiveFromDeploymentId', id),
    ),
    gitHubAccessToken: root.text('GitHubAccessToken'),
    revision: parseRevision(root.requiredObject('Revision')),
  };
}

function parseRevision(revision: Members): Revision {
  const revisionType = revision.required('RevisionType');
  switch (revisionType) {
    case 'S3': {
      const location = revision.requiredObject('S3Revision');
      return {
        revisionType,
        bucket: location.required('Bucket'),
        key: location.required('Key'),
        bundleType: location.oneOf('BundleType', ['tar', 'tgz', 'zip']),
        version: location.text('Version'),
        eTag: location.text('ETag')?.replaceAll('"', '') || null,
      };
    }
    case 'GitHub': {
      const location = revision.requiredObject('GitHubRevision');
      // A quirk of the official agent: the token itself is never used, GitHubAccessToken is.
      if (location.isFalse('Anonymous')) location.required('OAuthToken');
      return {
        revisionType,
        account: location.required('Account'),
        repository: location.required('Repository'),
        commitId: location.required('CommitId'),
        bundleType: location.text('BundleType') === null ? null : location.oneOf('BundleType', ['tar', 'zip']),
      };
    }
    case 'Local File': {
      const location = revision.requiredObject('LocalRevision');
      return {
        revisionType,
        location: location.required('Location'),
        bundleType: location.oneOf('BundleType', ['tar', 'tgz', 'zip']),
      };
    }
    case 'Local Directory': {
      const location = revision.requiredObject('LocalRevision');
      location.oneOf('BundleType', ['directory']);
      return { revisionType, location: location.required('Location') };
    }
    default:
      throw invalid(`Revision.RevisionType is ${quote(revisionType)}, not S3, GitHub, Local File or Local Directory`);
  }
}

/** `arn:aws:codedeploy:region:account:deployment/d-ABC` → `d-ABC`; anything else as it is. */
function deploymentId(member: string, text: string): string {
  if (!text.startsWith('arn:')) return pathComponent(member, text);
  const resource = text.split(':')[5] ?? '';
  const slash = resource.indexOf('/');
  if (slash < 0) throw invalid(`${member} is ${quote(text)}, which is not the ARN of a deployment`);
  return pathComponent(member, resource.slice(slash + 1));
}

function pathComponent(member: string, text: string): string {
  if (text === '' || text === '.' || text === '..' || /[/\\\p{Cc}]/u.test(text)) {
    throw invalid(`${member} is ${quote(text)}, which is not a safe name for a folder`);
  }
  return text;
}

function pathInside(member: string, text: string): string {
  if (/^[/\\]|^[a-z]:|\p{Cc}/iu.test(text) || text.split(/[/\\]/).includes('..')) {
    throw invalid(`${member} is ${quote(text)}, which does not stay inside the revision`);
  }
  return text;
}

function fileExistsBehavior(overrides: Members | null): FileExistsBehavior {
  const given = overrides?.text('FileExistsBehavior') ?? 'DISALLOW';
  const upper = given.toUpperCase();
  if (upper === 'DISALLOW' || upper === 'OVERWRITE' || upper === 'RETAIN') return upper;
  throw invalid(`${overrides?.pathOf('FileExistsBehavior')} is ${quote(given)}, not DISALLOW, OVERWRITE or RETAIN`);
}

function optional<T>(text: string | null, read: (text: string) => T): T | null {
  return text === null ? null : read(text);
}
