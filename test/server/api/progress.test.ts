/** Phases of blue/green deployments and steps of shifts of traffic, by the rows. */
import { describe, expect, test } from 'vitest';
import { progressLines } from '../../../src/cli/view/progress.ts';
import { phasesOfHosts, phasesOfService } from '../../../src/server/api/deployment-phases.ts';
import { trafficRecord } from '../../../src/server/api/traffic-steps.ts';
import type { ReplacementPlan } from '../../../src/server/engine/hosts/blue-green-plan.ts';

type Row = Parameters<typeof phasesOfHosts>[0];

const ROW: Row = {
  ...{ status: 'InProgress', started_at_ms: 1_000, completed_at_ms: null, ready_at_ms: null },
  ...{ continued_at_ms: null, termination_wait_at_ms: null, wait_skipped_at_ms: null },
};
const PLAN: ReplacementPlan = {
  ...{ course: 'blue-green', greenFilterLists: [], readyWaitMs: 60_000, terminationWaitMs: 120_000 },
  terminateBy: 'program',
};
const statuses = (row: Partial<Row>, plan = PLAN, orders: Parameters<typeof phasesOfHosts>[2] = []) =>
  Object.fromEntries(phasesOfHosts({ ...ROW, ...row }, plan, orders).map(({ name, status }) => [name, status]));

describe('phases of a blue/green deployment', () => {
  const waiting = { ready_at_ms: 2_000, status: 'Ready' } as const;
  const rerouting = { ...waiting, status: 'InProgress', continued_at_ms: 3_000 } as const;
  const keeping = { ...rerouting, termination_wait_at_ms: 4_000 } as const;
  const terminating = [{ kind: 'TerminateByProgram', given_at_ms: 5_000, outcome: null }];

  test.each<[string, Partial<Row>, Parameters<typeof phasesOfHosts>[2], string]>([
    ['that installs', {}, [], 'Install'],
    ['that is Ready', waiting, [], 'ReadyWait'],
    ['that was continued', rerouting, [], 'Reroute'],
    ['that keeps its original hosts', keeping, [], 'TerminationWait'],
    ['that terminates them', keeping, terminating, 'Terminate'],
  ])('%s have one that goes on, those before it over and those behind it pending', (_what, row, orders, name) => {
    const order = ['Install', 'ReadyWait', 'Reroute', 'TerminationWait', 'Terminate'];
    const at = order.indexOf(name);
    const expected = order.map((one, index) => [one, index < at ? 'Succeeded' : index > at ? 'Pending' : 'InProgress']);
    expect(statuses(row, PLAN, orders)).toEqual(Object.fromEntries(expected));
  });

  test('say when a wait ends by itself, while it goes on', () => {
    const untils = (row: Partial<Row>) =>
      phasesOfHosts({ ...ROW, ...row }, PLAN, []).flatMap(({ untilTime }) => untilTime ?? []);
    expect(untils(waiting)).toEqual([62]);
    expect(untils(keeping)).toEqual([124]);
    expect(untils({ ...keeping, status: 'Succeeded', completed_at_ms: 9_000 })).toEqual([]);
  });

  test('phases that ended early are the one that failed, and those that were skipped', () => {
    expect(statuses({ status: 'Failed', completed_at_ms: 1_500 }, { ...PLAN, readyWaitMs: null })).toEqual({
      ...{ Install: 'Failed', Reroute: 'Skipped', TerminationWait: 'Skipped', Terminate: 'Skipped' },
    });
  });

  test('begin with the making of hosts where a program makes them', () => {
    const orders = [{ kind: 'ProvisionByProgram', given_at_ms: 1_200, outcome: null }];
    const plan = { ...PLAN, provisionBy: 'program' } as const;
    expect(statuses({}, plan, orders)).toMatchObject({ Provision: 'InProgress', Install: 'Pending' });
  });

  test('are none for a deployment in place', () => {
    expect(phasesOfHosts(ROW, null, [])).toEqual([]);
  });

  test('phases of a service go from its installation to the deletion of the task set', () => {
    const plan = { readyWaitMs: null, terminationWaitMs: 1_000 } as Parameters<typeof phasesOfService>[1];
    const names = phasesOfService(ROW, plan, [], { fromMs: 2_000, toMs: null }).map((phase) => [
      phase.name,
      phase.status,
    ]);
    expect(names).toEqual([
      ['Install', 'Succeeded'],
      ['Reroute', 'InProgress'],
      ['TerminationWait', 'Pending'],
      ['Terminate', 'Pending'],
    ]);
  });
});

describe('steps of a shift of traffic', () => {
  const schedule = { steps: [10, 50, 100], intervalMs: 60_000 };
  const order = { memory_json: JSON.stringify({ progress: { step: 0, startedAtMs: 1_000 } }) };
  const event = { status: 'InProgress', started_at_ms: 900, ended_at_ms: null } as const;

  test('are those that were taken, the next one and those that come, each with its time', () => {
    expect(trafficRecord({ schedule, percent: 10, event, order })).toEqual({
      ...{ percent: 10, intervalSeconds: 60 },
      steps: [
        { percent: 10, status: 'Taken', time: 1 },
        { percent: 50, status: 'Next', time: 61 },
        { percent: 100, status: 'Later', time: 121 },
      ],
    });
  });

  test.each([
    ['have no times before the shift', 'Pending', ['Later', 'Later', 'Later']],
    ['are all taken once the event has succeeded', 'Succeeded', ['Taken', 'Taken', 'Taken']],
    ['that were not taken are skipped once the event has failed', 'Failed', ['Taken', 'Skipped', 'Skipped']],
  ] as const)('%s', (_what, status, expected) => {
    const began = status === 'Pending' ? { started_at_ms: null } : {};
    const shift = { schedule, percent: 0, event: { ...event, status, ...began } };
    const { steps } = trafficRecord({ ...shift, order: status === 'Failed' ? order : undefined });
    expect(steps.map((step) => step.status)).toEqual(expected);
    expect(steps.some(({ time }) => time !== undefined)).toBe(status !== 'Pending');
  });

  test('are lines of the command line', () => {
    const traffic = trafficRecord({ schedule, percent: 10, event, order });
    expect(progressLines({ phases: [], traffic })).toHaveLength(4);
  });
});
