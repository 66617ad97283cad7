import { describe, expect, test } from 'vitest';
import { createPace } from '../../src/agent/pace.ts';
import { poll } from '../../src/agent/poller.ts';
import { createRetryGate } from '../../src/agent/retry-gate.ts';
import { createLoopWatch, longestStepMs, tellWatchdog, watchdogIntervalMs } from '../../src/agent/watchdog.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import { RemoteApiError } from '../../src/protocol/errors.ts';
import { createThrottleGate } from '../../src/protocol/host-command/throttle-gate.ts';
import { manualClock } from '../support/clock.ts';

describe('the watch over the poll loop', () => {
  test('finds nothing overdue while the loop moves, rests, or has not begun', () => {
    let now = 1_000_000;
    const watch = createLoopWatch({ now: () => now }, 80_000);
    now += 86_400_000;
    expect(watch.overdueMs()).toBe(0);
    for (let step = 0; step < 5; step += 1) {
      watch.moved();
      // A poll that is held, answered late, and throttled on top.
      now += 80_000 + 5 * 60_000;
      expect(watch.overdueMs()).toBe(0);
    }
    watch.rests();
    now += 7_200_000;
    expect(watch.overdueMs()).toBe(0);
  });

  test('finds it overdue when a step takes longer than any of its limits', () => {
    let now = 0;
    const watch = createLoopWatch({ now: () => now }, 80_000);
    watch.moved();
    now += 80_000 + 10 * 60_000 + 5_000;
    expect(watch.overdueMs()).toBe(5_000);
    watch.moved();
    expect(watch.overdueMs()).toBe(0);
  });

  test.each([
    [{ httpReadTimeoutSeconds: 80, waitBetweenRunsSeconds: 30, waitBetweenRunsActiveSeconds: null }, 80_000],
    [{ httpReadTimeoutSeconds: 80, waitBetweenRunsSeconds: 900, waitBetweenRunsActiveSeconds: 1 }, 900_000],
    [{ httpReadTimeoutSeconds: 80, waitBetweenRunsSeconds: 30, waitBetweenRunsActiveSeconds: 3600 }, 3_600_000],
  ])('allows for the longest wait of %j', (config, expected) => {
    expect(longestStepMs(config)).toBe(expected);
  });

  test('finds nothing overdue while a service asks for a pause of five minutes again and again', async () => {
    const clock = manualClock();
    const watch = createLoopWatch(clock, 80_000);
    const random = { fraction: () => 1 };
    const throttle = createThrottleGate(clock, random);
    const stop = new AbortController();
    const polling = poll(
      {
        ...{ clock, random, watch, log: silentLogger, hostIdentifier: 'arn:h', onAnswered: () => {} },
        ...{ pace: createPace(clock), gate: createRetryGate(clock, random) },
        ...{ waitBetweenRunsMs: 1000, waitBetweenRunsActiveMs: 1000 },
        client: {
          isThrottled: true,
          pollHostCommand: (signal, _mayHold, onStep) =>
            throttle.run(
              async () => {
                throw new RemoteApiError({
                  ...{ type: 'ThrottlingException', message: 'Rate exceeded', status: 400, retryAfterMs: 300_000 },
                });
              },
              signal,
              onStep,
            ),
        },
        dispatcher: { hasSlot: true, isBusy: true, slotFreed: async () => {}, accept: () => 'accepted' },
      },
      stop.signal,
    );
    for (let wait = 0; wait < 14; wait += 1) {
      clock.advance(await clock.nextSleep());
      expect(watch.overdueMs()).toBe(0);
    }
    stop.abort();
    await polling;
  });
});

describe('systemd', () => {
  test.each([
    [{ WATCHDOG_USEC: '180000000' }, 180_000],
    [{ WATCHDOG_USEC: '180000000', WATCHDOG_PID: '42' }, 180_000],
    [{ WATCHDOG_USEC: '180000000', WATCHDOG_PID: '43' }, null],
    [{ WATCHDOG_USEC: '0' }, null],
    [{ WATCHDOG_USEC: 'soon' }, null],
    [{}, null],
  ])('systemd that sets %j watches every %s ms', (env, expected) => {
    expect(watchdogIntervalMs(env, 42)).toBe(expected);
  });

  /** Words that systemd hears and the log has, a third of an interval a step; `move` says before which steps the loop moves. */
  async function toldOver(steps: number, move: (step: number) => boolean) {
    const clock = manualClock();
    const watch = createLoopWatch(clock, 0);
    const stop = new AbortController();
    const heard: number[] = [];
    const said: string[] = [];
    const beganMs = clock.now();
    watch.moved();
    const telling = tellWatchdog(
      {
        ...{ watch, clock, pid: 42, env: { WATCHDOG_USEC: '180000000' } },
        log: { error: (message) => said.push(message), warn: (message) => said.push(message) },
        notify: async () => void heard.push((clock.now() - beganMs) / 60_000),
      },
      stop.signal,
    );
    for (let step = 1; step <= steps; step += 1) {
      expect(await clock.nextSleep()).toBe(60_000);
      if (move(step)) watch.moved();
      clock.advance(60_000);
    }
    await clock.nextSleep();
    stop.abort();
    clock.advance(60_000);
    await telling;
    return { heard, said };
  }

  const STUCK = 'the poll loop is stuck; systemd is left to start the agent anew';

  test('hears three times in each interval until the loop is stuck, and then the log says once why no more', async () => {
    const { heard, said } = await toldOver(20, () => false);
    expect(heard).toEqual(Array.from({ length: 11 }, (_, at) => at));
    expect(said).toEqual([STUCK]);
  });

  test('is notified again when a slow loop goes on, and a second standstill is logged, too', async () => {
    const { heard, said } = await toldOver(30, (step) => step === 14);
    // The loop is overdue from the eleventh minute on; it moves in the thirteenth, and is overdue again ten minutes later.
    expect(heard).toEqual([
      ...Array.from({ length: 11 }, (_, at) => at),
      ...Array.from({ length: 10 }, (_, at) => at + 14),
    ]);
    expect(said).toEqual([STUCK, 'the poll loop moves again; systemd is told so', STUCK]);
  });
});
