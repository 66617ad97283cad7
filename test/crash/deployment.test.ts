/** Power cuts: agent and server are killed with SIGKILL in the middle, and everything is right afterwards. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { createManagementClient } from '../../src/protocol/management/client.ts';
import { systemClock } from '../../src/system/clock.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { eventually } from '../support/eventually.ts';
import { descendantsOf, isRunning, killTree } from '../support/process-tree.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { type ControlServer, type Daemon, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

// A dozen processes start in each; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

/** Enough that Install takes a moment. */
const FILES = 600;

const APPLICATION = ['--application', 'site', '--group', 'test'];

async function makeGroup(server: ControlServer): Promise<void> {
  await runSlipway(['applications', 'create', 'site'], server.env);
  const group = ['groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test'];
  expect(await runSlipway(group, server.env)).toMatchObject({ status: 0 });
}

interface ShownEvent {
  readonly lifecycleEventName: string;
  readonly status: string;
  readonly diagnostics?: { errorCode: string; message: string };
}

async function eventsOf(server: ControlServer, deploymentId: string): Promise<ShownEvent[]> {
  const shown = await runSlipway(['deployments', 'show', deploymentId, '--json'], server.env);
  return (
    (JSON.parse(shown.stdout) as { targets: { lifecycleEvents: ShownEvent[] }[] }).targets[0]?.lifecycleEvents ?? []
  );
}

/** Asked by this process: a program for each look would take the time of those that are waited for. */
async function untilStatus(server: ControlServer, deploymentId: string, status: string): Promise<void> {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  const client = createManagementClient({
    ...{ endpoint: server.url, region: 'us-east-1', clock: systemClock },
    credentials: async () => ({ accessKeyId, secretAccessKey }),
  });
  await eventually(
    async () => (await client.call('GetDeployment', { deploymentId })).deploymentInfo?.status === status,
    { everyMs: 50 },
  );
}

describe('kill -9 of the agent', () => {
  test('during a hook: the event is reported Failed after the restart, no process is left, the next deployment succeeds', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    await makeGroup(server);
    const pidFile = scratch.at('pid');
    const site = scratch.at('site');
    const hanging = writeRevision(scratch.at('hanging'), {
      destination: site,
      files: { 'index.html': 'one' },
      scripts: {
        AfterInstall: `sleep 600 &\necho "$$ $!" > ${quoteForShell(`${pidFile}.new`)}\nmv ${quoteForShell(`${pidFile}.new`)} ${quoteForShell(pidFile)}\nwait`,
      },
    });
    let deploymentId = '';
    {
      await using agent = host.startAgent();
      deploymentId = (await runSlipway(['deploy', hanging, ...APPLICATION, '--no-follow'], server.env)).stdout.trim();
      await eventually(() => existsSync(pidFile));
      agent.kill('SIGKILL');
      await agent.exited;
    }
    const pids = readFileSync(pidFile, 'utf8').trim().split(' ').map(Number);

    await using _agent = host.startAgent();
    await untilStatus(server, deploymentId, 'Failed');

    const failed = (await eventsOf(server, deploymentId)).find((event) => event.status === 'Failed');
    expect(failed).toMatchObject({ lifecycleEventName: 'AfterInstall', diagnostics: { errorCode: 'UnknownError' } });
    expect(failed?.diagnostics?.message).toMatch(/restart/i);
    await eventually(() => pids.every((pid) => !isRunning(pid)));

    const good = writeRevision(scratch.at('good'), { destination: site, files: { 'index.html': 'two' } });
    expect(await runSlipway(['deploy', good, ...APPLICATION], server.env)).toMatchObject({ status: 0 });
    expect(readFileSync(join(site, 'index.html'), 'utf8')).toBe('two');
  });

  test.each([
    ['the daemon and whatever it started, as a power cut would', (agent: Daemon) => killTree(agent.pid)],
    ['the daemon alone', (agent: Daemon) => agent.kill('SIGKILL')],
  ])(
    'during Install (%s): Install is reported Failed, the tree is the old one or the new one, the next deployment succeeds',
    async (_how, kill) => {
      using scratch = scratchFolder();
      await using server = await startControlServer(scratch.at('server'));
      const host = await enrolHost(server, scratch.at('host'), 'web-1');
      await makeGroup(server);
      const site = scratch.at('site');
      const files = (word: string) =>
        Object.fromEntries(Array.from({ length: FILES }, (_, n) => [`f${n}.txt`, `${word} ${n}`]));
      const old = writeRevision(scratch.at('old'), { destination: site, files: files('old') });
      const young = writeRevision(scratch.at('young'), { destination: site, files: files('young') });
      {
        await using _agent = host.startAgent();
        expect(await runSlipway(['deploy', old, ...APPLICATION], server.env)).toMatchObject({ status: 0 });
      }
      let deploymentId = '';
      {
        await using agent = host.startAgent();
        deploymentId = (await runSlipway(['deploy', young, ...APPLICATION, '--no-follow'], server.env)).stdout.trim();
        const journals = join(host.rootDir, 'deployment-instructions');
        // As soon as Install has begun its work.
        await eventually(() => hasJournal(journals), { everyMs: 1 });
        kill(agent);
        await agent.exited;
      }
      await using _agent = host.startAgent();
      await untilStatus(server, deploymentId, 'Failed');

      const failed = (await eventsOf(server, deploymentId)).find((event) => event.status === 'Failed');
      expect(failed).toMatchObject({ lifecycleEventName: 'Install', diagnostics: { errorCode: 'UnknownError' } });
      expect(failed?.diagnostics?.message).toMatch(/restart/i);
      const words = new Set(
        Array.from({ length: FILES }, (_, n) => readFileSync(join(site, `f${n}.txt`), 'utf8').split(' ')[0]),
      );
      expect(words.size).toBe(1);
      expect(await runSlipway(['deploy', young, ...APPLICATION], server.env)).toMatchObject({ status: 0 });
      expect(readFileSync(join(site, 'f0.txt'), 'utf8')).toBe('young 0');
    },
  );
});

describe('kill -9 of the process that carries out a command', () => {
  test('fails that command alone: its scripts are gone, the agent goes on, the next deployment succeeds', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    await makeGroup(server);
    await using agent = host.startAgent();
    const pidFile = scratch.at('pid');
    const hanging = writeRevision(scratch.at('hanging'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'one' },
      scripts: {
        AfterInstall: `echo $$ > ${quoteForShell(`${pidFile}.new`)}\nmv ${quoteForShell(`${pidFile}.new`)} ${quoteForShell(pidFile)}\nsleep 600`,
      },
    });
    const deploymentId = (
      await runSlipway(['deploy', hanging, ...APPLICATION, '--no-follow'], server.env)
    ).stdout.trim();
    await eventually(() => existsSync(pidFile));
    const script = Number(readFileSync(pidFile, 'utf8'));
    const executor = descendantsOf(agent.pid).find((pid) => descendantsOf(pid).includes(script));
    process.kill(executor ?? 0, 'SIGKILL');

    await untilStatus(server, deploymentId, 'Failed');
    const failed = (await eventsOf(server, deploymentId)).find((event) => event.status === 'Failed');
    expect(failed?.diagnostics?.message).toContain('AGENT_EXECUTOR_DIED');
    await eventually(() => !isRunning(script));
    const good = writeRevision(scratch.at('good'), { destination: scratch.at('site'), files: { 'index.html': 'two' } });
    expect(await runSlipway(['deploy', good, ...APPLICATION], server.env)).toMatchObject({ status: 0 });
  });
});

describe('SIGTERM', () => {
  test('ends an idle agent and its server in good order, in the middle of a long poll', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    await using agent = host.startAgent();
    await eventually(() => agent.log().includes('the agent is ready'));
    agent.kill('SIGTERM');
    expect(await agent.exited).toEqual({ status: 0, signal: null });
    server.daemon.kill('SIGTERM');
    expect(await server.daemon.exited).toEqual({ status: 0, signal: null });
  });

  test('lets a running script finish and be reported before the agent ends', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    await makeGroup(server);
    const gate = scratch.at('gate');
    const revision = writeRevision(scratch.at('one'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'one' },
      scripts: { BeforeInstall: `mkfifo ${quoteForShell(gate)}\nread line < ${quoteForShell(gate)}` },
    });
    await using agent = host.startAgent();
    const deploymentId = (
      await runSlipway(['deploy', revision, ...APPLICATION, '--no-follow'], server.env)
    ).stdout.trim();
    await eventually(() => existsSync(gate));
    agent.kill('SIGTERM');
    await eventually(() => agent.log().includes('taking no new work'));
    writeFileSync(gate, 'go on\n');
    expect(await agent.exited).toEqual({ status: 0, signal: null });
    const events = Object.fromEntries(
      (await eventsOf(server, deploymentId)).map((event) => [event.lifecycleEventName, event.status]),
    );
    expect(events).toMatchObject({ BeforeInstall: 'Succeeded', Install: 'Pending' });
  });
});

describe('kill -9 of the server', () => {
  test('in the middle of a deployment: after a restart the deployment goes on', async () => {
    using scratch = scratchFolder();
    const dataDir = scratch.at('server');
    const before = await startControlServer(dataDir);
    const host = await enrolHost(before, scratch.at('host'), 'web-1');
    await using _agent = host.startAgent();
    await makeGroup(before);
    const gate = scratch.at('gate');
    const revision = writeRevision(scratch.at('one'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'one' },
      scripts: { BeforeInstall: `mkfifo ${quoteForShell(gate)}\nread line < ${quoteForShell(gate)}` },
    });
    const deploymentId = (
      await runSlipway(['deploy', revision, ...APPLICATION, '--no-follow'], before.env)
    ).stdout.trim();
    await eventually(() => existsSync(gate));
    before.daemon.kill('SIGKILL');
    await before.daemon.exited;

    await using after = await startControlServer(dataDir, before);
    writeFileSync(gate, 'go on\n');

    await untilStatus(after, deploymentId, 'Succeeded');
    expect(readFileSync(scratch.at('site', 'index.html'), 'utf8')).toBe('one');
  });
});

function hasJournal(instructionsDir: string): boolean {
  return existsSync(instructionsDir) && readdirSync(instructionsDir).some((name) => name.endsWith('.journal'));
}
