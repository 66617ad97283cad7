import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { RemoteApiError } from '../errors.ts';

/**
 * One gate for all calls of a client to a service that throttles.
 *
 * Open → a throttle closes it for a delay → calls wait until the delay is over → open again. The wait is longer by up to a random quarter,
 * so that a fleet does not come back all at once. The next throttle doubles the delay, a success resets it. A throttle while it is closed
 * neither extends nor escalates the delay: calls that were under way when it closed say nothing new. After a throttle one call goes first,
 * and the others when it has been answered. A service that asks for a longer pause gets it, up to five minutes.
 */
export interface ThrottleGate {
  readonly isClosed: boolean;
  /**
   * Runs a call, again after a throttle, at most `MAX_RETRIES` times more; other errors pass through.
   *
   * @param onStep told before each wait and each call
   */
  run<T>(call: () => Promise<T>, signal?: AbortSignal, onStep?: () => void): Promise<T>;
}

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;
const MAX_RETRIES = 5;
const JITTER = 0.25;
const LONGEST_ASKED_MS = 5 * 60_000;
const FIRST_WAITED_FOR_MS = 1_000;

/** @see the official agent 2.x, `throttle_gate.rs`, for the numbers */
export function createThrottleGate(clock: Clock, random: Pick<Random, 'fraction'>): ThrottleGate {
  let delayMs = FIRST_DELAY_MS;
  let closedAtMs = 0;
  let closedForMs = 0;
  let isThrottling = false;
  let first: Promise<void> | null = null;

  /** 0 when open. A clock that was set back behind the moment of closing opens the gate: nobody waits for it to catch up. */
  function leftMs(): number {
    const passedMs = clock.now() - closedAtMs;
    return passedMs < 0 ? 0 : Math.max(0, closedForMs - passedMs);
  }

  /** Waits for the end of the first call, but not for long: after a long one, such as a held poll, the next one goes. */
  async function firstEnded(signal: AbortSignal | undefined): Promise<void> {
    const before = first;
    const over = new AbortController();
    const stop = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
    await Promise.race([before, clock.sleep(FIRST_WAITED_FOR_MS, stop)]);
    over.abort();
    if (first === before) first = null;
  }

  /** @returns what to call when the call has ended */
  async function passed(signal: AbortSignal | undefined, onStep: () => void): Promise<() => void> {
    const isHeld = () => leftMs() > 0 || (isThrottling && first !== null);
    // Somebody else's throttle may have closed it again meanwhile.
    while (isHeld() && signal?.aborted !== true) {
      const ms = leftMs();
      onStep();
      if (ms > 0) await clock.sleep(ms + closedForMs * JITTER * random.fraction(), signal);
      else await firstEnded(signal);
    }
    if (!isThrottling) return () => undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    first = promise;
    return () => {
      if (first === promise) first = null;
      resolve();
    };
  }

  function close(askedMs: number): void {
    isThrottling = true;
    if (leftMs() > 0) return;
    closedAtMs = clock.now();
    closedForMs = Math.max(delayMs, Math.min(askedMs, LONGEST_ASKED_MS));
    delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
  }

  return {
    get isClosed() {
      return leftMs() > 0;
    },
    async run(call, signal, onStep = () => undefined) {
      for (let retries = 0; ; retries += 1) {
        const end = await passed(signal, onStep);
        try {
          signal?.throwIfAborted();
          onStep();
          const result = await call();
          delayMs = FIRST_DELAY_MS;
          isThrottling = false;
          return result;
        } catch (error) {
          if (!(error instanceof RemoteApiError && error.isThrottle)) throw error;
          close(error.retryAfterMs ?? 0);
          if (retries >= MAX_RETRIES) throw error;
        } finally {
          end();
        }
      }
    },
  };
}
