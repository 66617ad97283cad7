import type { Random } from '../../system/random.ts';
import { lockGroupById, updateGroup } from '../store/deployment-groups.ts';
import { deploymentOrdersOf } from '../store/deployment-orders.ts';
import { updateDeployment } from '../store/deployments.ts';
import { putHostStates } from '../store/host-states.ts';
import type { DeploymentGroupRow, DeploymentRow, TargetRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { automaticCreatorOf, statesAfter } from './host-states.ts';
import { membershipAfter, type ReplacementPlan } from './hosts/blue-green-plan.ts';
import type { FinishAction } from './hosts/ending.ts';
import { hasBegunTermination } from './hosts/termination.ts';
import { rollBack } from './rollback.ts';
import { TERMINATION_CREATOR } from './scale-in.ts';
import { blueGreenPlanOf, parseOptions, type SettingsOfGroup, shiftPlanOf, storedSettings } from './settings.ts';
import { noteTrafficBack } from './shifting/shift-back.ts';

/**
 * Ends a deployment. It writes the deployment's record, the states of its hosts, the group's last successful deployment, and, if that is
 * configured, the rollback that follows.
 *
 * @param targets as they are at the end
 * @returns the id of the rollback's deployment, if one follows
 */
export async function finishDeployment(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  finish: FinishAction,
  ctx: { readonly random: Pick<Random, 'text'>; readonly nowMs: number },
): Promise<string | null> {
  await updateDeployment(tx, deployment.deployment_id, {
    status: finish.status,
    error_code: finish.errorCode,
    error_message: finish.errorMessage,
    completed_at_ms: ctx.nowMs,
    wake_at_ms: null,
  });
  // A group that is being deleted is waited for: nothing is to be known of hosts to a group that is gone.
  const group = await lockGroupById(tx, deployment.deployment_group_id);
  if (group !== null && shiftPlanOf(deployment) === null) {
    await putHostStates(tx, await statesAfter(tx, deployment, group, targets, finish, ctx.nowMs));
  }
  // The end of original hosts cannot be taken back: the replacement hosts are the group, however the deployment ends.
  const isFinal =
    blueGreenPlanOf(deployment)?.course === 'blue-green' &&
    hasBegunTermination(await deploymentOrdersOf(tx, [deployment.deployment_id]));
  if (finish.status === 'Succeeded' || isFinal) {
    const changes = group === null ? null : groupAfter(deployment, group);
    if (changes !== null) await updateGroup(tx, deployment.deployment_group_id, changes);
  }
  if (finish.status === 'Succeeded') {
    await noteTrafficBack(tx, deployment, ctx.nowMs);
    return null;
  }
  // Nothing was installed that could be taken back.
  if (deployment.creator === TERMINATION_CREATOR) return null;
  return rollBack(tx, deployment, group, targets, finish.status, ctx);
}

/** Returns the changes to the group after a success; null: none. */
function groupAfter(deployment: DeploymentRow, group: DeploymentGroupRow): Partial<DeploymentGroupRow> | null {
  const { deployment_id: last_successful_deployment_id } = deployment;
  // An automatic one brings what the group has already, to some of its hosts.
  if (automaticCreatorOf(deployment) !== null || deployment.creator === TERMINATION_CREATOR) return null;
  const plan = blueGreenPlanOf(deployment);
  const hadSuccess = group.last_successful_deployment_id !== null;
  // Traffic that went back where nothing had succeeded before makes no revision a good one.
  if (shiftPlanOf(deployment)?.isRollback === true) return hadSuccess ? { last_successful_deployment_id } : null;
  if (plan === null) return { last_successful_deployment_id };
  if (plan.course === 'blue-green') {
    return { last_successful_deployment_id, settings_json: followReplacement(deployment, plan, group) };
  }
  // Its revision is known only where there was a success before.
  return hadSuccess ? { last_successful_deployment_id } : null;
}

/** From now on the replacement hosts are the group's, and the original ones are none of it. */
function followReplacement(
  deployment: DeploymentRow,
  plan: ReplacementPlan,
  { settings_json }: DeploymentGroupRow,
): string {
  const { targetInstances = {} } = parseOptions(deployment);
  const before = JSON.parse(settings_json) as SettingsOfGroup;
  const { onPremisesInstanceTagFilters, onPremisesTagSet, ec2TagFilters, ec2TagSet, autoScalingGroups, ...others } =
    before;
  const asksAws = storedSettings(deployment, settings_json).fleetOf !== undefined;
  return JSON.stringify({ ...others, ...membershipAfter(before, targetInstances, { asksAws, plan }) });
}
