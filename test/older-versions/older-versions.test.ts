/** Data of every version that was kept is opened by this one, on both databases, and nothing of it is lost. */
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { lookAtStore } from '../../src/server/store/look.ts';
import { NEWEST_STEP } from '../../src/server/store/migrations.ts';
import { manualClock } from '../support/clock.ts';
import { engineServer, runHost } from '../support/engine-world.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { rawS3 } from '../support/raw-s3.ts';
import { scratchFolder } from '../support/scratch.ts';
import { runSlipway, startControlServer } from '../support/slipway.ts';
import { describeStores, type TestDatabase } from '../support/stores.ts';
import { keptSteps, lifeOf, restore } from './kept.ts';

/** The kept deployments grow older each day, and are to be found anyway. */
const KEEP_ALL = ['deployments', 'diagnostics', 'revisions'].flatMap((what) => [`--keep-${what}`, 'forever']);
const ANYWHERE = { url: 'http://127.0.0.1:0', s3Url: 'http://127.0.0.1:0' };

const urlOf = ({ location }: TestDatabase) => ('databaseUrl' in location ? location.databaseUrl : null);
const folderOf = ({ location }: TestDatabase, otherwise: string) =>
  'dataDir' in location ? location.dataDir : otherwise;

describeStores('data of an older version', (kind) => {
  test.each(keptSteps())('%s is served as its own version served it, and is deployed from', async (step) => {
    using scratch = scratchFolder();
    await using database = await kind.createWithoutTables();
    const [url, life] = [urlOf(database), lifeOf(step, kind.dialect)];
    const dataDir = folderOf(database, scratch.at('data'));
    restore(step, dataDir, url);
    const { accessKeyId, secretAccessKey } = life.admin;
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: 'us-east-1' };
    const args = [...KEEP_ALL, ...(url === null ? [] : ['--database', url])];
    await using server = await startControlServer(dataDir, { ...ANYWHERE, env }, args);

    const admin = managementClient(server.url, life.admin);
    for (const { operation, input, output } of life.answers) {
      expect(await admin.call(operation, input as never), operation).toMatchObject(output);
    }
    const { target, body } = life.object;
    expect((await rawS3(server.s3Url, life.admin)({ method: 'GET', target })).text).toBe(body);
    await expect(managementClient(server.url, life.disabled).call('ListApplications', {})).rejects.toThrow(/disabled/);

    const group = { applicationName: 'site', deploymentGroupName: 'web' };
    const { deploymentId = '' } = await admin.call('CreateDeployment', { ...group, updateOutdatedInstancesOnly: true });
    const { deploymentInfo } = await admin.call('GetDeployment', { deploymentId });
    expect(deploymentInfo?.previousRevision?.s3Location?.key).toBe('good.zip');
  });

  test.each(keptSteps())('%s has a deployment that is open, which goes on and ends well', async (step) => {
    await using database = await kind.createWithoutTables();
    const life = lifeOf(step, kind.dialect);
    using scratch = scratchFolder();
    restore(step, folderOf(database, scratch.at('data')), urlOf(database));
    const { deploymentId, host, accessKeyId } = life.open;
    await using server = await engineServer(database, { clock: manualClock(life.recordedAtMs + 1_000) });
    await runHost(server, host, undefined, accessKeyId);
    const row = await server.store.db
      .selectFrom('deployments')
      .select('status')
      .where('deployment_id', '=', deploymentId)
      .executeTakeFirst();
    expect(row).toEqual({ status: 'Succeeded' });
  });
});

describeStores('data of a newer version', (kind) => {
  test.each([
    ['the server', ['server', '--listen', '127.0.0.1:0']],
    ['a command for keys', ['keys', 'create', '--role', 'viewer']],
  ])('is refused by %s, which says what to do, and stays as it is', async (_, words) => {
    using scratch = scratchFolder();
    await using database = await kind.createWithoutTables();
    const url = urlOf(database);
    const where = ['--data-dir', folderOf(database, scratch.at('data')), ...(url === null ? [] : ['--database', url])];
    expect(await runSlipway(['keys', 'create', '--role', 'admin', ...where])).toMatchObject({ status: 0 });
    const store = await database.open();
    await sql`alter table access_keys add column of_tomorrow integer`.execute(store.db);
    await sql`insert into slipway_migrations (step) values (${NEWEST_STEP + 1})`.execute(store.db);
    await store.close();

    const { status, stderr } = await runSlipway([...words, ...where]);
    expect(status).not.toBe(0);
    expect(stderr).toContain(`it is at step ${NEWEST_STEP + 1}, and this version knows ${NEWEST_STEP}`);
    expect(stderr).toContain('Install the newer version again and start it');
    expect(stderr).toContain('[SERVER_DATABASE_NEWER]');
    const look = await lookAtStore(database.location);
    expect(look.step).toBe(NEWEST_STEP + 1);
    const { rows } = await sql`select role, of_tomorrow from access_keys`.execute(look.db);
    await look.close();
    expect(rows).toEqual([{ role: 'admin', of_tomorrow: null }]);
  });
});
