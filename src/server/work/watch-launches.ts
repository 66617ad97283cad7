/**
 * Answers AWS for instances that wait at the server's hooks. The watch over fleets (`watch-fleets`) notices them, and deployments of
 * `engine/arrivals-watch` bring them the last good revision. Here AWS is told to wait on, to put the instance into service, or to give it
 * up.
 *
 * The rows hold all that follows, and each call may be repeated: AWS says so when a wait is over.
 */
import type { Logger } from '../../logging/logger.ts';
import { identityOf, parseLocation } from '../../protocol/management/revision-location.ts';
import type { Clock } from '../../system/clock.ts';
import { inParallel } from '../../system/in-parallel.ts';
import type { Random } from '../../system/random.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import type { Engine } from '../engine/engine.ts';
import {
  type ActionStanding,
  HEARTBEAT_MS,
  launchStanding,
  TO_WARM_POOL,
  terminationStanding,
} from '../engine/hosts/lifecycle-actions.ts';
import { failureAfter, failureOf, pauseAfter } from '../engine/hosts/scaling-failure.ts';
import { beginTermination } from '../engine/scale-in.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { Hook, ScalingActions } from '../outside/aws/scaling-actions.ts';
import { findGroupById } from '../store/deployment-groups.ts';
import { findActiveDeployment, findDeployment } from '../store/deployments.ts';
import { hostStatesOf } from '../store/host-states.ts';
import {
  actionsOf,
  forgetActions,
  leaseAction,
  noteAction,
  type WaitingInstance,
  waitingInstances,
} from '../store/lifecycle-actions.ts';
import type { LifecycleActionRow } from '../store/schema.ts';
import type { Store, StoreReader } from '../store/store.ts';

export interface LaunchWatchContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly engine: Pick<Engine, 'step'>;
  readonly clock: Clock;
  readonly random: Pick<Random, 'text'>;
  readonly log: Logger;
  readonly actions: Pick<ScalingActions, 'beat' | 'complete'>;
}

const LOOK_MS = 2_000;
/** Instances for one look; the others follow. */
const FOR_ONE_LOOK = 200;
const AT_ONCE = 4;
const CALL_LIMIT_MS = 15_000;
const LEASE_MS = 60_000;
/** AWS is told again where the instance is still seen to wait after so long. */
const TELL_AGAIN_MS = 2 * 60_000;

export function startLaunchWatch(ctx: LaunchWatchContext): Repeated {
  let failures = 0;
  return repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: true }, async (signal) => {
    try {
      const waiting = await waitingInstances(ctx.store.db, FOR_ONE_LOOK);
      if (waiting.length < FOR_ONE_LOOK) await forgetOthers(ctx, waiting);
      const due = waiting.filter(({ action }) => action === null || action.wake_at_ms <= ctx.clock.now());
      await inParallel(AT_ONCE, due, (instance) => answer(ctx, instance, signal));
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === 1) ctx.log.error('instances that wait at hooks could not be looked at just now', { error });
    }
  });
}

async function forgetOthers({ store }: LaunchWatchContext, waiting: readonly WaitingInstance[]): Promise<void> {
  const keyOf = (row: Pick<LifecycleActionRow, 'hook_name' | 'ec2_instance_id'>) =>
    `${row.hook_name} ${row.ec2_instance_id}`;
  const current = new Set(waiting.map(keyOf));
  const gone = (await actionsOf(store.db)).filter((action) => !current.has(keyOf(action)));
  if (gone.length > 0) await store.transaction((tx) => forgetActions(tx, gone));
}

async function answer(ctx: LaunchWatchContext, instance: WaitingInstance, signal: AbortSignal): Promise<void> {
  const { store, clock } = ctx;
  const nowMs = clock.now();
  const known = instance.action;
  const standing = known?.result ? { result: known.result, why: '' } : await standingOf(ctx, instance, nowMs);
  const beatenAtMs = known?.beaten_at_ms ?? instance.stage_since_ms;
  if (standing.result === null && nowMs - beatenAtMs < HEARTBEAT_MS) return;
  const times = { beganAtMs: instance.stage_since_ms, nowMs, untilMs: nowMs + LEASE_MS };
  const action = await store.transaction((tx) => leaseAction(tx, instance, times));
  if (action === null) return;
  const hook: Hook = {
    ...{ name: instance.hook_name, autoScalingGroup: instance.auto_scaling_group, kind: instance.kind },
  };
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]);
    if (standing.result === null) await ctx.actions.beat(hook, instance.ec2_instance_id, limit);
    else await ctx.actions.complete(hook, instance.ec2_instance_id, standing.result, limit);
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    await noteFailure(ctx, instance, action, error);
    return;
  }
  const toldAtMs = clock.now();
  const changes =
    standing.result === null
      ? { beaten_at_ms: toldAtMs, failing_json: null }
      : { result: standing.result, told_at_ms: toldAtMs, wake_at_ms: toldAtMs + TELL_AGAIN_MS, failing_json: null };
  await store.transaction((tx) => noteAction(tx, action, changes));
  if (standing.result !== null && known?.result !== standing.result) {
    const level = standing.result === 'ABANDON' ? 'warn' : 'info';
    ctx.log[level](`an instance of an Auto Scaling group is told to ${standing.result}: ${standing.why}`, {
      ...{ autoScalingGroup: hook.autoScalingGroup, instance: instance.ec2_instance_id, transition: hook.kind },
    });
  }
}

function standingOf(ctx: LaunchWatchContext, instance: WaitingInstance, nowMs: number): Promise<ActionStanding> {
  return instance.kind === 'launch'
    ? standingOfLaunch(ctx.store.db, instance, nowMs)
    : standingOfTermination(ctx, instance, nowMs);
}

async function standingOfTermination(
  ctx: LaunchWatchContext,
  instance: WaitingInstance,
  nowMs: number,
): Promise<ActionStanding> {
  const { instance_id: instanceId, stage_since_ms: beganAtMs, action } = instance;
  const termination = (deployment: Parameters<typeof terminationStanding>[0]['deployment']) =>
    terminationStanding({ instanceId, deployment, beganAtMs }, nowMs);
  if (instanceId === null) return termination('none');
  const deploymentId = action?.deployment_id ?? null;
  if (deploymentId !== null) {
    const deployment = await findDeployment(ctx.store.db, deploymentId);
    return termination(deployment?.completed_at_ms === null ? 'under-way' : 'ended');
  }
  const begun = await ctx.store.transaction(async (tx) => {
    const lease = { beganAtMs, nowMs, untilMs: nowMs + LEASE_MS };
    const leased = await leaseAction(tx, instance, lease);
    // Another server begins it.
    if (leased === null) return 'busy';
    const made = await beginTermination(ctx, tx, { groupId: instance.deployment_group_id, instanceId });
    const deployment_id = typeof made === 'object' && made !== null ? made.deploymentId : leased.deployment_id;
    await noteAction(tx, leased, { deployment_id });
    return made;
  });
  if (begun === null) return termination('none');
  if (begun === 'busy') return termination(null);
  await ctx.engine.step(begun.deploymentId);
  return termination('under-way');
}

async function standingOfLaunch(
  db: StoreReader,
  { deployment_group_id: groupId, instance_id: instanceId, stage, stage_since_ms: beganAtMs }: WaitingInstance,
  nowMs: number,
): Promise<ActionStanding> {
  if (stage === 'warming') return TO_WARM_POOL;
  const group = await findGroupById(db, groupId);
  const goodId = group?.last_successful_deployment_id ?? null;
  const row = goodId === null ? null : await findDeployment(db, goodId);
  const good =
    row === null ? null : { deploymentId: row.deployment_id, revision: identityOf(parseLocation(row.revision_json)) };
  const state = instanceId === null ? null : ((await hostStatesOf(db, groupId)).get(instanceId) ?? null);
  const isBusy = (await findActiveDeployment(db, groupId)) !== null;
  return launchStanding({ good, instanceId, state, isBusy, beganAtMs }, nowMs);
}

async function noteFailure(
  { store, clock, log }: LaunchWatchContext,
  { ec2_instance_id: instance, auto_scaling_group: autoScalingGroup }: WaitingInstance,
  action: LifecycleActionRow,
  fault: AwsFault,
): Promise<void> {
  const nowMs = clock.now();
  const failure = failureAfter(failureOf(action.failing_json), fault, nowMs);
  const retry = { wake_at_ms: nowMs + pauseAfter(failure), failing_json: JSON.stringify(failure) };
  await store.transaction((tx) => noteAction(tx, action, retry));
  if (failure.calls > 1) return;
  log.warn('AWS could not be told of an instance that waits at a hook; it is told again', {
    ...{ autoScalingGroup, instance, error: fault },
  });
}
