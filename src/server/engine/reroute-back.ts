/**
 * The rollback of a blue/green deployment: traffic goes back to the original hosts, which are still there, and nothing is installed. It is a
 * deployment of its own that begins in the transaction that ends the other one.
 */
import type { DeploymentRow, OrderRow, TargetRow } from '../store/schema.ts';
import { hasBegunTermination } from './hosts/termination.ts';
import { blueGreenPlanOf, type DeploymentSettings, parseOptions } from './settings.ts';

/** Whether the deployment has moved any traffic, or may have. @param targets as they are at its end */
export function hasMovedTraffic(targets: readonly TargetRow[]): boolean {
  return targets.some(
    ({ label, status, installed_at_ms }) => status !== 'Skipped' && (label === 'blue' || installed_at_ms !== null),
  );
}

/**
 * Why a blue/green deployment has no rollback; null: it has one.
 *
 * @param deployment as it was before it ended @param targets as they are at its end @param orders of the deployment itself
 */
export function whyNoWayBack(
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  orders: readonly Pick<OrderRow, 'kind'>[],
): string | null {
  if (blueGreenPlanOf(deployment)?.course === 'blue-green-rollback') {
    return 'There is no rollback: the deployment was one itself.';
  }
  if (hasBegunTermination(orders)) {
    return 'There is no rollback: the original instances are being terminated, or are gone. The replacement instances keep their traffic.';
  }
  // A host that is lost while all wait for their traffic has failed, and had none yet.
  return deployment.status !== 'Ready' && hasMovedTraffic(targets)
    ? null
    : 'There is no rollback: no traffic was rerouted, and the original instances serve as before.';
}

/** Returns the columns in which this rollback differs from a rollback in place. */
export function wayBackOf(deployment: DeploymentRow) {
  const { deployment_id: deploymentId, settings_json } = deployment;
  const { blueGreenDeploymentConfiguration } = parseOptions(deployment);
  // Its hosts are those of the other deployment, so it waits for no answer of AWS.
  const { fleetOf: _, ...settings } = JSON.parse(settings_json ?? '{}') as DeploymentSettings;
  return {
    settings_json: JSON.stringify({
      ...settings,
      blueGreen: { course: 'blue-green-rollback', deploymentId },
    } satisfies DeploymentSettings),
    shown: blueGreenDeploymentConfiguration === undefined ? {} : { blueGreenDeploymentConfiguration },
  };
}
