/** The two fleets of a blue/green deployment. They are found once, when it begins, and tags that change afterwards change nothing. */
import { instancesById } from '../../store/fleets.ts';
import type { DeploymentRow, FleetMemberRow, InstanceRow } from '../../store/schema.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { targetsOf } from '../../store/targets.ts';
import { eventsOfLabel } from '../course.ts';
import type { DeploymentSettings } from '../settings.ts';
import type { ReplacementPlan, WayBackPlan } from './blue-green-plan.ts';
import { INSTANCE_TAG } from './ec2-identity.ts';
import { type FinishAction, failedWith } from './ending.ts';
import { fleetHostsOf, replacementHostsOf } from './fleet.ts';
import { MAX_TARGETS, membersOf, tooManyTargets } from './members.ts';
import { type HostOfTarget, type Rows, targetRows } from './target-rows.ts';

export interface Fleets {
  /** Replacement hosts, in the order of attempt. */
  readonly green: readonly HostOfTarget[];
  /** Original hosts. */
  readonly blue: readonly HostOfTarget[];
}

/**
 * @param inOrder puts the replacement hosts into the order of attempt
 * @returns how the deployment ends instead, when there is nothing that traffic could go to, or come from
 */
export async function findFleets(
  tx: StoreTransaction,
  deploymentId: string,
  settings: DeploymentSettings,
  plan: ReplacementPlan,
  inOrder: (hosts: readonly InstanceRow[]) => readonly InstanceRow[],
): Promise<Fleets | FinishAction> {
  const blue = await membersOf(tx, settings);
  const ofAws = plan.greenInAws === undefined ? null : await replacementHostsOf(tx, deploymentId);
  const green = ofAws?.enrolled ?? (await membersOf(tx, { filterLists: plan.greenFilterLists }));
  const { unknown } = await fleetHostsOf(tx, settings);
  if (unknown.length > 0) return unknownHosts(unknown, 'of the deployment group, so its traffic cannot be moved');
  if (ofAws !== null && ofAws.unknown.length > 0) {
    return unknownHosts(ofAws.unknown, 'of targetInstances, so it cannot be deployed to');
  }
  if (blue.length === 0) {
    return failedWith('NO_INSTANCES', 'No registered instance carries the tags of the deployment group.');
  }
  if (green.length === 0) {
    const why =
      ofAws === null
        ? 'No registered instance carries the tags of targetInstances.'
        : 'AWS has no instance in service with the tags or in the Auto Scaling groups of targetInstances.';
    return failedWith('NO_INSTANCES', why);
  }
  if (blue.length + green.length > MAX_TARGETS) return tooManyTargets('The two fleets have');
  const originals = new Set(blue.map(({ instance_id }) => instance_id));
  const inBoth = green.filter(({ instance_id }) => originals.has(instance_id)).map((host) => host.instance_name);
  if (inBoth.length > 0) {
    const message =
      `An instance cannot replace itself: ${inBoth.slice(0, 5).join(', ')}${inBoth.length > 5 ? ' and others' : ''} ` +
      'have the tags of the deployment group and those of targetInstances.';
    return failedWith('HEALTH_CONSTRAINTS_INVALID', message);
  }
  return { green: inOrder(green), blue };
}

/** Original hosts would keep their traffic beside the replacement: the balancers know them, and nobody could take them out. */
function unknownHosts(members: readonly FleetMemberRow[], which: string): FinishAction {
  const ids = members.map((member) => member.ec2_instance_id);
  const message =
    `No enrolled host is the EC2 instance ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ' or others' : ''} ${which}. ` +
    `Give its host the tag ${INSTANCE_TAG}=ID when slipway register enrols it, or take it out of there.`;
  return failedWith('HEALTH_CONSTRAINTS_INVALID', message);
}

/**
 * The hosts whose traffic a deployment has moved, or may have: those that take part in its rollback.
 *
 * @returns how the rollback ends instead, when no original host is there that could serve
 */
export async function fleetsToLeadBack(
  tx: StoreTransaction,
  { deploymentId }: WayBackPlan,
): Promise<Fleets | FinishAction> {
  const targets = await targetsOf(tx, deploymentId);
  const originals = targets.filter(({ label }) => label === 'blue').map(({ instance_id }) => instance_id);
  if ((await instancesById(tx, originals)).length === 0) {
    const message = 'No original instance is registered any more. The replacement instances keep their traffic.';
    return failedWith('HEALTH_CONSTRAINTS', message);
  }
  const moved = targets.filter(
    ({ status, label, installed_at_ms }) => status !== 'Skipped' && (label === 'blue' || installed_at_ms !== null),
  );
  const ofLabel = (wanted: 'blue' | 'green') =>
    moved
      .filter(({ label }) => label === wanted)
      .map(({ instance_id, target_id: instance_name, target_arn: instance_arn, host_arn }) => ({
        ...{ instance_id, instance_name, instance_arn, host_arn },
      }));
  return { green: ofLabel('green'), blue: ofLabel('blue') };
}

/** Rows of the replacement hosts first, as they have their turn first. */
export function fleetRows(
  deployment: DeploymentRow,
  course: 'blue-green' | 'blue-green-rollback',
  fleets: Fleets,
  nowMs: number,
): Rows {
  const rowsOf = (label: 'blue' | 'green', firstPosition: number) =>
    targetRows({
      ...{ deployment, label, firstPosition, nowMs, hosts: fleets[label], course: eventsOfLabel(course, label) },
      ...{ upToDate: new Set<string>(), zoneOf: null },
    });
  const green = rowsOf('green', 0);
  const blue = rowsOf('blue', fleets.green.length);
  return { targets: [...green.targets, ...blue.targets], events: [...green.events, ...blue.events] };
}
