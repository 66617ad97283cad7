import { writeFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { createPace } from '../../src/agent/pace.ts';
import { poll } from '../../src/agent/poller.ts';
import { createRetryGate } from '../../src/agent/retry-gate.ts';
import { withProcessLock } from '../../src/deployment/process-lock.ts';
import { SlipwayError } from '../../src/errors.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import { steadyClock, systemClock, timeLimit } from '../../src/system/clock.ts';
import { startTimeOf } from '../../src/system/processes.ts';
import { eventually } from '../support/eventually.ts';
import { scratchFolder } from '../support/scratch.ts';

const HOUR_MS = 3_600_000;
const NO_CHANCE = { fraction: () => 0 };

/** From now on the machine's clock is that much off. */
function setClock(byMs: number): void {
  const real = Date.now.bind(Date);
  vi.spyOn(Date, 'now').mockImplementation(() => real() + byMs);
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Polls until a third poll comes; the clock is set during the second, after which the agent pauses. */
async function pollThrice(byMs: number): Promise<void> {
  const stop = new AbortController();
  let polls = 0;
  await poll(
    {
      client: {
        isThrottled: false,
        async pollHostCommand() {
          polls += 1;
          if (polls === 2) setClock(byMs);
          if (polls === 3) stop.abort();
          return null;
        },
      },
      dispatcher: { accept: () => 'accepted', hasSlot: true, isBusy: false, slotFreed: async () => {} },
      pace: createPace(steadyClock),
      gate: createRetryGate(steadyClock, NO_CHANCE),
      ...{ hostIdentifier: 'arn:h', waitBetweenRunsMs: 20, waitBetweenRunsActiveMs: 20 },
      ...{ clock: steadyClock, random: NO_CHANCE, log: silentLogger, onAnswered: () => {} },
    },
    stop.signal,
  );
}

test.each([-HOUR_MS, HOUR_MS])('the steady clock goes on when the machine’s is set by %i ms', async (byMs) => {
  const before = steadyClock.now();
  setClock(byMs);
  await steadyClock.sleep(20);
  const passedMs = steadyClock.now() - before;
  expect(passedMs).toBeGreaterThan(10);
  expect(passedMs).toBeLessThan(60_000);
});

test.each([-HOUR_MS, HOUR_MS])(
  'the agent polls on when the machine’s clock is set by %i ms during a poll',
  async (byMs) => {
    await pollThrice(byMs);
  },
);

test('an outcome is sent again as soon as before when the machine’s clock is set back after a failure', async () => {
  const gate = createRetryGate(steadyClock, NO_CHANCE);
  let tries = 0;
  const answer = await gate.ask({
    ...{ operation: 'report', about: 'c-1', tries: Number.POSITIVE_INFINITY, isFinal: () => false },
    async ask() {
      tries += 1;
      if (tries > 1) return 'taken';
      throw new Error('away');
    },
    onFailed: () => setClock(-HOUR_MS),
  });
  expect(answer).toBe('taken');
});

test.each([-HOUR_MS, HOUR_MS])(
  'a time limit is over when its time has passed, though the machine’s clock is set by %i ms',
  async (byMs) => {
    using long = timeLimit(systemClock, 60_000);
    using short = timeLimit(systemClock, 50);
    setClock(byMs);
    await eventually(() => short.isOver());
    expect(long.isOver()).toBe(false);
  },
);

test('a time limit of nothing is over at once', () => {
  using limit = timeLimit(systemClock, 0);
  expect(limit.isOver()).toBe(true);
});

test.each([-HOUR_MS, HOUR_MS])(
  'a process that waits for a lock gives up in time when the machine’s clock is set by %i ms',
  async (byMs) => {
    using scratch = scratchFolder();
    const lockFile = scratch.at('lock');
    const busy = (holder: string) => new SlipwayError('DEPLOYMENT_INSTALL_BUSY', holder);
    const ctx = { clock: systemClock, log: { ...silentLogger, warn: () => setClock(byMs) } };
    writeFileSync(lockFile, `${process.ppid} ${startTimeOf(process.ppid)}`);
    const startedMs = performance.now();
    await expect(withProcessLock(ctx, { lockFile, waitMs: 300, busy }, async () => {})).rejects.toThrow('process');
    expect(performance.now() - startedMs).toBeGreaterThan(250);
  },
);
