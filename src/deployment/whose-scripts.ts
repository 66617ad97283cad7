/** Chooses the revision whose scripts an event runs. Pure. */
import type { DeploymentSpecification } from '../protocol/specification.ts';

/** A revision on this host: the deployment's own, the last that was installed successfully, or the last that was downloaded. */
export type RevisionOnHost = 'current' | 'last-successful' | 'most-recent';

/**
 * The revision that an event's scripts come from if the deployment's own archive is not there; if it is, its scripts are always used.
 *
 * The old revision started what is to be stopped, so it knows how to stop it. A rollback of a blue/green deployment turns old and new
 * around.
 *
 * @see the official agent 1.8.1, `hook_executor.rb`, for the table
 */
export function whoseScripts(
  event: string,
  deployment: Pick<DeploymentSpecification, 'deploymentCreator' | 'deploymentType'>,
): RevisionOnHost {
  const isBlueGreenRollback =
    deployment.deploymentCreator === 'codeDeployRollback' && deployment.deploymentType === 'BLUE_GREEN';
  switch (event) {
    case 'BeforeBlockTraffic':
    case 'AfterBlockTraffic':
      return isBlueGreenRollback ? 'most-recent' : 'last-successful';
    case 'ApplicationStop':
      return 'last-successful';
    case 'BeforeAllowTraffic':
    case 'AfterAllowTraffic':
      return isBlueGreenRollback ? 'last-successful' : 'current';
    default:
      return 'current';
  }
}
