/**
 * Notices when somebody, or a time service, sets the machine's clock back. The database has times at which something is to be looked at again.
 * They would lie as far away as the clock was set: orders would stand still, and traffic would stay divided. So all of it is looked at now.
 *
 * It also has instants that waits are counted from. Those that lie ahead now become now, so that a wait lasts longer by no more than what had
 * passed of it. An instant counts as ahead when it is ahead of the database's clock, too: another server may have written it, and be right.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import type { DatabaseClock } from '../store/database-clock.ts';
import { activeDeployments } from '../store/deployments.ts';
import { pullBackDeployment, pullBackOthers } from '../store/instants.ts';
import type { Store } from '../store/store.ts';
import { wakeAll } from '../store/wake-all.ts';
import type { Bell } from './bell.ts';

export interface ClockWatchContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  /** Clock that all servers of the database share. */
  readonly sharedClock: DatabaseClock;
  readonly clock: Clock;
  readonly log: Logger;
  readonly bell: Bell;
  /** Monotonic; milliseconds. */
  elapsedMs(): number;
}

const LOOK_MS = 2_000;
/** Less than this is made up for by the next looks, which are seconds apart. */
const LEAST_MS = 1_000;

export function startClockWatch(ctx: ClockWatchContext): Repeated {
  const { store, clock, log, bell } = ctx;
  const offsetMs = () => clock.now() - ctx.elapsedMs();
  let knownMs = offsetMs();
  let isFirst = true;
  let hasFailed = false;
  return repeatedly(clock, { pauseMs: LOOK_MS, isDueAtOnce: false }, async () => {
    const nowMs = offsetMs();
    const backMs = Math.round(knownMs - nowMs);
    try {
      const isBack = backMs >= LEAST_MS;
      // While no server ran, nobody could notice.
      const ahead = isBack || isFirst ? await pullBackInstants(ctx) : 0;
      if (isBack || ahead > 0) {
        await store.transaction((tx) => wakeAll(tx, clock.now()));
        bell.ring();
        log.warn('the clock of this machine was set back; everything that waits for its time is looked at now', {
          ...(isBack ? { backMs } : {}),
        });
      }
      knownMs = nowMs;
      isFirst = false;
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) log.error('what waits for its time could not be woken after the clock was set back', { error });
      hasFailed = true;
    }
  });
}

/** @returns in how many rows there were instants that lay ahead */
async function pullBackInstants({ store, clock, sharedClock }: ClockWatchContext): Promise<number> {
  const atMs = Math.max(clock.now(), await sharedClock.nowMs());
  const now = { atMs, untilMs: atMs + LEAST_MS };
  let rows = 0;
  for (const deploymentId of await activeDeployments(store.db)) {
    rows += await store.transaction((tx) => pullBackDeployment(tx, deploymentId, now));
  }
  return rows + (await store.transaction((tx) => pullBackOthers(tx, now)));
}
