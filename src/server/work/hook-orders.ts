/** Orders to call a hook: the call is noted, and made. `hook-progress` says what follows from it. */
import type { Clock } from '../../system/clock.ts';
import { shiftPlanOf } from '../engine/settings.ts';
import { hookOf } from '../engine/shifting/plan.ts';
import type { FindHook, HookRequest } from '../outside/hook-caller.ts';
import { findDeployment } from '../store/deployments.ts';
import { findEvent } from '../store/lifecycle-events.ts';
import type { OrderRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { afterCall, beforeCall, type HookMemory, type HookStanding, memoryOf } from './hook-progress.ts';
import type { OrderCall, OrderHandler, Progress } from './order.ts';

export interface HookContext {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly findHook: FindHook;
}

/** Calls at once, each as long as the hook's own limit, of which one hour is the longest. */
export const PACE_OF_HOOKS = { maxCalls: 64, callLimitMs: 61 * 60_000 };

export function hookHandlers(ctx: HookContext): Readonly<Record<'CallHook', OrderHandler>> {
  return { CallHook: (order, call) => callHook(ctx, order, call) };
}

async function callHook(ctx: HookContext, order: OrderRow, call: OrderCall): Promise<Progress> {
  const read = await readOrder(ctx, order);
  if (read === null) {
    const message = 'INTERNAL_ERROR: There is no hook.';
    return { memory: null, lastCall: null, lastAnswer: null, ending: 'Failed', message };
  }
  const { standing, request } = read;
  const madeAtMs = ctx.clock.now();
  const next = beforeCall(standing, ctx.findHook(standing.name), madeAtMs);
  if (next.is === 'over') return next.progress;
  const { hook } = next;
  const noted: HookMemory = { ...standing.memory, calledAtMs: madeAtMs, isCalling: true };
  await call.remember(noted, hook.call);
  const called = await hook.invoke(request, call.signal);
  return afterCall(standing, hook, called, { madeAtMs, nowMs: ctx.clock.now() });
}

/** @returns null: the rows know of no hook */
async function readOrder(
  { store }: HookContext,
  order: OrderRow,
): Promise<{ readonly standing: HookStanding; readonly request: HookRequest } | null> {
  const { deployment_id: deploymentId, instance_id: instanceId, position } = order;
  const deployment = await findDeployment(store.db, deploymentId);
  const event = await findEvent(store.db, { deploymentId, instanceId, position });
  const plan = deployment === null ? null : shiftPlanOf(deployment);
  if (deployment === null || plan === null || event === null) return null;
  const [name, executionId] = [hookOf(plan, event.event_name), event.host_command_id];
  if (name === null || executionId === null) return null;
  const { application_name: applicationName, deployment_group_name: deploymentGroupName } = deployment;
  return {
    request: {
      ...{ deploymentId, executionId, event: event.event_name, applicationName, deploymentGroupName },
      ...(plan.groupHooks?.isExtended === true ? { parameters: plan.groupHooks.parameters } : {}),
    },
    standing: {
      ...{ name, event: event.event_name, memory: memoryOf(order.memory_json) },
      ...{ isStopped: deployment.stop_requested_at_ms !== null, givenAtMs: order.given_at_ms },
      ...{ lastCall: order.last_call, lastAnswer: order.last_answer },
    },
  };
}
