/**
 * The deployment specification: what the signed envelope says is to be deployed, as the agent works with it.
 *
 * The wire form (PascalCase JSON) is read by `parseSpecification` and written by `encodeSpecification`, nowhere else.
 */
import { messageOf, SlipwayError } from '../errors.ts';

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
  const root = new Members(parseJson(json), '');
  const overrides = root.object('AgentActionOverrides')?.object('AgentOverrides');
  return {
    deploymentId: pathComponent('DeploymentId', deploymentIdOf(root.required('DeploymentId'))),
    deploymentGroupId: pathComponent('DeploymentGroupId', root.required('DeploymentGroupId')),
    deploymentGroupName: root.required('DeploymentGroupName'),
    applicationName: root.required('ApplicationName'),
    deploymentCreator: root.text('DeploymentCreator') ?? 'user',
    // Types that a later protocol may bring are treated as in-place, as the official agent does.
    deploymentType: root.text('DeploymentType') === 'BLUE_GREEN' ? 'BLUE_GREEN' : 'IN_PLACE',
    appSpecFilename: pathInside('AppSpecFilename', root.text('AppSpecFilename') ?? 'appspec.yml'),
    fileExistsBehavior: fileExistsBehavior(overrides?.text('FileExistsBehavior') ?? 'DISALLOW'),
    allPossibleLifecycleEvents: root.textList('AllPossibleLifecycleEvents'),
    reuseArchiveFromDeploymentId: optional(root.text('ReuseArchiveFromDeploymentId'), (id) =>
      pathComponent('ReuseArchiveFromDeploymentId', deploymentIdOf(id)),
    ),
    gitHubAccessToken: root.text('GitHubAccessToken'),
    revision: parseRevision(root.object('Revision')),
  };
}

function parseRevision(revision: Members | null): Revision {
  if (revision === null) throw invalid('the member Revision is missing');
  const revisionType = revision.required('RevisionType');
  switch (revisionType) {
    case 'S3': {
      const location = requiredObject(revision, 'S3Revision');
      return {
        revisionType,
        bucket: location.required('Bucket'),
        key: location.required('Key'),
        bundleType: bundleType(location, ['tar', 'tgz', 'zip']),
        version: location.text('Version'),
        eTag: optional(location.text('ETag'), (eTag) => eTag.replaceAll('"', '')),
      };
    }
    case 'GitHub': {
      const location = requiredObject(revision, 'GitHubRevision');
      return {
        revisionType,
        account: location.required('Account'),
        repository: location.required('Repository'),
        commitId: location.required('CommitId'),
        bundleType: location.text('BundleType') === null ? null : bundleType(location, ['tar', 'zip']),
      };
    }
    case 'Local File': {
      const location = requiredObject(revision, 'LocalRevision');
      return {
        revisionType,
        location: location.required('Location'),
        bundleType: bundleType(location, ['tar', 'tgz', 'zip']),
      };
    }
    case 'Local Directory':
      return { revisionType, location: requiredObject(revision, 'LocalRevision').required('Location') };
    default:
      throw invalid(`Revision.RevisionType is '${revisionType}', not S3, GitHub, Local File or Local Directory`);
  }
}

/** The members of one JSON object, read with errors that name their path. */
class Members {
  readonly #members: Record<string, unknown>;
  readonly #path: string;

  constructor(members: Record<string, unknown>, path: string) {
    this.#members = members;
    this.#path = path;
  }

  /** A text that is there and not empty; null when it is absent, null or empty. */
  text(name: string): string | null {
    const value = this.#members[name];
    if (value === undefined || value === null || value === '') return null;
    if (typeof value !== 'string') throw invalid(`${this.pathOf(name)} is ${typeof value}, not text`);
    return value;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === null) throw invalid(`the member ${this.pathOf(name)} is missing`);
    return value;
  }

  object(name: string): Members | null {
    const value = this.#members[name];
    if (value === undefined || value === null) return null;
    if (typeof value !== 'object' || Array.isArray(value)) throw invalid(`${this.pathOf(name)} is not an object`);
    return new Members(value as Record<string, unknown>, this.pathOf(name));
  }

  /** The texts of a list; members of other types are dropped, as the official agent 2.x does. */
  textList(name: string): readonly string[] | null {
    const value = this.#members[name];
    if (value === undefined || value === null) return null;
    if (!Array.isArray(value)) throw invalid(`${this.pathOf(name)} is not a list`);
    return value.filter((member) => typeof member === 'string');
  }

  pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

function requiredObject(members: Members, name: string): Members {
  const object = members.object(name);
  if (object === null) throw invalid(`the member ${members.pathOf(name)} is missing`);
  return object;
}

function bundleType<T extends BundleType>(location: Members, allowed: readonly T[]): T {
  const given = location.required('BundleType');
  const found = allowed.find((type) => type === given);
  if (found === undefined) throw invalid(`${location.pathOf('BundleType')} is '${given}', not ${allowed.join(', ')}`);
  return found;
}

/** `arn:aws:codedeploy:region:account:deployment/d-ABC` → `d-ABC`; anything else as it is. */
function deploymentIdOf(text: string): string {
  if (!text.startsWith('arn:')) return text;
  const resource = text.split(':')[5] ?? '';
  return resource.slice(resource.indexOf('/') + 1);
}

function pathComponent(member: string, text: string): string {
  if (text === '' || text === '.' || text === '..' || /[/\\\0]/.test(text)) {
    throw invalid(`${member} is '${text}', which is not a safe name for a folder`);
  }
  return text;
}

function pathInside(member: string, text: string): string {
  if (text.startsWith('/') || text.includes('\0') || text.split('/').includes('..')) {
    throw invalid(`${member} is '${text}', which does not stay inside the revision`);
  }
  return text;
}

function fileExistsBehavior(text: string): FileExistsBehavior {
  const upper = text.toUpperCase();
  if (upper === 'DISALLOW' || upper === 'OVERWRITE' || upper === 'RETAIN') return upper;
  throw invalid(`FileExistsBehavior is '${text}', not DISALLOW, OVERWRITE or RETAIN`);
}

function optional<T>(text: string | null, read: (text: string) => T): T | null {
  return text === null ? null : read(text);
}

function parseJson(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw invalid(`it is not JSON: ${messageOf(cause)}`, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is not a JSON object');
  return value as Record<string, unknown>;
}

function invalid(what: string, cause?: unknown): SlipwayError {
  return new SlipwayError('SPECIFICATION_INVALID', `the deployment specification cannot be used: ${what}`, { cause });
}
