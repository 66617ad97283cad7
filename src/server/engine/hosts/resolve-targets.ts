import { identityOf, parseLocation } from '../../../protocol/management/revision-location.ts';
import type { Random } from '../../../system/random.ts';
import { findGroupById } from '../../store/deployment-groups.ts';
import { findDeployment, updateDeployment } from '../../store/deployments.ts';
import { hostStatesOf } from '../../store/host-states.ts';
import { instanceTagsOf } from '../../store/instance-tags.ts';
import { insertEvents } from '../../store/lifecycle-events.ts';
import type {
  DeploymentGroupRow,
  DeploymentRow,
  HostStateRow,
  InstanceRow,
  LifecycleEventRow,
} from '../../store/schema.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { insertTargets, type NewTarget } from '../../store/targets.ts';
import { courseOf, type Scenario } from '../course.ts';
import { storedSettings } from '../settings.ts';
import { type FinishAction, failedWith } from './ending.ts';
import { fleetHostsOf } from './fleet.ts';
import { type HostStanding, orderOfAttempt } from './health.ts';
import { MAX_TARGETS, membersOf } from './members.ts';
import { rowsOfUnknown } from './unknown-hosts.ts';
import { inOrderOfZones, NO_ZONE } from './zones.ts';

/**
 * Finds the hosts of a deployment that was just created, writes down what each is to do, and sets the deployment InProgress.
 *
 * @returns how the deployment ends instead, when there is nothing that could be deployed to
 */
export async function resolveTargets(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  ctx: { readonly random: Pick<Random, 'fraction'>; readonly nowMs: number },
): Promise<FinishAction | null> {
  const group = await findGroupById(tx, deployment.deployment_group_id);
  if (group === null) {
    return failedWith('DEPLOYMENT_GROUP_MISSING', 'The deployment group was deleted before the deployment began.');
  }
  const settings = storedSettings(deployment, group.settings_json);
  const { zonal, loadBalancerInfo } = settings;
  const members = await membersOf(tx, settings);
  const fleet = await fleetHostsOf(tx, settings);
  if (members.length + fleet.unknown.length === 0) {
    const why =
      settings.fleetOf === undefined
        ? 'No registered instance carries the tags of the deployment group.'
        : 'AWS has no instance in service with the tags or in the Auto Scaling groups of the deployment group.';
    return failedWith('NO_INSTANCES', why);
  }
  if (members.length + fleet.unknown.length > MAX_TARGETS) {
    const message = `The deployment group has more than ${MAX_TARGETS} instances, which is the limit.`;
    return failedWith('OVER_MAX_INSTANCES', message);
  }
  const states = await hostStatesOf(tx, deployment.deployment_group_id);
  const lastGood = await lastGoodRevision(tx, group);
  const order = orderOfAttempt(
    members.map((instance) => standingOf(instance, states.get(instance.instance_id), lastGood, ctx.random)),
  );
  const zoneOf = zonal === undefined ? null : await zonesByTag(tx, members, zonal.tagKey, fleet.zones);
  const scenario = loadBalancerInfo === null ? 'in-place' : 'in-place-with-traffic';
  const rows = targetRows({
    deployment,
    scenario,
    members,
    order: zoneOf === null ? order : inOrderOfZones(order, zoneOf),
    upToDate: upToDate(deployment, states),
    zoneOf,
    nowMs: ctx.nowMs,
  });
  const unknown = rowsOfUnknown({
    ...{ deployment, members: fleet.unknown, course: courseOf(scenario).flatMap((phase) => phase.events) },
    ...{ firstPosition: rows.targets.length, hasZones: zoneOf !== null, nowMs: ctx.nowMs },
  });
  await insertTargets(tx, [...rows.targets, ...unknown.targets]);
  await insertEvents(tx, [...rows.events, ...unknown.events]);
  await updateDeployment(tx, deployment.deployment_id, { status: 'InProgress', started_at_ms: ctx.nowMs });
  return null;
}

/** Instances that are to be left alone, since they run the deployment's revision already. */
function upToDate(deployment: DeploymentRow, states: ReadonlyMap<string, HostStateRow>): ReadonlySet<string> {
  if (deployment.update_outdated_instances_only === 0) return new Set();
  const wanted = identityOf(parseLocation(deployment.revision_json));
  return new Set([...states.values()].filter((s) => s.revision_identity === wanted).map((s) => s.instance_id));
}

async function zonesByTag(
  tx: StoreTransaction,
  members: readonly InstanceRow[],
  tagKey: string,
  ofFleet: ReadonlyMap<string, string>,
): Promise<(instanceId: string) => string> {
  const tags = await instanceTagsOf(
    tx,
    members.map((instance) => instance.instance_id),
  );
  return (instanceId) =>
    tags.get(instanceId)?.find(({ Key }) => Key === tagKey)?.Value ?? ofFleet.get(instanceId) ?? NO_ZONE;
}

async function lastGoodRevision(tx: StoreTransaction, group: DeploymentGroupRow): Promise<string | null> {
  if (group.last_successful_deployment_id === null) return null;
  const last = await findDeployment(tx, group.last_successful_deployment_id);
  return last === null ? null : identityOf(parseLocation(last.revision_json));
}

function standingOf(
  instance: InstanceRow,
  state: HostStateRow | undefined,
  lastGood: string | null,
  random: Pick<Random, 'fraction'>,
): HostStanding {
  const installed = state?.revision_identity ?? null;
  return {
    instanceId: instance.instance_id,
    isHealthy: state?.health === 'healthy',
    revision: installed === null ? 'unknown' : installed === lastGood ? 'current' : 'old',
    lot: random.fraction(),
  };
}

function targetRows(resolved: {
  readonly deployment: DeploymentRow;
  readonly scenario: Scenario;
  readonly members: readonly InstanceRow[];
  /** Ids of the members. */
  readonly order: readonly string[];
  readonly upToDate: ReadonlySet<string>;
  readonly zoneOf: ((instanceId: string) => string) | null;
  readonly nowMs: number;
}): { targets: NewTarget[]; events: LifecycleEventRow[] } {
  const { deployment, members, order, upToDate, zoneOf, nowMs } = resolved;
  const byId = new Map(members.map((instance) => [instance.instance_id, instance]));
  const course = courseOf(resolved.scenario).flatMap((phase) => phase.events);
  const targets: NewTarget[] = [];
  const events: LifecycleEventRow[] = [];
  for (const [position, instanceId] of order.entries()) {
    const instance = byId.get(instanceId);
    if (instance === undefined) continue;
    const isCurrent = upToDate.has(instanceId);
    const common = { deployment_id: deployment.deployment_id, instance_id: instanceId, host_arn: instance.host_arn };
    targets.push({
      ...common,
      target_id: instance.instance_name,
      target_arn: instance.instance_arn,
      position,
      was_current: isCurrent ? 1 : 0,
      zone: zoneOf?.(instanceId) || null,
      status: isCurrent ? 'Skipped' : 'Pending',
      updated_at_ms: nowMs,
    });
    for (const [at, { name: event_name }] of course.entries()) {
      events.push({
        ...common,
        position: at,
        event_name,
        status: isCurrent ? 'Skipped' : 'Pending',
        host_command_id: null,
        ready_at_ms: null,
        handed_out_at_ms: null,
        started_at_ms: null,
        ended_at_ms: isCurrent ? nowMs : null,
        reported_at_ms: null,
        diagnostics_json: null,
      });
    }
  }
  return { targets, events };
}
