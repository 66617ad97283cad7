import { expect, test } from 'vitest';
import { openStore } from '../../src/server/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { scratchFolder } from '../support/scratch.ts';
import { type ControlServer, runSlipway, startControlServer } from '../support/slipway.ts';
import { suiteLocation } from '../support/suite-database.ts';

const DAY_MS = 24 * 60 * 60_000;

async function deploymentIds(server: ControlServer): Promise<string[]> {
  const { stdout, stderr } = await runSlipway(['deployments', 'list', '--json'], server.env);
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as { deploymentId: string }[]).map(({ deploymentId }) => deploymentId);
}

/** Has everything that ended end so much earlier. */
async function age(dataDir: string, ms: number): Promise<void> {
  const store = await openStore(suiteLocation(dataDir));
  await store.db
    .updateTable('deployments')
    .set((eb) => ({ completed_at_ms: eb('completed_at_ms', '-', ms) }))
    .execute();
  await store.close();
}

test('a server deletes deployments that ended longer ago than it is told to keep them, but for the last one of a group', async () => {
  using scratch = scratchFolder();
  const dataDir = scratch.at('server');
  let env: ControlServer['env'];
  let last = '';
  {
    await using server = await startControlServer(dataDir);
    env = server.env;
    const slipway = (...args: string[]) => runSlipway(args, env);
    await slipway('applications', 'create', 'site');
    await slipway('groups', 'create', 'web', '--application', 'site', '--tag', 'Role=web');
    const revision = ['--revision', 's3://revisions/site.zip'];
    // There are no hosts, so each is over at once.
    for (let number = 0; number < 3; number += 1) {
      await slipway('deploy', '--application', 'site', '--group', 'web', ...revision);
      await eventually(async () => (await deploymentIds(server)).length === number + 1);
    }
    [last = ''] = await deploymentIds(server);
  }
  await age(dataDir, 3 * DAY_MS);
  const again = { url: 'http://127.0.0.1:0', s3Url: 'http://127.0.0.1:0', env };
  {
    await using server = await startControlServer(dataDir, again, ['--keep-deployments', '4']);
    expect(await deploymentIds(server)).toHaveLength(3);
  }
  await using server = await startControlServer(dataDir, again, ['--keep-deployments', '2']);
  await eventually(async () => (await deploymentIds(server)).length === 1);
  expect(await deploymentIds(server)).toEqual([last]);
});

test.each(['0', '-1', '1.5', '40000', 'always', ''])(
  'a server that is to keep deployments for %j days does not start, and says why',
  async (days) => {
    using scratch = scratchFolder();
    const { status, stderr } = await runSlipway([
      'server',
      '--data-dir',
      scratch.at('server'),
      `--keep-deployments=${days}`,
    ]);
    expect(status).toBe(2);
    expect(stderr).toContain('--keep-deployments');
    if (days !== '') expect(stderr).toContain('neither a number of days from 1 to 36500 nor forever');
  },
);
