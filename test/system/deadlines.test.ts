import { expect, test } from 'vitest';
import { createDeadlines } from '../../src/system/deadlines.ts';
import { manualClock } from '../support/clock.ts';

const START_MS = 1_000_000;

function ground() {
  const clock = manualClock(START_MS);
  const deadlines = createDeadlines(clock);
  const endedAfterMs = new Map<string, number>();
  const waitingCalled = (name: string) => ({ end: () => void endedAfterMs.set(name, clock.now() - START_MS) });
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100);
      await Promise.resolve();
    }
  };
  return { clock, deadlines, endedAfterMs, waitingCalled, pass };
}

test('each deadline ends at its time or less than a second later, and never before', async () => {
  const { deadlines, endedAfterMs, waitingCalled, pass } = ground();
  const timesMs = [0, 1, 999, 1_000, 1_001, 2_500, 54_999, 55_000];
  for (const ms of timesMs) deadlines.add(START_MS + ms, waitingCalled(String(ms)));
  await pass(60_000);
  for (const ms of timesMs) {
    const lateMs = (endedAfterMs.get(String(ms)) ?? Number.NaN) - ms;
    expect(lateMs).toBeGreaterThanOrEqual(0);
    // The clock of this test goes on by 100 ms.
    expect(lateMs).toBeLessThan(1_100);
  }
});

test('a deadline that is removed does not end, while others of the same second do', async () => {
  const { deadlines, endedAfterMs, waitingCalled, pass } = ground();
  const [gone, other] = [waitingCalled('gone'), waitingCalled('other')];
  deadlines.add(START_MS + 1_200, gone);
  deadlines.add(START_MS + 1_700, other);
  deadlines.remove(START_MS + 1_200, gone);
  await pass(5_000);
  expect([...endedAfterMs.keys()]).toEqual(['other']);
});

test('nothing sleeps any more when the last deadline is removed, and a second can be waited for again', async () => {
  const { clock, deadlines, endedAfterMs, waitingCalled, pass } = ground();
  const waiting = waitingCalled('again');
  deadlines.add(START_MS + 3_000, waiting);
  deadlines.remove(START_MS + 3_000, waiting);
  expect(clock.untilNextMs()).toBeNull();
  deadlines.remove(START_MS + 3_000, waiting);
  deadlines.add(START_MS + 3_000, waiting);
  await pass(5_000);
  expect(endedAfterMs.get('again')).toBe(3_000);
});
