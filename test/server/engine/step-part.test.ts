import { expect, test } from 'vitest';
import { takeStep } from '../../../src/server/engine/step.ts';
import { changedTargetsOf } from '../../../src/server/store/changed-targets.ts';
import { findDeployment, lockDeployment } from '../../../src/server/store/deployments.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  type EngineServer,
  engineServer,
  makeFleet,
  pollNow,
  runHost,
  startDeployment,
  statusesOf,
  targetsByName,
} from '../../support/engine-world.ts';
import { seededRandom } from '../../support/random.ts';
import { describeStores } from '../../support/stores.ts';

const ID = 'd-1';
const HOSTS = ['a', 'b', 'c', 'd', 'e', 'f'];

/** All rows of a deployment but the time of its next look, which may come sooner than it must. */
async function rowsOf(server: EngineServer) {
  const { wake_at_ms: _, ...deployment } = await deploymentOf(server.store, ID);
  return { deployment, targets: await targetsByName(server.store, ID) };
}

describeStores('a step for what has changed', (kind) => {
  test('leaves nothing to be done by a step that looks at everything, whatever hosts report', async () => {
    for (const seed of [1, 2, 3]) {
      await using database = await kind.create();
      const clock = manualClock();
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, HOSTS);
      const random = seededRandom(seed);
      const [minimum_type, minimum_value] = [
        ['HOST_COUNT', 0],
        ['MOST_CONCURRENCY', 2],
        ['FLEET_PERCENT', 50],
      ][seed - 1] as [never, number];
      await startDeployment(server, ID, { minimum_type, minimum_value });
      const context = { ...server, clock, random: systemRandom, listeningSinceMs: () => clock.now() };
      for (let round = 0; round < 60; round += 1) {
        const host = HOSTS[Math.floor(random.fraction() * HOSTS.length)] ?? '';
        const command = await pollNow(server, host);
        if (command === null) continue;
        await server.acknowledge(host, command, random.fraction() < 0.3);
        await server.complete(host, command, random.fraction() < 0.05 ? { errorCode: 4 } : {});
        const before = await rowsOf(server);
        await server.store.transaction(async (tx) => takeStep(context, tx, await lockDeployment(tx, ID)));
        expect({ seed, round, ...(await rowsOf(server)) }).toEqual({ seed, round, ...before });
        expect(await changedTargetsOf(server.store.db, ID)).toEqual([]);
      }
    }
  });

  test('a step that never came, because its server died after the report, is made by the next look', async () => {
    await using database = await kind.create();
    {
      await using dying = await engineServer(database, { diesBeforeStep: true });
      await makeFleet(dying.store, ['a', 'b']);
      await startDeployment(dying, ID);
      const command = await pollNow(dying, 'a');
      if (command === null) throw new Error('there is no command');
      await dying.acknowledge('a', command);
      await dying.complete('a', command);
      expect(await changedTargetsOf(dying.store.db, ID)).toEqual(['id-of-a']);
      expect(await pollNow(dying, 'a')).toBeNull();
    }
    await using server = await engineServer(database);
    expect((await pollNow(server, 'a'))?.CommandName).toBe('DownloadBundle');
    expect(await changedTargetsOf(server.store.db, ID)).toEqual([]);
  });

  test('starts the next host in the order of attempt when one has succeeded, and the last one ends the deployment', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, HOSTS);
    await startDeployment(server, ID, { minimum_type: 'MOST_CONCURRENCY', minimum_value: 1 });
    const order = Object.values(await targetsByName(server.store, ID)).sort((x, y) => x.position - y.position);
    for (const [index, { target_id: host }] of order.entries()) {
      const statuses = await statusesOf(server.store, ID);
      expect(Object.values(statuses).filter((status) => status === 'InProgress')).toHaveLength(1);
      expect({ index, status: statuses[host] }).toEqual({ index, status: 'InProgress' });
      await runHost(server, host);
    }
    expect((await findDeployment(server.store.db, ID))?.status).toBe('Succeeded');
  });

  test('and a report do not wait for each other on PostgreSQL', async ({ skip }) => {
    skip(kind.dialect !== 'postgres', 'SQLite has one writer');
    await using database = await kind.create();
    await using server = await engineServer(database, { diesBeforeStep: true });
    await makeFleet(server.store, ['a', 'b']);
    await startDeployment(server, ID);
    const command = await pollNow(server, 'a');
    if (command === null) throw new Error('there is no command');
    await server.store.transaction(async (tx) => {
      await lockDeployment(tx, ID);
      await server.acknowledge('a', command);
      await server.complete('a', command);
    });
    expect(await changedTargetsOf(server.store.db, ID)).toEqual(['id-of-a']);
  });
});
