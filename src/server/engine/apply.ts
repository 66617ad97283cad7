import type { Random } from '../../system/random.ts';
import { updateDeployment } from '../store/deployments.ts';
import { putHostState } from '../store/host-states.ts';
import { updateEvent, updateTarget } from '../store/lifecycle-events.ts';
import type { DeploymentRow, TargetRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { Action } from './decide.ts';
import { eventDiagnostics } from './diagnostics.ts';
import { revisionIdentity } from './revision-identity.ts';

export interface ApplyContext {
  readonly random: Pick<Random, 'uuid'>;
  readonly nowMs: number;
}

/** Writes down what was decided. @returns hosts that have something to do now, to be woken after the commit */
export async function applyActions(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  actions: readonly Action[],
  ctx: ApplyContext,
): Promise<readonly string[]> {
  const { deployment_id: deploymentId } = deployment;
  const { nowMs } = ctx;
  const hostOf = new Map(targets.map((target) => [target.instance_id, target.host_arn]));
  const statusOf = new Map(targets.map((target) => [target.instance_id, target.status]));
  const ready: string[] = [];
  for (const action of actions) {
    switch (action.action) {
      case 'start-target':
        await updateTarget(tx, deploymentId, action.instanceId, { status: 'InProgress', updated_at_ms: nowMs });
        break;
      case 'ready-event':
        await updateEvent(tx, { deploymentId, ...action }, { ready_at_ms: nowMs, host_command_id: ctx.random.uuid() });
        ready.push(hostOf.get(action.instanceId) ?? '');
        break;
      case 'fail-event': {
        const diagnostics_json = JSON.stringify(eventDiagnostics('UnknownError', { message: action.message }));
        await updateEvent(tx, { deploymentId, ...action }, { status: 'Failed', ended_at_ms: nowMs, diagnostics_json });
        break;
      }
      case 'skip-event':
        await updateEvent(tx, { deploymentId, ...action }, { status: 'Skipped', ended_at_ms: nowMs });
        break;
      case 'end-target':
        await updateTarget(tx, deploymentId, action.instanceId, { status: action.status, updated_at_ms: nowMs });
        statusOf.set(action.instanceId, action.status);
        break;
      case 'finish':
        await finishDeployment(tx, deployment, statusOf, action, nowMs);
        break;
      case 'wake-at':
        await updateDeployment(tx, deploymentId, { wake_at_ms: action.atMs });
        break;
    }
  }
  return ready;
}

async function finishDeployment(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  statusOf: ReadonlyMap<string, TargetRow['status']>,
  { status, errorCode, errorMessage }: Extract<Action, { action: 'finish' }>,
  nowMs: number,
): Promise<void> {
  await updateDeployment(tx, deployment.deployment_id, {
    status,
    error_code: errorCode,
    error_message: errorMessage,
    completed_at_ms: nowMs,
    wake_at_ms: null,
  });
  // A host is as its own deployment left it; one that was not reached stays as it was.
  for (const [instance_id, targetStatus] of statusOf) {
    if (targetStatus !== 'Succeeded' && targetStatus !== 'Failed') continue;
    await putHostState(tx, {
      deployment_group_id: deployment.deployment_group_id,
      instance_id,
      health: targetStatus === 'Succeeded' ? 'healthy' : 'unhealthy',
      revision_identity: targetStatus === 'Succeeded' ? revisionIdentity(deployment.revision_json) : null,
    });
  }
  if (status === 'Succeeded') {
    await tx
      .updateTable('deployment_groups')
      .set({ last_successful_deployment_id: deployment.deployment_id })
      .where('deployment_group_id', '=', deployment.deployment_group_id)
      .execute();
  }
}
