/**
 * Sends the notices of triggers: leases queues whose time has come, and sends what is in each, one notice after another.
 *
 * Nothing here has to survive a crash. A notice that was sent and not yet marked is sent again, with the same id, by the server that leases
 * its queue next. A receiver that takes nothing holds up its own queues alone, and no deployment waits for any.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import { messageIdOf, type NoticeAnswer, type NoticeTargets } from '../outside/notice-target.ts';
import type { DatabaseClock } from '../store/database-clock.ts';
import {
  giveUpNotices,
  isAnyQueueDue,
  leaseQueues,
  nextNotice,
  type QueueLease,
  updateNotice,
  updateQueue,
} from '../store/notices.ts';
import type { NoticeRow } from '../store/schema.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import { isGivenUp, NOTICE_LIMIT_MS, noticePauseMs } from './notice-retries.ts';

export interface NoticeSenderContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
  /** The one that leases go by. */
  readonly leaseClock: DatabaseClock;
  readonly random: Pick<Random, 'uuid'>;
  readonly log: Logger;
  readonly targets: NoticeTargets;
  readonly region: string;
  readonly accountId: string;
  /** Told of each try, and of each notice that is given up. */
  readonly count: (what: 'sent' | 'failed' | 'given-up', notices: number) => void;
}

/** How often it looks for queues: a notice comes about so late. */
const LOOK_MS = 1_000;
/** Queues that are worked on at once, */
const MAX_QUEUES = 16;
/** and of those, how many to one receiver: a slow one must not take all. */
const MAX_QUEUES_OF_TARGET = 4;
/** A call ends well within its lease, which is renewed right before it. */
const SEND_LIMIT_MS = 15_000;
const LEASE_MS = 25_000;

export function startNoticeSender(ctx: NoticeSenderContext): Repeated {
  const running = new Map<Promise<void>, string>();
  let failures = 0;
  const closing = new AbortController();
  const looking = repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: true }, async () => {
    try {
      for (const lease of await takeQueues(ctx, [...running.values()])) {
        const work = workOff(ctx, lease, closing.signal).finally(() => running.delete(work));
        running.set(work, lease.target);
      }
      failures = 0;
    } catch (error) {
      failures += 1;
      // Said once: a database that is down stays down for many looks.
      if (failures === 1) ctx.log.error('notices could not be looked for just now; it is tried again', { error });
    }
  });
  return {
    async close() {
      closing.abort();
      await looking.close();
      await Promise.all(running.keys());
    },
  };
}

/** @param busy the target of each queue that is worked on here */
async function takeQueues(ctx: NoticeSenderContext, busy: readonly string[]): Promise<readonly QueueLease[]> {
  const nowMs = ctx.clock.now();
  const room = MAX_QUEUES - busy.length;
  if (room <= 0) return [];
  const leaseNowMs = await ctx.leaseClock.nowMs();
  if (!(await isAnyQueueDue(ctx.store.db, { nowMs, leaseNowMs }))) return [];
  const counts = Map.groupBy(busy, (target) => target);
  const without = [...counts].filter(([, list]) => list.length >= MAX_QUEUES_OF_TARGET).map(([target]) => target);
  const request = {
    leaseId: ctx.random.uuid(),
    nowMs,
    leaseNowMs,
    untilMs: leaseNowMs + LEASE_MS,
    limit: room,
    without,
  };
  return ctx.store.transaction(async (tx) => {
    const leased = await leaseQueues(tx, request);
    const taken: QueueLease[] = [];
    for (const lease of leased) {
      const places = MAX_QUEUES_OF_TARGET - (counts.get(lease.target)?.length ?? 0);
      const isRoom = taken.filter(({ target }) => target === lease.target).length < places;
      if (isRoom) taken.push(lease);
      else await updateQueue(tx, lease, GIVEN_BACK);
    }
    return taken;
  }, 'lazy');
}

const GIVEN_BACK = { lease_id: null, lease_until_ms: null } as const;

/** Sends what is in a queue until it is empty, its receiver does not take a notice, or the server stops. Never rejects. */
async function workOff(ctx: NoticeSenderContext, lease: QueueLease, closing: AbortSignal): Promise<void> {
  try {
    for (;;) {
      const notice = await takeNotice(ctx, lease, closing.aborted);
      if (notice === null) return;
      const answer = await send(ctx, notice, AbortSignal.any([closing, AbortSignal.timeout(SEND_LIMIT_MS)]));
      // A call that was cut off says nothing about the receiver: the notice is sent again.
      if (closing.aborted && answer.ending !== 'sent') continue;
      if (!(await report(ctx, lease, notice, answer))) return;
    }
  } catch (error) {
    const { deploymentId, target } = lease;
    ctx.log.error('notices could not be sent just now; it is tried again', { deploymentId, target, error });
  }
}

/** Renews the lease for the next notice. @returns null: it was given back, because nothing waits or the server stops; or it is lost */
async function takeNotice(ctx: NoticeSenderContext, lease: QueueLease, isStopping: boolean): Promise<NoticeRow | null> {
  const untilMs = (await ctx.leaseClock.nowMs()) + LEASE_MS;
  return ctx.store.transaction(async (tx) => {
    if ((await updateQueue(tx, lease, { lease_until_ms: untilMs })) === null) return null;
    if (isStopping) {
      await updateQueue(tx, lease, GIVEN_BACK);
      return null;
    }
    const notice = await nextNotice(tx, lease);
    if (notice === null) await updateQueue(tx, lease, { ...GIVEN_BACK, wake_at_ms: null, failures: 0 });
    return notice;
  }, 'lazy');
}

async function send(ctx: NoticeSenderContext, notice: NoticeRow, signal: AbortSignal): Promise<NoticeAnswer> {
  const { region, accountId, targets } = ctx;
  const receiver = targets.find(notice.target);
  if (receiver === null) {
    return { ending: 'failed', answer: `not sent: the file behind --webhooks does not have ${notice.target} any more` };
  }
  const payload = { region, accountId, ...(JSON.parse(notice.payload_json) as object) };
  const { target, event, subject, made_at_ms: madeAtMs, deployment_id: deploymentId } = notice;
  const messageId = messageIdOf(notice.notice_id);
  const message = JSON.stringify(payload);
  return receiver({ messageId, target, event, subject, message, madeAtMs, deploymentId }, signal);
}

/** Writes down what came of a call. @returns whether the next notice of the queue may be sent at once */
async function report(
  ctx: NoticeSenderContext,
  lease: QueueLease,
  notice: NoticeRow,
  { ending, answer }: NoticeAnswer,
): Promise<boolean> {
  const nowMs = ctx.clock.now();
  const tries = notice.tries + 1;
  const tried = { tries, tried_at_ms: nowMs, last_answer: answer };
  ctx.count(ending === 'sent' ? 'sent' : 'failed', 1);
  const { goesOn, givenUp } = await ctx.store.transaction(async (tx) => {
    // Also where it changes nothing: the row is held.
    const changes = ending === 'sent' ? { failures: 0 } : { lease_id: lease.leaseId };
    const failures = await updateQueue(tx, lease, changes);
    if (failures === null) return { goesOn: false, givenUp: 0 };
    if (ending === 'sent') {
      await updateNotice(tx, notice.notice_id, { ...tried, sent_at_ms: nowMs });
      return { goesOn: true, givenUp: 0 };
    }
    const isOver = isGivenUp(ending, { madeAtMs: notice.made_at_ms, tries }, nowMs);
    await updateNotice(tx, notice.notice_id, { ...tried, ...(isOver ? { given_up_at_ms: nowMs } : {}) });
    const others = await giveUpOverdue(tx, lease, answer, nowMs);
    // What was refused for what it is makes room for the next one; a receiver that is down is left in peace.
    const goesOn = isOver && ending === 'refused';
    const pause = { ...GIVEN_BACK, wake_at_ms: nowMs + noticePauseMs(failures + 1), failures: failures + 1 };
    if (!goesOn) await updateQueue(tx, lease, pause);
    return { goesOn, givenUp: (isOver ? 1 : 0) + others };
  }, 'lazy');
  if (givenUp > 0) {
    ctx.count('given-up', givenUp);
    const { deploymentId, target } = lease;
    const { event, trigger_name: trigger } = notice;
    ctx.log.error('notices were not taken and are given up', { deploymentId, target, trigger, event, givenUp, answer });
  } else if (ending !== 'sent' && tries === 1) {
    const { deploymentId, target } = lease;
    ctx.log.warn('a notice was not taken; it is sent again', { deploymentId, target, event: notice.event, answer });
  }
  return goesOn;
}

/** Their time is over, too, and they would get the answer that the one before them got. */
async function giveUpOverdue(tx: StoreTransaction, lease: QueueLease, answer: string, nowMs: number): Promise<number> {
  return giveUpNotices(tx, lease, nowMs - NOTICE_LIMIT_MS, {
    given_up_at_ms: nowMs,
    last_answer: `not sent any more: the notice before it was answered ${answer}`,
  });
}
