/**
 * The rollback of a blue/green deployment: the original hosts come back to their load balancers, and then the replacement hosts leave them. Nothing
 * is installed. Replacement hosts stay where they are when too few original ones come back, so that somebody serves. Pure.
 */
import type { DeploymentSnapshot } from '../snapshot.ts';
import { type FinishAction, failedWith, SUCCEEDED } from './ending.ts';
import { requiredHealthyHosts } from './health.ts';
import { ALL_AT_ONCE, countsOf, type Fleets, moveOn } from './stages.ts';

/** @returns how it ends; null: it is under way */
export function decideWayBack(deployment: DeploymentSnapshot, { green, blue }: Fleets): FinishAction | null {
  if (!moveOn(blue, 'all', ALL_AT_ONCE)) return null;
  const hosts = blue.length;
  const wanted = requiredHealthyHosts(hosts, deployment.minimum, deployment.deploymentConfigName);
  // Of the fleet, only those hosts that had left are in the deployment.
  const required = Math.min(hosts, Math.max(wanted, 1));
  const { passed } = countsOf(blue, 'all');
  if (passed < required) {
    for (const target of green) target.skip();
    const message =
      `Too few original instances take traffic again: ${passed} of ${hosts} do, and the deployment configuration wants ${required}. ` +
      'The replacement instances keep theirs.';
    return failedWith('HEALTH_CONSTRAINTS', message);
  }
  if (!moveOn(green, 'all', ALL_AT_ONCE)) return null;
  const { failed } = countsOf(green, 'all');
  if (failed === 0) return SUCCEEDED;
  const message = `${failed} of ${green.length} replacement instances could not be taken out of their load balancers.`;
  return failedWith('HEALTH_CONSTRAINTS', message);
}
