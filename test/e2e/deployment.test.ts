/** The main job with real parts: a server process, an agent process, bundles over the S3 API, files and scripts. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { eventually } from '../support/eventually.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { type ControlServer, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

// A dozen processes start in each; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

const APPLICATION = ['--application', 'site', '--group', 'test'];

async function makeGroup(server: ControlServer, config = 'CodeDeployDefault.AllAtOnce'): Promise<void> {
  expect(await runSlipway(['applications', 'create', 'site'], server.env)).toMatchObject({ status: 0 });
  const group = ['groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test', '--config', config];
  expect(await runSlipway(group, server.env)).toMatchObject({ status: 0 });
}

interface ShownDeployment {
  readonly deployment: { readonly status: string; readonly errorInformation?: { readonly code: string } };
  readonly targets: readonly {
    readonly targetId: string;
    readonly status: string;
    readonly lifecycleEvents: readonly {
      readonly lifecycleEventName: string;
      readonly status: string;
      readonly diagnostics?: { errorCode: string; scriptName: string; message: string; logTail: string };
    }[];
  }[];
}

async function show(server: ControlServer, deploymentId: string): Promise<ShownDeployment> {
  const shown = await runSlipway(['deployments', 'show', deploymentId, '--json'], server.env);
  expect(shown).toMatchObject({ status: 0 });
  return JSON.parse(shown.stdout) as ShownDeployment;
}

describe('a deployment to one host', () => {
  test('succeeds in every event, puts the files in place, and the next revision replaces and removes what it must', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    await using _agent = host.startAgent();
    await makeGroup(server);
    const site = scratch.at('site');

    const first = writeRevision(scratch.at('first'), {
      destination: site,
      files: { 'index.html': 'one', 'old.html': 'old' },
    });
    const deployed = await runSlipway(['deploy', first, ...APPLICATION], server.env);
    expect(deployed.stdout).toContain('Succeeded');
    expect(deployed.status).toBe(0);
    expect(readFileSync(join(site, 'index.html'), 'utf8')).toBe('one');

    const second = writeRevision(scratch.at('second'), {
      destination: site,
      files: { 'index.html': 'two', 'new.html': 'new' },
    });
    expect(await runSlipway(['deploy', second, ...APPLICATION, '--type', 'tgz'], server.env)).toMatchObject({
      status: 0,
    });
    expect(readFileSync(join(site, 'index.html'), 'utf8')).toBe('two');
    expect(existsSync(join(site, 'old.html'))).toBe(false);
    expect(existsSync(join(site, 'new.html'))).toBe(true);

    const logs = await runSlipway(['logs', 'latest', '--config-file', host.configFile]);
    expect(logs.stdout).toContain('LifecycleEvent - ValidateService');
    const hosts = await runSlipway(['hosts', 'list', '--json'], server.env);
    expect(JSON.parse(hosts.stdout)).toMatchObject([{ instanceName: 'web-1', registered: true }]);
  });

  test('a deployment to one host that fails in a script names event, script, exit status and the script’s last words, and exits with 1', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    await using _agent = host.startAgent();
    await makeGroup(server);
    const revision = writeRevision(scratch.at('bad'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'one' },
      scripts: { ValidateService: 'echo checking\necho "it answered 503" >&2\nexit 3' },
    });

    const deployed = await runSlipway(['deploy', revision, ...APPLICATION, '--json'], server.env);

    expect(deployed.status).toBe(1);
    const { deploymentId, status } = JSON.parse(deployed.stdout.trim().split('\n').at(-1) ?? '') as Record<
      string,
      string
    >;
    expect(status).toBe('Failed');
    const { deployment, targets } = await show(server, deploymentId ?? '');
    expect(deployment.errorInformation?.code).toBe('HEALTH_CONSTRAINTS');
    const failed = targets[0]?.lifecycleEvents.find((event) => event.status === 'Failed');
    expect(failed).toMatchObject({
      lifecycleEventName: 'ValidateService',
      diagnostics: { errorCode: 'ScriptFailed', scriptName: 'scripts/ValidateService.sh' },
    });
    expect(failed?.diagnostics?.logTail).toContain('it answered 503');
    expect(failed?.diagnostics?.message).toContain('3');
  });

  test('a deployment to one host that meets a file of somebody else’s fails in Install and changes nothing', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    await using _agent = host.startAgent();
    await makeGroup(server);
    const site = scratch.at('site');
    mkdirSync(site);
    writeFileSync(join(site, 'index.html'), 'made by hand');
    const revision = writeRevision(scratch.at('one'), {
      destination: site,
      files: { 'a.html': 'a', 'index.html': 'one' },
    });

    expect(await runSlipway(['deploy', revision, ...APPLICATION], server.env)).toMatchObject({ status: 1 });
    expect(readFileSync(join(site, 'index.html'), 'utf8')).toBe('made by hand');
    expect(existsSync(join(site, 'a.html'))).toBe(false);

    const overwrite = ['deploy', revision, ...APPLICATION, '--file-exists-behavior', 'OVERWRITE'];
    expect(await runSlipway(overwrite, server.env)).toMatchObject({ status: 0 });
    expect(readFileSync(join(site, 'index.html'), 'utf8')).toBe('one');
  });

  test('a deployment to one host that is stopped lets the running script finish and ends Stopped', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    await using _agent = host.startAgent();
    await makeGroup(server);
    // The script waits for the test, not for a time: it opens a FIFO that the test writes to.
    const gate = scratch.at('gate');
    const revision = writeRevision(scratch.at('one'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'one' },
      scripts: {
        BeforeInstall: `mkfifo ${quoteForShell(gate)}\nread line < ${quoteForShell(gate)}\necho "released by $line"`,
      },
    });
    const created = await runSlipway(['deploy', revision, ...APPLICATION, '--no-follow'], server.env);
    const deploymentId = created.stdout.trim();
    await eventually(() => existsSync(gate));

    const stop = await runSlipway(['deployments', 'stop', deploymentId], server.env);
    expect(stop).toMatchObject({ status: 0 });
    writeFileSync(gate, 'the test\n');

    await eventually(async () => (await show(server, deploymentId)).deployment.status === 'Stopped');
    const { targets } = await show(server, deploymentId);
    const events = Object.fromEntries(
      targets[0]?.lifecycleEvents.map((event) => [event.lifecycleEventName, event.status]) ?? [],
    );
    expect(events).toMatchObject({ BeforeInstall: 'Succeeded', Install: 'Skipped' });
    expect(existsSync(scratch.at('site'))).toBe(false);
  });
});

describe('a restart', () => {
  test('goes through all events with the files that the host has, and downloads where they are gone', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    await using _agent = host.startAgent();
    await makeGroup(server);
    const site = scratch.at('site');
    const starts = scratch.at('starts');
    const revision = writeRevision(scratch.at('one'), {
      destination: site,
      files: { 'index.html': 'one' },
      scripts: { ApplicationStart: `echo started >> ${quoteForShell(starts)}` },
    });
    const deployed = await runSlipway(['deploy', revision, ...APPLICATION], server.env);
    expect(deployed).toMatchObject({ status: 0 });
    const before = statSync(join(site, 'index.html'));

    const restarted = await runSlipway(['deploy', '--restart', ...APPLICATION], server.env);
    expect(restarted).toMatchObject({ status: 0 });
    expect(readFileSync(starts, 'utf8')).toBe('started\nstarted\n');
    expect(statSync(join(site, 'index.html')).ino).toBe(before.ino);
    const groupDir = readdirSync(host.rootDir).filter((name) => /^[0-9a-f]{8}-/.test(name));
    expect(groupDir).toHaveLength(1);
    const deploymentDir = (output: string) =>
      join(host.rootDir, groupDir[0] ?? '', /d-[A-Z0-9]{9}/.exec(output)?.[0] ?? '');
    const source = (output: string) => readFileSync(join(deploymentDir(output), '.bundle-source'), 'utf8');
    expect(source(deployed.stdout)).toBe('downloaded');
    expect(source(restarted.stdout)).toBe('archive-reuse');

    rmSync(join(deploymentDir(restarted.stdout), 'deployment-archive'), { recursive: true });
    const again = await runSlipway(['deploy', '--restart', ...APPLICATION], server.env);
    expect(again).toMatchObject({ status: 0 });
    expect(source(again.stdout)).toBe('downloaded');
  });
});

describe('a deployment to several hosts', () => {
  test('goes one at a time and leaves the rest alone when the first fails', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const one = await enrolHost(server, scratch.at('host-1'), 'web-1');
    const two = await enrolHost(server, scratch.at('host-2'), 'web-2');
    await using _agentOne = one.startAgent();
    await using _agentTwo = two.startAgent();
    await makeGroup(server, 'CodeDeployDefault.OneAtATime');
    const revision = writeRevision(scratch.at('bad'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'one' },
      scripts: { BeforeInstall: 'exit 1' },
    });

    const deployed = await runSlipway(['deploy', revision, ...APPLICATION, '--json'], server.env);

    expect(deployed.status).toBe(1);
    const ended = JSON.parse(deployed.stdout.trim().split('\n').at(-1) ?? '') as { deploymentOverview: unknown };
    expect(ended.deploymentOverview).toMatchObject({ Failed: 1, Skipped: 1, Succeeded: 0 });
  });
});
