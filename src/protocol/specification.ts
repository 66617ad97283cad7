/**
 * The deployment specification: what the signed envelope says is to be deployed, as the agent works with it. Pure.
 *
 * The wire form (PascalCase JSON) is read by `parseSpecification` and written by `encodeSpecification`, nowhere else.
 */
import { encodeOrder, ORDER_MEMBER, type Order, readOrder } from './order.ts';
import { invalid, type Members, quote, readMembers } from './specification-reader.ts';
import {
  ADDRESS_BYTES,
  APPLICATION_BYTES,
  hasLongName,
  LOCAL_ID_SUFFIX,
  problemOfId,
  TOKEN_BYTES,
} from './wire-text.ts';

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

/** A bundle on any web server. Slipway's own: the official service has no such revision. */
export interface HttpsRevision {
  readonly revisionType: 'HTTPS';
  /** `https://…`; `http://` only on this machine itself. */
  readonly url: string;
  readonly bundleType: BundleType;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** A commit in any git repository, fetched by git itself. Slipway's own. */
export interface GitRevision {
  readonly revisionType: 'Git';
  /** `https://…`, `ssh://…` or, on this host, `file:///…`. */
  readonly url: string;
  /** The whole id in hex, 40 or 64 digits: a name that moves is no revision. */
  readonly commitId: string;
}

export type Revision =
  | S3Revision
  | GitHubRevision
  | HttpsRevision
  | GitRevision
  | LocalFileRevision
  | LocalDirectoryRevision;

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
  /**
   * User name that goes with the token to a git repository outside GitHub's archive; absent: the token is for GitHub alone. An extension of
   * ours.
   */
  readonly gitUserName?: string;
  readonly revision: Revision;
}

/**
 * The specification as the signed envelope carries it: JSON with PascalCase members, absent ones left out.
 *
 * @param order what a server orders with it; null for a local deployment, which nobody orders
 */
export function encodeSpecification(specification: DeploymentSpecification, order: Order | null = null): string {
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
    GitUserName: specification.gitUserName,
    Revision: encodeRevision(specification.revision),
    [ORDER_MEMBER]: order === null ? undefined : encodeOrder(order),
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
    case 'HTTPS':
      return {
        RevisionType: 'HTTPS',
        HTTPSRevision: { Url: revision.url, BundleType: revision.bundleType, Sha256: revision.sha256 },
      };
    case 'Git':
      return { RevisionType: 'Git', GitRevision: { Url: revision.url, CommitId: revision.commitId } };
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

/** Rules for the ids that are read. */
export interface IdRules {
  /** Names of the agent's own folders below root_dir: no deployment group may be called so, in any case of letters. */
  readonly reservedIds: readonly string[];
}

/**
 * Reads the JSON text of an opened envelope.
 *
 * Checks everything that becomes a path, a variable or a message on this host. Ids must be safe folder names, the AppSpec file name must
 * stay inside the revision, and texts have a maximum length and no control characters. Unknown members are ignored.
 *
 * @throws SlipwayError SPECIFICATION_INVALID naming the member at fault
 * @see the official agent 1.8.1, `deployment_specification.rb`, for members and defaults; 2.1 for the path checks
 */
export function parseSpecification(json: string, rules: IdRules = { reservedIds: [] }): DeploymentSpecification {
  return specificationIn(readMembers(json), rules);
}

/**
 * Reads the JSON text of an envelope that came over the wire, which may hold an order. Its ids are none of a local deployment.
 *
 * @throws SlipwayError SPECIFICATION_INVALID naming the member at fault
 */
export function parseOrderedSpecification(
  json: string,
  rules: IdRules,
): {
  readonly specification: DeploymentSpecification;
  readonly order: Order | null;
} {
  const root = readMembers(json);
  const specification = specificationIn(root, rules);
  const { deploymentId: DeploymentId, reuseArchiveFromDeploymentId: ReuseArchiveFromDeploymentId } = specification;
  for (const [member, id] of Object.entries({ DeploymentId, ReuseArchiveFromDeploymentId })) {
    if (id?.toLowerCase().endsWith(LOCAL_ID_SUFFIX))
      throw invalid(`${member} is ${quote(id)}, and only local deployments have ids that end with ${LOCAL_ID_SUFFIX}`);
  }
  return { specification, order: readOrder(root) };
}

function specificationIn(root: Members, rules: IdRules): DeploymentSpecification {
  const overrides = root.object('AgentActionOverrides')?.object('AgentOverrides') ?? null;
  return {
    deploymentId: deploymentId(rules, 'DeploymentId', root.required('DeploymentId')),
    deploymentGroupId: idOf(rules, 'DeploymentGroupId', root.required('DeploymentGroupId')),
    deploymentGroupName: root.required('DeploymentGroupName'),
    applicationName: root.required('ApplicationName', APPLICATION_BYTES),
    deploymentCreator: root.text('DeploymentCreator') ?? 'user',
    // Types that a later protocol may bring are treated as in-place, as the official agent does.
    deploymentType: root.text('DeploymentType') === 'BLUE_GREEN' ? 'BLUE_GREEN' : 'IN_PLACE',
    appSpecFilename: pathInside('AppSpecFilename', root.text('AppSpecFilename') ?? 'appspec.yml'),
    fileExistsBehavior: fileExistsBehavior(overrides),
    allPossibleLifecycleEvents: root.textList('AllPossibleLifecycleEvents'),
    reuseArchiveFromDeploymentId: optional(root.text('ReuseArchiveFromDeploymentId'), (id) =>
      deploymentId(rules, 'ReuseArchiveFromDeploymentId', id),
    ),
    gitHubAccessToken: root.text('GitHubAccessToken', TOKEN_BYTES),
    ...gitUserName(root),
    revision: parseRevision(root.requiredObject('Revision')),
  };
}

function gitUserName(root: Members): Pick<DeploymentSpecification, 'gitUserName'> {
  const name = root.text('GitUserName');
  return name === null ? {} : { gitUserName: name };
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
      if (location.isFalse('Anonymous')) location.required('OAuthToken', TOKEN_BYTES);
      return {
        revisionType,
        account: location.required('Account'),
        repository: location.required('Repository'),
        commitId: location.required('CommitId'),
        bundleType: location.text('BundleType') === null ? null : location.oneOf('BundleType', ['tar', 'zip']),
      };
    }
    case 'HTTPS': {
      const location = revision.requiredObject('HTTPSRevision');
      const url = location.required('Url', ADDRESS_BYTES);
      const sha256 = location.required('Sha256').toLowerCase();
      const problem = problemOfBundleUrl(url) ?? problemOfSha256(sha256);
      if (problem !== null) throw invalid(problem);
      return { revisionType, url, bundleType: location.oneOf('BundleType', ['tar', 'tgz', 'zip']), sha256 };
    }
    case 'Git': {
      const location = revision.requiredObject('GitRevision');
      const url = location.required('Url', ADDRESS_BYTES);
      const commitId = location.required('CommitId').toLowerCase();
      const problem = problemOfGitUrl(url) ?? problemOfCommitId(commitId);
      if (problem !== null) throw invalid(problem);
      return { revisionType, url, commitId };
    }
    case 'Local File': {
      const location = revision.requiredObject('LocalRevision');
      return {
        revisionType,
        location: location.required('Location', ADDRESS_BYTES),
        bundleType: location.oneOf('BundleType', ['tar', 'tgz', 'zip']),
      };
    }
    case 'Local Directory': {
      const location = revision.requiredObject('LocalRevision');
      location.oneOf('BundleType', ['directory']);
      return { revisionType, location: location.required('Location', ADDRESS_BYTES) };
    }
    default:
      throw invalid(
        `Revision.RevisionType is ${quote(revisionType)}, not S3, GitHub, HTTPS, Git, Local File or Local Directory`,
      );
  }
}

/** Why an address cannot be that of a bundle; null: it can. */
export function problemOfBundleUrl(text: string): string | null {
  const url = plainUrl(text);
  if (url === null) return `${quote(text)} is no address of a web server`;
  if (url.username !== '' || url.password !== '') return `the address at ${url.host} holds a user or a password`;
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isHere)) return null;
  return `${quote(text)} is not encrypted: use https://`;
}

/** Why an address cannot be that of a git repository; null: it can. */
export function problemOfGitUrl(text: string): string | null {
  const url = plainUrl(text);
  if (url === null) return `${quote(text)} is no address of a git repository, such as https://… or ssh://…`;
  if (url.password !== '') return `the address of the repository at ${url.host} holds a password`;
  if (url.protocol === 'ssh:')
    return /^[\w.-]*$/.test(url.username) && !url.host.startsWith('-') ? null : `${quote(text)} is no address`;
  return url.protocol === 'file:' ? null : problemOfBundleUrl(text);
}

export function problemOfSha256(text: string): string | null {
  return /^[0-9a-f]{64}$/i.test(text) ? null : `${quote(text)} is no SHA-256, which has 64 hex digits`;
}

export function problemOfCommitId(text: string): string | null {
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(text)) return null;
  return `${quote(text)} is no whole commit id, which has 40 hex digits (or 64)`;
}

function plainUrl(text: string): URL | null {
  return /[\s\p{Cc}]/u.test(text) ? null : URL.parse(text);
}

/** `arn:aws:codedeploy:region:account:deployment/d-ABC` → `d-ABC`; anything else as it is. */
function deploymentId(rules: IdRules, member: string, text: string): string {
  if (!text.startsWith('arn:')) return idOf(rules, member, text);
  const resource = text.split(':')[5] ?? '';
  const slash = resource.indexOf('/');
  if (slash < 0) throw invalid(`${member} is ${quote(text)}, which is not the ARN of a deployment`);
  return idOf(rules, member, resource.slice(slash + 1));
}

function idOf({ reservedIds }: IdRules, member: string, text: string): string {
  const problem = problemOfId(text, reservedIds);
  if (problem !== null) throw invalid(`${member} is ${quote(text)}, which ${problem}`);
  return text;
}

function pathInside(member: string, text: string): string {
  if (/^[/\\]|^[a-z]:|\p{Cc}/iu.test(text) || text.split(/[/\\]/).includes('..')) {
    throw invalid(`${member} is ${quote(text)}, which does not stay inside the revision`);
  }
  if (hasLongName(text)) throw invalid(`${member} holds a file name that is too long`);
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
