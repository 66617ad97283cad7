/**
 * Decides the next actions of a deployment that moves traffic: its one target passes its events one after another. Pure.
 *
 * The server's own events are ended by their orders alone, which put traffic back before they give up. A deployment that ended before would
 * leave it divided.
 */

import { courseOf, type Doer } from '../course.ts';
import { type FinishAction, failedWith, stoppedBy } from '../hosts/ending.ts';
import {
  HOOK_LIMIT_MS,
  LONGEST_WAIT_MS,
  SERVICE_SHIFT_LIMIT_MS,
  SHIFT_LIMIT_MS,
  STOPPED_TRAFFIC_LIMIT_MS,
} from '../limits.ts';
import type {
  Action,
  DeploymentSnapshot,
  EventSnapshot,
  ShiftSnapshot,
  TargetEnding,
  TargetSnapshot,
  Wait,
} from '../snapshot.ts';
import { failedBecause } from './fault-code.ts';
import { hookOf, orderKindOf, type ShiftPlan } from './plan.ts';
import { AFTER_READY_WAIT, throughReadyWait, throughTermination } from './service-waits.ts';

export function decideShift(deployment: DeploymentSnapshot, shift: ShiftSnapshot, nowMs: number): readonly Action[] {
  const [target] = deployment.targets;
  if (target === undefined) {
    return [failedWith('INTERNAL_ERROR', 'The deployment has no target. Create it again.')];
  }
  const actions: Action[] = [];
  if (target.status === 'Pending') actions.push({ action: 'start-target', instanceId: target.instanceId });
  const isStopped = deployment.stopRequestedAtMs !== null;
  for (const event of target.events) {
    if (event.status === 'Succeeded') continue;
    if (event.status === 'Failed') return [...actions, ...ended(target, failureOf(deployment, shift.failure))];
    if (event.status === 'InProgress') return [...actions, ...whileRunning(deployment, shift, target, event, nowMs)];
    if (isStopped) return [...actions, ...ended(target, stoppedBy(deployment.stoppedByAlarm), 'Skipped')];
    const longestMs = shift.plan.platform === 'ECS' ? SERVICE_SHIFT_LIMIT_MS : SHIFT_LIMIT_MS;
    if (nowMs - deployment.createdAtMs >= longestMs) {
      const message = `The deployment took longer than ${longestMs / 3_600_000} hours.`;
      return [...actions, ...ended(target, failedWith('TIMEOUT', message))];
    }
    const gate = event.name === AFTER_READY_WAIT ? throughReadyWait(shift, nowMs, actions) : null;
    if (typeof gate === 'number') return [...actions, { action: 'wake-at', atMs: gate }];
    if (gate !== null) return [...actions, ...ended(target, gate, 'Skipped')];
    const { instanceId } = target;
    const at = { instanceId, position: event.position };
    const isHook = doerOf(shift.plan, event.name) === 'hook';
    if (isHook && hookOf(shift.plan, event.name) === null) {
      actions.push({ action: 'pass-event', ...at });
      continue;
    }
    const kind = isHook ? 'CallHook' : orderKindOf(shift.plan.platform, event.name);
    actions.push({ action: 'give-order', ...at, event: kind });
    return [...actions, { action: 'wake-at', atMs: nowMs + limitOf(isHook) }];
  }
  if (isStopped) return [...actions, ...ended(target, stoppedBy(deployment.stoppedByAlarm), 'Succeeded')];
  const outlook = throughTermination(shift, target.instanceId, nowMs, actions);
  if (typeof outlook === 'number') return [...actions, { action: 'wake-at', atMs: outlook }];
  return [...actions, ...ended(target, outlook)];
}

/** The event that is under way, and when it is given up. */
export function shiftWaitOf(deployment: DeploymentSnapshot, shift: ShiftSnapshot, nowMs: number): Wait | null {
  const event = deployment.targets[0]?.events.find(({ status }) => status === 'InProgress');
  if (event === undefined) return null;
  const sinceMs = event.startedAtMs ?? nowMs;
  const giveUpAtMs = giveUpAt(deployment, shift, event, sinceMs);
  return { position: event.position, sinceMs, heardOfAtMs: sinceMs, giveUpAtMs, reason: 'too-long' };
}

function whileRunning(
  deployment: DeploymentSnapshot,
  shift: ShiftSnapshot,
  target: TargetSnapshot,
  event: EventSnapshot,
  nowMs: number,
): readonly Action[] {
  const atMs = giveUpAt(deployment, shift, event, event.startedAtMs ?? nowMs);
  if (nowMs < atMs) return [{ action: 'wake-at', atMs }];
  const message = givenUp(deployment, shift, event);
  const { instanceId } = target;
  return [
    { action: 'fail-event', instanceId, position: event.position, message },
    ...ended(target, failureOf(deployment, message)),
  ];
}

/** A hook is not waited for once a rollback is to follow: traffic goes back first. */
function giveUpAt(deployment: DeploymentSnapshot, shift: ShiftSnapshot, event: EventSnapshot, sinceMs: number): number {
  const isHook = doerOf(shift.plan, event.name) === 'hook';
  const limitMs = sinceMs + limitOf(isHook);
  const { stopRequestedAtMs } = deployment;
  if (stopRequestedAtMs === null) return limitMs;
  if (!isHook) return stopRequestedAtMs + STOPPED_TRAFFIC_LIMIT_MS;
  return shift.isRolledBackWhenStopped ? stopRequestedAtMs : limitMs;
}

function limitOf(isHook: boolean): number {
  return isHook ? HOOK_LIMIT_MS : LONGEST_WAIT_MS + SHIFT_LIMIT_MS;
}

function givenUp(deployment: DeploymentSnapshot, shift: ShiftSnapshot, { name }: EventSnapshot): string {
  const hook = hookOf(shift.plan, name);
  if (doerOf(shift.plan, name) !== 'hook') {
    return deployment.stopRequestedAtMs === null
      ? `TIMEOUT: No server has carried out ${name} in time.`
      : `No server has answered the stop within a minute. The state of the traffic is not known: look at it before the next deployment.`;
  }
  if (deployment.stopRequestedAtMs !== null) return `The deployment was stopped before the hook ${hook} had answered.`;
  return (
    `HOOK_EXECUTION_FAILURE: The hook ${hook} of ${name} did not answer within ${HOOK_LIMIT_MS / 1000} seconds. ` +
    'It must call PutLifecycleEventHookExecutionStatus with the ids that it was given.'
  );
}

/** A stop that was accepted is kept, whatever fails meanwhile; its message says how the traffic was left. */
function failureOf({ stopRequestedAtMs, stoppedByAlarm }: DeploymentSnapshot, message: string): FinishAction {
  if (stopRequestedAtMs === null) return failedBecause(message);
  const stopped = stoppedBy(stoppedByAlarm);
  return message === '' ? stopped : { ...stopped, errorMessage: `${stopped.errorMessage} ${message}` };
}

function ended({ instanceId }: TargetSnapshot, finish: FinishAction, status?: TargetEnding): readonly Action[] {
  const ending = status ?? (finish.status === 'Succeeded' ? 'Succeeded' : 'Failed');
  return [{ action: 'end-target', instanceId, status: ending }, finish];
}

function doerOf({ platform }: ShiftPlan, event: string): Doer {
  const events = courseOf(platform === 'Lambda' ? 'lambda' : 'ecs').flatMap((phase) => phase.events);
  return events.find(({ name }) => name === event)?.doer ?? 'server';
}
