/**
 * The hosts that a group has by what AWS says: instances with the tags of its EC2 filters, and members of its Auto Scaling groups.
 *
 * AWS cannot be asked inside of a transaction. So the reader of a fleet writes the answer down, and a deployment begins once the fleet was
 * read after it was created. Everything else follows from the rows. All this is only where the server asks AWS: elsewhere EC2 filters match
 * the tags of enrolled hosts.
 */
import { findFleet, findReplacementFleet, fleetMembersOf, instancesById } from '../../store/fleets.ts';
import type { DeploymentRow, FleetMemberRow, FleetRow, InstanceRow } from '../../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../../store/store.ts';
import { autoScalingGroupsOf, copiesGroup, type DeploymentSettings, type SettingsOfGroup } from '../settings.ts';
import type { CopiedGroup, TargetInstances } from './blue-green-plan.ts';
import { ec2InstanceIdOf } from './ec2-identity.ts';
import type { FinishAction } from './ending.ts';
import { ec2FilterListsOf } from './membership.ts';

/** Why AWS gives no answer. */
export interface FleetFailure {
  /** A code of the API's ErrorInformation. */
  readonly code: string;
  readonly call: string;
  readonly answer: string;
  /** Asking again cannot help. */
  readonly isFinal: boolean;
  /** Since when one call after another has failed, how many, and when the last one did. */
  readonly sinceMs: number;
  readonly calls: number;
  readonly atMs: number;
}

/** A deployment waits so long for AWS, and for so many calls at least: a server that was down for an hour has not asked. */
export const FLEET_LIMIT_MS = 5 * 60_000;
const FAILING_CALLS = 5;
/** When there is no call at all, no server asks AWS any more. */
export const NOBODY_ASKS_MS = 30 * 60_000;

/** Whether AWS says who belongs to the group. */
export function hasFleet(group: SettingsOfGroup): boolean {
  return ec2FilterListsOf(group).length > 0 || autoScalingGroupsOf(group).length > 0;
}

/** Whether AWS says which hosts are the replacement: they are where the group's own are, or members of Auto Scaling groups. */
export function asksAwsForGreen(group: SettingsOfGroup, targets: TargetInstances | null): boolean {
  return targets !== null && (hasFleet(group) || (targets.autoScalingGroups ?? []).length > 0);
}

/** The Auto Scaling group that a deployment copies, and the copy's name; null: it copies none. */
export function copiedGroupOf(
  group: SettingsOfGroup,
  names: { readonly groupName: string; readonly deploymentId: string },
): CopiedGroup | null {
  const [original] = autoScalingGroupsOf(group);
  if (!copiesGroup(group) || original === undefined) return null;
  return { original, copy: copyNameOf(names.groupName, names.deploymentId) };
}

/** Auto Scaling takes no longer names. */
const MAX_NAME = 255;

/** As the hosted service names the copies that it makes. */
export function copyNameOf(groupName: string, deploymentId: string): string {
  const tail = `_${deploymentId}`;
  return `CodeDeploy_${groupName}`.slice(0, MAX_NAME - tail.length) + tail;
}

/** Returns the settings of the group's deployments where the server asks AWS; else none. */
export function fleetSettings(
  group: SettingsOfGroup,
  deploymentGroupId: string,
): Pick<DeploymentSettings, 'ec2FilterLists' | 'fleetOf'> {
  return hasFleet(group) ? { ec2FilterLists: [], fleetOf: deploymentGroupId } : {};
}

/** @returns how the deployment ends instead; `awaited`: its fleet was not read since it was created */
export async function fleetStanding(
  tx: StoreTransaction,
  deployment: Pick<DeploymentRow, 'created_at_ms'>,
  { fleetOf }: Pick<DeploymentSettings, 'fleetOf'>,
  nowMs: number,
): Promise<'known' | 'awaited' | FinishAction> {
  if (fleetOf === undefined) return 'known';
  return standingOf(await findFleet(tx, fleetOf), deployment.created_at_ms, nowMs);
}

/** The same for the replacement hosts of a blue/green deployment. */
export async function replacementStanding(
  tx: StoreTransaction,
  deployment: Pick<DeploymentRow, 'deployment_id' | 'created_at_ms'>,
  { blueGreen: plan }: Pick<DeploymentSettings, 'blueGreen'>,
  nowMs: number,
): Promise<'known' | 'awaited' | FinishAction> {
  if (plan?.course !== 'blue-green' || plan.greenInAws === undefined) return 'known';
  const fleet = await findReplacementFleet(tx, deployment.deployment_id);
  return standingOf(fleet, deployment.created_at_ms, nowMs);
}

export function standingOf(
  fleet: Pick<FleetRow, 'read_at_ms' | 'failing_json'> | null,
  createdAtMs: number,
  nowMs: number,
): 'known' | 'awaited' | FinishAction {
  if (fleet !== null && (fleet.read_at_ms ?? 0) >= createdAtMs) return 'known';
  const failing = fleet?.failing_json ? (JSON.parse(fleet.failing_json) as FleetFailure) : null;
  const failed = (errorCode: string, errorMessage: string): FinishAction => ({
    ...{ action: 'finish', status: 'Failed', errorCode, errorMessage },
  });
  if (failing !== null && failing.atMs >= createdAtMs) {
    const waitedMs = nowMs - Math.max(createdAtMs, failing.sinceMs);
    if (failing.isFinal || (waitedMs >= FLEET_LIMIT_MS && failing.calls >= FAILING_CALLS)) {
      const tries = failing.isFinal ? '' : ` It was asked ${failing.calls} times in vain.`;
      return failed(failing.code, `The last call to AWS was: ${failing.call}. The answer: ${failing.answer}.${tries}`);
    }
    return 'awaited';
  }
  if (nowMs - createdAtMs < NOBODY_ASKS_MS) return 'awaited';
  const message =
    'No server has asked AWS for the hosts of the deployment group. Start it with --aws-region, as before.';
  return failed('INTERNAL_ERROR', message);
}

/** An instance as AWS describes it. */
export interface FoundInstance {
  readonly id: string;
  readonly arn: string;
  readonly zone: string | null;
  readonly autoScalingGroup: string | null;
  readonly stage: FleetMemberRow['stage'];
}

/** A registered host that may be an instance. */
export interface PossibleHost {
  readonly instance_id: string;
  readonly host_arn: string;
  readonly tag_value: string | null;
}

/**
 * The members of a group's fleet after a reading, in the order of their ids.
 *
 * @param hosts the oldest first: of several that say to be the same instance the newest counts, and one whose identity says so before all others
 */
export function membersAfter(
  deploymentGroupId: string,
  known: {
    readonly found: readonly FoundInstance[];
    readonly before: readonly FleetMemberRow[];
    readonly hosts: readonly PossibleHost[];
  },
  nowMs: number,
): readonly FleetMemberRow[] {
  const before = new Map(known.before.map((member) => [member.ec2_instance_id, member]));
  const hostOf = new Map<string, string>();
  for (const isProved of [false, true]) {
    for (const { instance_id, host_arn, tag_value } of known.hosts) {
      const id = ec2InstanceIdOf(host_arn, isProved ? null : tag_value);
      if (id !== null) hostOf.set(id, instance_id);
    }
  }
  return known.found
    .map(({ id, arn, zone, autoScalingGroup, stage }): FleetMemberRow => {
      const old = before.get(id);
      return {
        deployment_group_id: deploymentGroupId,
        ec2_instance_id: id,
        instance_arn: arn,
        instance_id: hostOf.get(id) ?? null,
        auto_scaling_group: autoScalingGroup,
        availability_zone: zone,
        stage,
        stage_since_ms: old?.stage === stage ? old.stage_since_ms : nowMs,
      };
    })
    .sort((a, b) => (a.ec2_instance_id < b.ec2_instance_id ? -1 : 1));
}

export interface FleetHosts {
  readonly enrolled: readonly InstanceRow[];
  /** Members that are in service, and that no enrolled host is. */
  readonly unknown: readonly FleetMemberRow[];
  /** Availability zones of those that are enrolled. */
  readonly zones: ReadonlyMap<string, string>;
}

const NO_FLEET: FleetHosts = { enrolled: [], unknown: [], zones: new Map() };

/** Finds the hosts of a fleet: those in `only`, whatever their stage; else all that are in service. */
export async function fleetHostsOf(
  db: StoreReader,
  { fleetOf, only }: Pick<DeploymentSettings, 'fleetOf' | 'only'>,
): Promise<FleetHosts> {
  if (fleetOf === undefined) return NO_FLEET;
  const members = (await fleetMembersOf(db, fleetOf)).filter(({ instance_id, stage }) =>
    only === undefined ? stage === 'in-service' : instance_id !== null && only.includes(instance_id),
  );
  return hostsOf(db, members);
}

/** Replacement hosts that are in service, as AWS has said. */
export async function replacementHostsOf(db: StoreReader, deploymentId: string): Promise<FleetHosts> {
  const fleet = await findReplacementFleet(db, deploymentId);
  const members = JSON.parse(fleet?.members_json ?? '[]') as readonly FleetMemberRow[];
  return hostsOf(
    db,
    members.filter(({ stage }) => stage === 'in-service'),
  );
}

async function hostsOf(db: StoreReader, members: readonly FleetMemberRow[]): Promise<FleetHosts> {
  const enrolled = await instancesById(
    db,
    members.flatMap(({ instance_id }) => instance_id ?? []),
  );
  const known = new Set(enrolled.map(({ instance_id }) => instance_id));
  const isKnown = ({ instance_id }: FleetMemberRow) => instance_id !== null && known.has(instance_id);
  const zones = members.flatMap(({ instance_id, availability_zone }): [string, string][] =>
    instance_id === null || availability_zone === null ? [] : [[instance_id, availability_zone]],
  );
  return { enrolled, unknown: members.filter((member) => !isKnown(member)), zones: new Map(zones) };
}
