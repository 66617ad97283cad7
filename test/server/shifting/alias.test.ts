/** Properties of traffic that moves to a new version of a function, whatever happens to the server and to its calls. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scheduleOf, type TrafficRouting } from '../../../src/server/engine/shifting/schedule.ts';
import { NOT_SHIFTED, nextStep, type ShiftProgress } from '../../../src/server/engine/shifting/steps.ts';
import { SimulatedAlias, type Trouble } from '../../support/simulated-alias.ts';

const MINUTE_MS = 60_000;
const TROUBLES: readonly Trouble[] = [
  ...(['none', 'killed before', 'killed after', 'killed late', 'late', 'throttled', 'lost answer'] as const),
];

const routings: fc.Arbitrary<TrafficRouting> = fc.oneof(
  fc.constant({ type: 'AllAtOnce' as const }),
  fc.record({
    type: fc.constant('TimeBasedCanary' as const),
    timeBasedCanary: fc.record({ canaryPercentage: fc.integer({ min: 1, max: 99 }), canaryInterval: fc.constant(5) }),
  }),
  fc.record({
    type: fc.constant('TimeBasedLinear' as const),
    timeBasedLinear: fc.record({ linearPercentage: fc.integer({ min: 5, max: 99 }), linearInterval: fc.constant(1) }),
  }),
);

type Happening =
  | { readonly is: 'look'; readonly trouble: Trouble }
  | { readonly is: 'wait'; readonly ms: number }
  | { readonly is: 'deliver' }
  | { readonly is: 'stop'; readonly withRollback: boolean };

const happenings: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ is: fc.constant('look' as const), trouble: fc.constantFrom(...TROUBLES) }) },
  {
    weight: 4,
    arbitrary: fc.record({ is: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 7 * MINUTE_MS }) }),
  },
  { weight: 2, arbitrary: fc.constant({ is: 'deliver' as const }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('stop' as const), withRollback: fc.boolean() }) },
);

async function happen(alias: SimulatedAlias, happening: Happening): Promise<void> {
  switch (happening.is) {
    case 'look':
      return alias.look(happening.trouble);
    case 'wait':
      alias.nowMs += happening.ms;
      return;
    case 'deliver':
      return alias.deliver();
    case 'stop':
      alias.stop ??= { withRollback: happening.withRollback };
  }
}

/** Nothing goes wrong any more. */
async function toTheEnd(alias: SimulatedAlias): Promise<void> {
  for (let looks = 0; looks < 300 && alias.ending === null; looks += 1) {
    await alias.look('none');
    alias.nowMs += MINUTE_MS;
  }
  expect(alias.ending).not.toBeNull();
}

describe('traffic of an alias', () => {
  test('ends at the old or at the new version, never divided, unless a stop without a rollback leaves it so', async () => {
    await fc.assert(
      fc.asyncProperty(routings, fc.array(happenings, { maxLength: 40 }), async (routing, all) => {
        const schedule = scheduleOf(routing);
        const alias = new SimulatedAlias(schedule);
        for (const happening of all) await happen(alias, happening);
        await toTheEnd(alias);
        const { ending } = alias;
        const isLeft = alias.stop?.withRollback === false && ending?.ending === 'Failed';
        if (isLeft) {
          const before = alias.percent;
          alias.deliver();
          // What was said of it stays true.
          expect(alias.percent).toBe(before);
          return;
        }
        if (ending?.ending === 'Succeeded') expect(alias.percent).toBe(100);
        else if (alias.stop === null) expect(alias.percent).toBe(0);
        else {
          alias.beginRollback();
          await toTheEnd(alias);
          expect(alias.ending).toMatchObject({ ending: 'Succeeded' });
          expect(alias.percent).toBe(0);
        }
        const before = alias.percent;
        alias.deliver();
        expect(alias.percent).toBe(before);
      }),
      { numRuns: 300 },
    );
  });

  test('is at the old version for good after five minutes without an answer, also when the first update arrives later', async () => {
    const alias = new SimulatedAlias({ steps: [10, 100], intervalMs: MINUTE_MS });
    for (let looks = 0; looks < 6; looks += 1) {
      await alias.look('late');
      alias.nowMs += 2 * MINUTE_MS;
    }
    await toTheEnd(alias);
    alias.deliver();
    expect(alias.ending).toMatchObject({ ending: 'Failed', message: expect.stringContaining('back at version 1') });
    expect(alias.percent).toBe(0);
  });

  test('never falls on its way forward, leaves out no step, and each step lasts nine tenths of its interval at least', async () => {
    await fc.assert(
      fc.asyncProperty(routings, fc.array(happenings, { maxLength: 40 }), async (routing, all) => {
        const schedule = scheduleOf(routing);
        const alias = new SimulatedAlias(schedule);
        for (const happening of all) if (happening.is !== 'stop') await happen(alias, happening);
        await toTheEnd(alias);
        const changes = alias.history.filter(({ percent }, at) => percent !== alias.history[at - 1]?.percent);
        const back = changes.findIndex(({ percent }) => percent === 0);
        const forth = back < 0 ? changes : changes.slice(0, back);
        expect(forth.map(({ percent }) => percent)).toEqual(schedule.steps.slice(0, forth.length));
        for (const [at, { atMs }] of forth.entries()) {
          const before = forth[at - 1];
          // An update that arrives late was due before.
          if (before === undefined || all.some(({ is }) => is === 'deliver')) continue;
          expect(atMs - before.atMs).toBeGreaterThanOrEqual(schedule.intervalMs * 0.9);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('steps of a schedule', () => {
  const linear = { steps: [25, 50, 75, 100], intervalMs: 1_000 };

  /** Takes each step a delay after it is due. @returns the times */
  function timesWith(delays: readonly number[]): number[] {
    let progress: ShiftProgress = NOT_SHIFTED;
    let nowMs = 0;
    const times: number[] = [];
    for (const delay of delays) {
      const next = nextStep(linear, progress, nowMs);
      if (next.is === 'later') nowMs = next.atMs;
      nowMs += delay;
      const due = nextStep(linear, progress, nowMs);
      if (due.is !== 'due') throw new Error(`the step is ${due.is}`);
      progress = due.after;
      times.push(nowMs);
    }
    return times;
  }

  test('keep their times when each is a little late', () => {
    expect(timesWith([0, 50, 50, 50])).toEqual([0, 1_050, 2_050, 3_050]);
  });

  test('move by the delay of one that is very late, so that none is rushed through', () => {
    expect(timesWith([0, 5_000, 0, 0])).toEqual([0, 6_000, 7_000, 8_000]);
  });

  test.each([1, 500, 36_000_000])('come within an interval after the clock was set back by %i ms', (backMs) => {
    const taken = nextStep(linear, NOT_SHIFTED, 100_000_000);
    if (taken.is !== 'due') throw new Error(`the step is ${taken.is}`);
    let [progress, nowMs] = [taken.after, 100_000_000 - backMs];
    for (let at = 1; at <= 4; at += 1) {
      const next = nextStep(linear, progress, nowMs);
      if (next.is !== 'later') throw new Error(`the step is ${next.is}`);
      // The order is looked at several times before the step is due.
      progress = next.until;
      nowMs += 250;
    }
    expect(nextStep(linear, progress, nowMs)).toMatchObject({ is: 'due', percent: 50 });
  });
});
