import { setTimeout as delay } from 'node:timers/promises';

/** Time as the rest of the code sees it, so that a test can be the clock. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds, or early, without an error, when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Time for pauses and deadlines alone: it goes on evenly when somebody, or a time service, sets the clock of the machine. With the system's,
 * a clock that is set back by an hour makes a pause of a second an hour long. What it says is no time of day.
 */
export const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  sleep: (ms, signal) => systemClock.sleep(ms, signal),
};

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  },
};
