/** The API by the command line, against a real server: groups, applications, configurations, revisions, tags of hosts. */
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
    [['--auto-rollback', 'fail'], "'fail' is none of failure, stop, alarm, or none"],
    [['--tag', 'web'], 'is not KEY=VALUE'],
    [['--config', 'none'], 'slipway configs list'],
  ])('update %j is refused, and says what is taken', async (flags, message) => {
    await slipway('groups', 'create', 'wrong', '--application', 'shop', '--tag', 'Role=none');
    expect(await refused('groups', 'update', 'shop/wrong', ...flags)).toContain(message);
  });

  test('chooses hosts by any value, any key, and one of each of several lists', async () => {
    const create = (name: string, ...flags: string[]) =>
      slipway('groups', 'create', name, '--application', 'blog', ...flags);
    await create('any', '--tag', 'Role=*', '--tag', '*=db', '--label', 'Team=a');
    expect(await json('groups', 'show', 'any')).toMatchObject({
      onPremisesInstanceTagFilters: [
        { Key: 'Role', Type: 'KEY_ONLY' },
        { Value: 'db', Type: 'VALUE_ONLY' },
      ],
      labels: [{ Key: 'Team', Value: 'a' }],
    });
    await create('each', '--tag-set', 'Role=web,Role=api\\,v2', '--tag-set', 'Zone=*');
    const { stdout } = await slipway('groups', 'show', 'any', 'each');
    expect(stdout).toMatch(/^hosts +Role=\* or \*=db$/m);
    expect(stdout).toMatch(/^hosts +\(Role=web or Role=api,v2\) and \(Zone=\*\)$/m);
    await slipway('groups', 'update', 'each', '--tag', 'Role=web');
    expect((await json('groups', 'show', 'each')).onPremisesTagSet).toBeUndefined();
    const both = ['--tag', 'Role=web', '--tag-set', 'Zone=a'];
    expect(await refused('groups', 'update', 'each', ...both)).toContain('two ways to say which hosts');
  });

  test('a deployment group without a tag is not created', async () => {
    expect(await refused('groups', 'create', 'x', '--application', 'shop')).toContain('no tag is given');
  });
});

test.each([
  [['applications', 'show', 'shp'], 'did you mean shop? Else check the name'],
  [['applications', 'show', 'Blog'], 'did you mean blog?'],
  [['groups', 'create', 'g', '--application', 'shopp', '--tag', 'Role=web'], 'did you mean shop?'],
  [['groups', 'show', 'shop/liv'], 'Did you mean shop/live? There are: '],
  [['groups', 'show', 'near', '--application', 'shop'], 'did you mean nearby?'],
  [
    ['groups', 'update', 'nearby', '--application', 'shop', '--config', 'HalfAtATime'],
    'CodeDeployDefault.HalfAtATime?',
  ],
  [['configs', 'show', 'CodeDeployDefault.AllAtOnc'], 'did you mean CodeDeployDefault.AllAtOnce?'],
  [['hosts', 'show', 'alpa'], 'did you mean alpha? Else check the name: `slipway hosts list`'],
  [['hosts', 'update', 'alpha', 'beto', '--tag', 'A=1'], 'did you mean beta?'],
])('slipway %j names what there is under a near name', async (args, hint) => {
  for (const [name, application] of [
    ['live', 'shop'],
    ['nearby', 'shop'],
  ] as const) {
    await slipway('groups', 'create', name, '--application', application, '--tag', 'Role=none');
  }
  for (const name of ['alpha', 'beta']) {
    await slipway('hosts', 'register', name, '--host-arn', `arn:aws:iam::000000000000:user/${name}`);
  }
  expect(await refused(...args)).toContain(hint);
});

test('hosts are registered by their identity, shown, and listed by tag and status', async () => {
  const arn = 'arn:aws:sts::000000000000:assumed-role/web/h1';
  await slipway('hosts', 'register', 'h1', '--host-arn', arn, '--tag', 'Zone=north');
  await slipway('hosts', 'register', 'h2', '--host-arn', 'arn:aws:iam::000000000000:user/h2', '--tag', 'Zone=south');
  expect(await json('hosts', 'show', 'h1')).toMatchObject({
    iamSessionArn: arn,
    tags: [{ Key: 'Zone', Value: 'north' }],
  });
  const names = async (...flags: string[]) =>
    (await json('hosts', 'list', ...flags)).map((host: { instanceName: string }) => host.instanceName);
  expect(await names('--tag', 'Zone=*')).toEqual(['h1', 'h2']);
  expect(await names('--tag', '*=south')).toEqual(['h2']);
  await slipway('hosts', 'deregister', 'h2');
  expect(await names('--tag', 'Zone=*', '--status', 'registered')).toEqual(['h1']);
  expect(await names('--status', 'deregistered')).toEqual(['h2']);
});

test('keys are made, listed and disabled over the API, by whoever may; the server says what it is', async () => {
  const endpoint = ['--endpoint-url', server.url];
  const made = await json('keys', 'create', '--role', 'host', '--instance-name', 'h9', ...endpoint);
  expect(made).toMatchObject({ role: 'host', hostArn: 'arn:aws:iam::000000000000:user/slipway/h9' });
  const { accessKeyId, secretAccessKey } = await json('keys', 'create', '--role', 'viewer', ...endpoint);
  const local = JSON.parse((await runSlipway(['keys', 'list', '--json', '--data-dir', server.dataDir])).stdout);
  expect(await json('keys', 'list', ...endpoint)).toEqual(local);
  await slipway('keys', 'disable', made.accessKeyId, ...endpoint);
  expect((await slipway('keys', 'list', ...endpoint)).stdout).toMatch(
    new RegExp(`^${made.accessKeyId} +host +disabled`, 'm'),
  );
  const asViewer = { ...server.env, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const denied = await runSlipway(['keys', 'create', '--role', 'admin', ...endpoint], asViewer);
  expect(denied.stderr).toContain('AccessDeniedException');
  expect(await refused('keys', 'list', ...endpoint, '--data-dir', server.dataDir)).toContain('another way to the keys');
  expect(await refused('keys', 'create', '--role', 'host', ...endpoint)).toContain('--instance-name');
  expect(await json('server', 'show')).toMatchObject({ s3Endpoint: null, signsOrders: true });
  expect((await slipway('server', 'show', '--signer-ca')).stdout).toMatch(/^-----BEGIN CERTIFICATE-----/);
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
  expect(stdout).toMatch(/^two +Server +2$/m);
  expect(stdout).toMatch(/^CodeDeployDefault\.OneAtATime +Server +all but 1$/m);
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

test('deployments are listed by status and time, and an invalid status or time is refused', async () => {
  expect(await json('deployments', 'list', '--status', 'failed', '--since', '2026-01-01')).toEqual([]);
  expect(await refused('deployments', 'list', '--status', 'bad')).toContain('none of Created');
  expect(await refused('deployments', 'list', '--since', 'yesterday')).toContain('is no time');
  expect(await refused('deployments', 'list', '--application', 'shop')).toContain('Add --group');
});
