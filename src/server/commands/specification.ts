/** A deployment's row as the specification that its hosts get. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import { parseLocation, revisionOf } from '../../protocol/management/revision-location.ts';
import type { DeploymentSpecification, Revision } from '../../protocol/specification.ts';
import type { GitAccess } from '../engine/git-access.ts';
import { blueGreenPlanOf } from '../engine/settings.ts';
import type { DeploymentRow } from '../store/schema.ts';

/** @param access to the git repository that its revision is in; null: it needs none */
export function specificationOf(deployment: DeploymentRow, access: GitAccess | null = null): DeploymentSpecification {
  return {
    deploymentId: deployment.deployment_id,
    deploymentGroupId: deployment.deployment_group_id,
    deploymentGroupName: deployment.deployment_group_name,
    applicationName: deployment.application_name,
    deploymentCreator: deployment.creator,
    deploymentType: blueGreenPlanOf(deployment) === null ? 'IN_PLACE' : 'BLUE_GREEN',
    appSpecFilename: 'appspec.yml',
    fileExistsBehavior: deployment.file_exists_behavior,
    // Without the list agents do not check event names, which only a service with fixed lists needs.
    allPossibleLifecycleEvents: null,
    reuseArchiveFromDeploymentId: deployment.restart_of,
    gitHubAccessToken: access?.token ?? null,
    ...(access === null ? {} : { gitUserName: access.userName }),
    revision: deployableRevision(deployment.revision_json),
  };
}

function deployableRevision(revisionJson: string): Revision {
  const revision = revisionOf(parseLocation(revisionJson));
  if (revision !== null) return revision;
  throw new ApiError('ServerException', 'The revision of this deployment cannot be deployed to hosts.', {
    status: 500,
  });
}
