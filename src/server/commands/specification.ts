/** A deployment's row as the specification that its hosts get. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { BundleType, DeploymentSpecification, Revision } from '../../protocol/specification.ts';
import type { DeploymentRow } from '../store/schema.ts';

interface StoredRevision {
  readonly revisionType: string;
  readonly s3Location?: { bucket: string; key: string; bundleType: string; version?: string; eTag?: string };
  readonly gitHubLocation?: { repository: string; commitId: string };
}

export function specificationOf(deployment: DeploymentRow): DeploymentSpecification {
  return {
    deploymentId: deployment.deployment_id,
    deploymentGroupId: deployment.deployment_group_id,
    deploymentGroupName: deployment.deployment_group_name,
    applicationName: deployment.application_name,
    deploymentCreator: deployment.creator,
    deploymentType: 'IN_PLACE',
    appSpecFilename: 'appspec.yml',
    fileExistsBehavior: deployment.file_exists_behavior,
    // Without the list agents do not check event names, which only a service with fixed lists needs.
    allPossibleLifecycleEvents: null,
    reuseArchiveFromDeploymentId: deployment.restart_of,
    gitHubAccessToken: null,
    revision: revisionOf(JSON.parse(deployment.revision_json) as StoredRevision),
  };
}

function revisionOf(stored: StoredRevision): Revision {
  const { s3Location, gitHubLocation } = stored;
  if (stored.revisionType === 'S3' && s3Location !== undefined) {
    const bundleType = s3Location.bundleType as BundleType;
    if (isWebAddress(s3Location.bucket)) {
      const url = `${s3Location.bucket.replace(/\/$/, '')}/${s3Location.key.replace(/^\//, '')}`;
      return { revisionType: 'HTTPS', url, bundleType, sha256: s3Location.eTag?.replace('sha256:', '') ?? '' };
    }
    return {
      revisionType: 'S3',
      bucket: s3Location.bucket,
      key: s3Location.key,
      bundleType,
      version: s3Location.version ?? null,
      eTag: s3Location.eTag?.replaceAll('"', '') ?? null,
    };
  }
  if (gitHubLocation !== undefined && isWebAddress(gitHubLocation.repository)) {
    return { revisionType: 'Git', url: gitHubLocation.repository, commitId: gitHubLocation.commitId.toLowerCase() };
  }
  const [account, repository] = gitHubLocation?.repository.split('/') ?? [];
  if (account === undefined || repository === undefined || gitHubLocation === undefined) {
    throw new ApiError('ServerException', 'The revision of this deployment cannot be deployed to hosts.', {
      status: 500,
    });
  }
  return { revisionType: 'GitHub', account, repository, commitId: gitHubLocation.commitId, bundleType: null };
}

/**
 * The API's model knows only S3 and GitHub. An address where the name of a bucket or of a repository would be is one of our own: a bundle
 * from any web server, a commit from any git.
 */
function isWebAddress(text: string): boolean {
  return text.includes('://');
}
