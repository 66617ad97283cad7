/**
 * Writes the notices of a step in the transaction of the step. No crash can lose a notice, or send one of something that did not happen.
 */
import { findDeployment } from '../store/deployments.ts';
import { eventsOfInstances } from '../store/lifecycle-events.ts';
import { insertNotices } from '../store/notices.ts';
import type { DeploymentRow, TargetRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { countTargets, targetsOfInstances } from '../store/targets.ts';
import { type Change, deploymentNotice, instanceNotice, type WantedNotice, wantedNotices } from './notices.ts';
import { triggersOfDeployment } from './settings.ts';

/**
 * Call it when everything else of a step is written. A deployment without triggers costs nothing.
 *
 * @param before the deployment as it was when the step began
 * @param targetsBefore those targets that the step may have changed, as they were
 */
export async function noteNotices(
  tx: StoreTransaction,
  before: DeploymentRow,
  targetsBefore: readonly TargetRow[],
  nowMs: number,
): Promise<void> {
  const triggers = triggersOfDeployment(before);
  if (triggers.length === 0) return;
  const { deployment_id: deploymentId } = before;
  const after = await findDeployment(tx, deploymentId);
  if (after === null) return;
  const areTargetsWanted = triggers.some(({ events }) => events.some((event) => event.startsWith('Instance')));
  const targets = areTargetsWanted ? await changesOf(tx, deploymentId, targetsBefore) : [];
  const wanted = wantedNotices(deploymentId, { before, after }, targets, triggers);
  if (wanted.length === 0) return;
  const textOf = await textsOf(tx, after, targets, wanted);
  const notices = wanted.map((notice) => {
    const { id, event, trigger, instanceId } = notice;
    return { id, event, instanceId, triggerName: trigger.name, target: trigger.target, ...textOf(notice) };
  });
  await insertNotices(tx, deploymentId, notices, nowMs);
}

async function changesOf(
  tx: StoreTransaction,
  deploymentId: string,
  before: readonly TargetRow[],
): Promise<readonly Change<TargetRow>[]> {
  const ids = before.map(({ instance_id }) => instance_id);
  const after = new Map((await targetsOfInstances(tx, deploymentId, ids)).map((row) => [row.instance_id, row]));
  return before.flatMap((row) => {
    const now = after.get(row.instance_id);
    const isSame = now?.status === row.status && now.installed_at_ms === row.installed_at_ms;
    return now === undefined || isSame ? [] : [{ before: row, after: now }];
  });
}

async function textsOf(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  targets: readonly Change<TargetRow>[],
  wanted: readonly WantedNotice[],
) {
  const { deployment_id: deploymentId } = deployment;
  const instanceIds = [...new Set(wanted.flatMap(({ instanceId }) => instanceId ?? []))];
  const events = Map.groupBy(await eventsOfInstances(tx, deploymentId, instanceIds), ({ instance_id }) => instance_id);
  const targetOf = new Map(targets.map(({ after }) => [after.instance_id, after]));
  const isAboutDeployment = instanceIds.length === 0 || wanted.some(({ instanceId }) => instanceId === null);
  const counts = isAboutDeployment ? ((await countTargets(tx, [deploymentId])).get(deploymentId) ?? {}) : {};
  return ({ trigger, event, instanceId }: WantedNotice) => {
    const target = targetOf.get(instanceId ?? '');
    // Both may go on in the step in which they have become Ready.
    if (target === undefined) {
      const now: DeploymentRow = event === 'DeploymentReady' ? { ...deployment, status: 'Ready' } : deployment;
      return deploymentNotice(trigger, now, counts);
    }
    const told: TargetRow = event === 'InstanceReady' ? { ...target, status: 'Ready' } : target;
    return instanceNotice(trigger, deployment, told, events.get(target.instance_id) ?? []);
  };
}
