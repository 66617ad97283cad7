import { describe, expect, test } from 'vitest';
import { specificationOf } from '../../../src/server/commands/specification.ts';
import { endWait } from '../../../src/server/engine/continue.ts';
import { endEvent, reportOn } from '../../../src/server/engine/event-reports.ts';
import { type BlueGreenConfiguration, replacementPlan } from '../../../src/server/engine/hosts/blue-green-plan.ts';
import { LONGEST_WAIT_MS } from '../../../src/server/engine/limits.ts';
import type { DeploymentSettings } from '../../../src/server/engine/settings.ts';
import { requestStop } from '../../../src/server/engine/stop.ts';
import { putFleet, replaceFleetMembers } from '../../../src/server/store/fleets.ts';
import { keyOf, lockEvent } from '../../../src/server/store/lifecycle-events.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  type EngineServer,
  engineServer,
  makeFleet,
  revisionJson,
  runHost,
  startDeployment,
  statusesOf,
  targetsByName,
} from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const BLUE = ['old-1', 'old-2'];
const GREEN = ['new-1', 'new-2'];
const ID = 'd-BLUEGREEN';
const TARGETS = { tagFilters: [{ Key: 'fleet', Value: 'new', Type: 'KEY_AND_VALUE' }] };
const filterLists = [[{ Key: 'fleet', Value: 'old', Type: 'KEY_AND_VALUE' }]];
const GROUP = { onPremisesInstanceTagFilters: filterLists[0] };

/** Hosts of both fleets; the original ones run the group's revision `one`. */
async function makeFleets(server: EngineServer): Promise<void> {
  await makeFleet(server.store, [...BLUE, ...GREEN], GROUP);
  for (const name of [...BLUE, ...GREEN]) {
    await server.store.db
      .insertInto('instance_tags')
      .values({ instance_id: `id-of-${name}`, instance_name: name, tag_key: 'fleet', tag_value: name.slice(0, 3) })
      .execute();
  }
  const settings = { filterLists, rollbackEvents: [], loadBalancerInfo: null };
  await startDeployment(server, 'd-0', { settings_json: JSON.stringify(settings) });
  for (const host of BLUE) await runHost(server, host);
  expect((await deploymentOf(server.store, 'd-0')).status).toBe('Succeeded');
}

interface Started {
  readonly configuration?: BlueGreenConfiguration;
  readonly rollbackEvents?: readonly string[];
  readonly more?: Partial<DeploymentSettings>;
}

async function start(
  server: EngineServer,
  { configuration = {}, rollbackEvents = [], more = {} }: Started = {},
): Promise<void> {
  const blueGreen = replacementPlan(configuration, TARGETS);
  await startDeployment(server, ID, {
    revision_json: revisionJson('two.tgz'),
    created_at_ms: Date.UTC(2026, 0, 2),
    options_json: JSON.stringify({ targetInstances: TARGETS, blueGreenDeploymentConfiguration: configuration }),
    settings_json: JSON.stringify({ filterLists, rollbackEvents, loadBalancerInfo: {}, blueGreen, ...more }),
  });
}

/** Hosts and server do all that there is to do, but for these events of these hosts, which fail. */
async function work(
  server: EngineServer,
  deploymentId: string,
  failing: Readonly<Record<string, string>> = {},
): Promise<Record<string, string[]>> {
  const done: Record<string, string[]> = {};
  for (let isIdle = false; !isIdle; ) {
    isIdle = true;
    for (const host of [...GREEN, ...BLUE]) {
      const ran = await runHost(server, host, (name) => (failing[host] === name ? { errorCode: 4 } : {}));
      const orders = await carryOutOrders(server, deploymentId, host, failing[host]);
      done[host] = [...(done[host] ?? []), ...ran, ...orders];
      if (ran.length + orders.length > 0) isIdle = false;
    }
  }
  return done;
}

/** Work of the server's own hands with a balancer that obeys at once. */
async function carryOutOrders(server: EngineServer, deploymentId: string, host: string, failing?: string) {
  const events = (await targetsByName(server.store, deploymentId))[host]?.events ?? [];
  const running = events.filter(({ status, host_command_id }) => status === 'InProgress' && host_command_id === null);
  for (const event of running) {
    await reportOn(
      { store: server.store, clock: manualClock(), engine: server.engine },
      { find: (tx) => lockEvent(tx, keyOf(event)), answerForUnknown: undefined, durability: 'synced' },
      async (tx, found) => {
        const ending = event.event_name === failing ? 'Failed' : 'Succeeded';
        return { answer: undefined, changed: await endEvent(tx, { event: found, status: ending, reported: null }, 1) };
      },
    );
  }
  return running.map(({ event_name }) => event_name);
}

async function groupOf(server: EngineServer) {
  const row = await server.store.db.selectFrom('deployment_groups').selectAll().executeTakeFirstOrThrow();
  return { ...row, settings: JSON.parse(row.settings_json) as object };
}

async function revisionsOf(server: EngineServer): Promise<Record<string, string | null>> {
  const rows = await server.store.db.selectFrom('host_states').select(['instance_id', 'revision_identity']).execute();
  return Object.fromEntries(rows.map((row) => [row.instance_id.replace('id-of-', ''), row.revision_identity]));
}

async function rollbackOf(server: EngineServer) {
  const { options_json } = await deploymentOf(server.store, ID);
  const { rollbackInfo = {} } = JSON.parse(options_json) as { rollbackInfo?: Record<string, string> };
  return { id: rollbackInfo['rollbackDeploymentId'] ?? '', message: rollbackInfo['rollbackMessage'] ?? '' };
}

describeStores('a blue/green deployment', (kind) => {
  test('leads traffic to the replacement hosts and makes them the group, and the original hosts run what they ran', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleets(server);
    await start(server);
    const done = await work(server, ID);
    expect(done['new-1']).toHaveLength(10);
    expect(done['old-2']).toEqual(['BeforeBlockTraffic', 'BlockTraffic', 'AfterBlockTraffic']);
    expect(Object.values(await targetsByName(server.store, ID)).map(({ label }) => label)).toEqual([
      ...['green', 'green', 'blue', 'blue'],
    ]);
    const deployment = await deploymentOf(server.store, ID);
    expect(deployment).toMatchObject({ status: 'Succeeded', error_code: null });
    expect(specificationOf(deployment)).toMatchObject({ deploymentType: 'BLUE_GREEN', deploymentCreator: 'user' });
    const group = await groupOf(server);
    expect(group.last_successful_deployment_id).toBe(ID);
    expect(group.settings).toEqual({ onPremisesInstanceTagFilters: TARGETS.tagFilters });
    const states = await server.store.db
      .selectFrom('host_states')
      .select(['instance_id', 'revision_identity'])
      .execute();
    const revisionOf = (host: string) => states.find((row) => row.instance_id === `id-of-${host}`)?.revision_identity;
    expect(revisionOf('new-1')).toContain('two.tgz');
    expect(revisionOf('old-1')).toContain('one.tgz');
  });

  test('waits as Ready for ContinueDeployment across a restart, and then before termination, which may be skipped', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    const configuration = {
      deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: 60 },
      terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 30 },
    };
    const end = (server: EngineServer, wait: 'READY_WAIT' | 'TERMINATION_WAIT') =>
      endWait({ store: server.store, clock }, server.engine, {
        ...{ deploymentId: ID, wait, tooEarly: 'InvalidDeploymentStatusException' },
      });
    {
      await using server = await engineServer(database, { clock });
      await makeFleets(server);
      await start(server, { configuration });
      await expect(end(server, 'READY_WAIT')).rejects.toMatchObject({ type: 'DeploymentIsNotInReadyStateException' });
      await work(server, ID);
      expect(await statusesOf(server.store, ID)).toMatchObject({ 'new-1': 'Ready', 'old-1': 'Pending' });
      expect(await deploymentOf(server.store, ID)).toMatchObject({
        ...{ status: 'Ready', ready_at_ms: clock.now(), wake_at_ms: clock.now() + 3_600_000 },
      });
      await expect(end(server, 'TERMINATION_WAIT')).rejects.toMatchObject({ type: 'InvalidDeploymentStatusException' });
    }
    await using server = await engineServer(database, { clock });
    await end(server, 'READY_WAIT');
    expect((await deploymentOf(server.store, ID)).status).toBe('InProgress');
    await work(server, ID);
    expect(await deploymentOf(server.store, ID)).toMatchObject({
      ...{ status: 'InProgress', termination_wait_at_ms: clock.now(), wake_at_ms: clock.now() + 1_800_000 },
    });
    await end(server, 'TERMINATION_WAIT');
    expect((await deploymentOf(server.store, ID)).status).toBe('Succeeded');
    await expect(end(server, 'TERMINATION_WAIT')).rejects.toMatchObject({
      type: 'DeploymentAlreadyCompletedException',
    });
    await expect(
      endWait({ store: server.store, clock }, server.engine, {
        ...{ deploymentId: 'd-0', wait: 'READY_WAIT', tooEarly: 'InvalidDeploymentStatusException' },
      }),
    ).rejects.toMatchObject({ type: 'DeploymentAlreadyCompletedException' });
  });

  test('does not go on to the end of its original hosts once a stop was accepted, also before the stop has taken effect', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleets(server);
    const wait = { action: 'TERMINATE', terminationWaitTimeInMinutes: 30 };
    await start(server, { configuration: { terminateBlueInstancesOnDeploymentSuccess: wait } });
    await work(server, ID);
    expect((await deploymentOf(server.store, ID)).termination_wait_at_ms).not.toBeNull();
    const stop = { deploymentId: ID, withRollback: null, now: false };
    await requestStop({ store: server.store, clock }, { step: async () => undefined }, stop);
    const request = {
      deploymentId: ID,
      wait: 'TERMINATION_WAIT',
      tooEarly: 'InvalidDeploymentStatusException',
    } as const;
    await expect(endWait({ store: server.store, clock }, server.engine, request)).rejects.toMatchObject({
      ...{ type: 'InvalidDeploymentStatusException', message: expect.stringContaining('somebody has stopped it') },
    });
    await server.engine.step(ID);
    expect((await deploymentOf(server.store, ID)).status).toBe('Stopped');
  });

  test('notices a replacement host that is deregistered while it waits, and fails without it', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleets(server);
    await start(server, { configuration: { deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT' } } });
    await work(server, ID);
    expect((await deploymentOf(server.store, ID)).wake_at_ms).toBe(clock.now() + LONGEST_WAIT_MS);
    await server.deregister('new-1');
    expect(await statusesOf(server.store, ID)).toMatchObject({ 'new-1': 'Failed', 'new-2': 'Ready' });
  });

  test('a blue/green deployment that is stopped while it waits leaves the new revision on the replacement hosts, and that is known', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database, { clock: manualClock() });
    await makeFleets(server);
    await start(server, { configuration: { deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT' } } });
    await work(server, ID);
    await server.stop(ID);
    expect(await statusesOf(server.store, ID)).toMatchObject({ 'new-1': 'Skipped', 'old-1': 'Skipped' });
    const two = expect.stringContaining('two.tgz');
    expect(await revisionsOf(server)).toMatchObject({
      'new-1': two,
      'new-2': two,
      'old-1': expect.not.stringContaining('two.tgz'),
    });
  });

  test('tells of every replacement host that it is Ready, also where none waits for another', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleets(server);
    await start(server, { more: { triggers: [{ name: 'all', target: 'chat', events: ['InstanceReady'] }] } });
    await work(server, ID);
    const notices = await server.store.db.selectFrom('notices').selectAll().where('deployment_id', '=', ID).execute();
    expect(notices.map(({ instance_id }) => instance_id).sort()).toEqual(['id-of-new-1', 'id-of-new-2']);
    expect(notices.map(({ payload_json }) => payload_json)).toEqual(
      Array(2).fill(expect.stringContaining('"instanceStatus":"Ready"')),
    );
  });

  test('a blue/green deployment of a group whose hosts AWS knows leaves it the replacement hosts alone, as they are enrolled', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleets(server);
    const settings_json = JSON.stringify({ ec2TagFilters: filterLists[0], autoScalingGroups: ['old'] });
    await server.store.db.updateTable('deployment_groups').set({ settings_json }).execute();
    const { deployment_group_id } = await groupOf(server);
    await server.store.transaction((tx) =>
      putFleet(tx, { deployment_group_id, read_at_ms: Date.UTC(2027, 0, 1), failing_json: null }),
    );
    await start(server, { more: { fleetOf: deployment_group_id } });
    await work(server, ID);
    expect((await deploymentOf(server.store, ID)).status).toBe('Succeeded');
    expect((await groupOf(server)).settings).toEqual({ onPremisesInstanceTagFilters: TARGETS.tagFilters });
  });

  test('does not begin when AWS has an original instance that no enrolled host is', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleets(server);
    const { deployment_group_id } = await groupOf(server);
    const ec2_instance_id = 'i-0123456789abcdef0';
    await server.store.transaction(async (tx) => {
      await putFleet(tx, { deployment_group_id, read_at_ms: Date.UTC(2027, 0, 1), failing_json: null });
      await replaceFleetMembers(tx, deployment_group_id, [
        {
          ...{ deployment_group_id, ec2_instance_id, instance_arn: 'arn', instance_id: null, auto_scaling_group: null },
          ...{ availability_zone: null, stage: 'in-service', stage_since_ms: 1 },
        },
      ]);
    });
    await start(server, { more: { fleetOf: deployment_group_id } });
    expect(await deploymentOf(server.store, ID)).toMatchObject({
      ...{ status: 'Failed', error_message: expect.stringContaining(ec2_instance_id) },
    });
  });

  test.each([
    ['no host has the tags of the replacement', { GREEN: 'none' }, 'NO_INSTANCES', 'targetInstances'],
    ['no host has the tags of the group', { BLUE: 'none' }, 'NO_INSTANCES', 'deployment group'],
    ['a host would replace itself', { BLUE: 'new' }, 'HEALTH_CONSTRAINTS_INVALID', 'new-1, new-2'],
  ])(
    'does not begin when %s',
    async (_, { GREEN: green = 'new', BLUE: blue = 'old' }: Record<string, string>, code, words) => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleets(server);
      const of = (Value: string) => [{ Key: 'fleet', Value, Type: 'KEY_AND_VALUE' }];
      await startDeployment(server, ID, {
        settings_json: JSON.stringify({
          ...{ filterLists: [of(blue)], rollbackEvents: [], loadBalancerInfo: {} },
          blueGreen: replacementPlan({}, { tagFilters: of(green) }),
        }),
      });
      const { status, error_code, error_message } = await deploymentOf(server.store, ID);
      expect([status, error_code]).toEqual(['Failed', code]);
      expect(error_message).toContain(words);
    },
  );
});

describeStores('the rollback of a blue/green deployment', (kind) => {
  const ON_FAILURE = ['DEPLOYMENT_FAILURE'];

  test('leads traffic back when an original host could not leave, and the group stays as it was', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleets(server);
    const before = await groupOf(server);
    await start(server, { rollbackEvents: ON_FAILURE });
    await work(server, ID, { 'old-1': 'BlockTraffic' });
    expect((await deploymentOf(server.store, ID)).status).toBe('Failed');
    const { id, message } = await rollbackOf(server);
    expect(message).toContain('led back');
    expect(await statusesOf(server.store, id)).toEqual({
      ...{ 'new-1': 'Pending', 'new-2': 'Pending', 'old-1': 'InProgress', 'old-2': 'InProgress' },
    });
    await work(server, id);
    const targets = await targetsByName(server.store, id);
    const eventsOf = (host: string) => targets[host]?.events.map(({ event_name }) => event_name);
    expect(eventsOf('old-1')).toEqual(['BeforeAllowTraffic', 'AllowTraffic', 'AfterAllowTraffic']);
    expect(eventsOf('new-1')).toEqual(['BeforeBlockTraffic', 'BlockTraffic', 'AfterBlockTraffic']);
    const rollback = await deploymentOf(server.store, id);
    expect(rollback).toMatchObject({ status: 'Succeeded', revision_json: revisionJson('one.tgz') });
    expect(specificationOf(rollback)).toMatchObject({
      ...{ deploymentType: 'BLUE_GREEN', deploymentCreator: 'codeDeployRollback' },
    });
    const after = await groupOf(server);
    expect(after.settings).toEqual(before.settings);
    expect(after.last_successful_deployment_id).toBe(id);
  });

  test('concerns only the replacement hosts where no original host has left yet', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleets(server);
    await start(server, { rollbackEvents: ON_FAILURE });
    await work(server, ID, { 'new-1': 'AllowTraffic', 'new-2': 'AfterAllowTraffic' });
    const { id } = await rollbackOf(server);
    expect(Object.keys(await statusesOf(server.store, id)).sort()).toEqual(GREEN);
    await work(server, id);
    expect((await deploymentOf(server.store, id)).status).toBe('Succeeded');
  });

  test('needs no successful deployment from before, and makes itself none', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleets(server);
    await server.store.db.updateTable('deployment_groups').set({ last_successful_deployment_id: null }).execute();
    await start(server, { rollbackEvents: ON_FAILURE });
    await work(server, ID, { 'old-1': 'BlockTraffic' });
    const { id } = await rollbackOf(server);
    await work(server, id);
    expect((await deploymentOf(server.store, id)).status).toBe('Succeeded');
    expect((await groupOf(server)).last_successful_deployment_id).toBeNull();
    const one = expect.stringContaining('one.tgz');
    expect(await revisionsOf(server)).toMatchObject({ 'old-1': one, 'old-2': one });
  });

  test('leaves the traffic where it is when no original host is registered any more', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database, { clock: manualClock() });
    await makeFleets(server);
    const waits = {
      deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT' },
      terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 30 },
    };
    await start(server, { configuration: waits });
    await work(server, ID);
    for (const host of BLUE) await server.deregister(host);
    await endWait({ store: server.store, clock: manualClock() }, server.engine, {
      ...{ deploymentId: ID, wait: 'READY_WAIT', tooEarly: 'InvalidDeploymentStatusException' },
    });
    await work(server, ID);
    expect(await statusesOf(server.store, ID)).toMatchObject({ 'new-1': 'Succeeded', 'old-1': 'Skipped' });
    await server.stop(ID, true);
    const { id } = await rollbackOf(server);
    expect(await deploymentOf(server.store, id)).toMatchObject({ status: 'Failed', error_code: 'HEALTH_CONSTRAINTS' });
    expect(await statusesOf(server.store, id)).toEqual({});
  });

  test('begins at once also where AWS says which hosts the group has', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleets(server);
    clock.advance(3 * 24 * 3_600_000);
    const { deployment_group_id } = await groupOf(server);
    await server.store.transaction((tx) =>
      putFleet(tx, { deployment_group_id, read_at_ms: Date.UTC(2026, 0, 3), failing_json: null }),
    );
    await start(server, { rollbackEvents: ON_FAILURE, more: { fleetOf: deployment_group_id } });
    await work(server, ID, { 'old-1': 'BlockTraffic' });
    const { id } = await rollbackOf(server);
    expect((await deploymentOf(server.store, id)).status).toBe('InProgress');
  });

  test('is none where no traffic was rerouted', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleets(server);
    await start(server, { rollbackEvents: ON_FAILURE });
    await work(server, ID, { 'new-1': 'Install', 'new-2': 'Install' });
    expect(await rollbackOf(server)).toMatchObject({ id: '', message: expect.stringContaining('no traffic') });
    expect(await statusesOf(server.store, ID)).toMatchObject({ 'old-1': 'Skipped', 'old-2': 'Skipped' });
  });

  test('is none where a replacement host is lost while all wait for their traffic', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database, { clock: manualClock() });
    await makeFleets(server);
    await start(server, { configuration: { deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT' } } });
    await work(server, ID);
    await server.deregister('new-1');
    await server.stop(ID, true);
    expect((await deploymentOf(server.store, ID)).status).toBe('Stopped');
    expect(await rollbackOf(server)).toMatchObject({ id: '', message: expect.stringContaining('no traffic') });
  });

  describe('by a stop during the wait before termination', () => {
    test.each([
      ['with a rollback, leads traffic back', true],
      ['without one, leaves it where it is', false],
    ])('%s', async (_, withRollback) => {
      await using database = await kind.create();
      await using server = await engineServer(database, { clock: manualClock() });
      await makeFleets(server);
      const terminate = { action: 'TERMINATE', terminationWaitTimeInMinutes: 30 };
      await start(server, { configuration: { terminateBlueInstancesOnDeploymentSuccess: terminate } });
      await work(server, ID);
      await server.stop(ID, withRollback);
      expect((await deploymentOf(server.store, ID)).status).toBe('Stopped');
      const { id } = await rollbackOf(server);
      expect(id !== '').toBe(withRollback);
      if (!withRollback) return;
      await work(server, id);
      expect((await deploymentOf(server.store, id)).status).toBe('Succeeded');
    });
  });
});
