import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { startArrivalsWatch } from '../../../src/server/engine/arrivals-watch.ts';
import { EVENT_START_LIMIT_MS } from '../../../src/server/engine/limits.ts';
import { failedTriesOf } from '../../../src/server/store/host-states.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  type EngineServer,
  engineServer,
  hostArn,
  makeFleet,
  revisionJson,
  runHost,
  startDeployment,
  statusesOf,
} from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const LOOK_MS = 10_000;

interface World extends AsyncDisposable {
  readonly server: EngineServer;
  readonly clock: ManualClock;
  readonly warnings: string[];
  /** The agents of these hosts poll now. */
  hear(...hosts: readonly string[]): Promise<void>;
  /** So many looks of the watch, each to its end. */
  look(times?: number): Promise<void>;
  deployments(): Promise<{ id: string; creator: string; status: string }[]>;
}

async function openWorld(database: Parameters<typeof engineServer>[0]): Promise<World> {
  const clock = manualClock();
  const server = await engineServer(database, { clock });
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  // A clock of its own for the watch's looks, so that each is waited for.
  const looks = manualClock();
  const watch = startArrivalsWatch({
    ...{ store: server.store, engine: server.engine, random: systemRandom, log },
    clock: { now: clock.now, sleep: looks.sleep },
  });
  await looks.nextSleep();
  return {
    server,
    clock,
    warnings,
    async hear(...hosts) {
      const last_polled_at_ms = clock.now();
      const arns = hosts.map(hostArn);
      await server.store.transaction((tx) =>
        tx.updateTable('instances').set({ last_polled_at_ms }).where('host_arn', 'in', arns).execute(),
      );
    },
    async look(times = 2) {
      for (let count = 0; count < times; count += 1) {
        clock.advance(LOOK_MS);
        const isOver = looks.nextSleep();
        looks.advance(LOOK_MS);
        await isOver;
      }
    },
    async deployments() {
      const rows = await server.store.db
        .selectFrom('deployments')
        .select(['deployment_id as id', 'creator', 'status'])
        .orderBy('created_at_ms')
        .execute();
      return rows;
    },
    async [Symbol.asyncDispose]() {
      await watch.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A host with these tags. */
async function enrol({ server, clock }: World, name: string, tags: Readonly<Record<string, string>>): Promise<void> {
  const instance_id = `id-of-${name}`;
  await server.store.transaction(async (tx) => {
    await tx
      .insertInto('instances')
      .values({
        ...{ instance_id, instance_name: name, arn_kind: 'user', host_arn: hostArn(name) },
        instance_arn: `arn:aws:codedeploy:us-east-1:000000000000:instance/${name}_0123456789`,
        ...{ registered_at_ms: clock.now(), deregistered_at_ms: null, last_polled_at_ms: null, agent_version: null },
      })
      .execute();
    for (const [tag_key, tag_value] of Object.entries(tags)) {
      await tx.insertInto('instance_tags').values({ instance_id, instance_name: name, tag_key, tag_value }).execute();
    }
    await tx
      .insertInto('access_keys')
      .values({
        ...{ access_key_id: `AKIA-${name}`, secret_sealed: '', role: 'host', host_arn: hostArn(name) },
        ...{ description: '', created_at_ms: 0, disabled_at_ms: null },
      })
      .execute();
  });
}

/** The group has a last good revision, on these hosts. */
async function deployGood(world: World, id: string, hosts: readonly string[]): Promise<void> {
  await startDeployment(world.server, id, { created_at_ms: world.clock.now() });
  for (const host of hosts) await runHost(world.server, host);
  expect((await deploymentOf(world.server.store, id)).status).toBe('Succeeded');
}

const IN_FLEET = { in: 'fleet' };

describeStores('hosts that come and go', (kind) => {
  test('a new host gets the last good revision by itself, alone, and no deployment follows', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    const { server } = world;
    await makeFleet(server.store, ['a', 'b']);
    await deployGood(world, 'd-1', ['a', 'b']);
    world.clock.advance(1_000);
    await enrol(world, 'c', IN_FLEET);
    await enrol(world, 'other', { in: 'another' });
    await world.look();
    // Nobody has heard of it.
    expect(await world.deployments()).toHaveLength(1);
    await world.hear('a', 'b', 'c', 'other');
    await world.look();
    const [, automatic] = await world.deployments();
    expect(automatic).toMatchObject({ creator: 'autoscaling', status: 'InProgress' });
    const id = automatic?.id ?? '';
    expect(await statusesOf(server.store, id)).toEqual({ c: 'InProgress' });
    await runHost(server, 'c');
    expect(await deploymentOf(server.store, id)).toMatchObject({ status: 'Succeeded', minimum_value: 0 });
    await world.hear('a', 'b', 'c', 'other');
    await world.look(3);
    expect(await world.deployments()).toHaveLength(2);
    const group = await server.store.db.selectFrom('deployment_groups').selectAll().executeTakeFirstOrThrow();
    expect(group).toMatchObject({ last_successful_deployment_id: 'd-1', last_attempted_deployment_id: id });
  });

  test('a host that was offline gets what it has missed when it is heard of again, unless the group ignores that', async () => {
    for (const strategy of ['UPDATE', 'IGNORE']) {
      await using database = await kind.create();
      await using world = await openWorld(database);
      const { server, clock } = world;
      await makeFleet(server.store, ['a', 'away', 'bad'], { outdatedInstancesStrategy: strategy });
      await deployGood(world, 'd-1', ['a', 'away', 'bad']);
      clock.advance(1_000);
      await startDeployment(server, 'd-2', { created_at_ms: clock.now(), wake_at_ms: clock.now() });
      await runHost(server, 'a');
      await runHost(server, 'bad', () => ({ errorCode: 4 }));
      clock.advance(EVENT_START_LIMIT_MS);
      await server.engine.step('d-2');
      expect(await statusesOf(server.store, 'd-2')).toEqual({ a: 'Succeeded', away: 'Failed', bad: 'Failed' });
      await world.look();
      expect(await world.deployments()).toHaveLength(2);
      await world.hear('a', 'away', 'bad');
      await world.look();
      const [, , automatic] = await world.deployments();
      // On the host where it failed people are to look first.
      if (strategy === 'IGNORE') expect(automatic).toBeUndefined();
      else {
        expect(automatic).toMatchObject({ creator: 'CodeDeployAutoUpdate' });
        expect(await statusesOf(server.store, automatic?.id ?? '')).toEqual({ away: 'InProgress' });
      }
    }
  });

  test.each([
    ['belongs to the other one no more', 'fleet', revisionJson('two.tgz'), true],
    ['belongs to both', 'both', revisionJson('two.tgz'), false],
    ['got the very same revision there', 'fleet', revisionJson('one.tgz'), false],
  ])(
    'a host that comes back from another group of its application, and %s',
    async (_title, tag, revision_json, isUpdated) => {
      await using database = await kind.create();
      await using world = await openWorld(database);
      const { server, clock } = world;
      const filters = (...values: readonly string[]) => ({
        onPremisesInstanceTagFilters: values.map((Value) => ({ Key: 'in', Value, Type: 'KEY_AND_VALUE' })),
      });
      await makeFleet(server.store, ['a', 'moving'], filters('fleet', 'both'));
      const { db } = server.store;
      const [row] = await db.selectFrom('deployment_groups').selectAll().execute();
      if (row === undefined) throw new Error('there is no group');
      const other = { deployment_group_id: 'group-2', deployment_group_name: 'other' };
      const settings_json = JSON.stringify(filters('other', 'both'));
      await db
        .insertInto('deployment_groups')
        .values({ ...row, ...other, settings_json })
        .execute();
      const retag = (tag_value: string) =>
        db.updateTable('instance_tags').set({ tag_value }).where('instance_name', '=', 'moving').execute();
      await deployGood(world, 'd-1', ['a', 'moving']);
      clock.advance(1_000);
      await retag('other');
      await startDeployment(server, 'd-2', { ...other, revision_json, created_at_ms: clock.now() });
      await runHost(server, 'moving');
      expect((await deploymentOf(server.store, 'd-2')).status).toBe('Succeeded');
      clock.advance(1_000);
      await retag(tag);
      await world.hear('a', 'moving');
      await world.look();
      const [, , automatic] = await world.deployments();
      if (!isUpdated) {
        expect(automatic).toBeUndefined();
        return;
      }
      expect(automatic?.creator).toBe('CodeDeployAutoUpdate');
      expect(await statusesOf(server.store, automatic?.id ?? '')).toEqual({ moving: 'InProgress' });
      await runHost(server, 'moving');
      await world.hear('a', 'moving');
      await world.look(3);
      expect(await world.deployments()).toHaveLength(3);
    },
  );

  test('a host that comes while a deployment runs waits for its end, and is linked to it both ways', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    const { server, clock } = world;
    await makeFleet(server.store, ['a']);
    await deployGood(world, 'd-1', ['a']);
    clock.advance(1_000);
    await startDeployment(server, 'd-2', { created_at_ms: clock.now(), wake_at_ms: clock.now() });
    clock.advance(1_000);
    await enrol(world, 'c', IN_FLEET);
    await world.hear('a', 'c');
    await world.look();
    expect(await world.deployments()).toHaveLength(2);
    await runHost(server, 'a');
    await world.look();
    const [, , follower] = await world.deployments();
    expect(follower).toMatchObject({ creator: 'CodeDeployAutoUpdate' });
    const optionsOf = async (id: string) => JSON.parse((await deploymentOf(server.store, id)).options_json) as object;
    expect(await optionsOf(follower?.id ?? '')).toMatchObject({
      relatedDeployments: { autoUpdateOutdatedInstancesRootDeploymentId: 'd-2' },
    });
    expect(await optionsOf('d-2')).toMatchObject({
      relatedDeployments: { autoUpdateOutdatedInstancesDeploymentIds: [follower?.id] },
    });
  });

  test('a revision that is bad on a new host is tried three times, then the host is marked and the log says so once', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    const { server, clock } = world;
    await makeFleet(server.store, ['a']);
    await deployGood(world, 'd-1', ['a']);
    clock.advance(1_000);
    await enrol(world, 'c', IN_FLEET);
    for (let round = 0; round < 6; round += 1) {
      await world.hear('a', 'c');
      await world.look();
      await runHost(server, 'c', () => ({ errorCode: 4 }));
      clock.advance(5 * 60_000);
    }
    expect((await world.deployments()).map(({ creator, status }) => [creator, status])).toEqual([
      ['user', 'Succeeded'],
      ...Array.from({ length: 3 }, () => ['autoscaling', 'Failed']),
    ]);
    expect(world.warnings).toEqual([expect.stringContaining('no more')]);
    expect(await failedTriesOf(server.store.db, ['id-of-a', 'id-of-c'], 3)).toEqual([
      { instanceId: 'id-of-c', applicationName: 'app', groupName: 'fleet', tries: 3 },
    ]);
    // A deployment that somebody asks for takes it in again.
    await deployGood(world, 'd-9', ['a', 'c']);
    expect(await failedTriesOf(server.store.db, ['id-of-c'], 1)).toEqual([]);
  });

  test('a host never gets one automatic deployment at once after another that could not begin or was stopped', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    const { server, clock } = world;
    await makeFleet(server.store, ['a']);
    await deployGood(world, 'd-1', ['a']);
    clock.advance(1_000);
    await enrol(world, 'c', IN_FLEET);
    // Each is stopped before any host has begun: an alarm that stays active does so.
    const stopAll = async (looks: number) => {
      for (let count = 0; count < looks; count += 1) {
        await world.hear('a', 'c');
        await world.look(1);
        for (const { id, status } of await world.deployments()) {
          if (status !== 'InProgress') continue;
          await server.store.transaction((tx) =>
            tx.updateTable('deployments').set({ stopped_by_alarm: 'errors' }).where('deployment_id', '=', id).execute(),
          );
          await server.stop(id, false);
        }
      }
      return (await world.deployments()).length - 1;
    };
    // Ten minutes: after 0, 1, 3 and 7 minutes, and the time for others to come.
    expect(await stopAll(60)).toBe(4);
    clock.advance(60 * 60_000);
    await world.hear('c');
    await world.look();
    const last = (await world.deployments()).at(-1);
    expect(last?.status).toBe('InProgress');
    await server.stop(last?.id ?? '', false);
    expect(await deploymentOf(server.store, last?.id ?? '')).toMatchObject({ error_code: 'MANUAL_STOP' });
    clock.advance(50 * 60_000);
    expect(await stopAll(6)).toBe(5);
    clock.advance(10 * 60_000);
    expect(await stopAll(3)).toBe(6);
  });

  test('EC2 filters match tags of enrolled hosts, beside the on-premises ones', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    const { server } = world;
    await makeFleet(server.store, ['a'], { ec2TagFilters: [{ Key: 'cloud', Type: 'KEY_ONLY' }] });
    await enrol(world, 'c', { cloud: 'any' });
    await enrol(world, 'd', { in: 'fleet', cloud: 'any' });
    await deployGood(world, 'd-1', ['a', 'c', 'd']);
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Succeeded', c: 'Succeeded', d: 'Succeeded' });
    world.clock.advance(1_000);
    await enrol(world, 'e', { cloud: 'new' });
    await world.hear('e');
    await world.look();
    expect(await statusesOf(server.store, (await world.deployments())[1]?.id ?? '')).toEqual({ e: 'InProgress' });
  });

  test('one of two servers that see the same new host begins the deployment', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    const { server, clock } = world;
    await makeFleet(server.store, ['a']);
    await deployGood(world, 'd-1', ['a']);
    clock.advance(1_000);
    await enrol(world, 'c', IN_FLEET);
    await world.hear('c');
    const looks = manualClock();
    const base = { store: server.store, engine: server.engine, random: systemRandom, log: silentLogger };
    const second = startArrivalsWatch({ ...base, clock: { now: clock.now, sleep: looks.sleep } });
    try {
      await looks.nextSleep();
      for (let count = 0; count < 3; count += 1) {
        const isOver = looks.nextSleep();
        looks.advance(LOOK_MS);
        await Promise.all([world.look(1), isOver]);
      }
    } finally {
      await second.close();
    }
    expect(await world.deployments()).toHaveLength(2);
  });
});
