import { messageOf } from '../../errors.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { NEWEST_STEP, stepOfDatabase } from '../store/migrations.ts';
import type { Store } from '../store/store.ts';

/** Whether this server can serve. */
export interface Readiness {
  /** Why it cannot, in a few words; null: it can. Never rejects. */
  problem(): Promise<string | null>;
}

/** Everybody may ask, so the database is asked once for all who ask within this time. */
const KEPT_MS = 1_000;
/** Limit on the check, in ms: load balancers give up after a few seconds. */
const LIMIT_MS = 2_000;
/** A question that has had no answer for so long may be lost with its connection: another one is asked. */
const LOST_MS = 30_000;

/** @param ctx.isStopping whether the server has begun to stop */
export function createReadiness(ctx: {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug'>;
  isStopping(): boolean;
}): Readiness {
  let last: { readonly atMs: number; readonly problem: Promise<string | null> } | null = null;
  // One question at a time: while a database hangs, one each second would take up all connections to it.
  let open: { readonly sinceMs: number; readonly answer: Promise<string | null> } | null = null;
  const openQuestion = (nowMs: number) => {
    if (open !== null && nowMs - open.sinceMs < LOST_MS) return open;
    const question = {
      sinceMs: nowMs,
      answer: askDatabase(ctx).finally(() => {
        if (open === question) open = null;
      }),
    };
    open = question;
    return question;
  };
  return {
    async problem() {
      if (ctx.isStopping()) return 'the server is stopping';
      const nowMs = ctx.clock.now();
      if (last === null || nowMs - last.atMs >= KEPT_MS || nowMs < last.atMs) {
        last = { atMs: nowMs, problem: inTime(openQuestion(nowMs).answer, ctx.clock) };
      }
      return last.problem;
    },
  };
}

/** Never rejects. */
async function askDatabase({
  store,
  log,
}: Pick<Parameters<typeof createReadiness>[0], 'store' | 'log'>): Promise<string | null> {
  try {
    return judge(await stepOfDatabase(store.db));
  } catch (error) {
    log.debug('the server is not ready', { why: messageOf(error) });
    return NO_ANSWER;
  }
}

async function inTime(answer: Promise<string | null>, clock: Clock): Promise<string | null> {
  const over = new AbortController();
  try {
    return await Promise.race([answer, clock.sleep(LIMIT_MS, over.signal).then(() => NO_ANSWER)]);
  } finally {
    over.abort();
  }
}

const NO_ANSWER = 'the database does not answer';

function judge(step: number): string | null {
  return step === NEWEST_STEP ? null : `the database is at step ${step}, and this version needs step ${NEWEST_STEP}`;
}
