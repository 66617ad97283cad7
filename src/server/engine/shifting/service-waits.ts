/**
 * The waits of a deployment to ECS: for ContinueDeployment before production traffic moves, and before the original task set is deleted. Pure.
 *
 * When they end follows from times in the deployment's row, so a restart changes nothing about them.
 */

import { type FinishAction, SUCCEEDED } from '../hosts/ending.ts';
import type { Action, ShiftSnapshot } from '../snapshot.ts';
import type { ServiceDetails } from './service-plan.ts';

/** The first event of production: the wait lies before it. */
export const AFTER_READY_WAIT = 'BeforeAllowTraffic';
const KIND = 'TerminateTaskSet';
/** Longer than its order asks in vain. Beyond it no server carries such orders out. */
const DELETION_LIMIT_MS = 2 * 60 * 60_000;

/** @returns when the wait ends, or how the deployment ends instead; null: traffic may move */
export function throughReadyWait(
  { plan, waits }: ShiftSnapshot,
  nowMs: number,
  actions: Action[],
): FinishAction | number | null {
  const readyWaitMs = plan.service?.readyWaitMs ?? null;
  if (readyWaitMs === null) return null;
  if (waits.continuedAtMs !== null) {
    if (waits.isReady) actions.push({ action: 'set-status', status: 'InProgress' });
    return null;
  }
  if (waits.readyAtMs === null) actions.push({ action: 'begin-wait', wait: 'ready' });
  const endsAtMs = (waits.readyAtMs ?? nowMs) + readyWaitMs;
  if (nowMs < endsAtMs) {
    if (!waits.isReady) actions.push({ action: 'set-status', status: 'Ready' });
    return endsAtMs;
  }
  return {
    ...{ action: 'finish', status: 'Stopped', errorCode: 'TIMEOUT' },
    errorMessage:
      `Nobody has continued the deployment within ${readyWaitMs / 60_000} minutes. No production traffic was rerouted; the new task set ` +
      'runs on, and the next deployment deletes it.',
  };
}

/**
 * After the last event: the wait, and then the deletion of the original task set. A deletion that fails takes nothing from the deployment, as all traffic
 * has moved.
 *
 * @returns when to look again, or how the deployment ends
 */
export function throughTermination(
  { plan, waits }: ShiftSnapshot,
  subjectId: string,
  nowMs: number,
  actions: Action[],
): FinishAction | number {
  const terminationWaitMs = plan.service?.terminationWaitMs ?? null;
  const details = plan.prepared?.target.details as Partial<ServiceDetails> | undefined;
  // The first deployment of a service has no original task set.
  if (terminationWaitMs === null || details?.blueId == null) return SUCCEEDED;
  if (waits.terminationWaitAtMs === null) actions.push({ action: 'begin-wait', wait: 'termination' });
  const endsAtMs = (waits.terminationWaitAtMs ?? nowMs) + terminationWaitMs;
  if (nowMs < endsAtMs && waits.waitSkippedAtMs === null) return endsAtMs;
  const order = waits.orders.find(({ kind }) => kind === KIND);
  if (order === undefined) {
    actions.push({ action: 'give-deployment-order', kind: KIND, subjectId });
    return nowMs + DELETION_LIMIT_MS;
  }
  const limitMs = order.givenAtMs + DELETION_LIMIT_MS;
  return order.outcome === null && nowMs < limitMs ? limitMs : SUCCEEDED;
}
