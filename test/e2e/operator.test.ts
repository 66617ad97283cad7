/** The commands of an operator at the host: start, stop, status, doctor. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { eventually } from '../support/eventually.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { enrolHost, runSlipway, startControlServer, startDaemon } from '../support/slipway.ts';

interface Shown {
  readonly agent: {
    readonly pid: number;
    readonly endpoint: string;
    readonly lastPoll: { readonly answeredAtMs: number | null; readonly failures: number };
    readonly running: readonly { readonly commandName: string; readonly deploymentId: string }[];
  } | null;
}
interface Finding {
  readonly check: string;
  readonly status: string;
  readonly remedy: string | null;
}

describe('slipway agent start, stop, restart and status', () => {
  test('do what scripts expect, with the exit statuses of the LSB', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    // As somebody types it who stands beside the file.
    const configFile = relative(process.cwd(), host.configFile);
    const control = (verb: string) => runSlipway(['agent', verb, '--config_file', configFile]);

    expect(await control('status')).toMatchObject({ status: 3, stdout: expect.stringContaining('is not running') });
    expect(await control('stop')).toMatchObject({ status: 0, stdout: expect.stringContaining('is not running') });
    const started = await control('start');
    expect(started).toMatchObject({ status: 0 });
    const pid = /The Slipway agent is running as PID (\d+)/.exec(started.stdout)?.[1];
    // Scripts look for the words of the official agent in the answer to `status`.
    const running = `The AWS CodeDeploy agent is running as PID ${pid}.\n`;
    expect(await control('status')).toMatchObject({ status: 0, stdout: running });
    expect(await control('start')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('AGENT_ALREADY_RUNNING'),
    });
    expect(readFileSync(scratch.at('host/.version'), 'utf8')).toMatch(/^agent_version: SLIPWAY_\d/);

    const again = await control('restart');
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect(again.stdout).not.toContain(`PID ${pid}.`);
    writeFileSync(join(host.rootDir, 'ongoing-deployment/d-BUSY'), 'command');
    const refused = await control('stop');
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('d-BUSY') });
    unlinkSync(join(host.rootDir, 'ongoing-deployment/d-BUSY'));
    expect(await control('stop')).toMatchObject({ status: 0 });
    expect(await control('status')).toMatchObject({ status: 3 });
  });
});

test('slipway register takes a host over that is enrolled already when it is told to, and only then', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  await enrolHost(server, scratch.at('before'), 'web-1');
  const folder = scratch.at('host');
  const again = (...flags: string[]) => {
    const folders = ['--config-dir', join(folder, 'conf'), '--state-dir', folder];
    return runSlipway(['register', '--instance-name', 'web-1', '--tag', 'Role=new', ...folders, ...flags], server.env);
  };
  expect(await again()).toMatchObject({ status: 3, stderr: expect.stringMatching(/web-1 is registered.*\n.*--force/) });
  expect(await again('--force')).toMatchObject({ status: 0 });

  await using _agent = startDaemon(['agent', '--config-file', join(folder, 'conf/codedeployagent.yml')], {
    stderrFile: scratch.at('agent.log'),
  });
  await eventually(async () => {
    const { stdout } = await runSlipway(['hosts', 'list'], server.env);
    return /^web-1 +registered +\S+ ago .*Role=new/m.test(stdout);
  });
});

test('slipway register leaves no key and no host behind on the server when it cannot write its files here', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  mkdirSync(scratch.at('conf/codedeploy.onpremises.yml/in-the-way'), { recursive: true });
  const register = (...flags: string[]) =>
    runSlipway(['register', '--instance-name', 'web-1', '--config-dir', scratch.at('conf'), ...flags], server.env);
  expect(await register('--force')).toMatchObject({ status: 2, stderr: expect.stringContaining('EISDIR') });
  expect(readdirSync(scratch.at('conf'))).toEqual(['codedeploy.onpremises.yml']);
  expect((await runSlipway(['hosts', 'list'], server.env)).stdout).toMatch(/^web-1 +deregistered/m);
  expect((await runSlipway(['keys', 'list', '--data-dir', scratch.at('server')])).stdout).toMatch(
    /host +disabled .*web-1$/m,
  );

  rmSync(scratch.at('conf/codedeploy.onpremises.yml'), { recursive: true });
  expect(await register()).toMatchObject({ status: 0, stderr: '' });
});

test('slipway hosts deregister takes a host out and disables its key, for operators too, and touches no other', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  for (const name of ['web-1', 'web-2']) await enrolHost(server, scratch.at(name), name);
  const dataDir = ['--data-dir', scratch.at('server')];
  const made = await runSlipway(['keys', 'create', '--role', 'operator', '--json', ...dataDir]);
  const { accessKeyId, secretAccessKey } = JSON.parse(made.stdout) as Record<string, string>;
  const operator = { ...server.env, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const deregister = (name: string) => runSlipway(['hosts', 'deregister', name], operator);

  expect(await deregister('web-1')).toMatchObject({ status: 0, stdout: 'deregistered web-1; its key is disabled\n' });
  expect((await runSlipway(['hosts', 'list'], operator)).stdout).toMatch(
    /^web-1 +deregistered.*\n(.*\n)*web-2 +registered/m,
  );
  const keys = (await runSlipway(['keys', 'list', ...dataDir])).stdout;
  expect(keys).toMatch(/ host +disabled .*web-1$/m);
  expect(keys.match(/disabled/g)).toHaveLength(1);
  expect(await deregister('web-1')).toMatchObject({
    status: 0,
    stdout: 'deregistered web-1; no key of it was active\n',
  });
  expect(await deregister('web-9')).toMatchObject({ status: 3, stderr: expect.stringContaining('web-9') });
});

describe('slipway agent', () => {
  test.each(['root_dir', 'pid_dir'])('names a %s that it cannot work in, and what to do about it', async (key) => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('file'), '');
    const folders = { root_dir: scratch.at('root'), pid_dir: scratch.at('pid'), [key]: scratch.at('file') };
    const lines = Object.entries(folders).map(([name, path]) => `${name}: ${path}\n`);
    writeFileSync(scratch.at('agent.yml'), lines.join(''));
    const { status, stderr } = await runSlipway(['agent', '--config-file', scratch.at('agent.yml')]);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      new RegExp(`^slipway: ${key} .+/file cannot be used: .*\\[DEPLOYMENT_ROOT_UNUSABLE\\]\n  to do: `),
    );
  });
});

describe('slipway status', () => {
  test('shows what a running agent does, and what is known without one', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    const status = async () => {
      const shown = await runSlipway(['status', '--json', '--config-file', host.configFile]);
      return { exit: shown.status, ...(JSON.parse(shown.stdout) as Shown) };
    };
    expect(await status()).toMatchObject({ exit: 3, agent: null });
    await using agent = host.startAgent();
    await eventually(async () => (await status()).agent?.lastPoll.answeredAtMs !== undefined);
    expect(statSync(scratch.at('host/state/.pid/codedeploy-agent.sock')).mode & 0o777).toBe(0o600);

    const gate = scratch.at('gate');
    const revision = writeRevision(scratch.at('one'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'one' },
      scripts: { BeforeInstall: `mkfifo ${quoteForShell(gate)}\nread line < ${quoteForShell(gate)}` },
    });
    await runSlipway(['applications', 'create', 'site'], server.env);
    await runSlipway(['groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test'], server.env);
    const deploy = ['deploy', revision, '--application', 'site', '--group', 'test'];
    const deploymentId = (await runSlipway([...deploy, '--no-follow'], server.env)).stdout.trim();
    await eventually(() => existsSync(gate));
    expect(await status()).toMatchObject({
      exit: 0,
      agent: { pid: agent.pid, endpoint: server.url, running: [{ commandName: 'BeforeInstall', deploymentId }] },
    });
    writeFileSync(gate, 'go on\n');
    const words = await runSlipway(['status', '--config-file', host.configFile]);
    expect(words.stdout).toContain(`runs as PID ${agent.pid}`);
    expect(words.stdout).toMatch(/last poll: +answered/);

    agent.kill('SIGSTOP');
    const silent = await runSlipway(['status', '--config-file', host.configFile]);
    agent.kill('SIGCONT');
    expect(silent).toMatchObject({
      status: 4,
      stdout: expect.stringContaining(`runs as PID ${agent.pid}, but does not answer`),
    });
  });
});

describe('slipway doctor', () => {
  const findings = async (configFile: string) => {
    const { status, stdout } = await runSlipway(['doctor', '--json', '--config-file', configFile]);
    const found = JSON.parse(stdout) as Finding[];
    return { status, of: (check: string) => found.find((finding) => finding.check === check), found };
  };

  test('finds a host in order, and its credentials accepted without taking work away', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    await using agent = host.startAgent();
    await eventually(() => agent.log().includes('the agent is ready'));
    const healthy = await findings(host.configFile);
    expect(healthy.found.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(healthy.status).toBe(0);
    for (const check of [
      'agent',
      'identity',
      'S3',
      'DNS',
      'connection',
      'clock',
      'credentials',
      'disk',
      'interrupted Installs',
    ]) {
      expect(healthy.of(check), check).toMatchObject({ status: 'ok' });
    }
  });

  test('names each fault with its remedy: a key that is disabled, a server that is down', async () => {
    using scratch = scratchFolder();
    let configFile = '';
    {
      await using server = await startControlServer(scratch.at('server'));
      const host = await enrolHost(server, scratch.at('host'), 'web-1');
      configFile = host.configFile;
      const file = scratch.at('host/conf/codedeploy.onpremises.yml');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/(aws_secret_access_key: ).*/, '$1wrong'));
      const refused = await findings(configFile);
      expect(refused.status).toBe(1);
      expect(refused.of('credentials')).toMatchObject({
        status: 'fail',
        remedy: expect.stringContaining('slipway register'),
      });
    }
    const away = await findings(configFile);
    expect(away.of('connection')).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('Check that the server runs'),
    });
    expect(away.found.filter(({ status, remedy }) => status !== 'ok' && remedy === null)).toEqual([]);
  });
});
