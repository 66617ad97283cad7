/** PostgreSQL restarts, and its backends are ended, in the middle of deployments that two servers share. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { createManagementClient } from '../../src/protocol/management/client.ts';
import { systemClock } from '../../src/system/clock.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { eventually } from '../support/eventually.ts';
import { describeIf } from '../support/needs.ts';
import { postgresCluster, postgresPrograms } from '../support/postgres.ts';
import { isRunning } from '../support/process-tree.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { startServersTogether } from '../support/servers-together.ts';
import { type ControlServer, enrolHost, runSlipway } from '../support/slipway.ts';

vi.setConfig({ testTimeout: 120_000 });

const EVENTS = ['ApplicationStop', 'BeforeInstall', 'AfterInstall', 'ApplicationStart', 'ValidateService'];
/** The first deployment of a host has no earlier revision whose script could stop the application. */
const FIRST_EVENTS = EVENTS.slice(1);

describeIf(postgresPrograms !== null, 'PostgreSQL, initdb and postgres')('two servers on one PostgreSQL', () => {
  test('survive a restart and the end of all backends again and again in a deployment, which succeeds with each hook run once', async () => {
    using scratch = scratchFolder();
    await using cluster = await postgresCluster();
    const databaseUrl = await cluster.createDatabase();
    const [one, two] = await startServersTogether(scratch.at, ['one', 'two'], databaseUrl);
    await using _one = one;
    await using _two = two;
    const hosts = [
      await enrolHost(one, scratch.at('host-1'), 'web-1'),
      await enrolHost(two, scratch.at('host-2'), 'web-2'),
    ] as const;
    await runSlipway(['applications', 'create', 'site'], one.env);
    const group = ['groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test'];
    expect(await runSlipway(group, one.env)).toMatchObject({ status: 0 });
    const runs = scratch.at('runs');
    const note = (event: string) => `echo "${event} $0" >> ${quoteForShell(runs)}\nsleep 0.1`;
    const site = writeRevision(scratch.at('site'), {
      destination: scratch.at('destination'),
      files: { 'index.html': 'hello' },
      scripts: Object.fromEntries(EVENTS.map((event) => [event, note(event)])),
    });
    await using _agentOne = hosts[0].startAgent();
    await using _agentTwo = hosts[1].startAgent();
    const deployment = [
      'deploy',
      site,
      '--application',
      'site',
      '--group',
      'test',
      '--file-exists-behavior',
      'OVERWRITE',
    ];
    // One host after the other: both are this machine, and install into the same folder.
    const started = await runSlipway([...deployment, '--no-follow'], one.env);
    expect(started).toMatchObject({ status: 0 });
    const deploymentId = started.stdout.trim();
    const over = untilOver(two, deploymentId);

    const trouble = (async () => {
      for (let round = 0; round < 30; round += 1) {
        await delay(100);
        if (round % 10 === 3) {
          await cluster.stop(round === 3 ? 'fast' : 'immediate');
          await cluster.start();
        } else await cluster.breakConnections(databaseUrl);
      }
    })();
    await trouble;

    const ending = await over;
    const shown = await runSlipway(['deployments', 'show', deploymentId], one.env);
    // One host of two may fail in a deployment that succeeds.
    expect([ending, shown.stdout.includes('Failed')], shown.stdout).toEqual(['Succeeded', false]);
    expect([one, two].map((server) => isRunning(server.daemon.pid))).toEqual([true, true]);
    const ran = readFileSync(runs, 'utf8').trimEnd().split('\n');
    expect(ran).toHaveLength(2 * FIRST_EVENTS.length);
    expect(new Set(ran).size, 'a hook ran twice').toBe(ran.length);
    const errors = [one, two]
      .flatMap((server) => server.daemon.log().split('\n'))
      .filter((line) => line.includes('"level":"error"'));
    expect(errors.filter((line) => !line.includes('SERVER_DATABASE_AWAY'))).toEqual([]);
  });
});

/** Asks until the deployment is over, whatever becomes of single questions. @returns how it has ended */
async function untilOver(server: ControlServer, deploymentId: string): Promise<string | undefined> {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  const client = createManagementClient({
    ...{ endpoint: server.url, region: 'us-east-1', clock: systemClock },
    credentials: async () => ({ accessKeyId, secretAccessKey }),
  });
  let status: string | undefined;
  await eventually(
    async () => {
      try {
        status = (await client.call('GetDeployment', { deploymentId })).deploymentInfo?.status;
      } catch (error) {
        expect(error).toMatchObject({ status: 503 });
      }
      return status === 'Succeeded' || status === 'Failed' || status === 'Stopped';
    },
    { everyMs: 50, withinMs: 100_000 },
  );
  return status;
}
