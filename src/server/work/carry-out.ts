/** Carries out one order that is leased: the handler of its kind makes one call, and the result is written down. */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { endEvent, type ReportContext, reportOn } from '../engine/event-reports.ts';
import type { DatabaseClock } from '../store/database-clock.ts';
import { NO_EVENT } from '../store/deployment-orders.ts';
import { FINAL_STATUSES, lockDeployment, updateDeployment } from '../store/deployments.ts';
import { findEvent, lockEvent } from '../store/lifecycle-events.ts';
import { type Lease, type OrderReport, rememberInOrder, renewLease, reportOrder } from '../store/orders.ts';
import type { OrderRow } from '../store/schema.ts';
import { setTargetDetails } from '../store/targets.ts';
import type { OrderCall, OrderHandler, Progress } from './order.ts';
import { isStopped, keyOf, type OrderStanding, standingOfEvent, standingOfOwn } from './order-standing.ts';

export interface CarryOutContext extends ReportContext {
  readonly clock: Clock;
  /** The one that leases go by. */
  readonly leaseClock: DatabaseClock;
  readonly log: Logger;
  /** Handlers by the kind of an order. */
  readonly handlers: Readonly<Record<string, OrderHandler>>;
  /** Handlers for orders whose event has succeeded, and whose outcome may be undone by others. They end as `later` alone. */
  readonly keepers?: Readonly<Record<string, OrderHandler>>;
  readonly callLimitMs: number;
}

export const LEASE_MS = 45_000;

/**
 * One call. Never rejects: what fails here is done again once the lease is over.
 *
 * @param closing aborted when the server stops
 */
export async function carryOut(
  ctx: CarryOutContext,
  order: OrderRow,
  lease: Lease,
  closing: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  try {
    const standing = await mayAct(ctx, order, lease);
    if (standing === 'over' || closing.aborted) return;
    const handler = (standing === 'keep' ? ctx.keepers : ctx.handlers)?.[order.kind];
    if (handler === undefined) throw new Error(`there is no handler for orders of the kind ${order.kind}`);
    const wasStopped = await isStopped(ctx.store.db, order);
    const lost = keepLease(ctx, order, lease, over.signal);
    const progress = await handler(order, callOf(ctx, order, lease, AbortSignal.any([closing, lost])));
    // A call that was cut off says nothing about the other side.
    if (closing.aborted) await giveBack(ctx, lease);
    else if (standing === 'keep') await reportKept(ctx, lease, progress);
    else if (order.position === NO_EVENT) await reportToDeployment(ctx, order, lease, progress);
    else await reportToEvent(ctx, order, lease, { progress, wasStopped });
  } catch (error) {
    ctx.log.error('an order could not be carried out just now; it is tried again', { orderId: order.order_id, error });
  } finally {
    over.abort();
  }
}

function callOf(
  { store, callLimitMs }: CarryOutContext,
  order: OrderRow,
  lease: Lease,
  signal: AbortSignal,
): OrderCall {
  return {
    signal: AbortSignal.any([signal, AbortSignal.timeout(callLimitMs)]),
    async remember(memory, call) {
      const record = { memory_json: JSON.stringify(memory), last_call: call };
      const isHeld = await store.transaction(async (tx) => {
        // An event that was given up meanwhile takes its order with it: nothing more is to be done.
        const event = order.position === NO_EVENT ? null : await lockEvent(tx, keyOf(order));
        return event?.ended_at_ms != null ? false : rememberInOrder(tx, lease, record);
      });
      if (!isHeld) throw new Error('another server has taken the order over, or its event was given up');
    },
  };
}

/** Renews the lease of a call that may outlast it. @returns aborted when the lease is lost, or nothing waits for the call any more */
function keepLease(ctx: CarryOutContext, order: OrderRow, lease: Lease, over: AbortSignal): AbortSignal {
  const lost = new AbortController();
  const keep = async () => {
    while (!over.aborted) {
      await ctx.clock.sleep(LEASE_MS / 3, over);
      if (over.aborted) return;
      const nowMs = await ctx.leaseClock.nowMs();
      const isKept = await ctx.store.transaction((tx) => renewLease(tx, lease, nowMs, nowMs + LEASE_MS), 'lazy');
      const event = order.position === NO_EVENT ? null : await findEvent(ctx.store.db, keyOf(order));
      if (isKept && event?.ended_at_ms == null) continue;
      lost.abort(new Error(isKept ? 'its event is over' : 'another server has taken the order over'));
      return;
    }
  };
  if (ctx.callLimitMs > LEASE_MS / 2) {
    // A database that is down for longer than the lease ends the call, too.
    keep().catch((error: unknown) => lost.abort(error));
  }
  return lost.signal;
}

/**
 * Whether the order is still this server's, and still wanted. The process may have stood still since the lease was taken. An event that was
 * given up takes its order with it. So does a deployment that was stopped.
 */
async function mayAct(ctx: CarryOutContext, order: OrderRow, lease: Lease): Promise<OrderStanding> {
  const nowMs = await ctx.leaseClock.nowMs();
  return ctx.store.transaction(async (tx) => {
    const standing = order.position === NO_EVENT ? await standingOfOwn(tx, order) : await standingOfEvent(tx, order);
    if (standing === 'over') await reportOrder(tx, lease, { ...order, wake_at_ms: null });
    else if (!(await renewLease(tx, lease, nowMs, nowMs + LEASE_MS))) return 'over';
    return standing;
  }, 'lazy');
}

/** Ends a lease now, so that the next server need not wait until it is over. */
async function giveBack({ store, leaseClock }: CarryOutContext, lease: Lease): Promise<void> {
  const nowMs = await leaseClock.nowMs();
  await store.transaction((tx) => renewLease(tx, lease, nowMs, nowMs), 'lazy');
}

function standingOf(progress: Progress, wake_at_ms: number | null): OrderReport {
  return {
    wake_at_ms,
    memory_json: JSON.stringify(progress.memory),
    last_call: progress.lastCall,
    last_answer: progress.lastAnswer,
  };
}

/** Writes down the state of an order, and with its end that of its event. */
async function reportToEvent(
  ctx: CarryOutContext,
  order: OrderRow,
  lease: Lease,
  { progress, wasStopped }: { readonly progress: Progress; readonly wasStopped: boolean },
): Promise<void> {
  await reportOn(
    ctx,
    { find: (tx) => lockEvent(tx, keyOf(order)), answerForUnknown: undefined, durability: 'synced' },
    async (tx, event) => {
      const nowMs = ctx.clock.now();
      // An event that was given up meanwhile takes its order with it.
      const goesOn = progress.ending === 'later' && event.ended_at_ms === null;
      const keepInMs = progress.ending === 'Succeeded' ? (progress.keepInMs ?? null) : null;
      // A stop that came during the call has found no order to wake.
      const isLate = goesOn && !wasStopped && (await isStopped(tx, order));
      const inMs = goesOn ? (isLate ? 0 : progress.inMs) : keepInMs;
      const isKept = await reportOrder(tx, lease, standingOf(progress, inMs === null ? null : nowMs + inMs));
      if (isKept && progress.details !== undefined) await setTargetDetails(tx, keyOf(order), progress.details, nowMs);
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

/** Writes down the findings of a keeper. A crash may lose them without harm: the keeper looks again. */
async function reportKept({ store, clock }: CarryOutContext, lease: Lease, progress: Progress): Promise<void> {
  const wakeAtMs = progress.ending === 'later' ? clock.now() + progress.inMs : null;
  await store.transaction((tx) => reportOrder(tx, lease, standingOf(progress, wakeAtMs)), 'lazy');
}

/** Writes down the state of a deployment's own order. Its end stands in its own row, and makes the deployment go on. */
async function reportToDeployment(
  ctx: CarryOutContext,
  order: OrderRow,
  lease: Lease,
  progress: Progress,
): Promise<void> {
  const { deployment_id: deploymentId } = order;
  const hasEnded = await ctx.store.transaction(async (tx) => {
    // The deployment first, as a step holds it before it looks at its orders.
    const deployment = await lockDeployment(tx, deploymentId);
    const nowMs = ctx.clock.now();
    if (progress.ending === 'later') {
      await reportOrder(tx, lease, standingOf(progress, nowMs + progress.inMs));
      return false;
    }
    const { ending: outcome, message, details } = progress;
    if (details !== undefined) await setTargetDetails(tx, keyOf(order), details, nowMs);
    if (!(await reportOrder(tx, lease, { ...standingOf(progress, null), outcome, message }))) return false;
    if (deployment === null || FINAL_STATUSES.includes(deployment.status)) return false;
    await updateDeployment(tx, deploymentId, { wake_at_ms: nowMs });
    return true;
  });
  if (hasEnded) await ctx.engine.step(deploymentId);
}
