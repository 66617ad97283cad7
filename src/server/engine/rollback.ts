/**
 * Automatic rollback: when a deployment fails or is stopped, a new deployment of the group's last successful revision follows at
 * once, if its configuration or the caller of the stop says so. It begins in the transaction that ends the other, so nobody can
 * come between, and no crash can lose it.
 */

import { identityOf, parseLocation } from '../../protocol/management/revision-location.ts';
import type { Random } from '../../system/random.ts';
import { updateGroup } from '../store/deployment-groups.ts';
import { findDeployment, insertDeployment, updateDeployment } from '../store/deployments.ts';
import { noteRevisionUse } from '../store/revisions.ts';
import type { DeploymentGroupRow, DeploymentRow, TargetRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { type DeploymentOptions, type DeploymentSettings, parseOptions, storedSettings } from './settings.ts';

/** The creator's exact name means something to agents, too. */
const ROLLBACK_CREATOR = 'codeDeployRollback';

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
  if (!isWanted(deployment, group, status)) return null;
  if (group === null) {
    await noteRollback(tx, deployment, { rollbackMessage: 'There is no rollback: the deployment group was deleted.' });
    return null;
  }
  const good =
    group.last_successful_deployment_id === null ? null : await findDeployment(tx, group.last_successful_deployment_id);
  const wasTouched = targets.some((target) => target.status === 'Succeeded' || target.status === 'Failed');
  if (good === null || !wasTouched) {
    const rollbackMessage =
      good === null
        ? 'There is no rollback: the deployment group has no successful deployment to go back to.'
        : 'There is no rollback: nothing was done on any instance.';
    await noteRollback(tx, deployment, { rollbackMessage });
    return null;
  }
  const rollbackDeploymentId = `d-${ctx.random.text(9, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789')}`;
  await insertDeployment(tx, rollbackOf(deployment, good, rollbackDeploymentId, ctx.nowMs));
  await noteRollback(tx, deployment, {
    rollbackDeploymentId,
    rollbackMessage: `The deployment group is rolled back to the revision of deployment ${good.deployment_id}.`,
  });
  await updateGroup(tx, group.deployment_group_id, {
    target_revision_json: good.revision_json,
    last_attempted_deployment_id: rollbackDeploymentId,
  });
  await noteRevisionUse(tx, deployment.application_id, identityOf(parseLocation(good.revision_json)), ctx.nowMs);
  return rollbackDeploymentId;
}

/**
 * What the caller of a stop has asked for comes first. Otherwise a rollback that fails is not rolled back itself: that would go on
 * for ever.
 */
function isWanted(deployment: DeploymentRow, group: DeploymentGroupRow | null, status: 'Failed' | 'Stopped'): boolean {
  if (status === 'Stopped' && deployment.stop_rollback !== null) return deployment.stop_rollback === 1;
  if (deployment.creator === ROLLBACK_CREATOR) return false;
  const { rollbackEvents } = storedSettings(deployment, group?.settings_json ?? null);
  if (status === 'Failed') return rollbackEvents.includes('DEPLOYMENT_FAILURE');
  const byAlarm = deployment.stopped_by_alarm !== null;
  return rollbackEvents.includes(byAlarm ? 'DEPLOYMENT_STOP_ON_ALARM' : 'DEPLOYMENT_STOP_ON_REQUEST');
}

function rollbackOf(deployment: DeploymentRow, good: DeploymentRow, rollbackDeploymentId: string, nowMs: number) {
  const { stop_rollback: _, ...base } = deployment;
  const rollbackMessage = `Rolls back deployment ${deployment.deployment_id}.`;
  return {
    ...base,
    deployment_id: rollbackDeploymentId,
    status: 'Created',
    revision_json: good.revision_json,
    previous_revision_json: good.revision_json,
    creator: ROLLBACK_CREATOR,
    description: rollbackMessage,
    // What the failed one was allowed to overwrite, the old revision need not be.
    file_exists_behavior: good.file_exists_behavior,
    update_outdated_instances_only: 0,
    settings_json: settingsOfRollback(base),
    // The alarm that is active would stop it.
    alarms_json: null,
    // It downloads: the files on the hosts are what has just not worked.
    restart_of: null,
    options_json: JSON.stringify({
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

/** The only thing about a deployment that changes after its end. */
async function noteRollback(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  rollbackInfo: NonNullable<DeploymentOptions['rollbackInfo']>,
): Promise<void> {
  const options: DeploymentOptions = { ...parseOptions(deployment), rollbackInfo };
  await updateDeployment(tx, deployment.deployment_id, { options_json: JSON.stringify(options) });
}
