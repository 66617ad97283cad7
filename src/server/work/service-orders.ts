/** Orders about ECS services: by the kind of an order, the work of one call, and what follows when a call comes to nothing. */
import type { ScalingFailure } from '../engine/hosts/scaling-failure.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import { type InstallMemory, install } from './install-service.ts';
import type { OrderHandler, Progress } from './order.ts';
import { moveTestTraffic, reroute } from './reroute-service.ts';
import { isPassing, serviceFaultCode } from './service-faults.ts';
import { NO_SHARE, type TrafficShare } from './service-traffic.ts';
import { type ServicesContext, type ServiceWork, serviceWork } from './service-work.ts';
import { afterFault, ShiftFault } from './shift-retry.ts';
import { onTrafficFault, shift } from './shift-service.ts';
import { terminate } from './terminate-task-set.ts';
import { EFFECT_LIMIT_MS, type Repeating, unlessInVain } from './without-effect.ts';

type ServiceOrderKind = 'ECSInstall' | 'ECSAllowTestTraffic' | 'ECSAllowTraffic' | 'TerminateTaskSet';

/** Memory of every order: what has failed of late. */
interface Failing {
  readonly failing?: ScalingFailure | null;
}

export function serviceHandlers(ctx: ServicesContext): Readonly<Record<ServiceOrderKind, OrderHandler>> {
  return {
    ECSInstall: handler<InstallMemory & Failing>(ctx, { madeId: null }, install, onFault),
    ECSAllowTestTraffic: handler<object>(ctx, {}, moveTestTraffic, onFault),
    ECSAllowTraffic: handler<TrafficShare>(
      ctx,
      NO_SHARE,
      (work, memory) => (work.plan.isRollback === true ? reroute(work) : shift(work, memory)),
      (work, fault, memory) =>
        work.plan.isRollback === true ? onFault(work, fault, memory) : onTrafficFault(work, fault, memory),
    ),
    TerminateTaskSet: handler<object>(ctx, {}, terminate, onFault),
  };
}

function handler<Memory extends object>(
  ctx: ServicesContext,
  nothing: Memory,
  act: (work: ServiceWork, memory: Memory) => Promise<Progress>,
  onCallFault: (work: ServiceWork, fault: AwsFault, memory: Memory) => Progress,
): OrderHandler {
  return async (order, call) => {
    // A call may be noted after the order was read, and that memory counts.
    let noted: Partial<Memory> = {};
    const work = await serviceWork(ctx, order, {
      signal: call.signal,
      async remember(memory, words) {
        await call.remember(memory, words);
        noted = memory as Partial<Memory>;
      },
    });
    if (work === null) return failed('INTERNAL_ERROR: The deployment has no service.', null);
    const memory: Memory = { ...nothing, ...(JSON.parse(order.memory_json ?? '{}') as Partial<Memory>) };
    try {
      const progress = unlessInVain(await act(work, memory), {
        ...{ lastCall: order.last_call, memory: memory as Repeating, nowMs: ctx.clock.now() },
        limitMs: isLeadingBack(work, memory) ? BACK_LIMIT_MS : EFFECT_LIMIT_MS,
      });
      if (progress instanceof AwsFault) throw progress;
      return progress;
    } catch (error) {
      const known: Memory = { ...memory, ...noted };
      if (error instanceof ShiftFault) return failed(error.coded, known);
      if (!(error instanceof AwsFault)) throw error;
      return onCallFault(work, isPassing(error) ? asPassing(error) : error, known);
    }
  };
}

function isLeadingBack({ plan }: ServiceWork, memory: object): boolean {
  return plan.isRollback === true || (memory as Partial<TrafficShare>).backBecause != null;
}

function asPassing({ call, answer, awsCode }: AwsFault): AwsFault {
  return new AwsFault(call, { trouble: 'away', code: awsCode, answer });
}

/** How long a rollback asks in vain: what it leads back is in nobody's hands else. */
const BACK_LIMIT_MS = 60 * 60_000;

function onFault({ ctx, plan }: ServiceWork, fault: AwsFault, memory: object & Failing): Progress {
  const limit = plan.isRollback === true ? { limitMs: BACK_LIMIT_MS } : {};
  const about = { code: serviceFaultCode(fault), nowMs: ctx.clock.now(), ...limit };
  const next = afterFault(memory.failing ?? null, fault, about);
  const standing = { memory: { ...memory, failing: next.failing }, lastCall: fault.call, lastAnswer: fault.answer };
  if (next.is === 'again') return { ...standing, ending: 'later', inMs: next.inMs };
  return { ...standing, ending: 'Failed', message: next.message };
}

function failed(message: string, memory: unknown): Progress {
  return { memory, lastCall: null, lastAnswer: null, ending: 'Failed', message };
}
