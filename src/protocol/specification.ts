/**
 * The deployment specification: what the signed envelope says is to be deployed, as the agent works with it.
 *
 * The wire form (PascalCase JSON) is read by `parseSpecification` and written by `encodeSpecification`, nowhere else.
 */

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
