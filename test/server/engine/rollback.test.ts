import { expect, test } from 'vitest';
import {
  deploymentOf,
  type EngineServer,
  engineServer,
  makeFleet,
  pollNow,
  revisionJson,
  runHost,
  startDeployment,
} from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const ON_FAILURE = { autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE'] } };
const ON_STOP = { autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_STOP_ON_REQUEST'] } };
const second = { revision_json: revisionJson('two.tgz'), created_at_ms: Date.UTC(2026, 0, 2) };

async function rollbackInfo(server: EngineServer, deploymentId: string): Promise<Record<string, string>> {
  const { options_json } = await deploymentOf(server.store, deploymentId);
  return (JSON.parse(options_json) as { rollbackInfo?: Record<string, string> }).rollbackInfo ?? {};
}

describeStores('automatic rollback', (kind) => {
  test('a failed deployment is followed at once by one of the last good revision, and both know of each other', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a'], ON_FAILURE);
    await startDeployment(server, 'd-1', { file_exists_behavior: 'RETAIN' });
    await runHost(server, 'a');
    await startDeployment(server, 'd-2', { ...second, file_exists_behavior: 'OVERWRITE' });
    let failures = 0;
    const events = await runHost(server, 'a', (name) => {
      const fails = name === 'ValidateService' && failures === 0;
      if (fails) failures += 1;
      return fails ? { errorCode: 4 } : {};
    });
    // Seven that ended in a failure, and seven of the rollback.
    expect(events).toHaveLength(14);

    const { rollbackDeploymentId = '', rollbackMessage } = await rollbackInfo(server, 'd-2');
    expect(rollbackDeploymentId).toMatch(/^d-[A-Z0-9]{9}$/);
    expect(rollbackMessage).toContain('d-1');
    expect(await rollbackInfo(server, rollbackDeploymentId)).toMatchObject({ rollbackTriggeringDeploymentId: 'd-2' });
    expect(await deploymentOf(server.store, rollbackDeploymentId)).toMatchObject({
      status: 'Succeeded',
      creator: 'codeDeployRollback',
      revision_json: revisionJson('one.tgz'),
      file_exists_behavior: 'RETAIN',
    });
    const group = await server.store.db.selectFrom('deployment_groups').selectAll().executeTakeFirstOrThrow();
    expect(group).toMatchObject({
      last_attempted_deployment_id: rollbackDeploymentId,
      last_successful_deployment_id: rollbackDeploymentId,
      target_revision_json: revisionJson('one.tgz'),
    });
  });

  test('a restart that fails is followed by a deployment that downloads', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a'], ON_FAILURE);
    await startDeployment(server, 'd-1');
    await runHost(server, 'a');
    await startDeployment(server, 'd-2', { created_at_ms: Date.UTC(2026, 0, 2), restart_of: 'd-1' });
    let failures = 0;
    await runHost(server, 'a', () => {
      failures += 1;
      return failures === 1 ? { errorCode: 4 } : {};
    });
    const { rollbackDeploymentId = '' } = await rollbackInfo(server, 'd-2');
    const rollback = await deploymentOf(server.store, rollbackDeploymentId);
    expect(rollback).toMatchObject({ status: 'Succeeded', restart_of: null });
  });

  test('a rollback that fails is not rolled back', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a'], ON_FAILURE);
    await startDeployment(server, 'd-1');
    await runHost(server, 'a');
    await startDeployment(server, 'd-2', second);
    await runHost(server, 'a', () => ({ errorCode: 4 }));
    const rows = await server.store.db
      .selectFrom('deployments')
      .select(['status', 'creator'])
      .orderBy('created_at_ms')
      .execute();
    expect(rows.map(({ status }) => status).sort()).toEqual(['Failed', 'Failed', 'Succeeded']);
    expect(rows.filter(({ creator }) => creator === 'codeDeployRollback')).toHaveLength(1);
  });

  test('there is none without a deployment to go back to, and the failed one says so', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a'], ON_FAILURE);
    await startDeployment(server, 'd-1');
    await runHost(server, 'a', () => ({ errorCode: 4 }));
    expect(await rollbackInfo(server, 'd-1')).toEqual({
      rollbackMessage: expect.stringContaining('no successful deployment'),
    });
    expect(await server.store.db.selectFrom('deployments').selectAll().execute()).toHaveLength(1);
  });

  test('there is none where nothing was asked for, and the deployment’s own configuration comes before the group’s', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a'], ON_FAILURE);
    await startDeployment(server, 'd-1');
    await runHost(server, 'a');
    await startDeployment(server, 'd-2', {
      ...second,
      options_json: JSON.stringify({ autoRollbackConfiguration: { enabled: false } }),
    });
    await runHost(server, 'a', () => ({ errorCode: 4 }));
    expect(await rollbackInfo(server, 'd-2')).toEqual({});
  });

  test.each([
    ['the configuration asks for it', ON_STOP, null, true],
    ['only failures are configured', ON_FAILURE, null, false],
    ['the caller wants it, whatever is configured', ON_FAILURE, true, true],
    ['the caller does not want it, whatever is configured', ON_STOP, false, false],
  ])('a stop rolls back when %s: %o, %s → %s', async (_when, settings, withRollback, follows) => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a', 'b'], settings);
    await startDeployment(server, 'd-1');
    await runHost(server, 'a');
    await runHost(server, 'b');
    await startDeployment(server, 'd-2', second);
    const command = await pollNow(server, 'a');
    if (command === null) throw new Error('there was no command');
    await server.acknowledge('a', command);
    await server.stop('d-2', withRollback);
    await server.complete('a', command);
    expect((await deploymentOf(server.store, 'd-2')).status).toBe('Stopped');
    expect('rollbackDeploymentId' in (await rollbackInfo(server, 'd-2'))).toBe(follows);
  });

  test('a stop before anything was done on a host rolls nothing back', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a'], ON_STOP);
    await startDeployment(server, 'd-1');
    await runHost(server, 'a');
    await startDeployment(server, 'd-2', second);
    await server.stop('d-2');
    expect(await rollbackInfo(server, 'd-2')).toEqual({ rollbackMessage: expect.stringContaining('nothing was done') });
  });
});
