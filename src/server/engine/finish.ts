import { identityOf, parseLocation } from '../../protocol/management/revision-location.ts';
import type { Random } from '../../system/random.ts';
import { lockGroupById, updateGroup } from '../store/deployment-groups.ts';
import { updateDeployment } from '../store/deployments.ts';
import { putHostStates } from '../store/host-states.ts';
import type { DeploymentRow, HostStateRow, TargetRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { FinishAction } from './hosts/ending.ts';
import { rollBack } from './rollback.ts';

/**
 * Ends a deployment: its own record, what is known of its hosts from now on, the group's last successful deployment, and, if that
 * is configured, the rollback that follows.
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
  if (group !== null) await putHostStates(tx, hostStates(deployment, targets));
  if (finish.status === 'Succeeded') {
    const { deployment_id: last_successful_deployment_id } = deployment;
    await updateGroup(tx, deployment.deployment_group_id, { last_successful_deployment_id });
    return null;
  }
  return rollBack(tx, deployment, group, targets, finish.status, ctx);
}

/**
 * A host is as its own target ended; one that was not attempted stays as it was. What a failed one runs is unknown: the old
 * revision, the new one, or something in between.
 */
function hostStates(deployment: DeploymentRow, targets: readonly TargetRow[]): HostStateRow[] {
  const { deployment_group_id } = deployment;
  const installed = identityOf(parseLocation(deployment.revision_json));
  return targets
    .filter(({ status }) => status === 'Succeeded' || status === 'Failed')
    .map(({ instance_id, status }) =>
      status === 'Succeeded'
        ? { deployment_group_id, instance_id, health: 'healthy', revision_identity: installed }
        : { deployment_group_id, instance_id, health: 'unhealthy', revision_identity: null },
    );
}
