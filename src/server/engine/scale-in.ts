/**
 * Deployments to instances that Auto Scaling terminates, where `terminationHookEnabled` is set: each leaves its load balancers, and its application is
 * stopped. They bring no revision, so that nothing is known of a host afterwards that was not before.
 */

import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { findApplicationById } from '../store/applications.ts';
import { lockGroupById } from '../store/deployment-groups.ts';
import { findActiveDeployment, findDeployment, insertDeployment } from '../store/deployments.ts';
import type { DeploymentGroupRow, DeploymentRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { newDeploymentId } from './deployment-id.ts';
import { fleetSettings } from './hosts/fleet.ts';
import { type DeploymentOptions, type DeploymentSettings, type SettingsOfGroup, settingsOf } from './settings.ts';

/** As the API names it. */
export const TERMINATION_CREATOR = 'autoscalingTermination';

export interface ScaleInContext {
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'text'>;
}

/** @returns the id of the deployment; `busy`: the group has another one; null: there is nothing to be stopped on the host */
export async function beginTermination(
  ctx: ScaleInContext,
  tx: StoreTransaction,
  { groupId, instanceId }: { readonly groupId: string; readonly instanceId: string },
): Promise<{ readonly deploymentId: string } | 'busy' | null> {
  const group = await lockGroupById(tx, groupId);
  if (group === null || group.last_successful_deployment_id === null) return null;
  const good = await findDeployment(tx, group.last_successful_deployment_id);
  const application = await findApplicationById(tx, group.application_id);
  if (good === null || application === null) return null;
  if ((await findActiveDeployment(tx, groupId)) !== null) return 'busy';
  const deploymentId = newDeploymentId(ctx.random);
  const names = { deploymentId, applicationName: application.application_name, instanceId };
  await insertDeployment(tx, rowOf(names, group, good, ctx.clock.now()));
  return { deploymentId };
}

function rowOf(
  names: { readonly deploymentId: string; readonly applicationName: string; readonly instanceId: string },
  group: DeploymentGroupRow,
  good: DeploymentRow,
  nowMs: number,
) {
  const { stop_rollback: _, diagnostics_deleted_at_ms: __, ...base } = good;
  const ofGroup = JSON.parse(group.settings_json) as SettingsOfGroup;
  const settings: DeploymentSettings = {
    ...{ ...settingsOf(ofGroup, {}), ...fleetSettings(ofGroup, group.deployment_group_id) },
    ...{ rollbackEvents: [], only: [names.instanceId], isTermination: true },
  };
  return {
    ...base,
    deployment_id: names.deploymentId,
    application_name: names.applicationName,
    deployment_group_name: group.deployment_group_name,
    deployment_config_name: 'CodeDeployDefault.AllAtOnce',
    minimum_type: 'FLEET_PERCENT',
    minimum_value: 0,
    status: 'Created',
    previous_revision_json: good.revision_json,
    creator: TERMINATION_CREATOR,
    description: 'Stops the application on an instance that Auto Scaling terminates.',
    update_outdated_instances_only: 0,
    restart_of: null,
    options_json: JSON.stringify({} satisfies DeploymentOptions),
    settings_json: JSON.stringify(settings),
    // Whatever an alarm says, the instance goes.
    alarms_json: null,
    created_at_ms: nowMs,
    started_at_ms: null,
    completed_at_ms: null,
    stop_requested_at_ms: null,
    error_code: null,
    error_message: null,
    wake_at_ms: nowMs,
  } as const;
}
