import { setTimeout as delay } from 'node:timers/promises';

/** Time as the rest of the code sees it, so that a test can be the clock. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds, or early, without an error, when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Time for pauses and deadlines alone: it goes on evenly when somebody, or a time service, sets the clock of the machine. With the
 * system's, a clock that is set back by an hour makes a pause of a second an hour long. Its values are no time of day.
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

/** A time that may pass, measured by waiting for it: it is no longer when somebody sets the clock of the machine. */
export interface TimeLimit extends Disposable {
  isOver(): boolean;
}

/** @param ms at 0 it is over at once */
export function timeLimit(clock: Pick<Clock, 'sleep'>, ms: number): TimeLimit {
  const ended = new AbortController();
  let isOver = ms <= 0;
  if (!isOver) {
    void clock.sleep(ms, ended.signal).then(() => {
      isOver = true;
    });
  }
  return { isOver: () => isOver, [Symbol.dispose]: () => ended.abort() };
}
