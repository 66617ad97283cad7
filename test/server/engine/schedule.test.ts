import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  LONGEST_SHIFT_MINUTES,
  scheduleOf,
  shiftMinutes,
  type TrafficRouting,
  weightAt,
} from '../../../src/server/engine/shifting/schedule.ts';

const canary = (canaryPercentage: number, canaryInterval: number): TrafficRouting => ({
  type: 'TimeBasedCanary',
  timeBasedCanary: { canaryPercentage, canaryInterval },
});
const linear = (linearPercentage: number, linearInterval: number): TrafficRouting => ({
  type: 'TimeBasedLinear',
  timeBasedLinear: { linearPercentage, linearInterval },
});

const percent = fc.integer({ min: 1, max: 99 });
const minutes = fc.integer({ min: 1, max: LONGEST_SHIFT_MINUTES });
const routings = fc.oneof(
  fc.constant<TrafficRouting>({ type: 'AllAtOnce' }),
  fc.tuple(percent, minutes).map(([p, m]) => canary(p, m)),
  fc
    .tuple(percent, minutes)
    .map(([p, m]) => linear(p, m))
    .filter((routing) => shiftMinutes(routing) <= LONGEST_SHIFT_MINUTES),
);
/** Also moments before the start, and long after the end. */
const moments = fc.integer({ min: -10, max: (LONGEST_SHIFT_MINUTES + 10) * 60_000 });
const START = 1_700_000_000_000;

describe('the schedule of a shift', () => {
  test.each([
    ['all at once', { type: 'AllAtOnce' } as TrafficRouting, [100], 0],
    ['a canary of 10% for 5 minutes', canary(10, 5), [10, 100], 5],
    ['10% every minute', linear(10, 1), [10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 9],
    ['30% every 2 minutes: the last part is smaller', linear(30, 2), [30, 60, 90, 100], 6],
    ['99% every minute', linear(99, 1), [99, 100], 1],
    ['33% every minute', linear(33, 1), [33, 66, 99, 100], 3],
  ])('the schedule of %s has these steps and this length', (_what, routing, steps, length) => {
    expect(scheduleOf(routing).steps).toEqual(steps);
    expect(shiftMinutes(routing)).toBe(length);
  });

  test('takes its first step at once, and each later one after its interval, to the millisecond', () => {
    const schedule = scheduleOf(linear(40, 3));
    const at = (afterMs: number) => weightAt(schedule, START, START + afterMs);
    expect(at(0)).toEqual({ percent: 40, nextChangeAtMs: START + 180_000 });
    expect(at(179_999)).toEqual({ percent: 40, nextChangeAtMs: START + 180_000 });
    expect(at(180_000)).toEqual({ percent: 80, nextChangeAtMs: START + 360_000 });
    expect(at(360_000)).toEqual({ percent: 100, nextChangeAtMs: null });
  });

  test('is not shortened by a shorter minute, but runs faster', () => {
    const schedule = scheduleOf(canary(10, 5), 100);
    expect(weightAt(schedule, START, START + 499)).toEqual({ percent: 10, nextChangeAtMs: START + 500 });
    expect(weightAt(schedule, START, START + 500)).toEqual({ percent: 100, nextChangeAtMs: null });
  });

  test('never falls, keeps between 1 and 100, and names a later moment until it is at its end', () => {
    fc.assert(
      fc.property(routings, moments, moments, (routing, one, other) => {
        const schedule = scheduleOf(routing);
        const [early, late] = [Math.min(one, other), Math.max(one, other)];
        const before = weightAt(schedule, START, START + early);
        const after = weightAt(schedule, START, START + late);
        expect(after.percent).toBeGreaterThanOrEqual(before.percent);
        for (const [at, weight] of [
          [early, before],
          [late, after],
        ] as const) {
          expect(weight.percent).toBeGreaterThanOrEqual(1);
          expect(weight.percent).toBeLessThanOrEqual(100);
          expect(weight.nextChangeAtMs === null).toBe(weight.percent === 100);
          if (weight.nextChangeAtMs !== null) expect(weight.nextChangeAtMs).toBeGreaterThan(START + at);
        }
      }),
    );
  });

  test('visits every step once, and ends at 100 when it says so, if one follows the moments that it names', () => {
    fc.assert(
      fc.property(routings, (routing) => {
        const schedule = scheduleOf(routing);
        const visited: number[] = [];
        let now: number | null = START;
        let ended = START;
        while (now !== null) {
          const weight = weightAt(schedule, START, now);
          visited.push(weight.percent);
          ended = now;
          now = weight.nextChangeAtMs;
        }
        expect(visited).toEqual(schedule.steps);
        expect(visited.at(-1)).toBe(100);
        expect(ended - START).toBe(shiftMinutes(routing) * 60_000);
      }),
    );
  });
});
