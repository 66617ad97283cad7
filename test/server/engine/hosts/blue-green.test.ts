import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventsOfLabel } from '../../../../src/server/engine/course.ts';
import { decide, decidePart } from '../../../../src/server/engine/decide.ts';
import { type ReplacementPlan, withHands } from '../../../../src/server/engine/hosts/blue-green-plan.ts';
import { type MinimumHealthyHosts, requiredHealthyHosts } from '../../../../src/server/engine/hosts/health.ts';
import { BLUE_GREEN_LIMIT_MS } from '../../../../src/server/engine/limits.ts';
import { SimulatedDeployment } from '../../../support/simulated-deployment.ts';

const MINUTE_MS = 60_000;
const namesOf = (course: 'blue-green' | 'blue-green-rollback', label: 'blue' | 'green') =>
  eventsOfLabel(course, label).map(({ name }) => name);
const plan = ({ readyWaitMs = null, terminationWaitMs = null, terminateBy }: Changes = {}): ReplacementPlan =>
  withHands(
    { course: 'blue-green', greenFilterLists: [], readyWaitMs, terminationWaitMs },
    { provision: false, terminate: terminateBy !== undefined },
  );
const settingsOf = (minimum: MinimumHealthyHosts) => ({
  ...{ minimum, deploymentConfigName: 'any', ignoreApplicationStopFailures: false, zonal: null },
});
const ALL: MinimumHealthyHosts = { type: 'HOST_COUNT', value: 0 };
const ONE: MinimumHealthyHosts = { type: 'MOST_CONCURRENCY', value: 1 };

type Changes = { readonly [Name in keyof ReplacementPlan]?: ReplacementPlan[Name] | undefined };

interface Made {
  readonly green?: number;
  readonly blue?: number;
  readonly minimum?: MinimumHealthyHosts;
  readonly changes?: Changes;
  readonly isWayBack?: boolean;
}

/** Replacement hosts have the first numbers. */
function make({ green = 2, blue = 2, minimum = ALL, changes = {}, isWayBack = false }: Made = {}): SimulatedDeployment {
  const course = isWayBack ? 'blue-green-rollback' : 'blue-green';
  const fleets = (['green', 'blue'] as const).map((label) => ({
    ...{ label, hosts: label === 'green' ? green : blue, events: namesOf(course, label) },
  }));
  return SimulatedDeployment.ofFleets(
    fleets,
    isWayBack ? { course: 'blue-green-rollback', deploymentId: 'd-1' } : plan(changes),
    settingsOf(minimum),
  );
}

/** Every host and the server do what they are told, but for the events of these hosts that fail. */
function work(deployment: SimulatedDeployment, failing: Readonly<Record<number, string>> = {}): void {
  for (let rounds = 0; rounds < 200 && deployment.finished === null; rounds += 1) {
    deployment.step();
    for (const [index, target] of deployment.targets.entries()) {
      deployment.poll(index, false, false);
      const event = target.events.find(({ status }) => status === 'InProgress');
      deployment.complete(index, event === undefined || event.name !== failing[index]);
    }
  }
}

const statuses = (deployment: SimulatedDeployment) => deployment.targets.map(({ status }) => status);
const begun = (deployment: SimulatedDeployment, event: string) =>
  deployment.targets.filter(({ events }) => events.some(({ name, startedAtMs }) => name === event && startedAtMs));

describe('a blue/green deployment', () => {
  test('installs on all replacement hosts, lets them take traffic, and then takes the original hosts out', () => {
    const deployment = make({ green: 3, blue: 2 });
    work(deployment);
    expect(deployment.finished).toMatchObject({ status: 'Succeeded', errorCode: null });
    expect(statuses(deployment)).toEqual(Array(5).fill('Succeeded'));
  });

  test('waits as Ready until it is continued, and no traffic moves before', () => {
    const deployment = make({ changes: { readyWaitMs: 60 * MINUTE_MS } });
    work(deployment);
    expect(deployment.blueGreen).toMatchObject({ isReady: true, readyAtMs: deployment.nowMs });
    expect(statuses(deployment)).toEqual(['Ready', 'Ready', 'Pending', 'Pending']);
    expect(deployment.wakeAtMs).toBe(deployment.nowMs + 60 * MINUTE_MS);
    expect(begun(deployment, 'AllowTraffic')).toEqual([]);
    if (deployment.blueGreen !== null) deployment.blueGreen.continuedAtMs = deployment.nowMs;
    work(deployment);
    expect(deployment.blueGreen?.isReady).toBe(false);
    expect(deployment.finished?.status).toBe('Succeeded');
  });

  test('stops when nobody has continued it in time, and leaves the original hosts alone', () => {
    const deployment = make({ changes: { readyWaitMs: 5 * MINUTE_MS } });
    work(deployment);
    deployment.nowMs += 5 * MINUTE_MS;
    work(deployment);
    expect(deployment.finished).toMatchObject({ status: 'Stopped', errorCode: 'TIMEOUT' });
    expect(deployment.finished?.errorMessage).toContain('5 minutes');
    expect(statuses(deployment)).toEqual(Array(4).fill('Skipped'));
  });

  test.each([
    ['its end', 30 * MINUTE_MS, false],
    ['somebody skips it', 0, true],
  ])('waits before the original hosts are terminated until %s', (_, afterMs, isSkipped) => {
    const deployment = make({ changes: { terminationWaitMs: 30 * MINUTE_MS } });
    work(deployment);
    expect(deployment.finished).toBeNull();
    expect(deployment.blueGreen?.terminationWaitAtMs).toBe(deployment.nowMs);
    expect(deployment.wakeAtMs).toBe(deployment.nowMs + 30 * MINUTE_MS);
    deployment.nowMs += afterMs;
    if (isSkipped && deployment.blueGreen !== null) deployment.blueGreen.waitSkippedAtMs = deployment.nowMs;
    deployment.step();
    expect(deployment.finished?.status).toBe('Succeeded');
  });

  test.each([
    [['Succeeded', 'Succeeded'], { status: 'Succeeded', errorCode: null }],
    [
      ['Succeeded', 'Failed'],
      {
        status: 'Failed',
        errorCode: 'HOOK_EXECUTION_FAILURE',
        errorMessage: expect.stringContaining('1 of 2 original'),
      },
    ],
  ] as const)(
    'has its original hosts ended after the wait, once each, and is over when they are: %j',
    (outcomes, end) => {
      const deployment = make({ changes: { terminationWaitMs: MINUTE_MS, terminateBy: 'program' } });
      work(deployment);
      expect(deployment.blueGreen?.orders).toEqual([]);
      deployment.nowMs += MINUTE_MS;
      deployment.step();
      expect(deployment.blueGreen?.orders.map(({ subjectId }) => subjectId)).toEqual(['host-2', 'host-3']);
      for (const [at, outcome] of outcomes.entries()) {
        expect(deployment.finished).toBeNull();
        deployment.endOwnOrder(at, outcome, 'it broke');
        deployment.step();
      }
      expect(deployment.finished).toMatchObject(end);
    },
  );

  test('goes on without replacement hosts that AWS ends while they wait for traffic', () => {
    const deployment = make({ green: 3, blue: 2, minimum: ONE, changes: { readyWaitMs: 60 * MINUTE_MS } });
    work(deployment);
    if (deployment.blueGreen === null) throw new Error('it is in place');
    deployment.blueGreen.goneInAws = ['host-0', 'host-2'];
    deployment.blueGreen.continuedAtMs = deployment.nowMs;
    work(deployment);
    expect(deployment.finished).toMatchObject({ status: 'Succeeded' });
    expect(statuses(deployment)).toEqual(['Skipped', 'Succeeded', 'Skipped', 'Succeeded', 'Succeeded']);
  });

  test('fails before traffic moves when AWS has ended all replacement hosts', () => {
    const deployment = make({ changes: { readyWaitMs: 60 * MINUTE_MS } });
    work(deployment);
    if (deployment.blueGreen === null) throw new Error('it is in place');
    deployment.blueGreen.goneInAws = ['host-0', 'host-1'];
    deployment.blueGreen.continuedAtMs = deployment.nowMs;
    work(deployment);
    expect(deployment.finished).toMatchObject({ status: 'Failed', errorCode: 'HEALTH_CONSTRAINTS' });
    expect(statuses(deployment)).toEqual(Array(4).fill('Skipped'));
  });

  test('fails when no server ends its original hosts within two hours', () => {
    const deployment = make({ changes: { terminationWaitMs: 0, terminateBy: 'program' } });
    work(deployment);
    expect(deployment.finished).toBeNull();
    deployment.nowMs += 120 * MINUTE_MS;
    deployment.step();
    expect(deployment.finished).toMatchObject({ status: 'Failed', errorCode: 'TIMEOUT' });
  });

  test('is stopped during the wait before termination, and ends as Stopped', () => {
    const deployment = make({ changes: { terminationWaitMs: 30 * MINUTE_MS } });
    work(deployment);
    deployment.requestStop();
    deployment.step();
    expect(deployment.finished).toMatchObject({ status: 'Stopped', errorCode: 'MANUAL_STOP' });
  });

  test('fails before any traffic moves when too few replacement hosts are installed', () => {
    const deployment = make({ green: 3, minimum: ONE });
    work(deployment, { 0: 'Install' });
    expect(statuses(deployment)).toEqual(['Failed', 'Skipped', 'Skipped', 'Skipped', 'Skipped']);
    expect(deployment.finished).toMatchObject({ status: 'Failed', errorCode: 'HEALTH_CONSTRAINTS' });
  });

  test('goes on without a replacement host that failed last, also when one at a time takes traffic', () => {
    const deployment = make({ green: 3, minimum: ONE });
    work(deployment, { 2: 'ValidateService' });
    expect(statuses(deployment)).toEqual(['Succeeded', 'Succeeded', 'Failed', 'Succeeded', 'Succeeded']);
    expect(deployment.finished?.status).toBe('Succeeded');
  });

  test('fails at the first replacement host that cannot take traffic, one at a time, and keeps the original hosts in', () => {
    const deployment = make({ green: 3, minimum: ONE });
    work(deployment, { 0: 'AllowTraffic' });
    expect(statuses(deployment)).toEqual(['Failed', 'Skipped', 'Skipped', 'Skipped', 'Skipped']);
    expect(begun(deployment, 'BeforeBlockTraffic')).toEqual([]);
    expect(deployment.finished?.status).toBe('Failed');
  });

  test('fails when one original host cannot be taken out', () => {
    const deployment = make({ blue: 3 });
    work(deployment, { 3: 'BlockTraffic' });
    expect(deployment.finished).toMatchObject({
      ...{ status: 'Failed', errorMessage: expect.stringContaining('1 of 3 original instances') },
    });
  });

  test('forgets an original host that was deregistered before its turn', () => {
    const deployment = make();
    deployment.step();
    deployment.deregister(2);
    work(deployment);
    expect(statuses(deployment)).toEqual(['Succeeded', 'Succeeded', 'Skipped', 'Succeeded']);
    expect(deployment.finished?.status).toBe('Succeeded');
  });

  test('cannot begin with a minimum that no replacement host may be missing from', () => {
    const deployment = make({ minimum: { type: 'HOST_COUNT', value: 2 } });
    deployment.step();
    expect(deployment.finished).toMatchObject({ status: 'Failed', errorCode: 'HEALTH_CONSTRAINTS_INVALID' });
  });
});

describe('the rollback of a blue/green deployment', () => {
  test('brings the original hosts back before it takes the replacement hosts out', () => {
    const deployment = make({ isWayBack: true });
    work(deployment);
    expect(deployment.finished?.status).toBe('Succeeded');
  });

  test('keeps the replacement hosts in when too few original hosts come back', () => {
    const deployment = make({ isWayBack: true, minimum: ONE });
    work(deployment, { 2: 'AllowTraffic', 3: 'BeforeAllowTraffic' });
    expect(statuses(deployment)).toEqual(['Skipped', 'Skipped', 'Failed', 'Failed']);
    expect(deployment.finished).toMatchObject({ status: 'Failed', errorCode: 'HEALTH_CONSTRAINTS' });
  });
});

const made = fc.record({
  green: fc.integer({ min: 1, max: 5 }),
  blue: fc.integer({ min: 1, max: 5 }),
  minimum: fc.oneof(
    fc.record({ type: fc.constant('HOST_COUNT' as const), value: fc.nat(4) }),
    fc.record({ type: fc.constant('FLEET_PERCENT' as const), value: fc.nat(99) }),
    fc.record({ type: fc.constant('MOST_CONCURRENCY' as const), value: fc.integer({ min: 1, max: 3 }) }),
  ),
  changes: fc.record({
    readyWaitMs: fc.constantFrom(null, MINUTE_MS, 48 * 60 * MINUTE_MS),
    terminationWaitMs: fc.constantFrom(null, 0, 60 * MINUTE_MS),
    terminateBy: fc.constantFrom(undefined, 'program' as const),
  }),
  isWayBack: fc.boolean(),
});
const host = fc.nat(9);
const happening = fc.oneof(
  { weight: 90, arbitrary: fc.tuple(fc.constant('poll'), host, fc.constantFrom('run', 'run', 'run', 'noop', 'lost')) },
  { weight: 90, arbitrary: fc.tuple(fc.constant('complete'), host, fc.constantFrom(...Array(9).fill('good'), 'bad')) },
  { weight: 70, arbitrary: fc.tuple(fc.constant('step'), host, fc.constantFrom('done', 'done', 'crash')) },
  { weight: 20, arbitrary: fc.tuple(fc.constant('end'), host, fc.constantFrom('good', 'good', 'good', 'bad')) },
  { weight: 5, arbitrary: fc.tuple(fc.constant('redeliver'), host, fc.constant('')) },
  { weight: 5, arbitrary: fc.tuple(fc.constant('continue'), host, fc.constantFrom('ready', 'termination')) },
  { weight: 5, arbitrary: fc.tuple(fc.constant('wait'), host, fc.constantFrom('a second', 'a minute', 'a day')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('deregister'), host, fc.constant('')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('stop'), host, fc.constant('')) },
);
const WAITS_MS: Readonly<Record<string, number>> = {
  'a second': 1_000,
  'a minute': MINUTE_MS,
  'a day': 24 * 3_600_000,
};

/** Decides in part where that may be done, and holds it against the decision about the whole. */
function compared(deployment: SimulatedDeployment): typeof decide {
  return (whole, nowMs) => {
    const expected = decide(structuredClone(whole), nowMs);
    if (deployment.needsWhole || whole.blueGreen?.isReady) return expected;
    const targets = whole.targets.filter(({ instanceId }) => deployment.changed.has(instanceId));
    const counts = { pending: 0, inProgress: 0, succeeded: 0, failed: 0, skipped: 0 };
    const others = { hosts: whole.targets.length - targets.length, counts, wakeAtMs: deployment.wakeAtMs };
    const part = decidePart({ ...whole, targets }, others, nowMs);
    if (part === null) return expected;
    const withoutWake = (actions: typeof part) => actions.filter(({ action }) => action !== 'wake-at');
    expect(withoutWake(part)).toEqual(withoutWake(expected));
    return part;
  };
}

function happen(deployment: SimulatedDeployment, [what, index, how]: readonly [string, number, string]): void {
  const { blueGreen } = deployment;
  if (what === 'poll') deployment.poll(index, how === 'lost', how === 'noop');
  else if (what === 'complete') deployment.complete(index, how === 'good');
  else if (what === 'step') deployment.step(how === 'crash', compared(deployment));
  else if (what === 'end') deployment.endOwnOrder(index, how === 'good' ? 'Succeeded' : 'Failed');
  else if (what === 'redeliver') deployment.redeliver();
  else if (what === 'wait') deployment.nowMs += WAITS_MS[how] ?? 0;
  else if (what === 'stop') deployment.requestStop();
  else if (what === 'deregister') {
    deployment.deregister(index);
    deployment.wakeAtMs = deployment.nowMs;
  } else if (blueGreen !== null && how === 'ready' && blueGreen.isReady) {
    blueGreen.continuedAtMs ??= deployment.nowMs;
  } else if (blueGreen?.terminationWaitAtMs != null && how === 'termination') {
    blueGreen.waitSkippedAtMs ??= deployment.nowMs;
    deployment.wakeAtMs = deployment.nowMs;
  }
}

/** Throws when a fleet has more under way than the minimum allows, or when nobody might serve. */
function checkFleets(deployment: SimulatedDeployment, { green, minimum, isWayBack }: Required<Made>): void {
  const ofLabel = (label: string) => deployment.targets.filter((target) => target.label === label);
  const has = (target: SimulatedDeployment['targets'][number], event: string, is: readonly string[]) =>
    target.events.some(({ name, status }) => name === event && is.includes(status));
  const required = requiredHealthyHosts(green, minimum, 'any');
  const leaving = ofLabel(isWayBack ? 'green' : 'blue');
  const coming = ofLabel(isWayBack ? 'blue' : 'green');
  const isLeft = leaving.some((target) => has(target, 'BlockTraffic', ['InProgress', 'Succeeded', 'Failed']));
  const serving = coming.filter((target) => has(target, 'AllowTraffic', ['Succeeded'])).length;
  if (isLeft) expect(serving).toBeGreaterThanOrEqual(isWayBack ? 1 : Math.max(1, required));
  if (isWayBack) return;
  for (const isInstalled of [false, true]) {
    const stage = coming.filter(({ installedAtMs }) => (installedAtMs !== null) === isInstalled);
    const gone = stage.filter(({ host: { deregisteredAtMs } }) => deregisteredAtMs !== null).length;
    const down = stage.filter(({ status }) => status === 'InProgress' || status === 'Failed').length;
    expect(down).toBeLessThanOrEqual(Math.max(0, green - required) + gone);
  }
}

test('whatever happens, a blue/green deployment keeps its limits, leaves no moment without a fleet that serves, and ends', () => {
  fc.assert(
    fc.property(made, fc.array(happening, { maxLength: 300 }), (options, happenings) => {
      const deployment = make(options);
      for (const one of happenings) {
        happen(deployment, one);
        checkFleets(deployment, options);
      }
      // From here on nobody says anything any more; only time goes by.
      let looks = 0;
      for (deployment.step(); deployment.finished === null; deployment.step()) {
        deployment.nowMs = Math.max(deployment.nowMs + 1, deployment.wakeAtMs);
        looks += 1;
        expect(looks).toBeLessThanOrEqual(10 * (options.green + options.blue) + 10);
        checkFleets(deployment, options);
      }
      expect(deployment.ageMs).toBeLessThanOrEqual(
        BLUE_GREEN_LIMIT_MS + 3_600_000 + happenings.length * (WAITS_MS['a day'] ?? 0),
      );
      const open = ['Pending', 'InProgress', 'Ready'];
      expect(statuses(deployment).filter((status) => open.includes(status))).toEqual([]);
      if (deployment.isStopped) expect(deployment.finished.status).toBe('Stopped');
      if (deployment.finished.status === 'Succeeded') {
        const leaving = options.isWayBack ? 'green' : 'blue';
        const kept = deployment.targets.filter(({ label, status }) => label === leaving && status === 'Failed');
        expect(kept).toEqual([]);
      }
    }),
    { numRuns: 400 },
  );
});

test('a decision about a blue/green deployment has nothing to add to itself', () => {
  fc.assert(
    fc.property(made, fc.array(happening, { maxLength: 150 }), (options, happenings) => {
      const deployment = make(options);
      for (const one of happenings) happen(deployment, one);
      deployment.step();
      const { wakeAtMs } = deployment;
      if (deployment.finished === null) expect(deployment.step()).toEqual([{ action: 'wake-at', atMs: wakeAtMs }]);
      else expect(deployment.step()).toEqual([]);
    }),
    { numRuns: 200 },
  );
});
