/** Deletes what nobody needs any more. Every server of a database does it; what is gone, the others do not find. */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { deleteOldRecords } from '../store/instances.ts';
import type { Store } from '../store/store.ts';

export interface RetentionContext {
  readonly store: Pick<Store, 'transaction'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Retention {
  close(): Promise<void>;
}

const DAY_MS = 24 * 60 * 60_000;
/** How long the record of a deregistered instance is kept: long enough to ask what became of a host. */
export const RECORD_LIFE_MS = 90 * DAY_MS;
const LOOK_MS = 60 * 60_000;
/** Records for one transaction, so that nobody waits for long. */
const BATCH = 200;
/** The pause between two transactions. */
const PAUSE_MS = 100;

/** Begins to delete old records, at once and every hour. */
export function startRetention(ctx: RetentionContext): Retention {
  const closing = new AbortController();
  const keeping = keepDeleting(ctx, closing.signal);
  return {
    async close() {
      closing.abort();
      await keeping;
    },
  };
}

async function keepDeleting(ctx: RetentionContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await deleteOld(ctx, signal);
    } catch (error) {
      ctx.log.error('records of deregistered instances could not be deleted just now; it is tried again', { error });
    }
    await ctx.clock.sleep(LOOK_MS, signal);
  }
}

async function deleteOld(ctx: RetentionContext, signal: AbortSignal): Promise<void> {
  let deleted = BATCH;
  while (deleted === BATCH && !signal.aborted) {
    const beforeMs = ctx.clock.now() - RECORD_LIFE_MS;
    deleted = await ctx.store.transaction((tx) => deleteOldRecords(tx, beforeMs, BATCH));
    if (deleted === BATCH) await ctx.clock.sleep(PAUSE_MS, signal);
  }
}
