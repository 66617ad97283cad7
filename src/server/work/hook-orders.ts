/**
 * Orders to call a hook. A hook is called once: the call is noted before, and a call of which nothing is known counts as made. Then its
 * answer is waited for, which comes by PutLifecycleEventHookExecutionStatus. The engine gives it up after an hour.
 */
import type { Clock } from '../../system/clock.ts';
import { failureAfter, pauseAfter, type ScalingFailure } from '../engine/hosts/scaling-failure.ts';
import { HOOK_LIMIT_MS } from '../engine/limits.ts';
import { shiftPlanOf } from '../engine/settings.ts';
import { hookOf } from '../engine/shifting/plan.ts';
import { type HookCaller, hookPayload } from '../outside/hook-caller.ts';
import { findDeployment } from '../store/deployments.ts';
import { findEvent } from '../store/lifecycle-events.ts';
import type { OrderRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { OrderCall, OrderHandler, Progress } from './order.ts';

export interface HookContext {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly callHook: HookCaller;
}

interface HookMemory {
  /** When the call was noted that was made, or may have been; null: none was. */
  readonly calledAtMs: number | null;
  readonly failing: ScalingFailure | null;
}

/** A function may run for 15 minutes, and its call ends with it. */
export const PACE_OF_HOOKS = { maxCalls: 64, callLimitMs: 16 * 60_000 };

const FAILING_LIMIT_MS = 5 * 60_000;
const LONGEST_PAUSE_MS = 15_000;

export function hookHandlers(ctx: HookContext): Readonly<Record<'CallHook', OrderHandler>> {
  return { CallHook: (order, call) => callHook(ctx, order, call) };
}

async function callHook(ctx: HookContext, order: OrderRow, call: OrderCall): Promise<Progress> {
  const { deployment_id: deploymentId, instance_id: instanceId, position } = order;
  const deployment = await findDeployment(ctx.store.db, deploymentId);
  const event = await findEvent(ctx.store.db, { deploymentId, instanceId, position });
  const plan = deployment === null ? null : shiftPlanOf(deployment);
  const executionId = event?.host_command_id ?? null;
  const name = plan === null || event === null ? null : hookOf(plan, event.event_name);
  if (event === null || executionId === null || name === null) {
    return {
      memory: null,
      lastCall: null,
      lastAnswer: null,
      ending: 'Failed',
      message: 'INTERNAL_ERROR: There is no hook.',
    };
  }
  const memory = { calledAtMs: null, failing: null, ...(JSON.parse(order.memory_json ?? '{}') as Partial<HookMemory>) };
  const lastCall = `Invoke ${name}`;
  const nowMs = ctx.clock.now();
  if (memory.calledAtMs !== null) {
    const lastAnswer =
      order.last_answer ?? 'not known: the server ended during the call. The answer of the hook is waited for';
    return { memory, lastCall, lastAnswer, ending: 'later', inMs: untilDeadline(order, nowMs) };
  }
  await call.remember({ ...memory, calledAtMs: nowMs } satisfies HookMemory, lastCall);
  const called = await ctx.callHook(name, hookPayload(deploymentId, executionId), call.signal);
  const standing = { lastCall, lastAnswer: called.answer };
  const made: HookMemory = { calledAtMs: nowMs, failing: null };
  const failed = (why: string): Progress => {
    const message = `HOOK_EXECUTION_FAILURE: The hook ${name} of ${event.event_name} ${why}`;
    return { ...standing, memory: made, ending: 'Failed', message };
  };
  switch (called.is) {
    case 'refused':
      return failed(`could not be called: ${called.answer}`);
    case 'failed':
      return failed(`broke off: ${called.answer}`);
    case 'not-called': {
      const failing = failureAfter(memory.failing, { call: lastCall, answer: called.answer }, nowMs);
      if (nowMs - failing.sinceMs >= FAILING_LIMIT_MS)
        return failed(`could not be called for five minutes: ${called.answer}`);
      const inMs = Math.min(LONGEST_PAUSE_MS, pauseAfter(failing));
      return { ...standing, memory: { calledAtMs: null, failing } satisfies HookMemory, ending: 'later', inMs };
    }
    case 'called': {
      if (called.status === 'Failed') return failed('answered Failed.');
      if (called.status === 'Succeeded') {
        return { ...standing, memory: made, ending: 'Succeeded', message: `The hook ${name} answered Succeeded.` };
      }
      const lastAnswer = `${called.answer}; its PutLifecycleEventHookExecutionStatus is waited for`;
      return { lastCall, lastAnswer, memory: made, ending: 'later', inMs: untilDeadline(order, ctx.clock.now()) };
    }
    default: {
      const lastAnswer = `${called.answer}; it is not known whether it was called, so its answer is waited for`;
      return { lastCall, lastAnswer, memory: made, ending: 'later', inMs: untilDeadline(order, ctx.clock.now()) };
    }
  }
}

/** The engine gives the event up then. */
function untilDeadline({ given_at_ms }: OrderRow, nowMs: number): number {
  return Math.max(1_000, given_at_ms + HOOK_LIMIT_MS - nowMs);
}
