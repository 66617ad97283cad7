import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../../src/server/engine/shifting/schedule.ts';
import { type Place, type Route, sharesOf } from '../../../src/server/outside/aws/forwarding.ts';
import { backward, forward, NO_SHARE, type TrafficShare } from '../../../src/server/work/service-traffic.ts';

const PAIR = { blue: 'arn:blue', green: 'arn:green' };
const MINUTE_MS = 60_000;

const schedules = fc.oneof(
  fc.constant<Schedule>({ steps: [100], intervalMs: 0 }),
  fc.integer({ min: 1, max: 99 }).map((first): Schedule => ({ steps: [first, 100], intervalMs: MINUTE_MS })),
  fc.integer({ min: 5, max: 60 }).map((part): Schedule => {
    const steps = Array.from({ length: Math.ceil(100 / part) }, (_, index) => Math.min(100, (index + 1) * part));
    return { steps, intervalMs: MINUTE_MS };
  }),
);

/** A balancer with some places, all at blue, as Install leaves them. */
class Balancer {
  readonly written = new Map<string, Place>();
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  route(): Route {
    const places = Array.from({ length: this.#count }, (_, index): Place => {
      const arn = `arn:${index}`;
      const untouched = { arn, kind: index === 0 ? 'listener' : 'rule', actions: [this.#atBlue()] } as const;
      return this.written.get(arn) ?? untouched;
    });
    return { listenerArn: 'arn:0', hasWeights: true, places };
  }

  shares(): readonly number[] {
    return sharesOf(this.route(), PAIR).map(({ green }) => green);
  }

  #atBlue() {
    const TargetGroups = [
      { TargetGroupArn: PAIR.blue, Weight: 100 },
      { TargetGroupArn: PAIR.green, Weight: 0 },
    ];
    return { Type: 'forward', ForwardConfig: { TargetGroups } } as const;
  }
}

/** Happenings at one look: how much time passes, and after how many writes the server is killed. */
const looks = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 3 * MINUTE_MS }), killedAfter: fc.option(fc.nat(4), { nil: null }) }),
  { maxLength: 40 },
);

/** One look of an order, as the worker makes it: memory first, then the writes, then the report. */
function look(
  balancer: Balancer,
  memory: TrafficShare,
  schedule: Schedule,
  { nowMs, killedAfter }: { readonly nowMs: number; readonly killedAfter: number | null },
): { readonly memory: TrafficShare; readonly is: string } {
  const step = forward(memory, { route: balancer.route(), pair: PAIR, schedule, isFirst: false, nowMs });
  if (step.is === 'foreign') return { memory, is: 'foreign' };
  if (step.is !== 'write') return { memory: step.memory, is: step.is };
  for (const [index, place] of step.changes.entries()) {
    // The memory was written down before the first call.
    if (killedAfter === index) return { memory: step.memory, is: 'killed' };
    balancer.written.set(place.arn, place);
  }
  return { memory: step.memory, is: 'written' };
}

/** Looks without a kill until nothing is left to do. */
function toTheEnd(balancer: Balancer, before: TrafficShare, schedule: Schedule, fromMs: number): string {
  let memory = before;
  for (let nowMs = fromMs, turn = 0; turn < 400; turn += 1) {
    const result = look(balancer, memory, schedule, { nowMs, killedAfter: null });
    memory = result.memory;
    if (result.is === 'done' || result.is === 'foreign') return result.is;
    if (result.is === 'wait') nowMs += MINUTE_MS;
  }
  return 'never';
}

describe('production traffic on its way to green', () => {
  test('never falls, has a share of the schedule at every place, and ends at 100%, whenever the server is killed', () => {
    fc.assert(
      fc.property(schedules, fc.integer({ min: 1, max: 4 }), looks, (schedule, count, events) => {
        const balancer = new Balancer(count);
        let memory = NO_SHARE;
        let nowMs = 1_700_000_000_000;
        let before = balancer.shares();
        for (const { afterMs, killedAfter } of events) {
          nowMs += afterMs;
          const result = look(balancer, memory, schedule, { nowMs, killedAfter });
          expect(result.is).not.toBe('foreign');
          memory = result.memory;
          const after = balancer.shares();
          for (const [index, share] of after.entries()) {
            expect(share).toBeGreaterThanOrEqual(before[index] ?? 0);
            expect([0, ...schedule.steps]).toContain(share);
          }
          // All places are at one step, or between two that follow each other.
          const places = new Set(after.map((share) => [0, ...schedule.steps].indexOf(share)));
          expect(Math.max(...places) - Math.min(...places)).toBeLessThanOrEqual(1);
          before = after;
        }
        expect(toTheEnd(balancer, memory, schedule, nowMs)).toBe('done');
        expect(new Set(balancer.shares())).toEqual(new Set([100]));
      }),
    );
  });

  test('stays at each step for its interval, whenever the server is killed and however late it comes back', () => {
    fc.assert(
      fc.property(schedules, fc.integer({ min: 1, max: 4 }), looks, (schedule, count, events) => {
        const balancer = new Balancer(count);
        let memory = NO_SHARE;
        let nowMs = 1_700_000_000_000;
        let reached = { share: 0, atMs: 0 };
        for (const { afterMs, killedAfter } of events) {
          nowMs += afterMs;
          const most = Math.max(...balancer.shares());
          memory = look(balancer, memory, schedule, { nowMs, killedAfter }).memory;
          const hasMovedOn = most > 0 && Math.max(...balancer.shares()) > most;
          // A step may be late by a tenth, and the later ones keep their times.
          if (hasMovedOn) expect(nowMs - reached.atMs).toBeGreaterThanOrEqual(schedule.intervalMs * 0.9);
          const least = Math.min(...balancer.shares());
          if (least > reached.share) reached = { share: least, atMs: nowMs };
        }
      }),
    );
  });

  test('is not taken as moved once the listener forwards to neither target group', () => {
    const balancer = new Balancer(1);
    const schedule: Schedule = { steps: [10, 100], intervalMs: MINUTE_MS };
    const actions = [{ Type: 'fixed-response' as const, FixedResponseConfig: { StatusCode: '503' } }];
    balancer.written.set('arn:0', { arn: 'arn:0', kind: 'listener', actions });
    const situation = { route: balancer.route(), pair: PAIR, schedule, nowMs: 0 };
    for (const isFirst of [true, false]) {
      expect(forward(NO_SHARE, { ...situation, isFirst })).toMatchObject({
        is: 'foreign',
        changes: [{ arn: 'arn:0' }],
      });
    }
  });

  test('goes back to blue as a whole from wherever it is', () => {
    fc.assert(
      fc.property(schedules, fc.integer({ min: 1, max: 4 }), looks, (schedule, count, events) => {
        const balancer = new Balancer(count);
        let memory = NO_SHARE;
        let nowMs = 1_700_000_000_000;
        for (const { afterMs, killedAfter } of events) {
          nowMs += afterMs;
          memory = look(balancer, memory, schedule, { nowMs, killedAfter }).memory;
        }
        for (const place of backward(memory, balancer.route(), PAIR)) balancer.written.set(place.arn, place);
        expect(new Set(balancer.shares())).toEqual(new Set([0]));
        expect(backward(memory, balancer.route(), PAIR)).toEqual([]);
      }),
    );
  });

  test('stops when somebody else changes a place, and leaves that place alone on the way back', () => {
    const balancer = new Balancer(3);
    const schedule: Schedule = { steps: [10, 100], intervalMs: MINUTE_MS };
    const first = look(balancer, NO_SHARE, schedule, { nowMs: 0, killedAfter: null });
    const actions = [{ Type: 'forward' as const, TargetGroupArn: PAIR.green }];
    balancer.written.set('arn:1', { arn: 'arn:1', kind: 'rule', actions });
    const step = forward(first.memory, { route: balancer.route(), pair: PAIR, schedule, isFirst: false, nowMs: 1_000 });
    expect(step).toMatchObject({ is: 'foreign', changes: [{ arn: 'arn:1' }] });
    const back = backward({ ...first.memory, foreign: ['arn:1'] }, balancer.route(), PAIR);
    expect(back.map(({ arn }) => arn)).toEqual(['arn:0', 'arn:2']);
  });

  test('production traffic of the first task set of a service begins wherever the listener is', () => {
    const balancer = new Balancer(1);
    const actions = [{ Type: 'forward' as const, TargetGroupArn: PAIR.green }];
    balancer.written.set('arn:0', { arn: 'arn:0', kind: 'listener', actions });
    const schedule: Schedule = { steps: [100], intervalMs: 0 };
    const step = forward(NO_SHARE, { route: balancer.route(), pair: PAIR, schedule, isFirst: true, nowMs: 0 });
    expect(step).toMatchObject({ is: 'write', percent: 100, changes: [{ arn: 'arn:0' }] });
  });

  test('gives a rule that has come meanwhile its share before the end', () => {
    const schedule: Schedule = { steps: [100], intervalMs: 0 };
    const balancer = new Balancer(1);
    const written = look(balancer, NO_SHARE, schedule, { nowMs: 0, killedAfter: null });
    const more = new Balancer(2);
    for (const [arn, place] of balancer.written) more.written.set(arn, place);
    expect(toTheEnd(more, written.memory, schedule, 1)).toBe('done');
    expect(more.shares()).toEqual([100, 100]);
  });
});
