import { type Clock, systemClock } from '../../src/system/clock.ts';

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time on and wakes every sleeper whose time has come. */
  advance(ms: number): void;
  /** After how many ms the next sleeper's time comes; null: nobody sleeps. */
  untilNextMs(): number | null;
  /** The length in ms of the next sleep that somebody begins (or has begun and nobody has asked about). */
  nextSleep(): Promise<number>;
}

export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs;
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();
  const begun: number[] = [];
  const watchers: ((ms: number) => void)[] = [];

  return {
    now: () => nowMs,
    sleep(ms, signal) {
      if (signal?.aborted === true) return Promise.resolve();
      const watcher = watchers.shift();
      if (watcher === undefined) begun.push(ms);
      else watcher(ms);
      return new Promise((resolve) => {
        const sleeper = {
          untilMs: nowMs + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        signal?.addEventListener('abort', sleeper.wake);
        sleepers.add(sleeper);
      });
    },
    advance(ms) {
      nowMs += ms;
      for (const sleeper of [...sleepers]) if (sleeper.untilMs <= nowMs) sleeper.wake();
    },
    untilNextMs() {
      const soonestMs = Math.min(...[...sleepers].map(({ untilMs }) => untilMs));
      return Number.isFinite(soonestMs) ? Math.max(0, soonestMs - nowMs) : null;
    },
    nextSleep() {
      const ms = begun.shift();
      return ms === undefined ? new Promise((resolve) => watchers.push(resolve)) : Promise.resolve(ms);
    },
  };
}

/** Lets so much time pass, sleeper after sleeper, and what each of them begins settle before the next one wakes. */
export async function passTime(clock: ManualClock, ms: number, settled: () => Promise<void>): Promise<void> {
  const untilMs = clock.now() + ms;
  for (;;) {
    await settled();
    const nextMs = clock.untilNextMs();
    if (nextMs === null || clock.now() + nextMs > untilMs) break;
    clock.advance(nextMs);
  }
  clock.advance(untilMs - clock.now());
}

/** The system's clock, which a test can set on: sleeps last as long as ever, and what is due by the clock comes at once. */
export interface LeapingClock extends Clock {
  leap(ms: number): void;
}

export function leapingClock(): LeapingClock {
  let aheadMs = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + aheadMs,
    leap(ms) {
      aheadMs += ms;
    },
  };
}
