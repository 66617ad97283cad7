/** Deployments to ECS that exist in memory alone: every order of answers, stops and waits must keep the rules. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventsOfLabel } from '../../../src/server/engine/course.ts';
import { decideShift } from '../../../src/server/engine/shifting/decide.ts';
import type { ServicePlan } from '../../../src/server/engine/shifting/service-plan.ts';
import type { Action, DeploymentSnapshot, EventSnapshot, ShiftSnapshot } from '../../../src/server/engine/snapshot.ts';

const MINUTE_MS = 60_000;
const EVENTS = eventsOfLabel('ecs', 'all').map(({ name }) => name);
const PRODUCTION = EVENTS.slice(EVENTS.indexOf('BeforeAllowTraffic'));

interface Plan {
  readonly readyWaitMs: number | null;
  readonly terminationWaitMs: number | null;
  readonly blueId: string | null;
}
const waitMs = fc.option(
  fc.integer({ min: 0, max: 5 }).map((minutes) => minutes * MINUTE_MS),
  { nil: null },
);
const plans: fc.Arbitrary<Plan> = fc.record({
  readyWaitMs: waitMs.map((ms) => (ms === 0 ? MINUTE_MS : ms)),
  terminationWaitMs: waitMs,
  blueId: fc.constantFrom(null, 'ecs-svc/1'),
});
const happenings = fc.array(
  fc.oneof(
    fc.constant({ what: 'succeed' } as const),
    fc.constant({ what: 'succeed' } as const),
    fc.constant({ what: 'fail' } as const),
    fc.constant({ what: 'continue' } as const),
    fc.constant({ what: 'skip' } as const),
    fc.constant({ what: 'stop' } as const),
    fc.record({ what: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2 * MINUTE_MS }) }),
  ),
  { maxLength: 60 },
);

/** A deployment as its rows have it. */
class Simulation {
  readonly #plan: Plan;
  nowMs = 1_700_000_000_000;
  #events: EventSnapshot[] = EVENTS.map((name, position) => ({
    ...{ position, name, status: 'Pending', readyAtMs: null, startedAtMs: null },
  }));
  #waits: ShiftSnapshot['waits'] = {
    ...{ isReady: false, readyAtMs: null, continuedAtMs: null, terminationWaitAtMs: null, waitSkippedAtMs: null },
    orders: [],
  };
  #stopRequestedAtMs: number | null = null;
  ending: Extract<Action, { action: 'finish' }> | null = null;
  readonly given: string[] = [];

  constructor(plan: Plan) {
    this.#plan = plan;
    this.step();
  }

  get hasContinued(): boolean {
    return this.#waits.continuedAtMs !== null;
  }

  get readyAtMs(): number | null {
    return this.#waits.readyAtMs;
  }

  get terminationWaitAtMs(): number | null {
    return this.#waits.terminationWaitAtMs;
  }

  get hasSkipped(): boolean {
    return this.#waits.waitSkippedAtMs !== null;
  }

  isOver(names: readonly string[]): boolean {
    return this.#events.every(({ name, status }) => !names.includes(name) || status === 'Succeeded');
  }

  happen(one: { readonly what: string; readonly ms?: number }): void {
    if (this.ending !== null) return;
    const { what } = one;
    if (what === 'pass') this.nowMs += one.ms ?? 0;
    if (what === 'succeed' || what === 'fail') this.#end(what === 'succeed' ? 'Succeeded' : 'Failed');
    if (what === 'continue' && this.#waits.isReady) this.#waits = { ...this.#waits, continuedAtMs: this.nowMs };
    if (what === 'skip' && this.#waits.terminationWaitAtMs !== null) {
      this.#waits = { ...this.#waits, waitSkippedAtMs: this.nowMs };
    }
    if (what === 'stop') this.#stopRequestedAtMs ??= this.nowMs;
    this.step();
  }

  #end(status: 'Succeeded' | 'Failed'): void {
    const [order] = this.#waits.orders;
    const running = this.#events.find((event) => event.status === 'InProgress');
    if (running !== undefined)
      this.#events = this.#events.map((event) => (event === running ? { ...event, status } : event));
    else if (order !== undefined) this.#waits = { ...this.#waits, orders: [{ ...order, outcome: status }] };
  }

  step(): void {
    for (const action of decideShift(this.#snapshot(), this.#shift(), this.nowMs)) this.#apply(action);
  }

  #apply(action: Action): void {
    switch (action.action) {
      case 'give-order':
        this.given.push(action.event);
        this.#set(action.position, { status: 'InProgress', startedAtMs: this.nowMs });
        break;
      case 'pass-event':
        this.#set(action.position, { status: 'Succeeded' });
        break;
      case 'fail-event':
        this.#set(action.position, { status: 'Failed' });
        break;
      case 'begin-wait':
        this.#waits = {
          ...this.#waits,
          ...(action.wait === 'ready' ? { readyAtMs: this.nowMs } : { terminationWaitAtMs: this.nowMs }),
        };
        break;
      case 'set-status':
        this.#waits = { ...this.#waits, isReady: action.status === 'Ready' };
        break;
      case 'give-deployment-order': {
        this.given.push(action.kind);
        const order = {
          kind: action.kind,
          subjectId: action.subjectId,
          givenAtMs: this.nowMs,
          outcome: null,
          message: '',
        };
        this.#waits = { ...this.#waits, orders: [order] };
        break;
      }
      case 'finish':
        this.ending = action;
        break;
      default:
    }
  }

  #set(position: number, changes: Partial<EventSnapshot>): void {
    this.#events = this.#events.map((event) => (event.position === position ? { ...event, ...changes } : event));
  }

  #shift(): ShiftSnapshot {
    const { readyWaitMs, terminationWaitMs, blueId } = this.#plan;
    const service = { readyWaitMs, terminationWaitMs, testListener: null } as unknown as ServicePlan;
    const details = { blueId };
    const prepared = { appSpec: { hooks: {} }, target: { details } } as never;
    return {
      plan: { platform: 'ECS', schedule: { steps: [100], intervalMs: 0 }, service, prepared },
      ...{ isRolledBackWhenStopped: false, failure: 'ECS_UPDATE_ERROR: no', waits: this.#waits },
    };
  }

  #snapshot(): DeploymentSnapshot {
    const target = { instanceId: 'arn', status: 'InProgress', events: this.#events } as never;
    return {
      ...{ createdAtMs: 1_700_000_000_000, stopRequestedAtMs: this.#stopRequestedAtMs, stoppedByAlarm: null },
      targets: [target],
    } as unknown as DeploymentSnapshot;
  }
}

describe('a deployment to ECS', () => {
  test('waits before production and before the old task set is deleted, and does each thing once, whatever happens when', () => {
    fc.assert(
      fc.property(plans, happenings, (plan, list) => {
        const one = new Simulation(plan);
        for (const happening of list) {
          const before = one.given.length;
          one.happen(happening);
          for (const kind of one.given.slice(before)) {
            if (kind === 'ECSAllowTraffic') expect(plan.readyWaitMs === null || one.hasContinued).toBe(true);
            if (kind !== 'TerminateTaskSet') continue;
            expect(one.isOver(EVENTS)).toBe(true);
            expect(plan.blueId).not.toBeNull();
            const waitedMs = one.nowMs - (one.terminationWaitAtMs ?? one.nowMs);
            expect(waitedMs >= (plan.terminationWaitMs ?? 0) || one.hasSkipped).toBe(true);
          }
          expect(new Set(one.given).size).toBe(one.given.length);
          if (one.ending?.status === 'Succeeded') expect(one.isOver(PRODUCTION)).toBe(true);
        }
      }),
    );
  });

  test('always comes to an end once its orders and its waits do', () => {
    fc.assert(
      fc.property(plans, happenings, (plan, list) => {
        const one = new Simulation(plan);
        for (const happening of list) one.happen(happening);
        for (let turn = 0; turn < 40 && one.ending === null; turn += 1) {
          one.happen({ what: 'succeed' });
          one.happen({ what: 'pass', ms: MINUTE_MS });
        }
        expect(one.ending).not.toBeNull();
      }),
    );
  });

  test('a deployment to ECS that nobody continues stops with the reason', () => {
    const one = new Simulation({ readyWaitMs: MINUTE_MS, terminationWaitMs: null, blueId: 'ecs-svc/1' });
    for (let turn = 0; turn < 4; turn += 1) one.happen({ what: 'succeed' });
    expect(one.readyAtMs).not.toBeNull();
    one.happen({ what: 'pass', ms: MINUTE_MS });
    expect(one.ending).toMatchObject({ status: 'Stopped', errorCode: 'TIMEOUT' });
    expect(one.given).not.toContain('ECSAllowTraffic');
  });

  test('succeeds also when the old task set cannot be deleted', () => {
    const one = new Simulation({ readyWaitMs: null, terminationWaitMs: 0, blueId: 'ecs-svc/1' });
    for (let turn = 0; turn < 3; turn += 1) one.happen({ what: 'succeed' });
    expect(one.given.at(-1)).toBe('TerminateTaskSet');
    one.happen({ what: 'fail' });
    expect(one.ending).toMatchObject({ status: 'Succeeded' });
  });
});
