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
    reuseArchiveFromDeploymentId: null,
    gitHubAccessToken: null,
    revision: revisionOf(JSON.parse(deployment.revision_json) as StoredRevision),
  };
}

function revisionOf(stored: StoredRevision): Revision {
  const { s3Location, gitHubLocation } = stored;
  if (stored.revisionType === 'S3' && s3Location !== undefined) {
    return {
      revisionType: 'S3',
      bucket: s3Location.bucket,
      key: s3Location.key,
      bundleType: s3Location.bundleType as BundleType,
      version: s3Location.version ?? null,
      eTag: s3Location.eTag?.replaceAll('"', '') ?? null,
    };
  }
  const [account, repository] = gitHubLocation?.repository.split('/') ?? [];
  if (account === undefined || repository === undefined || gitHubLocation === undefined) {
    throw new ApiError('ServerException', 'The revision of this deployment cannot be deployed to hosts.', {
      status: 500,
    });
  }
  return { revisionType: 'GitHub', account, repository, commitId: gitHubLocation.commitId, bundleType: null };
}
