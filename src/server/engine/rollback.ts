/**
 * Automatic rollback. When a deployment fails or is stopped, a new deployment of the group's last successful revision follows at once. The
 * configuration must ask for that, or the caller of the stop. After a blue/green deployment, the new one leads traffic back. It begins in
 * the transaction that ends the other, so nobody can come between, and no crash can lose it.
 */

import { identityOf, parseLocation } from '../../protocol/management/revision-location.ts';
import type { Random } from '../../system/random.ts';
import { updateGroup } from '../store/deployment-groups.ts';
import { deploymentOrdersOf } from '../store/deployment-orders.ts';
import { findDeployment, insertDeployment } from '../store/deployments.ts';
import { noteRevisionUse } from '../store/revisions.ts';
import type { DeploymentGroupRow, DeploymentRow, TargetRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { newDeploymentId } from './deployment-id.ts';
import { noteRollback } from './note-rollback.ts';
import { wayBackOf, whyNoWayBack } from './reroute-back.ts';
import { blueGreenPlanOf, type DeploymentOptions, type DeploymentSettings, shiftPlanOf } from './settings.ts';
import { shiftBack } from './shifting/shift-back.ts';
import { isRollbackWanted, ROLLBACK_CREATOR } from './wanted-rollback.ts';

/**
 * @param group locked; null: it was deleted
 * @returns the id of the rollback's deployment, or null if there is none
 */
export async function rollBack(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  group: DeploymentGroupRow | null,
  targets: readonly TargetRow[],
  status: 'Failed' | 'Stopped',
  ctx: { readonly random: Pick<Random, 'text'>; readonly nowMs: number },
): Promise<string | null> {
  if (!isRollbackWanted(deployment, group, status)) return null;
  if (shiftPlanOf(deployment) !== null) return shiftBack(tx, deployment, group, targets, ctx);
  if (group === null) {
    await noteRollback(tx, deployment, { rollbackMessage: 'There is no rollback: the deployment group was deleted.' });
    return null;
  }
  const good =
    group.last_successful_deployment_id === null ? null : await findDeployment(tx, group.last_successful_deployment_id);
  const isBlueGreen = blueGreenPlanOf(deployment) !== null;
  const whyNot = isBlueGreen
    ? whyNoWayBack(deployment, targets, await deploymentOrdersOf(tx, [deployment.deployment_id]))
    : whyNoRollback(good, targets);
  if (whyNot !== null) {
    await noteRollback(tx, deployment, { rollbackMessage: whyNot });
    return null;
  }
  const rollbackDeploymentId = newDeploymentId(ctx.random);
  await insertDeployment(tx, rollbackOf(deployment, good, rollbackDeploymentId, ctx.nowMs));
  const rollbackMessage = isBlueGreen
    ? 'Traffic is led back to the original instances.'
    : `The deployment group is rolled back to the revision of deployment ${good?.deployment_id}.`;
  await noteRollback(tx, deployment, { rollbackDeploymentId, rollbackMessage });
  await updateGroup(tx, group.deployment_group_id, {
    ...(good === null ? {} : { target_revision_json: good.revision_json }),
    last_attempted_deployment_id: rollbackDeploymentId,
  });
  if (good !== null) {
    await noteRevisionUse(tx, deployment.application_id, identityOf(parseLocation(good.revision_json)), ctx.nowMs);
  }
  return rollbackDeploymentId;
}

/** Why a deployment in place has no rollback; null: it has one. */
function whyNoRollback(good: DeploymentRow | null, targets: readonly TargetRow[]): string | null {
  if (good === null) return 'There is no rollback: the deployment group has no successful deployment to go back to.';
  const wasTouched = targets.some((target) => target.status === 'Succeeded' || target.status === 'Failed');
  return wasTouched ? null : 'There is no rollback: nothing was done on any instance.';
}

/** @param good null: of a blue/green deployment, whose original hosts are not known to have any revision */
function rollbackOf(
  deployment: DeploymentRow,
  good: DeploymentRow | null,
  rollbackDeploymentId: string,
  nowMs: number,
) {
  const { stop_rollback: _, ...base } = deployment;
  const rollbackMessage = `Rolls back deployment ${deployment.deployment_id}.`;
  const wayBack = blueGreenPlanOf(deployment) === null ? null : wayBackOf(deployment);
  return {
    ...base,
    deployment_id: rollbackDeploymentId,
    status: 'Created',
    revision_json: (good ?? base).revision_json,
    previous_revision_json: good?.revision_json ?? null,
    creator: ROLLBACK_CREATOR,
    description: rollbackMessage,
    // What the failed one was allowed to overwrite, the old revision need not be.
    file_exists_behavior: (good ?? base).file_exists_behavior,
    update_outdated_instances_only: 0,
    settings_json: wayBack === null ? settingsOfRollback(base) : wayBack.settings_json,
    // The alarm that is active would stop it.
    alarms_json: null,
    // It downloads: the files on the hosts are what has just not worked.
    restart_of: null,
    options_json: JSON.stringify({
      ...wayBack?.shown,
      rollbackInfo: { rollbackTriggeringDeploymentId: deployment.deployment_id, rollbackMessage },
    } satisfies DeploymentOptions),
    created_at_ms: nowMs,
    started_at_ms: null,
    completed_at_ms: null,
    stop_requested_at_ms: null,
    error_code: null,
    error_message: null,
    wake_at_ms: nowMs,
  } as const;
}

/** A rollback waits for no zone: hosts that were just made worse are not to stay so. */
function settingsOfRollback({ settings_json }: Pick<DeploymentRow, 'settings_json'>): string | null {
  if (settings_json === null) return null;
  const { zonal: _, ...settings } = JSON.parse(settings_json) as DeploymentSettings;
  return JSON.stringify(settings);
}
