/** `aws deploy register` and `deregister` without an ARN, with no other address than AWS_ENDPOINT_URL, and the agent that they make. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { AWS_BY_VARIABLE, AWS_NEEDED, aws as runAws } from '../support/aws-cli.ts';
import { hostClient, type KeyPair, managementClient } from '../support/hand-driven-host.ts';
import { describeIf } from '../support/needs.ts';
import { queryApi } from '../support/query-api.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type ControlServer, type Daemon, startControlServer, startDaemon } from '../support/slipway.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

describeIf(AWS_BY_VARIABLE !== null, AWS_NEEDED)('with one variable, aws', () => {
  let scratch: ScratchFolder;
  let server: ControlServer;
  let admin: KeyPair;

  beforeAll(async () => {
    scratch = scratchFolder();
    server = await startControlServer(scratch.at('server'));
    const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
    admin = { accessKeyId, secretAccessKey };
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  function folderOf(host: string): string {
    mkdirSync(scratch.at(host));
    return scratch.at(host);
  }

  /** @returns its standard output; fails when it says anything on its standard error */
  async function aws(folder: string, ...words: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await runAws(server, server.env, words, folder);
    expect({ words, exitCode, stderr }).toEqual({ words, exitCode: 0, stderr: '' });
    return stdout;
  }

  /** File that `aws deploy register` has written. */
  function identityIn(folder: string): { readonly arn: string; readonly key: KeyPair } {
    const file = parse(readFileSync(join(folder, 'codedeploy.onpremises.yml'), 'utf8')) as Record<string, string>;
    const { iam_user_arn: arn = '', aws_access_key_id = '', aws_secret_access_key = '' } = file;
    return { arn, key: { accessKeyId: aws_access_key_id, secretAccessKey: aws_secret_access_key } };
  }

  async function makeGroup(name: string): Promise<void> {
    const people = managementClient(server.url, admin);
    await people.call('CreateApplication', { applicationName: 'site' });
    await people.call('CreateDeploymentGroup', {
      ...{ applicationName: 'site', deploymentGroupName: name },
      serviceRoleArn: 'arn:aws:iam::000000000000:role/any',
      onPremisesInstanceTagFilters: [{ Key: 'Role', Value: name, Type: 'KEY_AND_VALUE' }],
    });
  }

  /** File that a person writes on a host beside the one of `aws deploy register`. */
  function startAgent(folder: string): Daemon {
    const configFile = join(folder, 'codedeployagent.yml');
    writeFileSync(
      configFile,
      stringify({
        deploy_control_endpoint: server.url,
        s3_endpoint_override: server.url,
        deployment_spec_ca_file: join(server.dataDir, 'signer-ca.pem'),
        demand_signed_orders: true,
        on_premises_config_file: join(folder, 'codedeploy.onpremises.yml'),
        wait_between_runs: 1,
        wait_between_runs_active: 1,
        root_dir: join(folder, 'deployment-root'),
        log_dir: join(folder, 'log'),
        pid_dir: join(folder, 'pid'),
      }),
    );
    return startDaemon(['agent', '--config-file', configFile], { stderrFile: join(folder, 'agent.log') });
  }

  test('deploy register makes a host that deploys, and deploy deregister takes its power at once', async () => {
    const folder = folderOf('web-1');
    const registered = await aws(
      folder,
      'deploy',
      'register',
      '--instance-name',
      'web-1',
      '--tags',
      'Key=Role,Value=web',
    );
    expect(registered).toContain('Adding tags to the on-premises instance... DONE');
    expect(statSync(join(folder, 'codedeploy.onpremises.yml')).mode & 0o077).toBe(0);
    const { arn, key } = identityIn(folder);
    expect(arn).toBe('arn:aws:iam::000000000000:user/AWS/CodeDeploy/web-1');
    await using agent = startAgent(folder);
    await makeGroup('web');
    const source = writeRevision(scratch.at('revision'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'pushed by aws' },
    });
    const location = ['--s3-location', 's3://revisions/site.zip', '--source', source];
    const pushed = await aws(folder, 'deploy', 'push', '--application-name', 'site', ...location);
    const [, s3Location = ''] = /--s3-location (\S+)/.exec(pushed) ?? [];
    const group = ['--application-name', 'site', '--deployment-group-name', 'web'];
    const created = await aws(folder, 'deploy', 'create-deployment', ...group, '--s3-location', s3Location);
    const { deploymentId } = JSON.parse(created) as { deploymentId: string };
    await aws(folder, 'deploy', 'wait', 'deployment-successful', '--deployment-id', deploymentId);
    expect(readFileSync(scratch.at('site/index.html'), 'utf8')).toBe('pushed by aws');
    agent.kill('SIGTERM');
    await agent.exited;

    const host = hostClient(server.url, arn, key);
    expect(await host.pollHostCommand(undefined, false)).toBeNull();
    const deregistered = await aws(folder, 'deploy', 'deregister', '--instance-name', 'web-1');
    expect(deregistered).toContain('Deleting the IAM user (web-1)... DONE');
    await expect(host.pollHostCommand(undefined, false)).rejects.toMatchObject({
      type: 'UnrecognizedClientException',
    });
    expect((await queryApi(server.url, 'iam', admin)('GetUser', { UserName: 'web-1' })).code).toBe('NoSuchEntity');
  });

  test('deploy register of a host that is there is refused, and its key keeps its power', async () => {
    const [folder, other] = [folderOf('twice'), folderOf('twice-again')];
    await aws(folder, 'deploy', 'register', '--instance-name', 'twice');
    const again = ['deploy', 'register', '--instance-name', 'twice'];
    expect((await runAws(server, server.env, again, other)).stderr).toContain('(EntityAlreadyExists)');
    const { arn, key } = identityIn(folder);
    expect(await hostClient(server.url, arn, key).pollHostCommand(undefined, false)).toBeNull();
  });

  test('deploy deregister --no-delete-iam-user leaves a user without keys, which a second one deletes', async () => {
    const folder = folderOf('left');
    const iam = queryApi(server.url, 'iam', admin);
    await aws(folder, 'deploy', 'register', '--instance-name', 'left');
    await aws(folder, 'deploy', 'deregister', '--instance-name', 'left', '--no-delete-iam-user');
    expect((await iam('ListAccessKeys', { UserName: 'left' })).result['AccessKeyMetadata']).toBe('');
    await aws(folder, 'deploy', 'deregister', '--instance-name', 'left');
    expect((await iam('GetUser', { UserName: 'left' })).code).toBe('NoSuchEntity');
  });

  test('sts get-caller-identity says which key of which account calls', async () => {
    const identity = JSON.parse(await aws(scratch.path, 'sts', 'get-caller-identity')) as Record<string, string>;
    const UserId = admin.accessKeyId;
    const Arn = `arn:aws:iam::000000000000:user/slipway/admin/${UserId}`;
    expect(identity).toEqual({ Account: '000000000000', Arn, UserId });
  });
});
