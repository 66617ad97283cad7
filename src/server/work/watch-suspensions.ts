/**
 * Suspends processes of Auto Scaling groups for deployments, and resumes those that were running before. The rows say what is wanted and
 * what was done, so a crash at any instant leaves a call to be made again.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { inParallel } from '../../system/in-parallel.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import type { Engine } from '../engine/engine.ts';
import { failureAfter, failureOf, pauseAfter } from '../engine/hosts/scaling-failure.ts';
import type { Suspends } from '../engine/settings.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { ScalingActions } from '../outside/aws/scaling-actions.ts';
import type { SuspensionRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import {
  askToResume,
  dueSuspensions,
  leaseSuspension,
  noteResumed,
  noteSuspended,
  noteSuspension,
  restingOn,
  suspensionsLeftBehind,
  wakeDeployment,
} from '../store/suspensions.ts';
import { fleetErrorCode } from './fleet-readings.ts';

export interface SuspensionWatchContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly engine: Pick<Engine, 'step'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly actions: Pick<ScalingActions, 'suspendedProcesses' | 'suspend' | 'resume'>;
}

const LOOK_MS = 1_000;
const AT_ONCE = 4;
const CALL_LIMIT_MS = 15_000;
/** Longer than the calls for ten groups take, and clocks of servers differ. */
const LEASE_MS = 10 * 60_000;
/** So long AWS is asked, and so many times at least, before the deployment has failed. */
const FAILING_LIMIT_MS = 5 * 60_000;
const FAILING_CALLS = 5;
const LONGEST_PAUSE_MS = 15_000;

export function startSuspensionWatch(ctx: SuspensionWatchContext): Repeated {
  let failures = 0;
  return repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: true }, async (signal) => {
    try {
      const { store, clock } = ctx;
      for (const deploymentId of await suspensionsLeftBehind(store.db)) {
        await store.transaction((tx) => askToResume(tx, deploymentId, clock.now()));
      }
      await inParallel(AT_ONCE, await dueSuspensions(store.db, clock.now()), (row) => carryOut(ctx, row, signal));
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === 1) ctx.log.error('processes of Auto Scaling groups could not be looked at just now', { error });
    }
  });
}

function groupsOf({ wish_json }: SuspensionRow): readonly string[] {
  return (JSON.parse(wish_json) as Suspends).autoScalingGroups;
}

async function carryOut(
  ctx: SuspensionWatchContext,
  { deployment_id: deploymentId }: SuspensionRow,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = ctx;
  const nowMs = clock.now();
  const lease = { nowMs, untilMs: nowMs + LEASE_MS };
  const row = await store.transaction((tx) => leaseSuspension(tx, deploymentId, groupsOf, lease));
  if (row === null) return;
  try {
    for (const group of groupsOf(row)) {
      const limit = () => AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]);
      if (row.state === 'suspend') await suspend(ctx, row, group, limit);
      else await resume(ctx, row, group, limit);
    }
  } catch (error) {
    if (!(error instanceof AwsFault)) {
      await store.transaction((tx) => noteSuspension(tx, row, {}));
      throw error;
    }
    // A call that was cut off says nothing about AWS.
    if (signal.aborted) await store.transaction((tx) => noteSuspension(tx, row, {}));
    else if (await noteFailure(ctx, row, error)) await ctx.engine.step(deploymentId);
    return;
  }
  const state = row.state === 'suspend' ? 'suspended' : 'resumed';
  await store.transaction(async (tx) => {
    await wakeDeployment(tx, deploymentId, clock.now());
    await noteSuspension(tx, row, { state, failing_json: null });
  });
  await ctx.engine.step(deploymentId);
}

/** Processes that rest already, and not for a deployment, are left as they are, now and afterwards. */
async function suspend(
  { store, actions }: SuspensionWatchContext,
  { deployment_id, wish_json }: SuspensionRow,
  group: string,
  limit: () => AbortSignal,
): Promise<void> {
  const { processes } = JSON.parse(wish_json) as Suspends;
  const atRest = await actions.suspendedProcesses(group, limit());
  const ours = (await restingOn(store.db, group)).map(({ process }) => process);
  const wanted = processes.filter((process) => ours.includes(process) || !atRest.includes(process));
  const rows = wanted.map((process) => ({ deployment_id, auto_scaling_group: group, process }));
  await store.transaction((tx) => noteSuspended(tx, rows));
  const running = wanted.filter((process) => !atRest.includes(process));
  if (running.length > 0) await actions.suspend(group, running, limit());
}

async function resume(
  { store, actions }: SuspensionWatchContext,
  { deployment_id: deploymentId }: SuspensionRow,
  group: string,
  limit: () => AbortSignal,
): Promise<void> {
  const resting = await restingOn(store.db, group);
  const others = resting.filter(({ deployment_id }) => deployment_id !== deploymentId).map(({ process }) => process);
  const own = resting.filter(({ deployment_id }) => deployment_id === deploymentId).map(({ process }) => process);
  const processes = own.filter((process) => !others.includes(process));
  if (processes.length > 0) await actions.resume(group, processes, limit());
  await store.transaction((tx) => noteResumed(tx, deploymentId, group));
}

/** @returns whether the deployment is to be told */
async function noteFailure(
  { store, clock, log }: SuspensionWatchContext,
  row: SuspensionRow,
  fault: AwsFault,
): Promise<boolean> {
  const nowMs = clock.now();
  const failure = failureAfter(failureOf(row.failing_json), fault, nowMs);
  const isFinal = fault.trouble === 'missing' || fault.trouble === 'refused';
  const isLate = nowMs - failure.sinceMs >= FAILING_LIMIT_MS && failure.calls >= FAILING_CALLS;
  const isGivenUp = isFinal || isLate;
  const state = !isGivenUp ? row.state : row.state === 'suspend' ? 'refused' : 'left';
  const code = fleetErrorCode(fault, true);
  const retry = {
    ...{ state, failing_json: JSON.stringify({ ...failure, code }) },
    wake_at_ms: nowMs + Math.min(LONGEST_PAUSE_MS, pauseAfter(failure)),
  };
  await store.transaction(async (tx) => {
    if (isGivenUp) await wakeDeployment(tx, row.deployment_id, nowMs);
    await noteSuspension(tx, row, retry);
  });
  if (isGivenUp || failure.calls === 1) {
    const what = row.state === 'suspend' ? 'suspended' : 'resumed';
    const then = isGivenUp ? 'nobody tries any more' : 'it is tried again';
    log.warn(`processes of an Auto Scaling group could not be ${what}; ${then}`, {
      ...{ deploymentId: row.deployment_id, error: fault },
    });
  }
  return isGivenUp;
}
