import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IN_PLACE_EVENTS } from '../../../src/server/engine/course.ts';
import { decide, decidePart } from '../../../src/server/engine/decide.ts';
import { HALF_AT_A_TIME } from '../../../src/server/engine/hosts/health.ts';
import type { Action, DeploymentSnapshot, OtherTargets } from '../../../src/server/engine/snapshot.ts';
import { SimulatedDeployment } from '../../support/simulated-deployment.ts';
import { zonal } from '../../support/zonal-settings.ts';

/** Rows that a step for the changed targets reads: those, as many that wait for their turn, and the rest as counts. */
function partOf(deployment: SimulatedDeployment, whole: DeploymentSnapshot) {
  const waiting = whole.targets.filter(({ status }) => status === 'Pending').slice(0, deployment.changed.size);
  const targets = whole.targets.filter(
    (target) => deployment.changed.has(target.instanceId) || waiting.includes(target),
  );
  const rest = whole.targets.filter((target) => !targets.includes(target));
  const of = (status: string) => rest.filter((target) => target.status === status).length;
  const others: OtherTargets = {
    hosts: rest.length,
    counts: {
      pending: of('Pending'),
      inProgress: of('InProgress'),
      succeeded: of('Succeeded'),
      failed: of('Failed'),
      skipped: of('Skipped'),
    },
    wakeAtMs: deployment.wakeAtMs,
  };
  return { snapshot: { ...whole, targets }, others };
}

interface Tally {
  parts: number;
  wholes: number;
}

/** Decides in part where that may be done, and holds the outcome against the decision about the whole. */
function compared(deployment: SimulatedDeployment, tally: Tally): typeof decide {
  return (whole, nowMs) => {
    const expected = decide(structuredClone(whole), nowMs);
    if (deployment.needsWhole) return expected;
    const { snapshot, others } = partOf(deployment, whole);
    const part = decidePart(snapshot, others, nowMs);
    if (part === null) {
      tally.wholes += 1;
      return expected;
    }
    tally.parts += 1;
    const isWake = ({ action }: Action) => action === 'wake-at';
    expect(part.filter((action) => !isWake(action))).toEqual(expected.filter((action) => !isWake(action)));
    // What ends a deployment wakes nobody any more.
    const wakeOf = (actions: readonly Action[]) => actions.find((action) => action.action === 'wake-at')?.atMs ?? null;
    const [wake, latest] = [wakeOf(part), wakeOf(expected)];
    if (wake === null || latest === null) expect(wake).toBe(latest);
    else {
      expect(wake).toBeLessThanOrEqual(latest);
      expect(wake).toBeGreaterThan(nowMs);
    }
    return part;
  };
}

const fleet = fc.record({
  hosts: fc.integer({ min: 1, max: 12 }),
  events: fc.constantFrom(
    ...[1, 2, 3, 4].map((count): readonly string[] => IN_PLACE_EVENTS.slice(0, count)),
    ['BeforeBlockTraffic', 'BlockTraffic', 'Install', 'AllowTraffic'],
    ['BlockTraffic', 'AllowTraffic'],
  ),
  minimum: fc.record({
    type: fc.constantFrom('HOST_COUNT' as const, 'FLEET_PERCENT' as const, 'MOST_CONCURRENCY' as const),
    value: fc.integer({ min: 0, max: 13 }),
  }),
  deploymentConfigName: fc.constantFrom('any', 'any', HALF_AT_A_TIME),
  ignoreApplicationStopFailures: fc.boolean(),
  zonal: fc.option(zonal),
  perZone: fc.integer({ min: 1, max: 5 }),
});
const host = fc.nat({ max: 11 });
const happening = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.tuple(fc.constant('work' as const), host, fc.constantFrom('good', 'good', 'good', 'bad')),
  },
  { weight: 10, arbitrary: fc.tuple(fc.constant('begin' as const), host, fc.constantFrom('run', 'noop', 'lost')) },
  { weight: 25, arbitrary: fc.tuple(fc.constant('step' as const), host, fc.constantFrom('done', 'done', 'crash')) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('wait' as const), host, fc.constantFrom('a second', 'a minute')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('stop' as const), host, fc.constant('')) },
);

function happen(deployment: SimulatedDeployment, tally: Tally, [what, index, how]: readonly [string, number, string]) {
  if (what === 'work') {
    deployment.poll(index, false, false);
    deployment.complete(index, how === 'good');
  } else if (what === 'begin') deployment.poll(index, how === 'lost', how === 'noop');
  else if (what === 'step') deployment.step(how === 'crash', compared(deployment, tally));
  else if (what === 'wait') deployment.nowMs += how === 'a second' ? 1_000 : 60_000;
  else deployment.requestStop();
}

test('a decision about the changed targets alone is the decision about all of them, whatever happened before', () => {
  const tally: Tally = { parts: 0, wholes: 0 };
  fc.assert(
    fc.property(fleet, fc.array(happening, { maxLength: 200 }), (options, happenings) => {
      const zoneOf = (index: number) => `zone-${Math.floor(index / options.perZone)}`;
      const deployment = new SimulatedDeployment(options.hosts, options.events, options, zoneOf);
      deployment.step();
      for (const one of happenings) happen(deployment, tally, one);
    }),
    { numRuns: 600 },
  );
  expect(tally.parts).toBeGreaterThan(tally.wholes);
});

test('a decision about one target says that the whole is needed when it ends the deployment, or skips others', () => {
  const options = {
    minimum: { type: 'MOST_CONCURRENCY' as const, value: 1 },
    deploymentConfigName: 'any',
    ignoreApplicationStopFailures: false,
    zonal: null,
  };
  const decided = (hosts: number, isGood: boolean) => {
    const deployment = new SimulatedDeployment(hosts, ['Install'], options);
    deployment.step();
    deployment.poll(0, false, false);
    deployment.complete(0, isGood);
    const { snapshot, others } = partOf(deployment, deployment.snapshot());
    return decidePart(snapshot, others, deployment.nowMs)?.map(({ action }) => action) ?? null;
  };
  expect(decided(5, true)).toEqual(['end-target', 'start-target', 'ready-event', 'wake-at']);
  expect(decided(5, false)).toBeNull();
  // Where all targets are looked at, there is nothing else to read.
  expect(decided(1, true)).toEqual(['end-target', 'finish']);
});
