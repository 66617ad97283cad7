/**
 * Retry rule for the failures of a source. A failure that another try cannot fix ends at once; all others get a few tries, with a wait
 * before each.
 */
import { SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import type { DownloadSource } from './download-source.ts';
import { isHopeless } from './hopeless.ts';
import { type Pace, TooSlow } from './pace.ts';
import type { DownloadTuning } from './types.ts';

/** A source that was too slow gets one more chance: the line may have been somebody else's for a while. */
const MAX_SLOW = 2;

export interface TriesContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tuning: Pick<DownloadTuning, 'retryWaitsMs'>;
}

export interface Tries {
  /** Counts failures anew, because enough bytes arrived since. */
  reset(): void;
  /**
   * Waits before the next try.
   *
   * @throws SlipwayError REVISION_TOO_SLOW; the source's own fault when the tries are used up, or pointless; the signal's reason
   */
  failed(error: unknown): Promise<void>;
}

/** Counts failures in a row and waits between them. */
export function createTries(
  ctx: TriesContext,
  source: Pick<DownloadSource, 'name' | 'unreachable'>,
  pace: Pace,
  signal: AbortSignal | undefined,
): Tries {
  let failures = 0;
  return {
    reset() {
      failures = 0;
    },
    async failed(error) {
      if (error instanceof TooSlow && pace.violations >= MAX_SLOW) {
        throw new SlipwayError('REVISION_TOO_SLOW', `${source.name} comes too slowly: ${error.message}`, {
          cause: error,
        });
      }
      if (isHopeless(error)) throw source.unreachable(error);
      const waitMs = ctx.tuning.retryWaitsMs[failures];
      failures += 1;
      if (waitMs === undefined) throw source.unreachable(error);
      ctx.log.warn('the download of the bundle broke off and is taken up again', {
        source: source.name,
        waitMs,
        error,
      });
      await ctx.clock.sleep(waitMs, signal);
      signal?.throwIfAborted();
    },
  };
}
