import { IN_PLACE_EVENTS } from '../../protocol/lifecycle-events.ts';
import type { Random } from '../../system/random.ts';
import { updateDeployment } from '../store/deployments.ts';
import { hostStatesOf } from '../store/host-states.ts';
import { insertTargets } from '../store/lifecycle-events.ts';
import type { DeploymentRow, HostStateRow, InstanceRow, LifecycleEventRow, TargetRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { type HostStanding, orderOfAttempt } from './health.ts';
import { isMember, type MembershipSettings } from './membership.ts';
import { revisionIdentity } from './revision-identity.ts';

/** As many as one deployment may have. */
const MAX_TARGETS = 1000;

/**
 * Finds the hosts of a deployment that was just created, writes down what each is to do, and lets the deployment begin; or ends it, when
 * there is nothing to deploy to.
 */
export async function resolveTargets(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  ctx: { readonly random: Pick<Random, 'fraction'>; readonly nowMs: number },
): Promise<void> {
  const { nowMs } = ctx;
  const end = (status: 'Succeeded' | 'Failed', error_code: string | null, error_message: string | null) =>
    updateDeployment(tx, deployment.deployment_id, {
      status,
      error_code,
      error_message,
      completed_at_ms: nowMs,
      wake_at_ms: null,
    });
  const group = await tx
    .selectFrom('deployment_groups')
    .selectAll()
    .where('deployment_group_id', '=', deployment.deployment_group_id)
    .executeTakeFirst();
  if (group === undefined) {
    await end('Failed', 'DEPLOYMENT_GROUP_MISSING', 'The deployment group was deleted before the deployment began.');
    return;
  }
  const members = await membersOf(tx, JSON.parse(group.settings_json) as MembershipSettings);
  if (members.length === 0) {
    await end('Failed', 'NO_INSTANCES', 'No registered instance carries the tags of the deployment group.');
    return;
  }
  if (members.length > MAX_TARGETS) {
    await end(
      'Failed',
      'OVER_MAX_INSTANCES',
      `The deployment group has ${members.length} instances; ${MAX_TARGETS} is the limit.`,
    );
    return;
  }
  const states = await hostStatesOf(tx, deployment.deployment_group_id);
  const target = revisionIdentity(deployment.revision_json);
  const isCurrent = (instance: InstanceRow) => states.get(instance.instance_id)?.revision_identity === target;
  const skipped = deployment.update_outdated_instances_only === 1 ? members.filter(isCurrent) : [];
  const order = orderOfAttempt(
    members.map((instance) => standingOf(instance, states.get(instance.instance_id), target, ctx.random)),
  );
  const rows = targetRows(deployment, members, order, new Set(skipped.map(({ instance_id }) => instance_id)), nowMs);
  await insertTargets(tx, rows.targets, rows.events);
  await updateDeployment(tx, deployment.deployment_id, { status: 'InProgress', started_at_ms: nowMs });
  if (skipped.length === members.length) await end('Succeeded', null, null);
}

async function membersOf(tx: StoreTransaction, settings: MembershipSettings): Promise<InstanceRow[]> {
  const instances = await tx.selectFrom('instances').selectAll().where('deregistered_at_ms', 'is', null).execute();
  const tags = await tx.selectFrom('instance_tags').selectAll().execute();
  const byInstance = new Map<string, Map<string, string>>();
  for (const { instance_id, tag_key, tag_value } of tags) {
    byInstance.set(instance_id, (byInstance.get(instance_id) ?? new Map()).set(tag_key, tag_value));
  }
  return instances.filter((instance) =>
    isMember({ tags: byInstance.get(instance.instance_id) ?? new Map() }, settings),
  );
}

function standingOf(
  instance: InstanceRow,
  state: HostStateRow | undefined,
  target: string,
  random: Pick<Random, 'fraction'>,
): HostStanding {
  const installed = state?.revision_identity ?? null;
  return {
    instanceId: instance.instance_id,
    isHealthy: state?.health === 'healthy',
    revision: installed === null ? 'unknown' : installed === target ? 'current' : 'old',
    lot: random.fraction(),
  };
}

function targetRows(
  deployment: DeploymentRow,
  members: readonly InstanceRow[],
  order: readonly string[],
  skipped: ReadonlySet<string>,
  nowMs: number,
): { targets: TargetRow[]; events: LifecycleEventRow[] } {
  const byId = new Map(members.map((instance) => [instance.instance_id, instance]));
  const targets: TargetRow[] = [];
  const events: LifecycleEventRow[] = [];
  for (const [position, instanceId] of order.entries()) {
    const instance = byId.get(instanceId);
    if (instance === undefined) continue;
    const isSkipped = skipped.has(instanceId);
    const common = { deployment_id: deployment.deployment_id, instance_id: instanceId, host_arn: instance.host_arn };
    targets.push({
      ...common,
      target_id: instance.instance_name,
      target_arn: instance.instance_arn,
      position,
      status: isSkipped ? 'Skipped' : 'Pending',
      updated_at_ms: nowMs,
    });
    for (const [at, event_name] of IN_PLACE_EVENTS.entries()) {
      events.push({
        ...common,
        position: at,
        event_name,
        status: isSkipped ? 'Skipped' : 'Pending',
        host_command_id: null,
        ready_at_ms: null,
        handed_out_at_ms: null,
        started_at_ms: null,
        ended_at_ms: isSkipped ? nowMs : null,
        diagnostics_json: null,
      });
    }
  }
  return { targets, events };
}
