import { expect, test } from 'vitest';
import { IN_PLACE_EVENTS } from '../../../src/server/engine/course.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  type EngineServer,
  engineServer,
  makeFleet,
  pollNow,
  revisionJson,
  runHost,
  startDeployment,
  statusesOf,
  targetsByName,
} from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const MINUTE_MS = 60_000;

async function groupOf(server: EngineServer) {
  return server.store.db.selectFrom('deployment_groups').selectAll().executeTakeFirstOrThrow();
}

async function healthOf(server: EngineServer) {
  const rows = await server.store.db.selectFrom('host_states').selectAll().orderBy('instance_id').execute();
  return Object.fromEntries(rows.map((row) => [row.instance_id, [row.health, row.revision_identity !== null]]));
}

describeStores('the engine', (kind) => {
  test('drives a deployment through all its events on all its hosts to its end', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a', 'b']);
    await startDeployment(server, 'd-1');
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({
      status: 'InProgress',
      started_at_ms: expect.any(Number),
    });
    for (const host of ['a', 'b']) expect(await runHost(server, host)).toEqual([...IN_PLACE_EVENTS]);

    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({
      status: 'Succeeded',
      completed_at_ms: expect.any(Number),
      wake_at_ms: null,
      error_code: null,
    });
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Succeeded', b: 'Succeeded' });
    expect(await healthOf(server)).toEqual({ 'id-of-a': ['healthy', true], 'id-of-b': ['healthy', true] });
    expect(await groupOf(server)).toMatchObject({ last_successful_deployment_id: 'd-1' });
  });

  test('a failed host is unhealthy and what it runs is unknown; a host that was not reached stays as it was', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a', 'b', 'c']);
    await startDeployment(server, 'd-1', { minimum_type: 'MOST_CONCURRENCY', minimum_value: 1 });
    const targets = Object.values(await targetsByName(server.store, 'd-1')).sort((x, y) => x.position - y.position);
    const [first = '', second = '', third = ''] = targets.map((target) => target.target_id);
    await runHost(server, first);
    await runHost(server, second, (name) =>
      name === 'BeforeInstall' ? { errorCode: 4, scriptName: 'scripts/check', message: 'exit 1', log: 'no' } : {},
    );

    expect(await statusesOf(server.store, 'd-1')).toEqual({
      [first]: 'Succeeded',
      [second]: 'Failed',
      [third]: 'Skipped',
    });
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({
      status: 'Failed',
      error_code: 'HEALTH_CONSTRAINTS',
    });
    expect(await healthOf(server)).toEqual({
      [`id-of-${first}`]: ['healthy', true],
      [`id-of-${second}`]: ['unhealthy', false],
    });
    expect((await groupOf(server)).last_successful_deployment_id).toBeNull();
    const failed = (await targetsByName(server.store, 'd-1'))[second]?.events[2];
    expect(JSON.parse(failed?.diagnostics_json ?? '')).toEqual({
      errorCode: 'ScriptFailed',
      scriptName: 'scripts/check',
      message: 'exit 1',
      logTail: 'no',
    });
  });

  test('the next deployment begins with the host that failed', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    const hosts = ['a', 'b', 'c', 'd', 'e'];
    await makeFleet(server.store, hosts);
    await startDeployment(server, 'd-1');
    for (const host of hosts) await runHost(server, host, () => (host === 'd' ? { errorCode: 5 } : {}));
    await startDeployment(server, 'd-2', { created_at_ms: Date.UTC(2026, 0, 2) });
    expect((await targetsByName(server.store, 'd-2'))['d']?.position).toBe(0);
  });

  test('hosts that run the revision already are left alone when only outdated ones are to be updated', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a', 'b', 'c']);
    await startDeployment(server, 'd-1');
    await runHost(server, 'a');
    await runHost(server, 'b', () => ({ errorCode: 4 }));
    await runHost(server, 'c', () => ({ errorCode: 4 }));
    await startDeployment(server, 'd-2', {
      created_at_ms: Date.UTC(2026, 0, 2),
      update_outdated_instances_only: 1,
      minimum_type: 'MOST_CONCURRENCY',
      minimum_value: 1,
    });
    expect(await statusesOf(server.store, 'd-2')).toMatchObject({ a: 'Skipped' });
    const order = ['b', 'c'];
    // The first of the two fails, which leaves the other one skipped: that must not be taken for «was up to date».
    for (const host of order) await runHost(server, host, () => ({ errorCode: 4 }));
    const statuses = Object.values(await statusesOf(server.store, 'd-2')).sort();
    expect(statuses).toEqual(['Failed', 'Skipped', 'Skipped']);
    expect((await deploymentOf(server.store, 'd-2')).status).toBe('Failed');

    await startDeployment(server, 'd-3', {
      created_at_ms: Date.UTC(2026, 0, 3),
      update_outdated_instances_only: 1,
      revision_json: revisionJson('two.tgz'),
    });
    expect(await statusesOf(server.store, 'd-3')).toEqual({ a: 'InProgress', b: 'InProgress', c: 'InProgress' });
  });

  test('a deployment to hosts that are all up to date has succeeded before it began', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a']);
    await startDeployment(server, 'd-1');
    await runHost(server, 'a');
    await startDeployment(server, 'd-2', { created_at_ms: Date.UTC(2026, 0, 2), update_outdated_instances_only: 1 });
    expect(await deploymentOf(server.store, 'd-2')).toMatchObject({ status: 'Succeeded' });
    expect(await groupOf(server)).toMatchObject({ last_successful_deployment_id: 'd-2' });
  });

  test('a group without instances, and one that is gone, fail the deployment with the API’s codes', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, []);
    await startDeployment(server, 'd-1');
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ status: 'Failed', error_code: 'NO_INSTANCES' });
    await startDeployment(server, 'd-2', { deployment_group_id: 'gone' });
    expect(await deploymentOf(server.store, 'd-2')).toMatchObject({
      status: 'Failed',
      error_code: 'DEPLOYMENT_GROUP_MISSING',
      completed_at_ms: expect.any(Number),
    });
  });

  test('a deregistered instance is no target, whatever its tags say', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a', 'b']);
    await server.store.db
      .updateTable('instances')
      .set({ deregistered_at_ms: 1 })
      .where('instance_name', '=', 'a')
      .execute();
    await startDeployment(server, 'd-1');
    expect(Object.keys(await statusesOf(server.store, 'd-1'))).toEqual(['b']);
  });

  test('a host that nobody hears of fails after five minutes, without anybody asking', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleet(server.store, ['a']);
    await startDeployment(server, 'd-1');
    // The engine’s own look is what notices: it sleeps, looks, and sleeps again.
    await clock.nextSleep();
    clock.advance(5 * MINUTE_MS);
    await clock.nextSleep();
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Failed' });
    expect((await deploymentOf(server.store, 'd-1')).status).toBe('Failed');
  });

  test('a deployment goes on where it was after the server was killed in its middle', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    {
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, ['a', 'b']);
      await startDeployment(server, 'd-1');
      const command = await pollNow(server, 'a');
      if (command === null) throw new Error('there was no command');
      await server.acknowledge('a', command);
      await server.complete('a', command);
    }
    await using after = await engineServer(database, { clock });
    expect(await runHost(after, 'a')).toEqual(IN_PLACE_EVENTS.slice(1));
    expect(await runHost(after, 'b')).toEqual([...IN_PLACE_EVENTS]);
    expect((await deploymentOf(after.store, 'd-1')).status).toBe('Succeeded');
  });

  test('a report that was taken by a server that died before it drove on is driven on by the next one', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using dying = await engineServer(database, { clock, diesBeforeStep: true });
    await makeFleet(dying.store, ['a']);
    await startDeployment(dying, 'd-1');
    const command = await pollNow(dying, 'a');
    if (command === null) throw new Error('there was no command');
    await dying.acknowledge('a', command);
    await dying.complete('a', command);
    expect(await pollNow(dying, 'a')).toBeNull();

    await using next = await engineServer(database, { clock });
    expect((await pollNow(next, 'a'))?.CommandName).toBe('DownloadBundle');
  });

  test('and by a server that runs beside it, within its next look', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    const dying = await engineServer(database, { clock, diesBeforeStep: true });
    await makeFleet(dying.store, ['a']);
    await startDeployment(dying, 'd-1');
    const command = await pollNow(dying, 'a');
    if (command === null) throw new Error('there was no command');
    await dying.acknowledge('a', command);
    const aside = manualClock();
    await using beside = await engineServer(database, { clock: aside });
    await dying.complete('a', command);
    await dying[Symbol.asyncDispose]();
    await aside.nextSleep();
    aside.advance(5_000);
    await aside.nextSleep();
    expect((await pollNow(beside, 'a'))?.CommandName).toBe('DownloadBundle');
  });

  test('one deployment whose rows are damaged does not keep the others from going on', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a']);
    await server.store.db
      .insertInto('deployment_groups')
      .values({
        ...(await groupOf(server)),
        deployment_group_id: 'bad',
        deployment_group_name: 'bad',
        settings_json: 'no JSON',
      })
      .execute();
    await startDeployment(server, 'd-bad', { deployment_group_id: 'bad', created_at_ms: 1, wake_at_ms: 1 });
    await startDeployment(server, 'd-good');
    await using next = await engineServer(database);
    expect(await runHost(next, 'a')).toEqual([...IN_PLACE_EVENTS]);
    expect((await deploymentOf(next.store, 'd-bad')).status).toBe('Created');
  });

  // SQLite serves one server only.
  if (kind.dialect !== 'postgres') return;
  test('two servers on one database never take more hosts down than allowed, and never give a command twice', async () => {
    await using database = await kind.create();
    await using one = await engineServer(database);
    await using two = await engineServer(database);
    const hosts = Array.from({ length: 12 }, (_, index) => `host-${index}`);
    await makeFleet(one.store, hosts);
    await startDeployment(one, 'd-1', { minimum_type: 'HOST_COUNT', minimum_value: 9 });
    const given: string[] = [];
    const down = async () =>
      Object.values(await statusesOf(one.store, 'd-1')).filter((status) => ['InProgress', 'Failed'].includes(status));

    // Every host asks both servers at once, all the time; one of them fails.
    const hostWork = async (host: string) => {
      for (;;) {
        const stop = new AbortController();
        const polls = [one, two].map((server) => server.poll(host, stop.signal));
        const ended = deploymentEnds(two, 'd-1', stop.signal);
        const first = await Promise.race([...polls, ended]);
        stop.abort();
        const commands = (await Promise.all(polls)).filter((command) => command !== null);
        await ended;
        if (commands.length === 0 && first === null) return;
        for (const command of commands) {
          given.push(command.HostCommandIdentifier);
          expect((await down()).length).toBeLessThanOrEqual(3);
          expect(await two.acknowledge(host, command)).toBe('InProgress');
          const isBad = host === 'host-5' && command.CommandName === 'Install';
          await Promise.all([one, two].map((s) => s.complete(host, command, isBad ? { errorCode: 4 } : {})));
        }
      }
    };
    await Promise.all(hosts.map(hostWork));
    expect((await deploymentOf(one.store, 'd-1')).status).toBe('Succeeded');
    expect(new Set(given).size).toBe(given.length);
    expect(given).toHaveLength(11 * IN_PLACE_EVENTS.length + 4);
  });

  test('two servers on one database wake each other’s hosts: a poll that waits at one gets what was made ready at the other', async () => {
    await using database = await kind.create();
    await using one = await engineServer(database);
    await using two = await engineServer(database);
    await makeFleet(one.store, ['a']);
    // The clocks stand still, so nothing but a wake-up can end this wait.
    const waiting = two.poll('a');
    await startDeployment(one, 'd-1');
    expect((await waiting)?.CommandName).toBe('ApplicationStop');
  });
});

/** Resolves with null when the deployment is over, or the signal aborts. */
async function deploymentEnds(server: EngineServer, deploymentId: string, signal: AbortSignal): Promise<null> {
  while (!signal.aborted) {
    if ((await deploymentOf(server.store, deploymentId)).completed_at_ms !== null) return null;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return null;
}
