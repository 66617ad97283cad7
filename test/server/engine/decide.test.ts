import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { courseOf, IN_PLACE_EVENTS } from '../../../src/server/engine/course.ts';
import { decide } from '../../../src/server/engine/decide.ts';
import {
  budget,
  HALF_AT_A_TIME,
  type MinimumHealthyHosts,
  requiredHealthyHosts,
} from '../../../src/server/engine/hosts/health.ts';
import {
  DEPLOYMENT_LIMIT_MS,
  EVENT_LIMIT_MS,
  EVENT_START_LIMIT_MS,
  SILENCE_LIMIT_MS,
} from '../../../src/server/engine/limits.ts';
import { SimulatedDeployment, type SimulatedSettings } from '../../support/simulated-deployment.ts';
import { zonal } from '../../support/zonal-settings.ts';

const settings = (minimum: MinimumHealthyHosts, ignoreApplicationStopFailures = false): SimulatedSettings => ({
  minimum,
  deploymentConfigName: 'any',
  ignoreApplicationStopFailures,
  zonal: null,
});
const WITH_TRAFFIC = courseOf('in-place-with-traffic').flatMap(({ events }) => events.map(({ name }) => name));
const ALL_AT_ONCE = settings({ type: 'HOST_COUNT', value: 0 });
const ONE_AT_A_TIME = settings({ type: 'MOST_CONCURRENCY', value: 1 });

/** A host does what it is told until there is nothing more to do; event number `failing` (from 0) fails. */
function runHost(deployment: SimulatedDeployment, host: number, failing = -1): void {
  for (const [index] of IN_PLACE_EVENTS.entries()) {
    deployment.poll(host, false, false);
    deployment.complete(host, index !== failing);
    deployment.step();
  }
}

describe('one step after the other', () => {
  test('a host gets its events one at a time and in order, and its deployment succeeds', () => {
    const deployment = new SimulatedDeployment(1, IN_PLACE_EVENTS, ALL_AT_ONCE);
    expect(deployment.step()).toMatchObject([
      { action: 'start-target' },
      { action: 'ready-event', position: 0 },
      { action: 'wake-at', atMs: deployment.nowMs + EVENT_START_LIMIT_MS },
    ]);
    expect(deployment.step().map(({ action }) => action)).toEqual(['wake-at']);
    deployment.poll(0, false, false);
    expect(deployment.step()).toEqual([{ action: 'wake-at', atMs: deployment.nowMs + SILENCE_LIMIT_MS }]);
    deployment.complete(0, true);
    expect(deployment.step()).toMatchObject([{ action: 'ready-event', position: 1 }, { action: 'wake-at' }]);
    runHost(deployment, 0);
    expect(deployment.finished).toMatchObject({ status: 'Succeeded', errorCode: null });
  });

  test('a failed event fails its target, and what would follow is skipped', () => {
    const deployment = new SimulatedDeployment(1, IN_PLACE_EVENTS, ALL_AT_ONCE);
    deployment.step();
    runHost(deployment, 0, 3);
    expect(deployment.targets[0]?.events.map(({ status }) => status)).toEqual([
      ...['Succeeded', 'Succeeded', 'Succeeded', 'Failed', 'Skipped', 'Skipped', 'Skipped'],
    ]);
    expect(deployment.finished).toMatchObject({ status: 'Failed', errorCode: 'HEALTH_CONSTRAINTS' });
  });

  test('a failed ApplicationStop can be forgiven: the event stays Failed, the target goes on', () => {
    const deployment = new SimulatedDeployment(1, IN_PLACE_EVENTS, {
      ...ALL_AT_ONCE,
      ignoreApplicationStopFailures: true,
    });
    deployment.step();
    runHost(deployment, 0, 0);
    expect(deployment.targets[0]).toMatchObject({
      status: 'Succeeded',
      events: [{ status: 'Failed' }, {}, {}, {}, {}, {}, {}],
    });
    expect(deployment.finished?.status).toBe('Succeeded');
  });

  test('one at a time: the second host begins when the first is done, and the last one may fail', () => {
    const deployment = new SimulatedDeployment(3, IN_PLACE_EVENTS, ONE_AT_A_TIME);
    deployment.step();
    expect(deployment.targets.map(({ status }) => status)).toEqual(['InProgress', 'Pending', 'Pending']);
    runHost(deployment, 0);
    runHost(deployment, 1);
    runHost(deployment, 2, 4);
    expect(deployment.targets.map(({ status }) => status)).toEqual(['Succeeded', 'Succeeded', 'Failed']);
    expect(deployment.finished?.status).toBe('Succeeded');
  });

  test('all at once: one success is enough, and one is needed', () => {
    for (const [failing, status] of [
      [[0, 1], 'Succeeded'],
      [[0, 1, 2], 'Failed'],
    ] as const) {
      const deployment = new SimulatedDeployment(3, IN_PLACE_EVENTS, ALL_AT_ONCE);
      deployment.step();
      for (const one of [0, 1, 2]) runHost(deployment, one, (failing as readonly number[]).includes(one) ? 1 : -1);
      expect(deployment.finished?.status).toBe(status);
    }
  });

  test('failures use up what may be out of service; when there is nothing left of it, the waiting hosts are skipped', () => {
    const deployment = new SimulatedDeployment(5, IN_PLACE_EVENTS, settings({ type: 'HOST_COUNT', value: 2 }));
    deployment.step();
    runHost(deployment, 0, 2);
    // No new host begins in the place of one that failed.
    expect(deployment.targets.map(({ status }) => status)).toEqual([
      ...['Failed', 'InProgress', 'InProgress', 'Pending', 'Pending'],
    ]);
    runHost(deployment, 1, 0);
    // One more may fail; a success makes room for the next.
    runHost(deployment, 2);
    expect(deployment.targets[3]?.status).toBe('InProgress');
    deployment.poll(3, false, false);
    deployment.complete(3, false);
    deployment.step();
    expect(deployment.targets.map(({ status }) => status)).toEqual([
      ...['Failed', 'Failed', 'Succeeded', 'Failed', 'Skipped'],
    ]);
    expect(deployment.finished).toMatchObject({ status: 'Failed', errorCode: 'HEALTH_CONSTRAINTS' });
  });

  test('a minimum that no deployment could keep fails at once and touches no host', () => {
    const deployment = new SimulatedDeployment(10, IN_PLACE_EVENTS, settings({ type: 'FLEET_PERCENT', value: 95 }));
    deployment.step();
    expect(deployment.finished).toMatchObject({ status: 'Failed', errorCode: 'HEALTH_CONSTRAINTS_INVALID' });
    expect(deployment.count('Skipped')).toBe(10);
  });

  test('a deployment that no host needs has nothing to do, and that is a success', () => {
    const deployment = new SimulatedDeployment(0, IN_PLACE_EVENTS, ONE_AT_A_TIME);
    deployment.step();
    expect(deployment.finished?.status).toBe('Succeeded');
  });

  test('a host that does not begin within five minutes fails with all its events skipped', () => {
    const deployment = new SimulatedDeployment(1, IN_PLACE_EVENTS, ALL_AT_ONCE);
    deployment.step();
    deployment.nowMs += EVENT_START_LIMIT_MS - 1;
    deployment.step();
    expect(deployment.finished).toBeNull();
    deployment.nowMs += 1;
    deployment.step();
    expect(new Set(deployment.targets[0]?.events.map(({ status }) => status))).toEqual(new Set(['Skipped']));
    expect(deployment.targets[0]?.status).toBe('Failed');
  });

  test('an event that is not reported within an hour and a minute fails', () => {
    const deployment = new SimulatedDeployment(1, IN_PLACE_EVENTS, ALL_AT_ONCE);
    deployment.step();
    deployment.poll(0, false, false);
    deployment.step();
    const beganAtMs = deployment.nowMs;
    // Its agent polls all the time: it works, and is not lost.
    for (; deployment.nowMs < beganAtMs + EVENT_LIMIT_MS; deployment.nowMs += 60_000) {
      deployment.hear(0);
      deployment.step();
      expect(deployment.finished).toBeNull();
    }
    expect(deployment.step()).toMatchObject([
      { action: 'fail-event', position: 0, message: expect.stringContaining('hour') },
      { action: 'end-target', status: 'Failed' },
      { action: 'finish', status: 'Failed' },
    ]);
  });

  test('a host that runs an event and is not heard of for five minutes is lost, and the diagnostics say since when', () => {
    const deployment = new SimulatedDeployment(1, IN_PLACE_EVENTS, ALL_AT_ONCE);
    deployment.step();
    deployment.poll(0, false, false);
    deployment.nowMs += 60_000;
    deployment.hear(0);
    const heardAt = new Date(deployment.nowMs).toISOString();
    deployment.nowMs += SILENCE_LIMIT_MS - 1;
    deployment.step();
    expect(deployment.finished).toBeNull();
    expect(deployment.wakeAtMs).toBe(deployment.nowMs + 1);
    deployment.nowMs += 1;
    expect(deployment.step()).toMatchObject([
      { action: 'fail-event', position: 0, message: expect.stringContaining(`not heard of since ${heardAt}`) },
      { action: 'end-target', status: 'Failed' },
      { action: 'finish', status: 'Failed' },
    ]);
  });

  test('silence from before the server could hear of hosts does not count', () => {
    const deployment = new SimulatedDeployment(1, IN_PLACE_EVENTS, ALL_AT_ONCE);
    deployment.step();
    deployment.poll(0, false, false);
    const nowMs = deployment.nowMs + 30 * 60_000;
    const snapshot = { ...deployment.snapshot(), listeningSinceMs: nowMs - 1_000 };
    expect(decide(snapshot, nowMs)).toEqual([{ action: 'wake-at', atMs: nowMs - 1_000 + SILENCE_LIMIT_MS }]);
  });

  test.each([
    ['that runs an event', true],
    ['that was given an event', false],
  ])('a host %s and is deregistered has failed at once, and so has one that waits', (_, begins) => {
    const deployment = new SimulatedDeployment(3, IN_PLACE_EVENTS, ONE_AT_A_TIME);
    deployment.step();
    if (begins) deployment.poll(0, false, false);
    deployment.deregister(0);
    deployment.deregister(2);
    expect(deployment.step()).toMatchObject([
      { action: 'fail-event', instanceId: 'host-0', position: 0, message: expect.stringContaining('deregistered') },
      { action: 'end-target', instanceId: 'host-0', status: 'Failed' },
      { action: 'fail-event', instanceId: 'host-2', position: 0, message: expect.stringContaining('deregistered') },
      { action: 'end-target', instanceId: 'host-2', status: 'Failed' },
      { action: 'end-target', instanceId: 'host-1', status: 'Skipped' },
      { action: 'finish', status: 'Failed', errorCode: 'HEALTH_CONSTRAINTS' },
    ]);
  });

  test('a stop that was accepted ends as Stopped when what ran last succeeds, fails, or never ends', () => {
    for (const ending of ['succeeds', 'fails', 'never ends']) {
      const deployment = new SimulatedDeployment(1, ['Install'], ALL_AT_ONCE);
      deployment.step();
      deployment.poll(0, false, false);
      deployment.requestStop();
      deployment.step();
      if (ending === 'never ends') deployment.nowMs += DEPLOYMENT_LIMIT_MS;
      else deployment.complete(0, ending === 'succeeds');
      deployment.step();
      expect([ending, deployment.finished]).toMatchObject([ending, { status: 'Stopped', errorCode: 'MANUAL_STOP' }]);
    }
  });

  test('a stop takes back what no host has begun and waits for what runs', () => {
    const deployment = new SimulatedDeployment(3, IN_PLACE_EVENTS, settings({ type: 'HOST_COUNT', value: 1 }));
    deployment.step();
    deployment.poll(0, false, false);
    deployment.requestStop();
    deployment.step();
    expect(deployment.targets.map(({ status }) => status)).toEqual(['InProgress', 'Skipped', 'Skipped']);
    deployment.complete(0, true);
    deployment.step();
    expect(deployment.targets[0]).toMatchObject({
      status: 'Failed',
      events: [{ status: 'Succeeded' }, { status: 'Skipped' }, {}, {}, {}, {}, {}],
    });
    expect(deployment.finished).toMatchObject({ status: 'Stopped', errorCode: 'MANUAL_STOP' });
  });

  test('an event of the server is an order that is under way at once, and the host is told of the event behind it', () => {
    const deployment = new SimulatedDeployment(1, WITH_TRAFFIC, ALL_AT_ONCE);
    deployment.step();
    deployment.poll(0, false, true);
    expect(deployment.step()).toEqual([
      { action: 'give-order', instanceId: 'host-0', position: 1, event: 'BlockTraffic' },
      { action: 'wake-at', atMs: deployment.nowMs + EVENT_LIMIT_MS },
    ]);
    // No poll of the host gets it, and its silence does not end it.
    deployment.poll(0, false, false);
    deployment.nowMs += SILENCE_LIMIT_MS;
    expect(deployment.step().map(({ action }) => action)).toEqual(['wake-at']);
    deployment.complete(0, true);
    expect(deployment.step()).toMatchObject([{ action: 'ready-event', position: 2 }, { action: 'wake-at' }]);
  });

  test('an event of the server that has no end within an hour and a minute fails, and says so', () => {
    const deployment = new SimulatedDeployment(1, ['BlockTraffic', 'Install'], ALL_AT_ONCE);
    deployment.step();
    deployment.nowMs += EVENT_LIMIT_MS;
    expect(deployment.step()).toMatchObject([
      { action: 'fail-event', position: 0, message: 'The server did not get this event done within an hour.' },
      { action: 'end-target', status: 'Failed' },
      { action: 'finish', status: 'Failed' },
    ]);
  });

  test('after twelve hours everything ends, what runs included', () => {
    const deployment = new SimulatedDeployment(2, IN_PLACE_EVENTS, ONE_AT_A_TIME);
    deployment.step();
    deployment.poll(0, false, false);
    // Each event takes its hour: 13 of them, were there not the limit.
    while (deployment.finished === null) {
      for (const [index] of deployment.targets.entries()) {
        const target = deployment.targets[index];
        // Polls go on while scripts run.
        if (target !== undefined) target.host.heardOfAtMs = deployment.nowMs + EVENT_LIMIT_MS;
      }
      deployment.nowMs = Math.min(deployment.nowMs + EVENT_LIMIT_MS - 1, 1_000_000 + DEPLOYMENT_LIMIT_MS);
      if (deployment.ageMs < DEPLOYMENT_LIMIT_MS) deployment.complete(deployment.count('Succeeded'), true);
      deployment.step();
      deployment.poll(deployment.count('Succeeded'), false, false);
    }
    expect(deployment.ageMs).toBe(DEPLOYMENT_LIMIT_MS);
    expect(deployment.finished).toMatchObject({ status: 'Failed', errorCode: 'TIMEOUT' });
    const running = deployment.targets[1]?.events.findIndex(({ status }) => status === 'Failed') ?? -1;
    expect(running).toBeGreaterThan(0);
    expect(deployment.targets[1]?.events[running + 1]?.status ?? 'Skipped').toBe('Skipped');
  });
});

const minimum = fc.oneof(
  fc.record({ type: fc.constant('HOST_COUNT' as const), value: fc.nat(8) }),
  fc.record({ type: fc.constant('FLEET_PERCENT' as const), value: fc.nat(99) }),
  fc.record({ type: fc.constant('MOST_CONCURRENCY' as const), value: fc.integer({ min: 1, max: 3 }) }),
);

const fleet = fc.record({
  hosts: fc.integer({ min: 1, max: 9 }),
  events: fc.oneof(
    fc
      .integer({ min: 1, max: IN_PLACE_EVENTS.length })
      .map((count): readonly string[] => IN_PLACE_EVENTS.slice(0, count)),
    fc.constantFrom(WITH_TRAFFIC, ['BlockTraffic', 'Install', 'AllowTraffic'], ['Install', 'AllowTraffic']),
  ),
  minimum,
  deploymentConfigName: fc.constantFrom('any', HALF_AT_A_TIME),
  ignoreApplicationStopFailures: fc.boolean(),
  zonal: fc.option(zonal),
  perZone: fc.integer({ min: 1, max: 4 }),
});

const zoneOf =
  ({ perZone }: { readonly perZone: number }) =>
  (host: number) =>
    `zone-${Math.floor(host / perZone)}`;

const host = fc.nat(8);
/** Events that can happen, in any order and as often as they like: also to hosts that are not asked, or not there. */
const happening = fc.oneof(
  { weight: 80, arbitrary: fc.tuple(fc.constant('poll' as const), host, fc.constantFrom('taken', 'lost', 'noop')) },
  {
    weight: 80,
    arbitrary: fc.tuple(fc.constant('complete' as const), host, fc.constantFrom('good', 'good', 'good', 'bad')),
  },
  { weight: 60, arbitrary: fc.tuple(fc.constant('step' as const), host, fc.constantFrom('done', 'done', 'crash')) },
  { weight: 10, arbitrary: fc.tuple(fc.constant('redeliver' as const), host, fc.constant('')) },
  { weight: 20, arbitrary: fc.tuple(fc.constant('hear' as const), host, fc.constant('')) },
  { weight: 10, arbitrary: fc.tuple(fc.constant('wait' as const), host, fc.constantFrom('a minute', 'an hour')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('stop' as const), host, fc.constantFrom('', 'alarm')) },
);

function happen(deployment: SimulatedDeployment, [what, index, how]: readonly [string, number, string]): void {
  switch (what) {
    case 'poll':
      deployment.poll(index, how === 'lost', how === 'noop');
      return;
    case 'complete':
      deployment.complete(index, how === 'good');
      return;
    case 'step':
      deployment.step(how === 'crash');
      return;
    case 'hear':
      deployment.hear(index);
      return;
    case 'redeliver':
      deployment.redeliver();
      return;
    case 'wait':
      deployment.nowMs += how === 'a minute' ? 60_000 : 3_600_000;
      return;
    default:
      deployment.requestStop(how === 'alarm' ? 'The alarm load is active.' : null);
  }
}

describe('whatever happens, in whatever order, with steps lost and answers lost', () => {
  test('no more hosts are down than allowed, no command is made twice, it ends, and the ending is what the counts say', () => {
    fc.assert(
      fc.property(fleet, fc.array(happening, { maxLength: 250 }), (options, happenings) => {
        const deployment = new SimulatedDeployment(options.hosts, options.events, options, zoneOf(options));
        const required = requiredHealthyHosts(options.hosts, options.minimum, options.deploymentConfigName);
        // The simulation itself throws when an action is out of order: a command twice, after the stop, before its turn.
        for (const one of happenings) {
          happen(deployment, one);
          expect(deployment.mostDown).toBeLessThanOrEqual(Math.max(0, budget(options.hosts, required)));
        }
        // From here on nobody says anything any more; only time goes by.
        let looks = 0;
        for (deployment.step(); deployment.finished === null; deployment.step()) {
          deployment.nowMs = Math.max(deployment.nowMs, deployment.wakeAtMs);
          looks += 1;
          // A zone adds the wait before it.
          expect(looks).toBeLessThanOrEqual(5 * options.hosts + 4);
        }
        expect(deployment.mostDown).toBeLessThanOrEqual(Math.max(0, budget(options.hosts, required)));

        expect(deployment.count('Pending') + deployment.count('InProgress')).toBe(0);
        const isOverdue = deployment.ageMs >= DEPLOYMENT_LIMIT_MS;
        const isComplete = deployment.count('Succeeded') === options.hosts;
        const isEnough = deployment.count('Succeeded') >= Math.max(required, 1) && deployment.isEveryZoneHealthy;
        const byCounts = isComplete || (isEnough && !isOverdue) ? 'Succeeded' : 'Failed';
        expect(deployment.finished.status).toBe(deployment.isStopped ? 'Stopped' : byCounts);
        if (deployment.isStopped) expect(deployment.finished.errorCode).toBe(deployment.stopCode);
        for (const target of deployment.targets) {
          for (const event of target.events) expect(['Succeeded', 'Failed', 'Skipped']).toContain(event.status);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('deciding twice is deciding once: after its actions are applied, a decision has nothing to add', () => {
    fc.assert(
      fc.property(fleet, fc.array(happening, { maxLength: 100 }), (options, happenings) => {
        const deployment = new SimulatedDeployment(options.hosts, options.events, options, zoneOf(options));
        for (const one of happenings) happen(deployment, one);
        deployment.step();
        const wakeAtMs = deployment.wakeAtMs;
        if (deployment.finished === null) expect(deployment.step()).toEqual([{ action: 'wake-at', atMs: wakeAtMs }]);
        else expect(deployment.step()).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
