import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { insertDeployment } from '../../../src/server/store/deployments.ts';
import { beginEvents } from '../../../src/server/store/event-changes.ts';
import { lockEventByCommand } from '../../../src/server/store/lifecycle-events.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  engineServer,
  makeFleet,
  newDeployment,
  pollNow,
  runHost,
  startDeployment,
  statusesOf,
  targetsByName,
} from '../../support/engine-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeStores } from '../../support/stores.ts';

describeStores('a stop', (kind) => {
  test('a stop with nothing under way ends the deployment at once', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a', 'b']);
    await startDeployment(server, 'd-1');
    await pollNow(server, 'a');
    expect(await server.stop('d-1')).toMatchObject({ status: 'Succeeded' });
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ status: 'Stopped', error_code: 'MANUAL_STOP' });
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Skipped', b: 'Skipped' });
  });

  test('waits for the event that runs; asked again there is nothing more to request; then it is over', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a', 'b']);
    await startDeployment(server, 'd-1');
    const command = await pollNow(server, 'a');
    if (command === null) throw new Error('there was no command');
    await server.acknowledge('a', command);
    expect(await server.stop('d-1')).toMatchObject({ status: 'Pending', statusMessage: expect.stringContaining('1') });
    expect(await server.stop('d-1')).toMatchObject({ status: 'Succeeded' });
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ status: 'InProgress' });
    await server.complete('a', command);
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ status: 'Stopped' });
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Failed', b: 'Skipped' });
    await expect(server.stop('d-1')).rejects.toMatchObject({ type: 'DeploymentAlreadyCompletedException' });
  });

  test.each(['succeeds', 'fails'])(
    'ends as Stopped, not otherwise, when the last event of the last host %s',
    async (how) => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-0');
      await runHost(server, 'a');
      await startDeployment(server, 'd-1', { created_at_ms: Date.UTC(2026, 0, 2) });
      for (let left = 7; left > 0; left -= 1) {
        const command = await pollNow(server, 'a');
        if (command === null) throw new Error('there was no command');
        await server.acknowledge('a', command);
        if (left === 1) expect(await server.stop('d-1')).toMatchObject({ status: 'Pending' });
        // Asked again, the last word about the rollback counts.
        if (left === 1) await server.stop('d-1', true);
        await server.complete('a', command, left === 1 && how === 'fails' ? { errorCode: 4 } : {});
      }
      const ended = await deploymentOf(server.store, 'd-1');
      expect(ended).toMatchObject({ status: 'Stopped', error_code: 'MANUAL_STOP' });
      const { rollbackDeploymentId } = JSON.parse(ended.options_json).rollbackInfo;
      expect(await deploymentOf(server.store, rollbackDeploymentId)).toMatchObject({ creator: 'codeDeployRollback' });
    },
  );

  test('a stop of a deployment that has no targets yet ends it as Stopped, also where it would have failed', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, []);
    await server.store.transaction((tx) => insertDeployment(tx, newDeployment('d-1')));
    expect(await server.stop('d-1')).toMatchObject({ status: 'Succeeded' });
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ status: 'Stopped', error_code: 'MANUAL_STOP' });
  });

  test('now ends what runs as Failed, at once; what its host says later is kept and changes nothing', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a', 'b']);
    await startDeployment(server, 'd-1');
    const command = await pollNow(server, 'a');
    const notBegun = await pollNow(server, 'b');
    if (command === null || notBegun === null) throw new Error('there was no command');
    await server.acknowledge('a', command);
    await server.stop('d-1');
    expect(await server.stop('d-1', null, true)).toMatchObject({ status: 'Succeeded' });
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ status: 'Stopped', wake_at_ms: null });
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Failed', b: 'Skipped' });
    expect(await server.acknowledge('b', notBegun)).toBe('Failed');
    await server.complete('a', command);
    const event = (await targetsByName(server.store, 'd-1'))['a']?.events[0];
    expect(event?.status).toBe('Failed');
    expect(JSON.parse(event?.diagnostics_json ?? '').message).toMatch(/^An operator has stopped.*Too late.*Succeeded/);
  });

  test('now ends also an event that its host begins at the same moment', async ({ skip }) => {
    skip(kind.dialect !== 'postgres', 'SQLite has one writer');
    await using database = await kind.create();
    await using server = await engineServer(database);
    const { store } = server;
    await makeFleet(store, ['a']);
    await startDeployment(server, 'd-1');
    const command = await pollNow(server, 'a');
    if (command === null) throw new Error('there was no command');
    const { stopping } = await store.transaction(async (tx) => {
      const event = await lockEventByCommand(tx, command.HostCommandIdentifier);
      if (event === null) throw new Error('there was no event');
      await beginEvents(tx, [command.HostCommandIdentifier], Date.now());
      const stopping = server.stop('d-1', null, true);
      await eventually(async () => {
        const { rows } = await sql`select 1 from pg_locks where not granted`.execute(store.db);
        return rows.length > 0;
      });
      return { stopping };
    });
    expect(await stopping).toMatchObject({ status: 'Succeeded' });
    expect(await deploymentOf(store, 'd-1')).toMatchObject({ status: 'Stopped' });
    expect(await statusesOf(store, 'd-1')).toEqual({ a: 'Failed' });
  });

  test('a stop with a rollback of a group that was deleted is refused, and the deployment goes on', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a']);
    await startDeployment(server, 'd-1');
    await server.store.db.deleteFrom('deployment_groups').execute();
    await expect(server.stop('d-1', true)).rejects.toMatchObject({ type: 'DeploymentGroupDoesNotExistException' });
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ stop_requested_at_ms: null });
  });

  test('a stop of what is not there is refused', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await expect(server.stop('d-NOTTHERE1')).rejects.toMatchObject({ type: 'DeploymentDoesNotExistException' });
  });

  test('a stop that was requested and not carried out yet is carried out by another server at its next look', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using dying = await engineServer(database, { diesBeforeStep: true });
    await makeFleet(dying.store, ['a']);
    await startDeployment(dying, 'd-1');
    await using _beside = await engineServer(database, { clock });
    await dying.stop('d-1');
    expect((await deploymentOf(dying.store, 'd-1')).status).toBe('InProgress');
    await clock.nextSleep();
    clock.advance(5_000);
    await clock.nextSleep();
    expect((await deploymentOf(dying.store, 'd-1')).status).toBe('Stopped');
  });
});
