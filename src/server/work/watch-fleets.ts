/**
 * Asks AWS again and again which hosts deployment groups have, and writes down what it says. Everything else follows from the rows: a deployment
 * begins once its group's fleet was read after it was created, and hosts that have come get the last good revision.
 *
 * Several servers of a database share the readings. A crash in the middle leaves the reading to be made again.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import type { Engine } from '../engine/engine.ts';
import { INSTANCE_TAG } from '../engine/hosts/ec2-identity.ts';
import { autoScalingGroupsOf, type FleetFailure, hasFleet, membersAfter } from '../engine/hosts/fleet.ts';
import { ec2FilterListsOf } from '../engine/hosts/membership.ts';
import type { SettingsOfGroup } from '../engine/settings.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { FleetReader } from '../outside/aws/fleet.ts';
import { findGroupById, lockGroupById } from '../store/deployment-groups.ts';
import {
  deploymentsToBegin,
  findFleet,
  fleetMembersOf,
  groupsWithFleets,
  hostsOnEc2,
  putFleet,
  replaceFleetMembers,
} from '../store/fleets.ts';
import type { DeploymentGroupRow, FleetRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { fleetErrorCode, nextFleetReadingMs } from './fleet-readings.ts';

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
const READ_LIMIT_MS = 20_000;

export function startFleetWatch(ctx: FleetWatchContext): Repeated {
  let failures = 0;
  let nextRoundMs = 0;
  return repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: false }, async (signal) => {
    try {
      await beginDeployments(ctx, signal);
      if (ctx.clock.now() >= nextRoundMs) {
        nextRoundMs = ctx.clock.now() + READING_MS;
        for (const group of await groupsWithFleets(ctx.store.db)) {
          if (!signal.aborted) await refresh(ctx, group, ctx.clock.now() - READING_MS, signal);
        }
      }
      failures = 0;
    } catch (error) {
      failures += 1;
      // Said once: a database that is away is away for many looks.
      if (failures === 1) ctx.log.error('the hosts that AWS has could not be looked at just now', { error });
    }
  });
}

/** Reads the fleets that deployments wait for. */
async function beginDeployments(ctx: FleetWatchContext, signal: AbortSignal): Promise<void> {
  for (const { deployment_id, deployment_group_id, created_at_ms } of await deploymentsToBegin(ctx.store.db)) {
    if (signal.aborted) return;
    const group = await findGroupById(ctx.store.db, deployment_group_id);
    if (group === null) continue;
    if (await refresh(ctx, group, created_at_ms, signal)) await ctx.engine.step(deployment_id);
  }
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
  if ((known?.read_at_ms ?? 0) >= sinceMs || nowMs < nextFleetReadingMs(failureOf(known))) return false;
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
    const before = failureOf(known);
    const failure: FleetFailure = {
      ...{ code: fleetErrorCode(fault), call: fault.call, answer: fault.answer, atMs: nowMs },
      isFinal: fault.trouble === 'missing' || fault.trouble === 'refused',
      sinceMs: before?.sinceMs ?? nowMs,
      calls: (before?.calls ?? 0) + 1,
    };
    const read_at_ms = known?.read_at_ms ?? null;
    await putFleet(tx, { deployment_group_id: groupId, read_at_ms, failing_json: JSON.stringify(failure) });
    return before === null;
  });
  if (isFirst) log.warn('AWS does not say which hosts a deployment group has', { groupName, groupId, error: fault });
}

function failureOf(fleet: FleetRow | null): FleetFailure | null {
  return fleet?.failing_json ? (JSON.parse(fleet.failing_json) as FleetFailure) : null;
}
