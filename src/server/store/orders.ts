/**
 * Work that the server itself does for deployments: an order for each lifecycle event that no host carries out, and the orders that a
 * deployment has of its own (`deployment-orders`).
 *
 * An order's id follows from its event, so deciding twice makes one row. A server leases an order before it acts on it, and reports with the
 * lease's name. A lease that another server has taken over is lost: its reports are refused. So two servers never act on one order at the
 * same time, as long as each acts within the time that it has leased.
 *
 * Leases go by the database's own clock, since those of servers differ. `wake_at_ms` is when the order is next looked at; null: it is over, and kept to be read.
 */
import { storableText } from './foreign-text.ts';
import type { EventKey } from './lifecycle-events.ts';
import type { LifecycleEventStatus, OrderRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export function orderIdOf({ deploymentId, instanceId, position }: EventKey): string {
  return `${deploymentId}/${instanceId}/${position}`;
}

/** Writes down what an order must remember while its call is made. @returns false: the lease was lost, and nothing was written */
export async function rememberInOrder(
  db: StoreReader,
  { orderId, leaseId }: Lease,
  { memory_json, last_call }: Pick<OrderRow, 'memory_json' | 'last_call'>,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('orders')
    .set({ memory_json, last_call: said(last_call), last_answer: null })
    .where('order_id', '=', orderId)
    .where('lease_id', '=', leaseId)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Gives an order, unless it was given before. */
export async function giveOrder(tx: StoreTransaction, event: EventKey, kind: string, nowMs: number): Promise<void> {
  await tx
    .insertInto('orders')
    .values({
      order_id: orderIdOf(event),
      deployment_id: event.deploymentId,
      instance_id: event.instanceId,
      position: event.position,
      kind,
      wake_at_ms: nowMs,
      lease_id: null,
      lease_until_ms: null,
      memory_json: null,
      last_call: null,
      last_answer: null,
      given_at_ms: nowMs,
      outcome: null,
      message: null,
    })
    .onConflict((conflict) => conflict.column('order_id').doNothing())
    .execute();
}

/** A server's right to act on an order, for a time. */
export interface Lease {
  readonly orderId: string;
  /** Another one each time, so that a lease which was lost and taken again by the same server is told from the old one. */
  readonly leaseId: string;
}

export interface LeaseRequest {
  readonly leaseId: string;
  /** Orders whose time has come by then. */
  readonly nowMs: number;
  /** Time by the clock that all servers share, as `untilMs` is; left out: `nowMs`. */
  readonly leaseNowMs?: number;
  readonly untilMs: number;
  /** At most so many. */
  readonly limit: number;
  /** Kinds that the caller knows how to carry out. */
  readonly kinds: readonly string[];
}

/**
 * Takes orders whose time has come and that nobody else has, the longest waiting first. All get the same lease's name.
 *
 * An order waits while another one about its subject is leased: a host, an alias or a service. After a stop that does not wait, the call for
 * AllowTraffic may still be under way when the rollback takes the host out. It would bring the host back in the middle of an Install.
 */
export async function leaseOrders(tx: StoreTransaction, request: LeaseRequest): Promise<OrderRow[]> {
  const { leaseId, nowMs, leaseNowMs = nowMs, untilMs, limit, kinds } = request;
  const due = await tx
    .selectFrom('orders')
    .select(['order_id', 'instance_id'])
    .where('wake_at_ms', '<=', nowMs)
    .where('kind', 'in', kinds)
    .where((eb) => eb.or([eb('lease_until_ms', 'is', null), eb('lease_until_ms', '<=', leaseNowMs)]))
    .where('instance_id', 'not in', (eb) =>
      eb
        .selectFrom('orders as leased')
        .select('leased.instance_id')
        .where('leased.wake_at_ms', 'is not', null)
        .where('leased.lease_until_ms', '>', leaseNowMs),
    )
    .orderBy('wake_at_ms')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute();
  if (due.length === 0) return [];
  const free = await freeSubjects(
    tx,
    due.map((row) => row.instance_id),
    leaseNowMs,
  );
  const chosen = due.filter(({ instance_id }, index) => {
    const isFirst = due.findIndex((other) => other.instance_id === instance_id) === index;
    return isFirst && free.has(instance_id);
  });
  if (chosen.length === 0) return [];
  return tx
    .updateTable('orders')
    .set({ lease_id: leaseId, lease_until_ms: untilMs })
    .where(
      'order_id',
      'in',
      chosen.map((row) => row.order_id),
    )
    .returningAll()
    .execute();
}

/**
 * Returns the subjects that nobody else acts on, and that nobody else can begin to act on before this transaction ends: all their open
 * orders are locked now, and none is leased. Another server may hold the lock on an order that it leases just now, and has not committed.
 * Both then leave the subject alone, and look again.
 */
async function freeSubjects(
  tx: StoreTransaction,
  subjects: readonly string[],
  leaseNowMs: number,
): Promise<ReadonlySet<string>> {
  const open = tx
    .selectFrom('orders')
    .select(['order_id', 'instance_id', 'lease_until_ms'])
    .where('instance_id', 'in', [...new Set(subjects)])
    .where('wake_at_ms', 'is not', null);
  const [all, locked] = await Promise.all([open.execute(), open.forUpdate().skipLocked().execute()]);
  const lockedIds = new Set(locked.map((row) => row.order_id));
  const taken = [
    ...all.filter(({ order_id }) => !lockedIds.has(order_id)),
    ...locked.filter(({ lease_until_ms }) => lease_until_ms !== null && lease_until_ms > leaseNowMs),
  ];
  const takenSubjects = new Set(taken.map((row) => row.instance_id));
  return new Set(subjects.filter((subject) => !takenSubjects.has(subject)));
}

/** Ends all leases: only for a server that knows that no other one is there, as on a data folder of its own. */
export async function forgetLeases(tx: StoreTransaction): Promise<void> {
  const free = { lease_id: null, lease_until_ms: null };
  await tx
    .updateTable('orders')
    .set(free)
    .where('lease_id', 'is not', null)
    .where('wake_at_ms', 'is not', null)
    .execute();
}

/** @returns false: the lease is lost, and its holder must not act any more */
export async function renewLease(
  db: StoreReader,
  { orderId, leaseId }: Lease,
  nowMs: number,
  untilMs: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('orders')
    .set({ lease_until_ms: untilMs })
    .where('order_id', '=', orderId)
    .where('lease_id', '=', leaseId)
    .where('lease_until_ms', '>', nowMs)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export type OrderReport = Pick<OrderRow, 'wake_at_ms' | 'memory_json' | 'last_call' | 'last_answer'> &
  Partial<Pick<OrderRow, 'outcome' | 'message'>>;

/**
 * Writes down what an order has come to, and gives its lease back.
 *
 * @returns false: the lease was lost, and nothing was written
 */
export async function reportOrder(
  tx: StoreTransaction,
  { orderId, leaseId }: Lease,
  { wake_at_ms, memory_json, last_call, last_answer, outcome = null, message = null }: OrderReport,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('orders')
    .set({ wake_at_ms, memory_json, last_call: said(last_call), last_answer: said(last_answer) })
    .set({ outcome, message: said(message), lease_id: null, lease_until_ms: null })
    .where('order_id', '=', orderId)
    .where('lease_id', '=', leaseId)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

const said = (text: string | null) => (text === null ? null : storableText(text));

/** The event of a hook has ended: nothing that its call brings matters any more, and it holds up no other order about the same target. */
export async function closeHookOrder(tx: StoreTransaction, event: EventKey): Promise<void> {
  await tx
    .updateTable('orders')
    .set({ wake_at_ms: null })
    .where('order_id', '=', orderIdOf(event))
    .where('kind', '=', 'CallHook')
    .execute();
}

/** Has a deployment's orders looked at now. @returns whether there are any that would have been looked at later */
export async function wakeOrders(tx: StoreTransaction, deploymentId: string, nowMs: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('orders')
    .set({ wake_at_ms: nowMs })
    .where('deployment_id', '=', deploymentId)
    .where('wake_at_ms', '>', nowMs)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** When the next order of these kinds is to be looked at that nobody works on; null: there is none. */
export async function nextOrderAtMs(
  db: StoreReader,
  leaseNowMs: number,
  kinds: readonly string[],
): Promise<number | null> {
  const row = await db
    .selectFrom('orders')
    .select(['wake_at_ms', 'lease_until_ms'])
    .where('wake_at_ms', 'is not', null)
    .where('kind', 'in', kinds)
    .where((eb) => eb.or([eb('lease_until_ms', 'is', null), eb('lease_until_ms', '<=', leaseNowMs)]))
    .orderBy('wake_at_ms')
    .limit(1)
    .executeTakeFirst();
  return row?.wake_at_ms ?? null;
}

/** The orders of a deployment that are not over. */
export async function openOrdersOf(db: StoreReader, deploymentId: string): Promise<OrderRow[]> {
  return db
    .selectFrom('orders')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .where('wake_at_ms', 'is not', null)
    .execute();
}

/** The orders for the events of one target. */
export async function ordersOfTarget(db: StoreReader, deploymentId: string, instanceId: string): Promise<OrderRow[]> {
  return db
    .selectFrom('orders')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .where('instance_id', '=', instanceId)
    .execute();
}

/** Whether an order of another kind about the same instance was given since. That order then says where the instance is to be. */
export async function hasLaterOrder(db: StoreReader, order: OrderRow): Promise<boolean> {
  const row = await db
    .selectFrom('orders')
    .select('order_id')
    .where('instance_id', '=', order.instance_id)
    .where('kind', '<>', order.kind)
    .where('given_at_ms', '>=', order.given_at_ms)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Memory of an order about an instance's traffic, and the result of its event. */
export interface TrafficRecord {
  readonly kind: string;
  /** JSON. */
  readonly memoryJson: string;
  readonly status: LifecycleEventStatus;
}

/** The last orders about an instance's traffic that have remembered something, the newest first. */
export async function trafficRecordsOf(
  db: StoreReader,
  { instanceId, limit }: { readonly instanceId: string; readonly limit: number },
): Promise<TrafficRecord[]> {
  const rows = await db
    .selectFrom('orders')
    .innerJoin('lifecycle_events as event', (join) =>
      join
        .onRef('event.deployment_id', '=', 'orders.deployment_id')
        .onRef('event.instance_id', '=', 'orders.instance_id')
        .onRef('event.position', '=', 'orders.position'),
    )
    .select(['orders.kind', 'orders.memory_json', 'event.status'])
    .where('orders.instance_id', '=', instanceId)
    .where('orders.kind', 'in', ['BlockTraffic', 'AllowTraffic'])
    .where('orders.memory_json', 'is not', null)
    .orderBy('orders.given_at_ms', 'desc')
    .orderBy('orders.position', 'desc')
    .limit(limit)
    .execute();
  return rows.flatMap(({ kind, memory_json, status }) =>
    memory_json === null ? [] : { kind, memoryJson: memory_json, status },
  );
}
