import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Action,
  DEPLOYMENT_LIMIT_MS,
  type DeploymentSnapshot,
  decide,
  EVENT_LIMIT_MS,
  EVENT_START_LIMIT_MS,
} from '../../../src/server/engine/decide.ts';
import {
  HALF_AT_A_TIME,
  type MinimumHealthyHosts,
  orderOfAttempt,
  requiredHealthyHosts,
} from '../../../src/server/engine/health.ts';
import type { LifecycleEventStatus, TargetStatus } from '../../../src/server/store/schema.ts';

const EVENTS = ['ApplicationStop', 'DownloadBundle', 'Install'];
const AT_ONCE: MinimumHealthyHosts = { type: 'FLEET_PERCENT', value: 0 };
const ONE_AT_A_TIME: MinimumHealthyHosts = { type: 'MOST_CONCURRENCY', value: 1 };

interface SimulatedEvent {
  position: number;
  name: string;
  status: LifecycleEventStatus;
  readyAtMs: number | null;
  startedAtMs: number | null;
}
interface SimulatedTarget {
  instanceId: string;
  status: TargetStatus;
  events: SimulatedEvent[];
}

/** The rows of one deployment, as `applyActions` would leave them, in memory. */
class Simulation {
  readonly targets: SimulatedTarget[];
  nowMs = 0;
  stopRequestedAtMs: number | null = null;
  finished: Extract<Action, { action: 'finish' }> | null = null;
  wakeAtMs = 0;
  readonly handedOut = new Set<string>();
  readonly #minimum: MinimumHealthyHosts;
  readonly #configName: string;
  readonly #forgives: boolean;

  constructor(hosts: number, minimum: MinimumHealthyHosts, options: { configName?: string; forgives?: boolean } = {}) {
    this.#minimum = minimum;
    this.#configName = options.configName ?? 'custom';
    this.#forgives = options.forgives ?? false;
    this.targets = Array.from({ length: hosts }, (_, n) => ({
      instanceId: `host-${n}`,
      status: 'Pending',
      events: EVENTS.map((name, position) => ({
        position,
        name,
        status: 'Pending',
        readyAtMs: null,
        startedAtMs: null,
      })),
    }));
  }

  step(): void {
    if (this.finished !== null) return;
    const snapshot: DeploymentSnapshot = {
      createdAtMs: 0,
      stopRequestedAtMs: this.stopRequestedAtMs,
      minimum: this.#minimum,
      deploymentConfigName: this.#configName,
      ignoreApplicationStopFailures: this.#forgives,
      targets: structuredClone(this.targets),
    };
    for (const action of decide(snapshot, this.nowMs)) this.#apply(action);
  }

  #apply(action: Action): void {
    const target = this.targets.find(({ instanceId }) => 'instanceId' in action && instanceId === action.instanceId);
    const event = target?.events.find(({ position }) => 'position' in action && position === action.position);
    switch (action.action) {
      case 'start-target':
        if (target) target.status = 'InProgress';
        break;
      case 'ready-event': {
        const key = `${action.instanceId}/${action.position}`;
        expect(this.handedOut.has(key), 'a command was made ready twice').toBe(false);
        this.handedOut.add(key);
        if (event) event.readyAtMs = this.nowMs;
        break;
      }
      case 'fail-event':
        if (event) event.status = 'Failed';
        break;
      case 'end-target':
        expect(['Pending', 'InProgress']).toContain(target?.status);
        if (target) target.status = action.status;
        for (const other of target?.events ?? []) {
          if (other.status === 'Pending' || other.status === 'InProgress') other.status = 'Skipped';
        }
        break;
      case 'finish':
        this.finished = action;
        break;
      case 'wake-at':
        expect(action.atMs, 'a time to wake that is over would be a busy loop').toBeGreaterThan(this.nowMs);
        this.wakeAtMs = action.atMs;
        break;
    }
  }

  /** Events that a host could begin or is busy with. */
  open(): { target: SimulatedTarget; event: SimulatedEvent }[] {
    return this.targets.flatMap((target) =>
      target.events
        .filter((event) => (event.status === 'Pending' && event.readyAtMs !== null) || event.status === 'InProgress')
        .map((event) => ({ target, event })),
    );
  }

  count(status: TargetStatus): number {
    return this.targets.filter((target) => target.status === status).length;
  }

  /** Everything succeeds at once, except on hosts that are named. */
  runAll(failing: readonly string[] = []): void {
    for (let steps = 0; this.finished === null && steps < 1000; steps += 1) {
      this.step();
      for (const { target, event } of this.open())
        event.status = failing.includes(target.instanceId) ? 'Failed' : 'Succeeded';
    }
  }
}

describe('the minimum of healthy hosts', () => {
  test.each([
    [10, { type: 'FLEET_PERCENT', value: 95 }, 10],
    [10, { type: 'FLEET_PERCENT', value: 85 }, 9],
    [10, { type: 'HOST_COUNT', value: 8 }, 8],
    [9, { type: 'FLEET_PERCENT', value: 40 }, 4],
    [9, AT_ONCE, 0],
    [9, ONE_AT_A_TIME, 8],
    [1, ONE_AT_A_TIME, 0],
  ] as [number, MinimumHealthyHosts, number][])('of %d hosts under %j is %d', (hosts, minimum, required) => {
    expect(requiredHealthyHosts(hosts, minimum, 'custom')).toBe(required);
  });
  test.each([
    [9, 5],
    [2, 1],
    [1, 0],
  ])('HalfAtATime of %d hosts keeps %d', (hosts, required) => {
    expect(requiredHealthyHosts(hosts, { type: 'FLEET_PERCENT', value: 50 }, HALF_AT_A_TIME)).toBe(required);
  });
});

describe('a deployment', () => {
  test('with a minimum that leaves nobody fails at once and touches nobody', () => {
    const simulation = new Simulation(10, { type: 'FLEET_PERCENT', value: 95 });
    simulation.step();
    expect(simulation.finished).toMatchObject({ status: 'Failed', errorCode: 'HEALTH_CONSTRAINTS_INVALID' });
    expect(simulation.count('Skipped')).toBe(10);
    expect(simulation.handedOut.size).toBe(0);
  });

  test('one at a time: the first failure ends it, and the rest is left alone', () => {
    const simulation = new Simulation(9, ONE_AT_A_TIME);
    simulation.runAll(['host-2']);
    expect(simulation.finished).toMatchObject({ status: 'Failed', errorCode: 'HEALTH_CONSTRAINTS' });
    expect([simulation.count('Succeeded'), simulation.count('Failed'), simulation.count('Skipped')]).toEqual([2, 1, 6]);
  });

  test('one at a time: the last host may fail', () => {
    const simulation = new Simulation(9, ONE_AT_A_TIME);
    simulation.runAll(['host-8']);
    expect(simulation.finished).toMatchObject({ status: 'Succeeded' });
  });

  test('all at once: one success suffices, none does not', () => {
    const some = new Simulation(3, AT_ONCE);
    some.runAll(['host-0', 'host-1']);
    expect(some.finished?.status).toBe('Succeeded');
    const none = new Simulation(3, AT_ONCE);
    none.runAll(['host-0', 'host-1', 'host-2']);
    expect(none.finished?.status).toBe('Failed');
  });

  test('to a single host fails when that fails', () => {
    const simulation = new Simulation(1, ONE_AT_A_TIME);
    simulation.runAll(['host-0']);
    expect(simulation.finished?.status).toBe('Failed');
  });

  test('goes on after a failed ApplicationStop if that is to be ignored', () => {
    for (const forgives of [true, false]) {
      const simulation = new Simulation(1, ONE_AT_A_TIME, { forgives });
      simulation.step();
      for (const { event } of simulation.open()) event.status = 'Failed';
      simulation.runAll();
      expect(simulation.finished?.status).toBe(forgives ? 'Succeeded' : 'Failed');
    }
  });

  test('gives up a host that does not begin within five minutes', () => {
    const simulation = new Simulation(1, ONE_AT_A_TIME);
    simulation.step();
    expect(simulation.wakeAtMs).toBe(EVENT_START_LIMIT_MS);
    simulation.nowMs = EVENT_START_LIMIT_MS;
    simulation.step();
    expect(simulation.finished?.status).toBe('Failed');
    expect(simulation.targets[0]?.status).toBe('Failed');
    expect(simulation.targets[0]?.events.map(({ status }) => status)).toEqual(['Skipped', 'Skipped', 'Skipped']);
  });

  test('fails an event that takes longer than an hour', () => {
    const simulation = new Simulation(1, ONE_AT_A_TIME);
    simulation.step();
    const [open] = simulation.open();
    if (open !== undefined) Object.assign(open.event, { status: 'InProgress', startedAtMs: 0 });
    simulation.nowMs = EVENT_LIMIT_MS;
    simulation.step();
    expect(simulation.targets[0]?.events[0]?.status).toBe('Failed');
    expect(simulation.finished?.status).toBe('Failed');
  });

  test('that is stopped lets what runs end, and begins nothing', () => {
    const simulation = new Simulation(3, { type: 'HOST_COUNT', value: 1 });
    simulation.step();
    const [running] = simulation.open();
    if (running !== undefined) Object.assign(running.event, { status: 'InProgress', startedAtMs: 0 });
    simulation.stopRequestedAtMs = 1;
    simulation.step();
    expect(simulation.finished).toBeNull();
    expect(simulation.open()).toHaveLength(1);
    if (running !== undefined) running.event.status = 'Succeeded';
    simulation.step();
    expect(simulation.finished).toMatchObject({ status: 'Stopped', errorCode: 'MANUAL_STOP' });
  });

  test('ends after twelve hours whatever happens', () => {
    const simulation = new Simulation(1, ONE_AT_A_TIME);
    simulation.step();
    const [open] = simulation.open();
    if (open !== undefined) Object.assign(open.event, { status: 'InProgress', startedAtMs: DEPLOYMENT_LIMIT_MS - 1 });
    simulation.nowMs = DEPLOYMENT_LIMIT_MS;
    simulation.step();
    expect(simulation.finished).toMatchObject({ status: 'Failed', errorCode: 'TIMEOUT' });
  });
});

describe('any deployment, whatever its hosts do', () => {
  const minimum = fc.oneof(
    fc.record({ type: fc.constant('HOST_COUNT' as const), value: fc.integer({ min: 0, max: 8 }) }),
    fc.record({ type: fc.constant('FLEET_PERCENT' as const), value: fc.integer({ min: 0, max: 99 }) }),
    fc.constant(ONE_AT_A_TIME),
  );
  /** What happens next: an event begins, ends well or badly, time goes by, or the engine merely looks again. */
  const happening = fc.tuple(
    fc.constantFrom('begin', 'succeed', 'succeed', 'succeed', 'fail', 'wait', 'look', 'stop'),
    fc.nat(50),
  );

  test('keeps the minimum at every instant, makes no command twice, ends, and ends as the formulas say', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        minimum,
        fc.array(happening, { maxLength: 120 }),
        (hosts, rule, script) => {
          const simulation = new Simulation(hosts, rule);
          const required = requiredHealthyHosts(hosts, rule, 'custom');
          const check = () => {
            const down = simulation.count('InProgress') + simulation.count('Failed');
            if (simulation.handedOut.size > 0) expect(down).toBeLessThanOrEqual(hosts - required);
          };
          simulation.step();
          check();
          for (const [what, choice] of script) {
            const open = simulation.open();
            const one = open[choice % Math.max(1, open.length)];
            if (what === 'begin' && one?.event.status === 'Pending')
              Object.assign(one.event, { status: 'InProgress', startedAtMs: simulation.nowMs });
            if (what === 'succeed' && one) one.event.status = 'Succeeded';
            if (what === 'fail' && one && choice % 3 === 0) one.event.status = 'Failed';
            if (what === 'wait') simulation.nowMs += choice * 10_000;
            if (what === 'stop' && choice < 3) simulation.stopRequestedAtMs ??= simulation.nowMs;
            simulation.step();
            check();
          }
          // Nobody does anything any more: time alone must bring it to an end.
          for (let looks = 0; simulation.finished === null && looks < 200; looks += 1) {
            simulation.nowMs = Math.max(simulation.nowMs + 1, simulation.wakeAtMs);
            simulation.step();
            check();
          }
          expect(simulation.finished).not.toBeNull();
          expect(simulation.count('Pending') + simulation.count('InProgress')).toBe(0);
          const succeeded = simulation.count('Succeeded');
          if (simulation.finished?.status === 'Succeeded')
            expect(succeeded).toBeGreaterThanOrEqual(Math.max(1, required));
          if (simulation.count('Skipped') === 0 && succeeded >= Math.max(1, required))
            expect(simulation.finished?.status).toBe('Succeeded');
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('broken hosts come first, then those whose revision is unknown, old, and current; by lot within each', () => {
  const host = (instanceId: string, isHealthy: boolean, revision: 'current' | 'old' | 'unknown', lot = 0) => ({
    instanceId,
    isHealthy,
    revision,
    lot,
  });
  const order = orderOfAttempt([
    host('current', true, 'current'),
    host('old', true, 'old'),
    host('unknown', true, 'unknown'),
    host('broken-2', false, 'current', 0.9),
    host('broken-1', false, 'unknown', 0.1),
  ]);
  expect(order).toEqual(['broken-1', 'broken-2', 'unknown', 'old', 'current']);
});
