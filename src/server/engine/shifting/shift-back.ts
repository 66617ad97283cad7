/**
 * The rollback of a deployment that has moved traffic: a deployment of its own that leads all of it back at once, where it was before. It calls no hook.
 *
 * It goes back to the version that had the traffic, and not to what the last successful deployment says: somebody may have moved the
 * traffic since.
 */

import { identityOf, parseLocation } from '../../../protocol/management/revision-location.ts';
import type { Random } from '../../../system/random.ts';
import { updateGroup } from '../../store/deployment-groups.ts';
import { deploymentOrdersOf } from '../../store/deployment-orders.ts';
import { findDeployment, insertDeployment } from '../../store/deployments.ts';
import { eventsOf } from '../../store/lifecycle-events.ts';
import { ordersOfTarget } from '../../store/orders.ts';
import { noteRevisionUse } from '../../store/revisions.ts';
import type { DeploymentGroupRow, DeploymentRow, TargetRow } from '../../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../../store/store.ts';
import { setTargetDetails, targetsOf } from '../../store/targets.ts';
import { newDeploymentId } from '../deployment-id.ts';
import { hasBegunTermination } from '../hosts/termination.ts';
import { noteRollback } from '../note-rollback.ts';
import { type DeploymentOptions, type DeploymentSettings, parseOptions, shiftPlanOf } from '../settings.ts';
import { ROLLBACK_CREATOR } from '../wanted-rollback.ts';
import { type LambdaDetails, orderKindOf, type Prepared, type ShiftPlan } from './plan.ts';
import { hasMoved, NOT_SHIFTED } from './steps.ts';

const NOTHING_NOTED: Parameters<typeof hasMoved>[0] = { progress: NOT_SHIFTED, writing: null };

/**
 * @param group locked; null: it was deleted. Traffic goes back anyway
 * @returns the id of the rollback's deployment, or null if there is none
 */
export async function shiftBack(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  group: DeploymentGroupRow | null,
  targets: readonly TargetRow[],
  ctx: { readonly random: Pick<Random, 'text'>; readonly nowMs: number },
): Promise<string | null> {
  const plan = shiftPlanOf(deployment);
  const prepared = plan?.prepared;
  if (plan === null || prepared === undefined || plan.isRollback === true) {
    await noteRollback(tx, deployment, { rollbackMessage: `There is no rollback: ${whyNothing(plan)}.` });
    return null;
  }
  if (!(await hasChanged(tx, deployment.deployment_id, plan, prepared))) {
    await noteRollback(tx, deployment, { rollbackMessage: 'There is no rollback: no traffic was moved.' });
    return null;
  }
  if (hasBegunTermination(await deploymentOrdersOf(tx, [deployment.deployment_id]))) {
    const rollbackMessage = 'There is no rollback: the original task set is being deleted. Deploy its revision again.';
    await noteRollback(tx, deployment, { rollbackMessage });
    return null;
  }
  const goodId = group?.last_successful_deployment_id ?? null;
  const good = goodId === null ? null : await findDeployment(tx, goodId);
  const rollbackDeploymentId = newDeploymentId(ctx.random);
  const back: ShiftPlan = {
    ...{ platform: plan.platform, schedule: { steps: [100], intervalMs: 0 }, isRollback: true },
    prepared: wayBackOf(prepared, targets[0]?.details_json ?? null),
  };
  await insertDeployment(tx, rowOf(deployment, good, { rollbackDeploymentId, back, nowMs: ctx.nowMs }));
  const never = good === null ? ' No deployment of the group has succeeded before.' : '';
  const rollbackMessage = `Traffic goes back to ${goalOf(back)}, which had it before.${never}`;
  await noteRollback(tx, deployment, { rollbackDeploymentId, rollbackMessage });
  if (group !== null) {
    await updateGroup(tx, group.deployment_group_id, {
      ...(good === null ? {} : { target_revision_json: good.revision_json }),
      last_attempted_deployment_id: rollbackDeploymentId,
    });
  }
  if (good !== null) {
    await noteRevisionUse(tx, deployment.application_id, identityOf(parseLocation(good.revision_json)), ctx.nowMs);
  }
  return rollbackDeploymentId;
}

function whyNothing(plan: ShiftPlan | null): string {
  return plan?.isRollback === true ? 'the deployment was itself a rollback' : 'no traffic was moved';
}

/**
 * An alias that this deployment has not changed is not its to put back: somebody else may have moved it. A service may have a new task set as
 * soon as Install has begun.
 */
async function hasChanged(
  db: StoreReader,
  deploymentId: string,
  { platform }: ShiftPlan,
  { target }: Prepared,
): Promise<boolean> {
  if (platform === 'ECS') {
    const events = await eventsOf(db, deploymentId);
    return events.some((event) => event.event_name === 'Install' && event.started_at_ms !== null);
  }
  const orders = await ordersOfTarget(db, deploymentId, target.subjectId);
  const noted = orders.find(({ kind }) => kind === orderKindOf(platform, 'AllowTraffic'))?.memory_json;
  return noted != null && hasMoved({ ...NOTHING_NOTED, ...(JSON.parse(noted) as Partial<typeof NOTHING_NOTED>) });
}

/** @param detailsJson of the target, as the deployment has left it */
function wayBackOf({ appSpec, target }: Prepared, detailsJson: string | null): Prepared {
  const details: object = detailsJson === null ? target.details : (JSON.parse(detailsJson) as object);
  if (appSpec.platform !== 'Lambda') return { appSpec, target: { ...target, details } };
  const { currentVersion, targetVersion } = appSpec;
  const versions = { currentVersion: targetVersion, targetVersion: currentVersion };
  const { targetVersionWeight } = details as LambdaDetails;
  return {
    appSpec: { ...appSpec, ...versions },
    target: { ...target, details: { ...details, ...versions, targetVersionWeight: 100 - targetVersionWeight } },
  };
}

function goalOf({ prepared }: ShiftPlan): string {
  const appSpec = prepared?.appSpec;
  return appSpec?.platform === 'Lambda' ? `version ${appSpec.targetVersion}` : 'the original task set';
}

function rowOf(
  deployment: DeploymentRow,
  good: DeploymentRow | null,
  about: { readonly rollbackDeploymentId: string; readonly back: ShiftPlan; readonly nowMs: number },
) {
  const { stop_rollback: _, settings_json, ...base } = deployment;
  const rollbackMessage = `Rolls back deployment ${deployment.deployment_id}.`;
  const settings = JSON.parse(settings_json ?? '{}') as DeploymentSettings;
  return {
    ...base,
    deployment_id: about.rollbackDeploymentId,
    status: 'Created',
    revision_json: (good ?? base).revision_json,
    previous_revision_json: good?.revision_json ?? null,
    creator: ROLLBACK_CREATOR,
    description: rollbackMessage,
    settings_json: JSON.stringify({ ...settings, shifted: about.back } satisfies DeploymentSettings),
    // The alarm that is active would stop it.
    alarms_json: null,
    restart_of: null,
    options_json: JSON.stringify({
      rollbackInfo: { rollbackTriggeringDeploymentId: deployment.deployment_id, rollbackMessage },
    } satisfies DeploymentOptions),
    ...{ created_at_ms: about.nowMs, started_at_ms: null, completed_at_ms: null, stop_requested_at_ms: null },
    ...{ error_code: null, error_message: null, wake_at_ms: about.nowMs },
  } as const;
}

/** After a rollback, the deployment that it rolls back shows that its version has no traffic any more. */
export async function noteTrafficBack(tx: StoreTransaction, rollback: DeploymentRow, nowMs: number): Promise<void> {
  if (shiftPlanOf(rollback)?.isRollback !== true) return;
  const deploymentId = parseOptions(rollback).rollbackInfo?.rollbackTriggeringDeploymentId ?? '';
  const [target] = await targetsOf(tx, deploymentId);
  if (target?.details_json == null) return;
  const details = JSON.parse(target.details_json) as Partial<LambdaDetails>;
  if (details.targetVersionWeight === undefined) return;
  const key = { deploymentId, instanceId: target.instance_id };
  await setTargetDetails(tx, key, { ...details, targetVersionWeight: 0 }, nowMs);
}
