/**
 * Notices when somebody, or a time service, sets the machine's clock back. The database has times at which something is to be looked at again.
 * They would lie as far away as the clock was set: orders would stand still, and traffic would stay divided. So all of it is looked at now.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import type { Store } from '../store/store.ts';
import { wakeAll } from '../store/wake-all.ts';
import type { Bell } from './bell.ts';

export interface ClockWatchContext {
  readonly store: Pick<Store, 'transaction'>;
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
  let hasFailed = false;
  return repeatedly(clock, { pauseMs: LOOK_MS, isDueAtOnce: false }, async () => {
    const nowMs = offsetMs();
    const backMs = Math.round(knownMs - nowMs);
    try {
      if (backMs >= LEAST_MS) {
        await store.transaction((tx) => wakeAll(tx, clock.now()));
        bell.ring();
        log.warn('the clock of this machine was set back; everything that waits for its time is looked at now', {
          backMs,
        });
      }
      knownMs = nowMs;
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) log.error('what waits for its time could not be woken after the clock was set back', { error });
      hasFailed = true;
    }
  });
}
