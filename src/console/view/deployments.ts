/** Facts about deployments that several pages show. Pure. */
import type { CodeDeployOperations } from '../../protocol/management/shapes.ts';
import type { Place } from '../routing/places.ts';

export type DeploymentInfo = NonNullable<CodeDeployOperations['GetDeployment']['output']['deploymentInfo']>;
export type RevisionLocation = NonNullable<DeploymentInfo['revision']>;

export const ACTIVE = ['Created', 'Queued', 'InProgress', 'Ready'] as const;

export function isActive(status: string | undefined): boolean {
  return (ACTIVE as readonly string[]).includes(status ?? '');
}

export interface Progress {
  readonly done: number;
  readonly failed: number;
  readonly all: number;
}

/** Targets that are done, in whichever way. */
export function progressOf({ deploymentOverview }: Pick<DeploymentInfo, 'deploymentOverview'>): Progress {
  const counts = Object.values(deploymentOverview ?? {}).map((count) => Number(count ?? 0));
  const { Succeeded = 0, Failed = 0, Skipped = 0 } = deploymentOverview ?? {};
  return { done: Succeeded + Failed + Skipped, failed: Failed, all: counts.reduce((sum, count) => sum + count, 0) };
}

export function progressText(info: Pick<DeploymentInfo, 'deploymentOverview'>): string {
  const { done, failed, all } = progressOf(info);
  if (all === 0) return 'no targets yet';
  return `${done} of ${all} done${failed === 0 ? '' : `, ${failed} failed`}`;
}

/** A revision in one line; whoever has to find the bundle reads the rest on the page of the deployment. */
export function revisionText(revision: RevisionLocation | undefined): string {
  if (revision === undefined) return '–';
  const { s3Location: s3, gitHubLocation: git, string, appSpecContent } = revision;
  if (s3 !== undefined) {
    const version = s3.version === undefined ? '' : `?versionId=${s3.version}`;
    return `s3://${s3.bucket}/${s3.key}${version}`;
  }
  if (git !== undefined) return `${git.repository}@${git.commitId}`;
  const hash = appSpecContent?.sha256 ?? string?.sha256;
  if (appSpecContent !== undefined || string !== undefined) return `AppSpec ${hash?.slice(0, 12) ?? ''}`.trim();
  return revision.revisionType ?? '–';
}

/** The last part of a revision's address, for tables. */
export function revisionName(revision: RevisionLocation | undefined): string {
  const { s3Location: s3 } = revision ?? {};
  return s3?.key === undefined ? revisionText(revision) : (s3.key.split('/').at(-1) ?? s3.key);
}

/** The page of one revision. */
export function revisionPlace(application: string, revision: RevisionLocation | undefined): Place {
  return { page: 'revision', application, at: JSON.stringify(revision ?? {}), group: null };
}

/** The same text for the same revision, whichever order its members come in. */
export function identityOfRevision(revision: RevisionLocation | undefined): string {
  const { s3Location: s3, gitHubLocation: git } = revision ?? {};
  if (s3 !== undefined) return JSON.stringify(['s3', s3.bucket, s3.key, s3.version, s3.eTag, s3.bundleType]);
  return git === undefined ? JSON.stringify(revision) : JSON.stringify(['git', git.repository, git.commitId]);
}
