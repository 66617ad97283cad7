import { identityOf, parseLocation } from '../../../protocol/management/revision-location.ts';
import type { Random } from '../../../system/random.ts';
import { findGroupById } from '../../store/deployment-groups.ts';
import { findDeployment, updateDeployment } from '../../store/deployments.ts';
import { hostStatesOf } from '../../store/host-states.ts';
import { instanceTagsOf } from '../../store/instance-tags.ts';
import { insertEvents } from '../../store/lifecycle-events.ts';
import type { DeploymentGroupRow, DeploymentRow, HostStateRow, InstanceRow } from '../../store/schema.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { insertTargets } from '../../store/targets.ts';
import { type CourseEvent, eventsOfLabel } from '../course.ts';
import { type DeploymentSettings, storedSettings } from '../settings.ts';
import { beginShift } from '../shifting/prepare.ts';
import type { BlueGreenPlan } from './blue-green-plan.ts';
import { type FinishAction, failedWith } from './ending.ts';
import { fleetHostsOf } from './fleet.ts';
import { type HostStanding, orderOfAttempt } from './health.ts';
import { MAX_TARGETS, membersOf, tooManyTargets } from './members.ts';
import { findFleets, fleetRows, fleetsToLeadBack } from './resolve-fleets.ts';
import { type Rows, targetRows } from './target-rows.ts';
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
  const own = storedSettings(deployment, group?.settings_json ?? null);
  // It has its own settings, and traffic goes back also where the group was deleted meanwhile.
  if (own.shifted !== undefined) return beginShift(tx, deployment, own, own.shifted, ctx.nowMs);
  if (group === null) {
    return failedWith('DEPLOYMENT_GROUP_MISSING', 'The deployment group was deleted before the deployment began.');
  }
  const settings = own;
  const states = await hostStatesOf(tx, deployment.deployment_group_id);
  const lastGood = await lastGoodRevision(tx, group);
  const inOrder = (hosts: readonly InstanceRow[]) => {
    const standings = hosts.map((host) => standingOf(host, states.get(host.instance_id), lastGood, ctx.random));
    const byId = new Map(hosts.map((host) => [host.instance_id, host]));
    return orderOfAttempt(standings).flatMap((instanceId) => byId.get(instanceId) ?? []);
  };
  const rows =
    settings.blueGreen === undefined
      ? await rowsInPlace(tx, deployment, settings, { states, inOrder, nowMs: ctx.nowMs })
      : await rowsOfFleets(tx, deployment, settings, settings.blueGreen, { inOrder, nowMs: ctx.nowMs });
  if ('action' in rows) return rows;
  await insertTargets(tx, rows.targets);
  await insertEvents(tx, rows.events);
  await updateDeployment(tx, deployment.deployment_id, { status: 'InProgress', started_at_ms: ctx.nowMs });
  return null;
}

interface Ordering {
  readonly inOrder: (hosts: readonly InstanceRow[]) => readonly InstanceRow[];
  readonly nowMs: number;
}

/** @returns how the deployment ends instead */
async function rowsInPlace(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  settings: DeploymentSettings,
  { states, inOrder, nowMs }: Ordering & { readonly states: ReadonlyMap<string, HostStateRow> },
): Promise<Rows | FinishAction> {
  const { zonal } = settings;
  const members = await membersOf(tx, settings);
  const fleet = await fleetHostsOf(tx, settings);
  if (members.length + fleet.unknown.length === 0) {
    const why =
      settings.fleetOf === undefined
        ? 'No registered instance carries the tags of the deployment group.'
        : 'AWS has no instance in service with the tags or in the Auto Scaling groups of the deployment group.';
    return failedWith('NO_INSTANCES', why);
  }
  if (members.length + fleet.unknown.length > MAX_TARGETS) return tooManyTargets('The deployment group has');
  const zoneOf = zonal === undefined ? null : await zonesByTag(tx, members, zonal.tagKey, fleet.zones);
  const order = inOrder(members);
  const course = courseInPlace(settings);
  const rows = targetRows({
    ...{ deployment, label: 'all', course, firstPosition: 0, upToDate: upToDate(deployment, states), zoneOf, nowMs },
    hosts: zoneOf === null ? order : inOrderOfZones(order, ({ instance_id }) => zoneOf(instance_id)),
  });
  const unknown = rowsOfUnknown({
    ...{ deployment, members: fleet.unknown, course, firstPosition: rows.targets.length },
    ...{ hasZones: zoneOf !== null, nowMs },
  });
  return { targets: [...rows.targets, ...unknown.targets], events: [...rows.events, ...unknown.events] };
}

function courseInPlace({ loadBalancerInfo, isTermination }: DeploymentSettings): readonly CourseEvent[] {
  const hasTraffic = loadBalancerInfo !== null;
  if (isTermination !== true) return eventsOfLabel(hasTraffic ? 'in-place-with-traffic' : 'in-place', 'all');
  const all = eventsOfLabel('instance-termination', 'all');
  return hasTraffic ? all : all.filter(({ name }) => name === 'ApplicationStop');
}

/** @returns how the deployment ends instead */
async function rowsOfFleets(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  settings: DeploymentSettings,
  plan: BlueGreenPlan,
  { inOrder, nowMs }: Ordering,
): Promise<Rows | FinishAction> {
  const fleets =
    plan.course === 'blue-green'
      ? await findFleets(tx, deployment.deployment_id, settings, plan, inOrder)
      : await fleetsToLeadBack(tx, plan);
  return 'action' in fleets ? fleets : fleetRows(deployment, plan.course, fleets, nowMs);
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
