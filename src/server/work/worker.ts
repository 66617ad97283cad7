/**
 * Carries out the server's own orders: leases those whose time has come, and hands them to `carry-out`. Each worker takes orders of its own
 * kinds, so that calls that take long hold up no others.
 *
 * Nothing here has to survive a crash. An order whose server is gone is leased by the next server once the lease is over. The next look
 * sees what a call has done already.
 */
import type { Random } from '../../system/random.ts';
import { leaseOrders, nextOrderAtMs } from '../store/orders.ts';
import type { OrderRow } from '../store/schema.ts';
import type { Bell } from './bell.ts';
import { type CarryOutContext, carryOut, LEASE_MS } from './carry-out.ts';

export interface WorkerContext extends Omit<CarryOutContext, 'callLimitMs'> {
  readonly random: Pick<Random, 'uuid'>;
  /** Rung when orders were given. */
  readonly bell: Bell;
  /** Limits for calls that are not over at once; left out: those of balancers. */
  readonly pace?: Pace;
}

export interface Pace {
  readonly maxCalls: number;
  /** A call that takes longer is ended. */
  readonly callLimitMs: number;
}

export interface Worker {
  /** Begins no call any more, and ends those under way. */
  close(): Promise<void>;
}

/**
 * Calls at once: as many as a wave of a large deployment may need, and few enough for any balancer. Each ends well within its lease, so that nobody
 * else acts on the order meanwhile.
 */
const OF_BALANCERS: Pace = { maxCalls: 32, callLimitMs: 20_000 };
/** How often it looks for orders of which nobody has told it: those of other servers. */
const LOOK_MS = 2_000;

export function startWorker(ctx: WorkerContext): Worker {
  const { maxCalls, callLimitMs } = ctx.pace ?? OF_BALANCERS;
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  const begin = (order: OrderRow, leaseId: string) => {
    const call = carryOut({ ...ctx, callLimitMs }, order, { orderId: order.order_id, leaseId }, closing.signal).finally(
      () => {
        running.delete(call);
        ctx.bell.ring();
      },
    );
    running.add(call);
  };
  const work = async () => {
    let failures = 0;
    while (!closing.signal.aborted) {
      // Before the look: who rings during it is heard.
      const heard = AbortSignal.any([ctx.bell.next(), closing.signal]);
      let waitMs = LOOK_MS;
      try {
        if (running.size < maxCalls) waitMs = await lookForOrders(ctx, maxCalls - running.size, begin);
        failures = 0;
      } catch (error) {
        failures += 1;
        // Said once: a database that is down stays down for many looks.
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
  const kinds = Object.keys(ctx.handlers);
  const nextAtMs = await nextOrderAtMs(ctx.store.db, leaseNowMs, kinds);
  if (nextAtMs === null) return LOOK_MS;
  if (nextAtMs > nowMs) return Math.min(LOOK_MS, nextAtMs - nowMs);
  const leaseId = ctx.random.uuid();
  const request = { leaseId, nowMs, leaseNowMs, untilMs: leaseNowMs + LEASE_MS, limit, kinds };
  const leased = await ctx.store.transaction((tx) => leaseOrders(tx, request));
  for (const order of leased) begin(order, leaseId);
  // Somebody else may have had what was due; what has been leased rings when it is done.
  return leased.length === 0 ? LOOK_MS : 0;
}
