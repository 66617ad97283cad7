/**
 * Has AWS keep the lifecycle hooks that deployment groups want, and none that they want no more. Rows say which hooks are wanted, so a
 * crash at any instant leaves a call to be made again; each may be repeated.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { inParallel } from '../../system/in-parallel.ts';
import type { Random } from '../../system/random.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import { failureAfter, failureOf, pauseAfter } from '../engine/hosts/scaling-failure.ts';
import { hookChanges, settleHooks, wantedHooks } from '../engine/hosts/scaling-hooks.ts';
import type { SettingsOfGroup } from '../engine/settings.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { Hook, ScalingActions } from '../outside/aws/scaling-actions.ts';
import { lockGroupById } from '../store/deployment-groups.ts';
import { groupsWithFleets } from '../store/fleets.ts';
import {
  deleteHook,
  dueHooks,
  groupsWithHooks,
  hooksOf,
  hooksWithoutGroup,
  leaseHook,
  noteHook,
  unwantHooks,
} from '../store/scaling-hooks.ts';
import type { DeploymentGroupRow, ScalingHookRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

export interface HookWatchContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
  readonly random: Pick<Random, 'uuid'>;
  readonly log: Logger;
  readonly actions: Pick<ScalingActions, 'putHook' | 'removeHook'>;
}

const LOOK_MS = 1_000;
/** How often groups are held against their hooks, also those that a version without hooks has made. */
const SETTLE_MS = 15_000;
/** How often a hook is put again, in case that somebody has removed it. */
const PUT_AGAIN_MS = 10 * 60_000;
const CALL_LIMIT_MS = 15_000;
/** Longer than a call takes, and clocks of servers differ. */
const LEASE_MS = 60_000;
const AT_ONCE = 4;
const FOR_ONE_LOOK = 40;
/** A hook that cannot be removed for so long is left to people. */
const REMOVAL_LIMIT_MS = 24 * 60 * 60_000;

export function startHookWatch(ctx: HookWatchContext): Repeated {
  let failures = 0;
  let nextSettlingMs = 0;
  return repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: true }, async (signal) => {
    try {
      if (ctx.clock.now() >= nextSettlingMs) {
        nextSettlingMs = ctx.clock.now() + SETTLE_MS;
        await settleAll(ctx);
      }
      const due = await dueHooks(ctx.store.db, ctx.clock.now(), FOR_ONE_LOOK);
      await inParallel(AT_ONCE, due, (hook) => tend(ctx, hook.hook_name, signal));
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === 1) ctx.log.error('hooks of Auto Scaling groups could not be looked at just now', { error });
    }
  });
}

/**
 * Removes the hooks that a group wants no more, for a caller who waits. Never rejects for what AWS says.
 *
 * @param limitMs how long AWS is waited for; those that are left then are the watch's
 */
export async function removeHooks(ctx: HookWatchContext, deploymentGroupId: string, limitMs: number): Promise<void> {
  const unwanted = (await hooksOf(ctx.store.db, deploymentGroupId)).filter((hook) => hook.is_wanted === 0);
  const signal = AbortSignal.timeout(limitMs);
  await inParallel(unwanted.length, unwanted, (hook) => tend(ctx, hook.hook_name, signal));
}

async function settleAll(ctx: HookWatchContext): Promise<void> {
  const { store, clock } = ctx;
  const orphans = await hooksWithoutGroup(store.db);
  if (orphans.length > 0) await store.transaction((tx) => unwantHooks(tx, orphans, clock.now()));
  const groups = [...(await groupsWithFleets(store.db)), ...(await groupsWithHooks(store.db))];
  const eachOnce = new Map(groups.map((group) => [group.deployment_group_id, group]));
  for (const group of eachOnce.values()) await settleGroup(ctx, group);
}

async function settleGroup({ store, clock, random }: HookWatchContext, group: DeploymentGroupRow): Promise<void> {
  const wanted = wantedHooks(JSON.parse(group.settings_json) as SettingsOfGroup);
  const id = group.deployment_group_id;
  const { missing, unwanted } = hookChanges(wanted, await hooksOf(store.db, id));
  if (missing.length + unwanted.length === 0) return;
  await store.transaction(async (tx) => {
    const locked = await lockGroupById(tx, id);
    if (locked === null) return;
    const settings = JSON.parse(locked.settings_json) as SettingsOfGroup;
    const now = { id, name: locked.deployment_group_name, settings };
    await settleHooks(tx, now, { random, nowMs: clock.now(), asksAws: true });
  });
}

/** Tells AWS once what is wanted of a hook. */
async function tend(ctx: HookWatchContext, hookName: string, signal: AbortSignal): Promise<void> {
  const { store, clock } = ctx;
  const nowMs = clock.now();
  const row = await store.transaction((tx) => leaseHook(tx, hookName, { nowMs, untilMs: nowMs + LEASE_MS }));
  if (row === null) return;
  const hook: Hook = { name: row.hook_name, autoScalingGroup: row.auto_scaling_group, kind: row.kind };
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]);
    if (row.is_wanted === 1) await ctx.actions.putHook(hook, limit);
    else await ctx.actions.removeHook(hook, limit);
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    await noteFailure(ctx, row, error);
    return;
  }
  await store.transaction(async (tx) => {
    if (row.is_wanted === 0) return deleteHook(tx, row.hook_name);
    const told = { put_at_ms: clock.now(), wake_at_ms: clock.now() + PUT_AGAIN_MS, failing_json: null };
    return noteHook(tx, row, told);
  });
}

async function noteFailure({ store, clock, log }: HookWatchContext, row: ScalingHookRow, fault: AwsFault) {
  const nowMs = clock.now();
  const failure = failureAfter(failureOf(row.failing_json), fault, nowMs);
  const isGivenUp = row.is_wanted === 0 && nowMs - failure.sinceMs >= REMOVAL_LIMIT_MS;
  await store.transaction(async (tx) => {
    if (isGivenUp) return deleteHook(tx, row.hook_name);
    const retry = { wake_at_ms: nowMs + pauseAfter(failure), failing_json: JSON.stringify(failure) };
    return noteHook(tx, row, retry);
  });
  const named = { autoScalingGroup: row.auto_scaling_group, hook: row.hook_name, error: fault };
  if (isGivenUp)
    log.error('a hook could not be removed from its Auto Scaling group for a day; remove it by hand', named);
  else if (failure.calls === 1) {
    const what = row.is_wanted === 1 ? 'put on' : 'removed from';
    log.warn(`a hook could not be ${what} its Auto Scaling group; it is tried again`, named);
  }
}
