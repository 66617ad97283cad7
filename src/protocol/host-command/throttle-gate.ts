import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { RemoteApiError } from '../errors.ts';

/**
 * One gate for all calls of a client to a service that throttles.
 *
 * Open → a throttle closes it for a delay → calls wait until the delay is over, plus up to a quarter of it by chance, so that a fleet
 * does not come back as one → a throttle closes it for twice the delay, a success resets the delay. A throttle while it is closed
 * neither extends nor escalates the delay: calls that were under way when it closed say nothing new.
 */
export interface ThrottleGate {
  readonly isClosed: boolean;
  /** Runs a call, again after a throttle, at most `MAX_RETRIES` times more; other errors pass through. */
  run<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;
const MAX_RETRIES = 5;
const JITTER = 0.25;

/** @see the official agent 2.x, `throttle_gate.rs`, for the numbers */
export function createThrottleGate(clock: Clock, random: Pick<Random, 'fraction'>): ThrottleGate {
  let delayMs = FIRST_DELAY_MS;
  let closedAtMs = 0;
  let closedForMs = 0;

  /** 0 when open. A clock that was set back behind the moment of closing opens the gate: nobody waits for it to catch up. */
  function leftMs(): number {
    const passedMs = clock.now() - closedAtMs;
    return passedMs < 0 ? 0 : Math.max(0, closedForMs - passedMs);
  }

  async function waitUntilOpen(signal: AbortSignal | undefined): Promise<void> {
    // Somebody else's throttle may have closed it again meanwhile.
    while (leftMs() > 0 && signal?.aborted !== true) {
      await clock.sleep(leftMs() + closedForMs * JITTER * random.fraction(), signal);
    }
  }

  function close(): void {
    if (leftMs() > 0) return;
    closedAtMs = clock.now();
    closedForMs = delayMs;
    delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
  }

  return {
    get isClosed() {
      return leftMs() > 0;
    },
    async run(call, signal) {
      for (let retries = 0; ; retries += 1) {
        await waitUntilOpen(signal);
        signal?.throwIfAborted();
        try {
          const result = await call();
          delayMs = FIRST_DELAY_MS;
          return result;
        } catch (error) {
          if (!(error instanceof RemoteApiError && error.isThrottle)) throw error;
          close();
          if (retries >= MAX_RETRIES) throw error;
        }
      }
    },
  };
}
