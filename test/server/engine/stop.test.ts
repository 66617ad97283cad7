import { expect, test } from 'vitest';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  engineServer,
  makeFleet,
  pollNow,
  startDeployment,
  statusesOf,
} from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

describeStores('a stop', (kind) => {
  test('with nothing under way ends the deployment at once', async () => {
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

  test('of what is not there is refused', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await expect(server.stop('d-NOTTHERE1')).rejects.toMatchObject({ type: 'DeploymentDoesNotExistException' });
  });

  test('that was requested and not yet acted upon is acted upon by a server beside, within its next look', async () => {
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
