/** What the API has, by the command line, against a real server: groups, applications, configurations, revisions, tags of hosts. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type ControlServer, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

let scratch: ScratchFolder;
let server: ControlServer;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await startControlServer(scratch.at('server'));
  for (const name of ['shop', 'blog']) await slipway('applications', 'create', name);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const slipway = (...args: string[]) => runSlipway(args, server.env);

async function json(...args: string[]) {
  const { stdout, stderr } = await slipway(...args, '--json');
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

async function refused(...args: string[]) {
  const { status, stderr } = await slipway(...args);
  expect(status).not.toBe(0);
  return stderr;
}

describe('a deployment group', () => {
  test('is created with its settings, shown, changed one by one, renamed and deleted', async () => {
    const create = ['groups', 'create', 'web', '--application', 'shop', '--tag', 'Role=web'];
    await slipway(...create, '--auto-rollback', 'failure');
    await slipway('groups', 'update', 'shop/web', '--auto-rollback', 'failure,stop', '--label', 'Team=a');
    expect(await json('groups', 'show', 'shop/web')).toMatchObject({
      deploymentConfigName: 'CodeDeployDefault.OneAtATime',
      onPremisesInstanceTagFilters: [{ Key: 'Role', Value: 'web' }],
      autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_REQUEST'] },
      labels: [{ Key: 'Team', Value: 'a' }],
    });
    const change = ['--tag', 'Role=www', '--tag', 'Role=web2', '--config', 'CodeDeployDefault.AllAtOnce'];
    await slipway('groups', 'update', 'web', ...change, '--auto-rollback', 'none', '--name', 'www');
    await slipway('groups', 'update', 'www', '--remove-label', 'Team', '--label', 'On=b');
    const { stdout, stderr } = await slipway('groups', 'show', 'www');
    expect(stderr).toBe('');
    for (const row of [
      /^group +shop\/www$/m,
      /^configuration +CodeDeployDefault\.AllAtOnce$/m,
      /^hosts +Role=www or Role=web2$/m,
      /^automatic rollback +none$/m,
      /^labels +On=b$/m,
    ]) {
      expect(stdout).toMatch(row);
    }
    expect(await slipway('groups', 'delete', 'www')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('deleted'),
    });
    expect(await refused('groups', 'show', 'shop/www')).toContain("no deployment group is called 'shop/www'");
    expect(await refused('groups', 'delete', 'www', '--application', 'shop')).toContain('slipway groups list');
  });

  test('is found by name, APPLICATION/GROUP and id; what several are called is refused with a list', async () => {
    for (const application of ['shop', 'blog']) {
      await slipway('groups', 'create', 'live', '--application', application, '--tag', 'Role=none');
    }
    const { deploymentGroupId } = await json('groups', 'show', 'blog/live');
    expect(await json('groups', 'show', deploymentGroupId)).toMatchObject({ applicationName: 'blog' });
    expect(await json('groups', 'show', 'live', '--application', 'shop')).toMatchObject({ applicationName: 'shop' });
    expect(await json('deployments', 'list', '--group', 'shop/live')).toEqual([]);
    for (const command of [
      ['groups', 'show', 'live'],
      ['groups', 'delete', 'live'],
      ['deployments', 'list', '--group', 'live'],
      ['deploy', '--group', 'live', '--github', 'a/b@c'],
    ]) {
      expect(await refused(...command)).toMatch(/several deployment groups are called 'live': blog\/live, shop\/live/);
    }
    expect(await refused('deploy', '--group', 'liv', '--github', 'a/b@c')).toContain('There are: ');
  });

  test.each([
    [['--auto-rollback', 'fail'], "'fail' is none of failure, stop, or none"],
    [['--tag', 'web'], 'is not KEY=VALUE'],
    [['--config', 'none'], 'slipway configs list'],
  ])('update %j is refused, and says what is taken', async (flags, message) => {
    await slipway('groups', 'create', 'wrong', '--application', 'shop', '--tag', 'Role=none');
    expect(await refused('groups', 'update', 'shop/wrong', ...flags)).toContain(message);
  });

  test('without a tag is not created', async () => {
    expect(await refused('groups', 'create', 'x', '--application', 'shop')).toContain('no tag is given');
  });
});

test('an application is shown, labelled, renamed and deleted, and one that is not there is not deleted', async () => {
  await slipway('applications', 'create', 'old');
  await slipway('groups', 'create', 'g', '--application', 'old', '--tag', 'Role=none');
  await slipway('applications', 'update', 'old', '--name', 'new', '--label', 'Team=a');
  expect(await json('applications', 'show', 'new')).toMatchObject({
    application: { applicationName: 'new' },
    deploymentGroups: ['g'],
    labels: [{ Key: 'Team', Value: 'a' }],
  });
  expect(await slipway('applications', 'delete', 'new')).toMatchObject({ status: 0 });
  expect(await refused('applications', 'delete', 'new')).toContain('slipway applications list');
  expect(await json('applications', 'list')).not.toContain('new');
});

test('a deployment configuration is made of a count or a percentage, listed, and not deleted while it is used', async () => {
  await slipway('configs', 'create', 'two', '--min-healthy', '2');
  await slipway('configs', 'create', 'most', '--min-healthy', '75%');
  expect((await json('configs', 'show', 'most')).minimumHealthyHosts).toEqual({ type: 'FLEET_PERCENT', value: 75 });
  const { stdout } = await slipway('configs', 'list');
  expect(stdout).toMatch(/^two +2$/m);
  expect(stdout).toMatch(/^CodeDeployDefault\.OneAtATime +all but 1$/m);
  await slipway('groups', 'create', 'user', '--application', 'shop', '--tag', 'Role=none', '--config', 'two');
  expect(await refused('configs', 'delete', 'two')).toContain('DeploymentConfigInUseException');
  expect(await slipway('configs', 'delete', 'most')).toMatchObject({ status: 0 });
  expect(await refused('configs', 'delete', 'most')).toContain('slipway configs list');
  for (const wrong of ['half', '-1', '50 %', '']) {
    expect(await refused('configs', 'create', 'x', '--min-healthy', wrong)).toContain('--min-healthy');
  }
});

test('a revision is registered, listed and shown by the flags that deploy takes', async () => {
  const one = ['--application', 'shop', '--github', 'me/site@0a1b2c3'];
  const two = ['--application', 'shop', '--revision', 's3://bucket/a.tgz'];
  expect(await refused('revisions', 'show', ...one)).toContain('slipway revisions list');
  await slipway('revisions', 'register', ...one, '--description', 'the first');
  await slipway('revisions', 'register', ...two);
  const { stdout } = await slipway('revisions', 'list', '--application', 'shop');
  expect(stdout).toContain('s3://bucket/a.tgz');
  expect(stdout).toContain('me/site@0a1b2c3');
  expect((await slipway('revisions', 'show', ...one)).stdout).toMatch(/^description +the first$/m);
  expect(await refused('revisions', 'show', '--application', 'shop')).toContain('no revision is named');
});

test('a host is given tags and loses them, and register lets the agent ask again at once while commands run', async () => {
  const host = await enrolHost(server, scratch.at('host'), 'web-1');
  expect(readFileSync(host.configFile, 'utf8')).toMatch(/^wait_between_runs_active: 1$/m);
  expect((await json('hosts', 'update', 'web-1', '--tag', 'A=1', '--tag', 'B=2')).tags).toEqual(
    expect.arrayContaining([
      { Key: 'A', Value: '1' },
      { Key: 'B', Value: '2' },
    ]),
  );
  expect((await slipway('hosts', 'update', 'web-1', '--remove-tag', 'A=1')).stdout).not.toContain('A=1');
});

test('deployments are listed by status and time, and what is no status or time is refused', async () => {
  expect(await json('deployments', 'list', '--status', 'failed', '--since', '2026-01-01')).toEqual([]);
  expect(await refused('deployments', 'list', '--status', 'bad')).toContain('none of Created');
  expect(await refused('deployments', 'list', '--since', 'yesterday')).toContain('is no time');
  expect(await refused('deployments', 'list', '--application', 'shop')).toContain('Add --group');
});
