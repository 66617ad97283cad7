/**
 * Notices about deployments, in queues: one queue for each deployment and target, whose notices are sent one after another.
 *
 * A queue is leased as an order is, by one server at a time. A transaction that adds to a queue, or empties it, holds its row first. So no
 * notice is added to a queue that is just being closed. A notice is waiting until it was sent or given up.
 */
import { inChunks } from './chunks.ts';
import { storableText } from './foreign-text.ts';
import type { NoticeQueueRow, NoticeRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** A notice as the engine decides it. */
export interface NewNotice {
  readonly id: string;
  readonly event: string;
  readonly instanceId: string | null;
  readonly triggerName: string;
  readonly target: string;
  readonly subject: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Adds notices of a deployment, which must be locked, behind those that it has. One that is there already stays as it is. */
export async function insertNotices(
  tx: StoreTransaction,
  deploymentId: string,
  notices: readonly NewNotice[],
  nowMs: number,
): Promise<void> {
  const last = await tx
    .selectFrom('notices')
    .select((eb) => eb.fn.max<number | null>('position').as('position'))
    .where('deployment_id', '=', deploymentId)
    .executeTakeFirst();
  const first = (last?.position ?? -1) + 1;
  // In one order, so that two transactions never wait for each other's queues.
  for (const target of [...new Set(notices.map((notice) => notice.target))].sort()) {
    await tx
      .insertInto('notice_queues')
      .values({
        ...{ deployment_id: deploymentId, target, wake_at_ms: nowMs, lease_id: null, lease_until_ms: null },
        failures: 0,
      })
      .onConflict((conflict) =>
        conflict.columns(['deployment_id', 'target']).doUpdateSet((eb) => ({
          // A queue that waits because its target did not take a notice goes on waiting.
          wake_at_ms: eb.fn.coalesce('notice_queues.wake_at_ms', 'excluded.wake_at_ms'),
        })),
      )
      .execute();
  }
  const rows = notices.map((notice, index) => ({
    ...{ notice_id: notice.id, deployment_id: deploymentId, position: first + index },
    ...{ event: notice.event, instance_id: notice.instanceId, trigger_name: notice.triggerName },
    ...{ target: notice.target, subject: notice.subject, payload_json: JSON.stringify(notice.payload) },
    ...{ made_at_ms: nowMs, tries: 0, tried_at_ms: null, sent_at_ms: null, given_up_at_ms: null, last_answer: null },
  }));
  for (const chunk of inChunks(rows)) {
    await tx
      .insertInto('notices')
      .values(chunk)
      .onConflict((conflict) => conflict.column('notice_id').doNothing())
      .execute();
  }
}

/** A server's right to send the notices of a queue, for a time. */
export interface QueueLease {
  readonly deploymentId: string;
  readonly target: string;
  readonly leaseId: string;
}

/** Takes queues whose time has come and that nobody else has, the longest waiting first. @param request.without targets that have enough */
export async function leaseQueues(
  tx: StoreTransaction,
  request: {
    readonly leaseId: string;
    readonly nowMs: number;
    /** Time by the clock that all servers share, as `untilMs` is. */
    readonly leaseNowMs: number;
    readonly untilMs: number;
    readonly limit: number;
    readonly without: readonly string[];
  },
): Promise<readonly QueueLease[]> {
  const { leaseId, nowMs, leaseNowMs, untilMs, limit, without } = request;
  const due = await tx
    .selectFrom('notice_queues')
    .select(['deployment_id', 'target'])
    .where('wake_at_ms', '<=', nowMs)
    .where((eb) => eb.or([eb('lease_until_ms', 'is', null), eb('lease_until_ms', '<=', leaseNowMs)]))
    .$if(without.length > 0, (query) => query.where('target', 'not in', without))
    .orderBy('wake_at_ms')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute();
  for (const { deployment_id, target } of due) {
    await tx
      .updateTable('notice_queues')
      .set({ lease_id: leaseId, lease_until_ms: untilMs })
      .where('deployment_id', '=', deployment_id)
      .where('target', '=', target)
      .execute();
  }
  return due.map(({ deployment_id, target }) => ({ deploymentId: deployment_id, target, leaseId }));
}

/** Whether there is anything for `leaseQueues`: most looks find nothing, and need no transaction. */
export async function isAnyQueueDue(
  db: StoreReader,
  { nowMs, leaseNowMs }: { readonly nowMs: number; readonly leaseNowMs: number },
): Promise<boolean> {
  const row = await db
    .selectFrom('notice_queues')
    .select('target')
    .where('wake_at_ms', '<=', nowMs)
    .where((eb) => eb.or([eb('lease_until_ms', 'is', null), eb('lease_until_ms', '<=', leaseNowMs)]))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Changes the row of a queue that is leased, and so holds it until the transaction ends.
 *
 * @returns how many times in a row its target took nothing; null: the lease is lost, and its holder must not act any more
 */
export async function updateQueue(
  tx: StoreTransaction,
  { deploymentId, target, leaseId }: QueueLease,
  changes: Partial<Pick<NoticeQueueRow, 'wake_at_ms' | 'lease_id' | 'lease_until_ms' | 'failures'>>,
): Promise<number | null> {
  const row = await tx
    .updateTable('notice_queues')
    .set(changes)
    .where('deployment_id', '=', deploymentId)
    .where('target', '=', target)
    .where('lease_id', '=', leaseId)
    .returning('failures')
    .executeTakeFirst();
  return row?.failures ?? null;
}

/** The notice of a queue that is to be sent next; null: there is none. */
export async function nextNotice(
  db: StoreReader,
  { deploymentId, target }: Pick<QueueLease, 'deploymentId' | 'target'>,
): Promise<NoticeRow | null> {
  const row = await waitingIn(db, deploymentId, target).orderBy('position').limit(1).executeTakeFirst();
  return row ?? null;
}

function waitingIn(db: StoreReader, deploymentId: string, target: string) {
  return db
    .selectFrom('notices')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .where('target', '=', target)
    .where('sent_at_ms', 'is', null)
    .where('given_up_at_ms', 'is', null);
}

export async function updateNotice(
  tx: StoreTransaction,
  noticeId: string,
  changes: Pick<NoticeRow, 'tries' | 'tried_at_ms' | 'last_answer'> &
    Partial<Pick<NoticeRow, 'sent_at_ms' | 'given_up_at_ms'>>,
): Promise<void> {
  await tx.updateTable('notices').set(withStorableAnswer(changes)).where('notice_id', '=', noticeId).execute();
}

/** Gives up those of a queue that wait since a time, with the one answer. @returns how many they were */
export async function giveUpNotices(
  tx: StoreTransaction,
  { deploymentId, target }: QueueLease,
  madeBeforeMs: number,
  changes: Pick<NoticeRow, 'given_up_at_ms' | 'last_answer'>,
): Promise<number> {
  const { numUpdatedRows } = await tx
    .updateTable('notices')
    .set(withStorableAnswer(changes))
    .where('deployment_id', '=', deploymentId)
    .where('target', '=', target)
    .where('sent_at_ms', 'is', null)
    .where('given_up_at_ms', 'is', null)
    .where('made_at_ms', '<=', madeBeforeMs)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

function withStorableAnswer<Changes extends Pick<NoticeRow, 'last_answer'>>(changes: Changes): Changes {
  const { last_answer: answer } = changes;
  return { ...changes, last_answer: answer === null ? null : storableText(answer) };
}

export type NoticeState = 'waiting' | 'sent' | 'given-up';

export interface NoticeFilter {
  readonly deploymentId: string | null;
  readonly state: NoticeState | null;
}

/** Where a page ended. */
export interface NoticePlace {
  readonly madeAtMs: number;
  readonly noticeId: string;
}

/** The newest first. @param after the last notice of the page before; null: the first page */
export async function listNotices(
  db: StoreReader,
  { deploymentId, state }: NoticeFilter,
  { after, limit }: { readonly after: NoticePlace | null; readonly limit: number },
): Promise<NoticeRow[]> {
  let query = db.selectFrom('notices').selectAll();
  if (deploymentId !== null) query = query.where('deployment_id', '=', deploymentId);
  if (state === 'sent') query = query.where('sent_at_ms', 'is not', null);
  if (state === 'given-up') query = query.where('given_up_at_ms', 'is not', null);
  if (state === 'waiting') query = query.where('sent_at_ms', 'is', null).where('given_up_at_ms', 'is', null);
  if (after !== null) {
    const { madeAtMs, noticeId } = after;
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('made_at_ms', 'notice_id'), '<', tuple(madeAtMs, noticeId)),
    );
  }
  return query.orderBy('made_at_ms', 'desc').orderBy('notice_id', 'desc').limit(limit).execute();
}
