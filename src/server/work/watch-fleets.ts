/**
 * Asks AWS again and again which hosts deployment groups have, and writes down what it says. Everything else follows from the rows. A
 * deployment begins once its group's fleet was read after it was created, and hosts that have come get the last good revision.
 *
 * Several servers of a database share the readings. A crash in the middle leaves the reading to be made again.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import type { Engine } from '../engine/engine.ts';
import { INSTANCE_TAG } from '../engine/hosts/ec2-identity.ts';
import { hasFleet, membersAfter } from '../engine/hosts/fleet.ts';
import { ec2FilterListsOf } from '../engine/hosts/membership.ts';
import { autoScalingGroupsOf, type SettingsOfGroup } from '../engine/settings.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { FleetReader } from '../outside/aws/fleet.ts';
import { findGroupById, lockGroupById } from '../store/deployment-groups.ts';
import {
  deploymentsBeforeReroute,
  deploymentsToBegin,
  findFleet,
  findReplacementFleet,
  fleetMembersOf,
  groupsWithFleets,
  hostsOnEc2,
  putFleet,
  replaceFleetMembers,
} from '../store/fleets.ts';
import type { DeploymentGroupRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { fleetFailureAfter, fleetFailureOf, nextFleetReadingMs } from './fleet-readings.ts';
import { isReplacementDue, readReplacement, readReplacementAgain } from './read-replacement.ts';
import { sideBySide } from './side-by-side.ts';

export interface FleetWatchContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly engine: Pick<Engine, 'step'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly readFleet: FleetReader;
}

/** How often it looks for deployments that wait for their hosts. */
const LOOK_MS = 1_000;
/** How old the reading of a group may be that nobody deploys to. */
export const READING_MS = 15_000;
export const READ_LIMIT_MS = 20_000;

/** Readings at once. A group whose last reading failed is read beside other such groups alone: it may take as long as it may. */
const AT_ONCE = { begins: 8, routine: 8, failing: 4 };

export function startFleetWatch(ctx: FleetWatchContext): Repeated {
  let failures = 0;
  let nextRoundMs = 0;
  let round: readonly Reading[] = [];
  const readings = sideBySide(AT_ONCE);
  const watch = repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: false }, async (signal) => {
    const begin = (reading: Reading) => readings.begin(reading.key, reading.kind, () => carryOut(ctx, reading, signal));
    try {
      for (const reading of await readingsToBegin(ctx)) begin(reading);
      if (ctx.clock.now() >= nextRoundMs) {
        nextRoundMs = ctx.clock.now() + READING_MS;
        round = await readingsOfRound(ctx);
      }
      // Those for which there is no place now get one in a later look.
      round = round.filter((reading) => !begin(reading));
      failures = 0;
    } catch (error) {
      failures += 1;
      // Said once: a database that is down stays down for many looks.
      if (failures === 1) ctx.log.error('the hosts that AWS has could not be looked at just now', { error });
    }
  });
  return {
    async close() {
      await watch.close();
      await readings.ended();
    },
  };
}

/** Something to be read now. */
interface Reading {
  /** The id of the group, or of the deployment whose replacement hosts they are. */
  readonly key: string;
  readonly kind: keyof typeof AT_ONCE;
  /** @returns whether there is news */
  read(signal: AbortSignal): Promise<boolean>;
  /** That waits for it; null: none does. */
  readonly deploymentId: string | null;
}

async function carryOut(ctx: FleetWatchContext, reading: Reading, signal: AbortSignal): Promise<void> {
  const { key, deploymentId } = reading;
  try {
    if ((await reading.read(signal)) && deploymentId !== null) await ctx.engine.step(deploymentId);
  } catch (error) {
    if (!signal.aborted) ctx.log.error('hosts that AWS has could not be looked at just now', { of: key, error });
  }
}

/** Finds the readings that deployments wait for. */
async function readingsToBegin(ctx: FleetWatchContext): Promise<readonly Reading[]> {
  const { db } = ctx.store;
  const readings: Reading[] = [];
  for (const deployment of await deploymentsToBegin(db)) {
    const { deployment_id: deploymentId, created_at_ms: sinceMs } = deployment;
    const kindAfter = (fleet: { readonly failing_json: string | null } | null) =>
      fleetFailureOf(fleet) === null ? ('begins' as const) : ('failing' as const);
    const group = await findGroupById(db, deployment.deployment_group_id);
    if (group === null) continue;
    const kind = kindAfter(await findFleet(db, group.deployment_group_id));
    const read = (signal: AbortSignal) => refresh(ctx, group, sinceMs, signal);
    readings.push({ key: group.deployment_group_id, kind, read, deploymentId });
    const known = await findReplacementFleet(db, deploymentId);
    if (!isReplacementDue(deployment, known, ctx.clock.now())) continue;
    const readGreen = (signal: AbortSignal) => readReplacement(ctx, deployment, signal);
    readings.push({ key: deploymentId, kind: kindAfter(known), read: readGreen, deploymentId });
  }
  return readings;
}

/** All groups, those first that were not tried for longest. */
async function readingsOfRound(ctx: FleetWatchContext): Promise<readonly Reading[]> {
  const { store, clock } = ctx;
  const sinceMs = clock.now() - READING_MS;
  const readings: (Reading & { readonly triedAtMs: number })[] = [];
  for (const group of await groupsWithFleets(store.db)) {
    const fleet = await findFleet(store.db, group.deployment_group_id);
    const failure = fleetFailureOf(fleet);
    const triedAtMs = Math.max(fleet?.read_at_ms ?? 0, failure?.atMs ?? 0);
    const read = (signal: AbortSignal) => refresh(ctx, group, sinceMs, signal);
    const kind = failure === null ? 'routine' : 'failing';
    readings.push({ key: group.deployment_group_id, kind, read, deploymentId: null, triedAtMs });
  }
  for (const deployment of await deploymentsBeforeReroute(store.db)) {
    const { deployment_id: key } = deployment;
    const read = (signal: AbortSignal) => readReplacementAgain(ctx, deployment, signal);
    readings.push({ key, kind: 'routine', read, deploymentId: null, triedAtMs: sinceMs });
  }
  return readings.sort((a, b) => a.triedAtMs - b.triedAtMs);
}

/** @param sinceMs a reading that began then or later is new enough @returns whether there is news */
async function refresh(
  ctx: FleetWatchContext,
  group: DeploymentGroupRow,
  sinceMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const settings = JSON.parse(group.settings_json) as SettingsOfGroup;
  if (!hasFleet(settings)) return false;
  const known = await findFleet(ctx.store.db, group.deployment_group_id);
  const nowMs = ctx.clock.now();
  if ((known?.read_at_ms ?? 0) >= sinceMs || nowMs < nextFleetReadingMs(fleetFailureOf(known))) return false;
  try {
    const request = { filterLists: ec2FilterListsOf(settings), autoScalingGroups: autoScalingGroupsOf(settings) };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_LIMIT_MS)]);
    await noteFleet(ctx, group, await ctx.readFleet(request, limit), nowMs);
  } catch (error) {
    if (signal.aborted || !(error instanceof AwsFault)) throw error;
    await noteFailure(ctx, group, error);
  }
  return true;
}

async function noteFleet(
  { store, clock }: FleetWatchContext,
  { deployment_group_id: groupId }: DeploymentGroupRow,
  found: Awaited<ReturnType<FleetReader>>,
  beganAtMs: number,
): Promise<void> {
  await store.transaction(async (tx) => {
    if ((await lockGroupById(tx, groupId)) === null) return;
    // Another server has read it since.
    if (((await findFleet(tx, groupId))?.read_at_ms ?? 0) > beganAtMs) return;
    const before = await fleetMembersOf(tx, groupId);
    const members = membersAfter(groupId, { found, before, hosts: await hostsOnEc2(tx, INSTANCE_TAG) }, clock.now());
    if (JSON.stringify(members) !== JSON.stringify(before)) await replaceFleetMembers(tx, groupId, members);
    await putFleet(tx, { deployment_group_id: groupId, read_at_ms: beganAtMs, failing_json: null });
  });
}

async function noteFailure(
  { store, clock, log }: FleetWatchContext,
  { deployment_group_id: groupId, deployment_group_name: groupName }: DeploymentGroupRow,
  fault: AwsFault,
): Promise<void> {
  const nowMs = clock.now();
  const isFirst = await store.transaction(async (tx) => {
    if ((await lockGroupById(tx, groupId)) === null) return false;
    const known = await findFleet(tx, groupId);
    const before = fleetFailureOf(known);
    const failure = fleetFailureAfter(before, fault, nowMs);
    const read_at_ms = known?.read_at_ms ?? null;
    await putFleet(tx, { deployment_group_id: groupId, read_at_ms, failing_json: JSON.stringify(failure) });
    return before === null;
  });
  if (isFirst) log.warn('AWS does not say which hosts a deployment group has', { groupName, groupId, error: fault });
}
