import { afterEach, expect, test, vi } from 'vitest';
import { createPace } from '../../src/agent/pace.ts';
import { poll } from '../../src/agent/poller.ts';
import { createRetryGate } from '../../src/agent/retry-gate.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import { steadyClock } from '../../src/system/clock.ts';

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
