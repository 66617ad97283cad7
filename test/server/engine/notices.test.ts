import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TRIGGER_EVENTS } from '../../../src/protocol/management/trigger-events.ts';
import { deploymentNotice, instanceNotice, wantedNotices } from '../../../src/server/engine/notices.ts';
import { type Trigger, triggersOf } from '../../../src/server/engine/triggers.ts';
import { listNotices } from '../../../src/server/store/notices.ts';
import type { DeploymentRow, DeploymentStatus, TargetRow, TargetStatus } from '../../../src/server/store/schema.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  engineServer,
  makeFleet,
  newDeployment,
  runHost,
  startDeployment,
  targetsByName,
} from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const ALL: Trigger = { name: 'all', target: 'chat', events: TRIGGER_EVENTS };
const settingsWith = (...triggers: readonly Trigger[]) =>
  JSON.stringify({ filterLists: [[{ Key: 'in', Value: 'fleet' }]], rollbackEvents: ['DEPLOYMENT_FAILURE'], triggers });

const state = (status: DeploymentStatus, startedAtMs: number | null, creator = 'user') => ({
  ...{ status, started_at_ms: startedAtMs, ready_at_ms: null as number | null, creator },
});
const ready = (status: DeploymentStatus) => ({ ...state(status, 1), ready_at_ms: 2 });
type State = ReturnType<typeof state>;

test.each<[string, State, State, string[]]>([
  ['begins', state('Created', null), state('InProgress', 1), ['DeploymentStart']],
  [
    'begins and rolls another one back',
    state('Created', null),
    state('InProgress', 1, 'codeDeployRollback'),
    ['DeploymentStart', 'DeploymentRollback'],
  ],
  ['begins and ends in one step', state('Created', null), state('Failed', 1), ['DeploymentStart', 'DeploymentFailure']],
  ['ends before it could begin', state('Created', null), state('Failed', null), ['DeploymentFailure']],
  ['waits for its traffic', state('InProgress', 1), ready('Ready'), ['DeploymentReady']],
  ['goes on after that', ready('Ready'), ready('InProgress'), []],
  ['is ready and moves traffic at once', state('InProgress', 1), ready('InProgress'), ['DeploymentReady']],
  ['is ready and ends at once', state('InProgress', 1), ready('Failed'), ['DeploymentReady', 'DeploymentFailure']],
  ['succeeds', state('InProgress', 1), state('Succeeded', 1), ['DeploymentSuccess']],
  ['is stopped', state('InProgress', 1), state('Stopped', 1), ['DeploymentStop']],
  ['stays as it is', state('InProgress', 1), state('InProgress', 1), []],
])('a deployment that %s is told of by the events of that', (_, before, after, events) => {
  expect(wantedNotices('d-1', { before, after }, [], [ALL]).map(({ event }) => event)).toEqual(events);
});

test.each<[TargetStatus, TargetStatus, string[]]>([
  ['Pending', 'InProgress', ['InstanceStart']],
  ['InProgress', 'InProgress', []],
  ['Ready', 'InProgress', []],
  ['InProgress', 'Succeeded', ['InstanceSuccess']],
  ['Pending', 'Failed', ['InstanceFailure']],
  ['Pending', 'Skipped', []],
  ['InProgress', 'Unknown', []],
])('a target that was %s and is %s is told of by the events of that', (was, is, events) => {
  const unchanged = state('InProgress', 1);
  const common = { instance_id: 'i', installed_at_ms: null };
  const target = { before: { ...common, status: was }, after: { ...common, status: is } };
  const wanted = wantedNotices('d-1', { before: unchanged, after: unchanged }, [target], [ALL]);
  expect(wanted.map(({ event }) => event)).toEqual(events);
});

test.each<[TargetStatus, string[]]>([
  ['Ready', ['InstanceReady']],
  ['InProgress', ['InstanceReady']],
  ['Skipped', ['InstanceReady']],
  ['Failed', ['InstanceReady', 'InstanceFailure']],
])('a target that was installed is told of as Ready, also when the same step leaves it %s', (is, events) => {
  const unchanged = state('InProgress', 1);
  const before = { instance_id: 'i', status: 'InProgress', installed_at_ms: null } as const;
  const target = { before, after: { ...before, status: is, installed_at_ms: 5 } };
  const wanted = wantedNotices('d-1', { before: unchanged, after: unchanged }, [target], [ALL]);
  expect(wanted.map(({ event }) => event)).toEqual(events);
});

describe('the notices of whole deployments', () => {
  const events = fc.uniqueArray(fc.constantFrom(...TRIGGER_EVENTS), { minLength: 1 });
  const triggers = fc.uniqueArray(
    fc.record({ name: fc.constantFrom('a', 'b', 'c'), target: fc.constantFrom('x', 'y'), events }),
    { selector: ({ name }) => name, minLength: 1 },
  );
  /** Which of the targets goes on next; each goes Pending, InProgress, and then its ending. */
  const turns = fc.array(fc.nat(4), { maxLength: 20 });
  const endings = fc.array(fc.constantFrom<TargetStatus>('Succeeded', 'Failed'), { minLength: 5, maxLength: 5 });

  test('have one id for each event and trigger, the same when a step is decided again, and come in the order of what happens', () => {
    fc.assert(
      fc.property(triggers, turns, endings, (given, order, ends) => {
        const statuses: TargetStatus[] = Array.from({ length: 5 }, () => 'Pending');
        const ids: string[] = [];
        const seen: string[] = [];
        const step = (before: State, after: State, index: number | null, was: TargetStatus) => {
          const status = index === null ? was : (statuses[index] ?? was);
          const id = `i-${index}`;
          const common = { instance_id: id, installed_at_ms: null };
          const target = { before: { ...common, status: was }, after: { ...common, status } };
          const decide = () => wantedNotices('d-1', { before, after }, index === null ? [] : [target], given);
          expect(decide()).toEqual(decide());
          for (const notice of decide()) {
            ids.push(notice.id);
            seen.push(notice.event);
            expect(notice.trigger.events).toContain(notice.event);
          }
        };
        const running = state('InProgress', 1);
        step(state('Created', null), running, null, 'Pending');
        for (const index of order) {
          const was = statuses[index] ?? 'Pending';
          statuses[index] = was === 'Pending' ? 'InProgress' : (ends[index] ?? 'Failed');
          step(running, running, index, was);
        }
        step(running, state('Succeeded', 1), null, 'Pending');
        expect(new Set(ids).size).toBe(ids.length);
        const wants = (event: string) => given.filter((trigger) => trigger.events.includes(event as never)).length;
        expect(seen.filter((event) => event === 'DeploymentStart').length).toBe(wants('DeploymentStart'));
        expect(seen.filter((event) => event === 'DeploymentSuccess').length).toBe(wants('DeploymentSuccess'));
        expect(seen.lastIndexOf('DeploymentStart')).toBeLessThan(Math.max(1, wants('DeploymentStart')));
      }),
      { numRuns: 200 },
    );
  });
});

test('triggers that say nothing, as an older version may have kept them, are left out', () => {
  const good = { triggerName: 'a', triggerTargetArn: 'x', triggerEvents: ['InstanceStart', 'Later'] };
  expect(triggersOf([good, {}, { ...good, triggerName: '' }, { ...good, triggerEvents: ['Later'] }])).toEqual([
    { name: 'a', target: 'x', events: ['InstanceStart'] },
  ]);
  expect(triggersOf(undefined)).toEqual([]);
});

describe('the documented payload', () => {
  const row = {
    ...newDeployment('d-1'),
    ...{ created_at_ms: 1_446_744_188_595, completed_at_ms: 1_446_744_190_402, status: 'Failed' },
    ...{ error_code: 'HEALTH_CONSTRAINTS', error_message: 'Too many failed.' },
    options_json: JSON.stringify({ rollbackInfo: { rollbackDeploymentId: 'd-2', rollbackMessage: 'm' } }),
  } as DeploymentRow;

  test('the payload of a deployment has every scalar as a text', () => {
    expect(deploymentNotice(ALL, row, { Failed: 2, Succeeded: 1, Ready: 1, InProgress: 1 })).toEqual({
      subject: 'Failed: CodeDeploy d-1 to fleet',
      payload: {
        ...{ eventTriggerName: 'all', applicationName: 'app', deploymentId: 'd-1', deploymentGroupName: 'fleet' },
        ...{ createTime: '1446744188.595', completeTime: '1446744190.402', status: 'Failed' },
        deploymentOverview: { Failed: '2', InProgress: '2', Pending: '0', Skipped: '0', Succeeded: '1' },
        errorInformation: { ErrorCode: 'HEALTH_CONSTRAINTS', ErrorMessage: 'Too many failed.' },
        rollbackInformation: { RollbackDeploymentId: 'd-2', RollbackMessage: 'm' },
      },
    });
  });

  test('the payload of a target has its events, and a subject that SNS takes however long the names are', () => {
    const target = {
      target_id: 'w'.repeat(100),
      target_arn: 'arn:i',
      status: 'Failed',
      updated_at_ms: 1500,
    } as TargetRow;
    const events = [
      { event_name: 'ApplicationStop', status: 'Succeeded', started_at_ms: 1000, ended_at_ms: 1250 } as const,
      { event_name: 'Install', status: 'Skipped', started_at_ms: null, ended_at_ms: 1500 } as const,
    ];
    const { subject, payload } = instanceNotice(ALL, row, target, events);
    expect(subject).toHaveLength(100);
    expect(payload).toEqual({
      ...{ eventTriggerName: 'all', deploymentId: 'd-1', instanceId: 'arn:i' },
      ...{ lastUpdatedAt: '1.500', instanceStatus: 'Failed' },
      lifecycleEvents: [
        {
          ...{ LifecycleEvent: 'ApplicationStop', LifecycleEventStatus: 'Succeeded' },
          ...{ StartTime: '1.000', EndTime: '1.250' },
        },
        { LifecycleEvent: 'Install', LifecycleEventStatus: 'Skipped', EndTime: '1.500' },
      ],
    });
  });
});

describeStores('a deployment with triggers', (kind) => {
  const noticesOf = async (store: Store, deploymentId: string) => {
    const page = { after: null, limit: 100 };
    const rows = await listNotices(store.db, { deploymentId, state: null }, page);
    return rows.sort((a, b) => a.position - b.position);
  };

  test('writes each notice down once, in order, in the transaction of what it is about', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database, { clock: manualClock() });
    const { store } = server;
    await makeFleet(store, ['a']);
    const failures: Trigger = { name: 'failures', target: 'pager', events: ['DeploymentFailure'] };
    await startDeployment(server, 'd-1', { settings_json: settingsWith(ALL, failures) });
    await runHost(server, 'a');
    // Nothing has changed: another step writes nothing.
    await server.engine.step('d-1');
    await startDeployment(server, 'd-2', { settings_json: settingsWith(ALL, failures) });
    await runHost(server, 'a', (name) => (name === 'Install' ? { errorCode: 5, message: 'no' } : {}));
    const kinds = async (id: string) =>
      (await noticesOf(store, id)).map(({ event, target, position }) => `${position} ${event} ${target}`);
    expect(await kinds('d-1')).toEqual([
      ...['0 DeploymentStart chat', '1 InstanceStart chat', '2 InstanceSuccess chat', '3 DeploymentSuccess chat'],
    ]);
    expect(await kinds('d-2')).toEqual([
      ...['0 DeploymentStart chat', '1 InstanceStart chat', '2 InstanceFailure chat'],
      ...['3 DeploymentFailure chat', '4 DeploymentFailure pager'],
    ]);
    const failed = (await noticesOf(store, 'd-2'))[3];
    const { rollbackInfo } = JSON.parse((await deploymentOf(store, 'd-2')).options_json);
    expect(JSON.parse(failed?.payload_json ?? '')).toMatchObject({
      ...{
        status: 'Failed',
        deploymentOverview: { Failed: '1' },
        errorInformation: { ErrorCode: 'HEALTH_CONSTRAINTS' },
      },
      rollbackInformation: { RollbackDeploymentId: rollbackInfo.rollbackDeploymentId },
    });
    const { events = [] } = (await targetsByName(store, 'd-2'))['a'] ?? {};
    const lifecycleEvents = JSON.parse((await noticesOf(store, 'd-2'))[2]?.payload_json ?? '').lifecycleEvents;
    expect(lifecycleEvents.map((event: Record<string, string>) => event['LifecycleEventStatus'])).toEqual(
      events.map(({ status }) => status),
    );
    // The rollback has the triggers of what it rolls back.
    expect((await kinds(rollbackInfo.rollbackDeploymentId)).slice(0, 2)).toEqual([
      ...['0 DeploymentStart chat', '1 DeploymentRollback chat'],
    ]);
  });

  test('a deployment with triggers that cannot begin tells of its failure, and one without triggers of nothing', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database, { clock: manualClock() });
    await makeFleet(server.store, []);
    await startDeployment(server, 'd-1', { settings_json: settingsWith(ALL) });
    await startDeployment(server, 'd-2', { settings_json: settingsWith() });
    expect((await noticesOf(server.store, 'd-1')).map(({ event }) => event)).toEqual(['DeploymentFailure']);
    expect(await noticesOf(server.store, 'd-2')).toEqual([]);
  });
});
