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
/** Whoever asks wants to know it soon: load balancers give up after a few seconds. */
const LIMIT_MS = 2_000;

/** @param ctx.isStopping whether the server has begun to stop */
export function createReadiness(ctx: {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug'>;
  isStopping(): boolean;
}): Readiness {
  let last: { readonly atMs: number; readonly problem: Promise<string | null> } | null = null;
  return {
    async problem() {
      if (ctx.isStopping()) return 'the server is stopping';
      const nowMs = ctx.clock.now();
      if (last === null || nowMs - last.atMs >= KEPT_MS || nowMs < last.atMs) {
        last = { atMs: nowMs, problem: askDatabase(ctx) };
      }
      return last.problem;
    },
  };
}

async function askDatabase({
  store,
  clock,
  log,
}: Omit<Parameters<typeof createReadiness>[0], 'isStopping'>): Promise<string | null> {
  const over = new AbortController();
  const asked = stepOfDatabase(store.db).then(judge, (error: unknown) => {
    log.debug('the server is not ready', { why: messageOf(error) });
    return NO_ANSWER;
  });
  const late = clock.sleep(LIMIT_MS, over.signal).then(() => NO_ANSWER);
  try {
    return await Promise.race([asked, late]);
  } finally {
    over.abort();
  }
}

const NO_ANSWER = 'the database does not answer';

function judge(step: number): string | null {
  return step === NEWEST_STEP ? null : `the database is at step ${step}, and this version needs step ${NEWEST_STEP}`;
}
