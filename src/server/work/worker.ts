/**
 * Carries out the server's own orders. It leases orders whose time has come, and has the handler of their kind make one call. It reports
 * the result as a host reports its events.
 *
 * Nothing here has to survive a crash. An order whose server is gone is leased by the next server once the lease is over. The next look
 * sees what a call has done already.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { endEvent, type ReportContext, reportOn } from '../engine/event-reports.ts';
import type { DatabaseClock } from '../store/database-clock.ts';
import { type EventKey, lockEvent } from '../store/lifecycle-events.ts';
import { type Lease, leaseOrders, nextOrderAtMs, renewLease, reportOrder } from '../store/orders.ts';
import type { OrderRow } from '../store/schema.ts';
import type { Bell } from './bell.ts';
import type { OrderHandler, Progress } from './order.ts';

export interface WorkerContext extends ReportContext {
  readonly clock: Clock;
  /** The one that leases go by. */
  readonly leaseClock: DatabaseClock;
  readonly random: Pick<Random, 'uuid'>;
  readonly log: Logger;
  /** Rung when orders were given. */
  readonly bell: Bell;
  /** Handlers by the kind of an order. */
  readonly handlers: Readonly<Record<string, OrderHandler>>;
}

export interface Worker {
  /** Begins no call any more, and ends those under way. */
  close(): Promise<void>;
}

/** Calls at once: as many as a wave of a large deployment may need, and few enough for any balancer. */
const MAX_CALLS = 32;
/** How often it looks for orders of which nobody has told it: those of other servers. */
const LOOK_MS = 2_000;
/** A call ends well within its lease, so that nobody else acts on the order meanwhile. */
const CALL_LIMIT_MS = 20_000;
const LEASE_MS = 45_000;

export function startWorker(ctx: WorkerContext): Worker {
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  const begin = (order: OrderRow, leaseId: string) => {
    const call = carryOut(ctx, order, { orderId: order.order_id, leaseId }, closing.signal).finally(() => {
      running.delete(call);
      ctx.bell.ring();
    });
    running.add(call);
  };
  const work = async () => {
    let failures = 0;
    while (!closing.signal.aborted) {
      // Before the look: who rings during it is heard.
      const heard = AbortSignal.any([ctx.bell.next(), closing.signal]);
      let waitMs = LOOK_MS;
      try {
        if (running.size < MAX_CALLS) waitMs = await lookForOrders(ctx, MAX_CALLS - running.size, begin);
        failures = 0;
      } catch (error) {
        failures += 1;
        // Said once: a database that is away is away for many looks.
        if (failures === 1) ctx.log.error('orders could not be looked for just now', { error });
      }
      await ctx.clock.sleep(waitMs, heard);
    }
  };
  const working = work();
  return {
    async close() {
      closing.abort();
      await working;
      await Promise.all(running);
    },
  };
}

/** @returns how long there will be nothing to do, as far as is known here */
async function lookForOrders(
  ctx: WorkerContext,
  limit: number,
  begin: (order: OrderRow, leaseId: string) => void,
): Promise<number> {
  const nowMs = ctx.clock.now();
  const leaseNowMs = await ctx.leaseClock.nowMs();
  const nextAtMs = await nextOrderAtMs(ctx.store.db, leaseNowMs);
  if (nextAtMs === null) return LOOK_MS;
  if (nextAtMs > nowMs) return Math.min(LOOK_MS, nextAtMs - nowMs);
  const leaseId = ctx.random.uuid();
  const request = { leaseId, nowMs, leaseNowMs, untilMs: leaseNowMs + LEASE_MS, limit };
  const leased = await ctx.store.transaction((tx) => leaseOrders(tx, request));
  for (const order of leased) begin(order, leaseId);
  // Somebody else may have had what was due; what has been leased rings when it is done.
  return leased.length === 0 ? LOOK_MS : 0;
}

/** One call. Never rejects: what fails here is done again once the lease is over. */
async function carryOut(ctx: WorkerContext, order: OrderRow, lease: Lease, closing: AbortSignal): Promise<void> {
  try {
    if (!(await mayAct(ctx, order, lease)) || closing.aborted) return;
    const handler = ctx.handlers[order.kind];
    if (handler === undefined) throw new Error(`there is no handler for orders of the kind ${order.kind}`);
    const progress = await handler(order, AbortSignal.any([closing, AbortSignal.timeout(CALL_LIMIT_MS)]));
    // A call that was cut off says nothing about the other side.
    if (!closing.aborted) await report(ctx, order, lease, progress);
    else await giveBack(ctx, lease);
  } catch (error) {
    ctx.log.error('an order could not be carried out just now; it is tried again', { orderId: order.order_id, error });
  }
}

/**
 * Whether the order is still this server's, and still wanted. The process may have stood still since it took the lease, and an event that
 * was given up takes its order with it.
 */
async function mayAct(ctx: WorkerContext, order: OrderRow, lease: Lease): Promise<boolean> {
  const nowMs = await ctx.leaseClock.nowMs();
  return ctx.store.transaction(async (tx) => {
    const event = await lockEvent(tx, keyOf(order));
    if (event === null) return false;
    if (event.ended_at_ms === null) return renewLease(tx, lease, nowMs, nowMs + LEASE_MS);
    await reportOrder(tx, lease, { ...order, wake_at_ms: null });
    return false;
  }, 'lazy');
}

/** Ends a lease now, so that the next server need not wait until it is over. */
async function giveBack({ store, leaseClock }: WorkerContext, lease: Lease): Promise<void> {
  const nowMs = await leaseClock.nowMs();
  await store.transaction((tx) => renewLease(tx, lease, nowMs, nowMs), 'lazy');
}

function keyOf(order: OrderRow): EventKey {
  return { deploymentId: order.deployment_id, instanceId: order.instance_id, position: order.position };
}

/** Writes down what an order has come to, and with its end that of its event. */
async function report(ctx: WorkerContext, order: OrderRow, lease: Lease, progress: Progress): Promise<void> {
  await reportOn(
    ctx,
    { find: (tx) => lockEvent(tx, keyOf(order)), answerForUnknown: undefined, durability: 'synced' },
    async (tx, event) => {
      const nowMs = ctx.clock.now();
      // An event that was given up meanwhile takes its order with it.
      const goesOn = progress.ending === 'later' && event.ended_at_ms === null;
      const isKept = await reportOrder(tx, lease, {
        wake_at_ms: goesOn ? nowMs + progress.inMs : null,
        memory_json: JSON.stringify(progress.memory),
        last_call: progress.lastCall,
        last_answer: progress.lastAnswer,
      });
      if (!isKept || progress.ending === 'later' || event.ended_at_ms !== null) {
        return { answer: undefined, changed: false };
      }
      const { ending, message } = progress;
      const reported =
        ending === 'Succeeded'
          ? ({ errorCode: 0, scriptName: '', message: '', log: message } as const)
          : ({ errorCode: 5, scriptName: '', message, log: '' } as const);
      return { answer: undefined, changed: await endEvent(tx, { event, status: ending, reported }, nowMs) };
    },
  );
}
