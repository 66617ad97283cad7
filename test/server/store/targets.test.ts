import { expect, test } from 'vitest';
import { insertDeployment } from '../../../src/server/store/deployments.ts';
import {
  handOutAll,
  hostsWithReadyEvents,
  nextReadyEvents,
  takeBackHandOut,
} from '../../../src/server/store/hand-outs.ts';
import { listHostHistory } from '../../../src/server/store/history.ts';
import { hostStatesOf, putHostStates } from '../../../src/server/store/host-states.ts';
import {
  eventsOf,
  eventsOfActiveTargets,
  insertEvents,
  keyOf,
  lockEventByCommand,
  skipEvents,
  updateEvent,
} from '../../../src/server/store/lifecycle-events.ts';
import type { LifecycleEventRow, TargetRow } from '../../../src/server/store/schema.ts';
import type { Store } from '../../../src/server/store/store.ts';
import {
  countTargets,
  findTarget,
  insertTargets,
  setTargetStatus,
  targetsOf,
} from '../../../src/server/store/targets.ts';
import { hostArn, keyOfHost, makeFleet, newDeployment } from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const target = (index: number, changes: Partial<TargetRow> = {}): TargetRow => ({
  deployment_id: 'd-1',
  instance_id: `i-${index}`,
  target_id: `host-${index}`,
  target_arn: `arn-${index}`,
  host_arn: `user-${index}`,
  position: index,
  was_current: 0,
  zone: null,
  label: null,
  installed_at_ms: null,
  details_json: null,
  status: 'Pending',
  updated_at_ms: 1,
  ...changes,
});

const event = (index: number, position: number, changes: Partial<LifecycleEventRow> = {}): LifecycleEventRow => ({
  deployment_id: 'd-1',
  instance_id: `i-${index}`,
  position,
  event_name: `Event${position}`,
  status: 'Pending',
  host_command_id: null,
  host_arn: `user-${index}`,
  ready_at_ms: null,
  handed_out_at_ms: null,
  started_at_ms: null,
  ended_at_ms: null,
  reported_at_ms: null,
  diagnostics_json: null,
  ...changes,
});

async function withTargets(
  store: Store,
  targets: readonly TargetRow[],
  events: readonly LifecycleEventRow[] = [],
  hosts: readonly string[] = [],
) {
  await makeFleet(store, hosts);
  await store.transaction(async (tx) => {
    await insertDeployment(tx, newDeployment('d-1'));
    await insertTargets(tx, targets);
    await insertEvents(tx, events);
  });
}

describeStores('targets and their events', (kind) => {
  test('a thousand targets with their events are written and read in order', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const all = Array.from({ length: 1000 }, (_, index) => target(index));
    await withTargets(
      store,
      all.toReversed(),
      all.flatMap((_, index) => [event(index, 1), event(index, 0)]),
    );
    expect((await targetsOf(store.db, 'd-1')).map(({ position }) => position)).toEqual(
      all.map(({ position }) => position),
    );
    const events = await eventsOf(store.db, 'd-1', 'i-999');
    expect(events.map(({ event_name }) => event_name)).toEqual(['Event0', 'Event1']);
    expect(await eventsOf(store.db, 'd-1')).toHaveLength(2000);
    expect(await findTarget(store.db, 'd-1', 'i-7')).toEqual(target(7));
    expect(await findTarget(store.db, 'd-1', 'i-1000')).toBeNull();
  });

  test('a page of the history of hosts asks no more of the database for deployments that had none, however many they are', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, []);
    await store.transaction(async (tx) => {
      for (let number = 0; number < 300; number += 1) {
        const times = { created_at_ms: number, completed_at_ms: number };
        await insertDeployment(tx, newDeployment(`d-${number}`, { ...times, status: 'Failed' }));
      }
      await insertTargets(tx, [target(0, { deployment_id: 'd-0' }), target(1, { deployment_id: 'd-250' })]);
    });
    let statements = 0;
    const counting = store.db.withPlugin({
      transformQuery({ node }) {
        statements += 1;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const everything = { applicationId: null, deploymentGroupId: null, sinceMs: null, untilMs: null };
    const found = await listHostHistory(counting, everything, { after: null, limit: 10 });
    expect(found.map((row) => `${row.deployment_id} ${row.target_id}`)).toEqual(['d-250 host-1', 'd-0 host-0']);
    // One for the deployments, and one for the hosts of each of the two.
    expect(statements).toBe(3);
  });

  test('statuses are set for those that are named, and counted', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await withTargets(
      store,
      [0, 1, 2, 3].map((index) => target(index)),
    );
    await store.transaction((tx) => setTargetStatus(tx, 'd-1', ['i-1', 'i-3'], 'Failed', 9));
    expect(await findTarget(store.db, 'd-1', 'i-3')).toMatchObject({ status: 'Failed', updated_at_ms: 9 });
    expect(await countTargets(store.db, ['d-1', 'd-2'])).toEqual(new Map([['d-1', { Pending: 2, Failed: 2 }]]));
    expect(await countTargets(store.db, [])).toEqual(new Map());
  });

  test('a decision reads the events of those targets only that are not over', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const statuses = ['Pending', 'InProgress', 'Succeeded', 'Failed', 'Skipped'] as const;
    await withTargets(
      store,
      statuses.map((status, index) => target(index, { status })),
      statuses.map((_, index) => event(index, 0)),
    );
    const events = await eventsOfActiveTargets(store.db, 'd-1');
    expect(events.map(({ instance_id }) => instance_id).sort()).toEqual(['i-0', 'i-1']);
  });

  test('skipping leaves alone what has ended', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const ended = event(0, 0, { status: 'Succeeded', ended_at_ms: 3 });
    await withTargets(store, [target(0), target(1)], [ended, event(0, 1), event(1, 0)]);
    await store.transaction((tx) => skipEvents(tx, 'd-1', ['i-0'], 7));
    expect(await eventsOf(store.db, 'd-1', 'i-0')).toEqual([ended, event(0, 1, { status: 'Skipped', ended_at_ms: 7 })]);
    expect(await eventsOf(store.db, 'd-1', 'i-1')).toEqual([event(1, 0)]);
  });

  test('a host’s next event is the one that has been ready for longest and that nobody has or that was lost', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const ready = (position: number, changes: Partial<LifecycleEventRow>) =>
      event(0, position, { host_command_id: `command-${position}`, ...changes });
    const events = [
      ready(0, { ready_at_ms: 1, started_at_ms: 2, status: 'InProgress' }),
      ready(1, { ready_at_ms: 1, ended_at_ms: 2, status: 'Skipped' }),
      ready(2, { ready_at_ms: 2, handed_out_at_ms: 60 }),
      ready(3, { ready_at_ms: 4 }),
      ready(4, { ready_at_ms: 3 }),
      event(0, 5),
    ];
    await withTargets(store, [target(0)], events);
    const next = async (beforeMs: number, ...hosts: string[]) =>
      (await nextReadyEvents(store.db, hosts, beforeMs)).map((found) => found?.position ?? null);
    expect(await next(59, 'user-0')).toEqual([4]);
    expect(await next(60, 'user-1', 'user-0', 'user-0')).toEqual([null, 2, 2]);
    expect(await hostsWithReadyEvents(store.db, 0)).toEqual(['user-0']);
    const byCommand = (id: string) => store.transaction((tx) => lockEventByCommand(tx, id));
    expect((await byCommand('command-3'))?.position).toBe(3);
    expect(await byCommand('command-5')).toBeNull();
  });

  test('one of many that take an event at once gets it, and an event that was taken back can be taken again', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const ready = { host_command_id: 'command', host_arn: hostArn('0'), ready_at_ms: 1 };
    await withTargets(store, [target(0)], [event(0, 0, ready)], ['0', '1']);
    const seen = await store.transaction((tx) => lockEventByCommand(tx, 'command'));
    if (seen === null) throw new Error('there is no such event');
    const handOut = (event: LifecycleEventRow, nowMs: number, accessKeyId = keyOfHost('0')) =>
      store.statement((db) => handOutAll(db, [{ event, accessKeyId }], nowMs));
    const next = async () => (await nextReadyEvents(store.db, [hostArn('0')], 0))[0];
    expect(await handOut(seen, 50, keyOfHost('1'))).toEqual(new Set());
    const taken = await Promise.all(Array.from({ length: 10 }, () => handOut(seen, 50)));
    expect(taken.filter((ids) => ids.has('command'))).toHaveLength(1);
    expect(await handOut({ ...seen, handed_out_at_ms: 49 }, 51)).toEqual(new Set());
    expect(await handOut({ ...seen, handed_out_at_ms: 50 }, 51)).toEqual(new Set(['command']));
    await takeBackHandOut(store.db, seen, 50);
    expect(await next()).toBeNull();
    await takeBackHandOut(store.db, seen, 51);
    expect(await next()).toEqual(seen);

    await store.db.updateTable('access_keys').set({ disabled_at_ms: 1 }).execute();
    expect(await handOut(seen, 52)).toEqual(new Set());
    await store.db.updateTable('access_keys').set({ disabled_at_ms: null }).execute();
    await store.transaction((tx) => updateEvent(tx, keyOf(seen), { started_at_ms: 51 }));
    expect(await handOut(seen, 52)).toEqual(new Set());
  });
});

describeStores('host states', (kind) => {
  test('are kept per group and host, the newest one counting', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const state = (group: string, health: 'healthy' | 'unhealthy', revision: string | null) => ({
      deployment_group_id: group,
      instance_id: 'i-1',
      health,
      revision_identity: revision,
      ...{ left_at_ms: 5, is_missed: 0, automatic: null, tries_of: null, failed_tries: 0 },
    });
    await store.transaction(async (tx) => {
      await putHostStates(tx, [state('one', 'healthy', 'r1'), state('two', 'healthy', 'r1')]);
      await putHostStates(tx, [state('one', 'unhealthy', null)]);
      await putHostStates(tx, []);
    });
    expect(await hostStatesOf(store.db, 'one')).toEqual(new Map([['i-1', state('one', 'unhealthy', null)]]));
    expect(await hostStatesOf(store.db, 'two')).toEqual(new Map([['i-1', state('two', 'healthy', 'r1')]]));
    expect(await hostStatesOf(store.db, 'three')).toEqual(new Map());
  });
});
