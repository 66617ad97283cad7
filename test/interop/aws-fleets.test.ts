/** The real AWS command line, unmodified, against a server with two fleets of real agents: blue/green, alarms, triggers, and a host that comes later. */
import { writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ManagementOperations } from '../../src/protocol/management/shapes.ts';
import { AWS } from '../support/aws-cli.ts';
import { eventually } from '../support/eventually.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { httpServer, type TestServer } from '../support/http-server.ts';
import { describeIf } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type ControlServer, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

// Each call of the command line is a Python that starts; a busy machine takes its time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

describeIf(AWS !== null, 'the AWS command line, aws')('aws deploy, with fleets', () => {
  let scratch: ScratchFolder;
  let server: ControlServer;
  let outside: TestServer;
  let revision: string;
  /** Answer to the alarm's check. */
  let health = 200;
  const told: string[] = [];
  const agents: AsyncDisposable[] = [];

  beforeAll(async () => {
    scratch = scratchFolder();
    outside = await httpServer((request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => {
        body += piece.toString();
      });
      request.on('end', () => {
        if (request.method === 'POST') told.push(body);
        response.writeHead(request.method === 'POST' ? 200 : health).end();
      });
    });
    const file = (name: string, settings: object) => {
      writeFileSync(scratch.at(name), JSON.stringify(settings));
      return [`--${name}`, scratch.at(name)];
    };
    server = await startControlServer(scratch.at('server'), undefined, [
      ...file('load-balancers', { front: { kind: 'script', command: ['/bin/true'] } }),
      ...file('alarms', { front: { kind: 'http', url: outside.url } }),
      ...file('webhooks', { chat: { url: outside.url, secret: 'sixteen characters' } }),
    ]);
    for (const [name, tag] of [
      ['old-1', 'Fleet=a'],
      ['new-1', 'Fleet=b'],
    ] as const) {
      agents.push((await enrolHost(server, scratch.at(name), name, tag)).startAgent());
    }
    await runSlipway(['applications', 'create', 'shop'], server.env);
    const files = { 'index.html': 'x' };
    const folder = writeRevision(scratch.at('revision'), { destination: scratch.at('site'), files });
    const pushed = await runSlipway(['push', folder, '--application', 'shop', '--json'], server.env);
    const { s3Location } = JSON.parse(pushed.stdout) as { s3Location: { bucket: string; key: string } };
    revision = `bucket=${s3Location.bucket},key=${s3Location.key},bundleType=zip`;
  });
  afterAll(async () => {
    for (const agent of agents) await agent[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await outside[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  async function aws(...args: string[]): Promise<Record<string, unknown>> {
    const { stdout } = await execa(AWS ?? '', ['deploy', ...args, '--endpoint-url', server.url, '--output', 'json'], {
      env: {
        ...server.env,
        ...{ AWS_DEFAULT_REGION: 'us-east-1', AWS_PAGER: '' },
        ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
      },
    });
    return stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
  }

  const makeGroup = (name: string, ...flags: readonly string[]) =>
    aws(
      ...['create-deployment-group', '--application-name', 'shop', '--deployment-group-name', name],
      ...['--service-role-arn', 'arn:aws:iam::000000000000:role/any', ...flags],
    );
  const deploy = async (group: string, ...flags: readonly string[]) => {
    const made = await aws(
      ...['create-deployment', '--application-name', 'shop', '--deployment-group-name', group],
      ...['--s3-location', revision, ...flags],
    );
    return String(made['deploymentId']);
  };
  type Info = NonNullable<ManagementOperations['GetDeployment']['output']['deploymentInfo']>;
  const client = () => {
    const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
    return managementClient(server.url, { accessKeyId, secretAccessKey });
  };
  const infoOf = async (deploymentId: string): Promise<Info> =>
    (await client().call('GetDeployment', { deploymentId })).deploymentInfo ?? {};
  // Its own waiters look every 15 seconds.
  const untilInfo = (id: string, isSeen: (info: Info) => boolean) =>
    eventually(async () => isSeen(await infoOf(id)), { withinMs: 90_000, everyMs: 100 });
  const untilSucceeded = (id: string) => untilInfo(id, ({ status }) => status === 'Succeeded');

  test('moves traffic between two fleets: create, filter targets, continue, and stop with a rollback', async () => {
    await makeGroup(
      'web',
      ...['--on-premises-instance-tag-filters', 'Key=Fleet,Value=a,Type=KEY_AND_VALUE'],
      ...['--deployment-style', 'deploymentType=BLUE_GREEN,deploymentOption=WITH_TRAFFIC_CONTROL'],
      ...['--load-balancer-info', 'targetGroupInfoList=[{name=front}]'],
      '--blue-green-deployment-configuration',
      'terminateBlueInstancesOnDeploymentSuccess={action=TERMINATE,terminationWaitTimeInMinutes=30},' +
        'deploymentReadyOption={actionOnTimeout=STOP_DEPLOYMENT,waitTimeInMinutes=30},' +
        'greenFleetProvisioningOption={action=DISCOVER_EXISTING}',
      '--trigger-configurations',
      'triggerName=all,triggerTargetArn=chat,triggerEvents=DeploymentStart,DeploymentReady,DeploymentStop,DeploymentRollback',
    );
    const id = await deploy('web', '--target-instances', 'tagFilters=[{Key=Fleet,Value=b,Type=KEY_AND_VALUE}]');
    await untilInfo(id, ({ status }) => status === 'Ready');
    const targets = async (filters: string) =>
      (await aws('list-deployment-targets', '--deployment-id', id, '--target-filters', filters))['targetIds'];
    expect(await targets('TargetStatus=Ready')).toEqual(['new-1']);
    expect(await targets('ServerInstanceLabel=Blue')).toEqual(['old-1']);
    await aws('continue-deployment', '--deployment-id', id, '--deployment-wait-type', 'READY_WAIT');
    await untilInfo(id, (info) => info.instanceTerminationWaitTimeStarted === true);
    expect(await aws('stop-deployment', '--deployment-id', id, '--auto-rollback-enabled')).toMatchObject({
      status: 'Succeeded',
    });
    const { status, rollbackInfo } = await infoOf(id);
    expect(status).toBe('Stopped');
    await untilSucceeded(rollbackInfo?.rollbackDeploymentId ?? '');
    await eventually(() => told.length === 5);
    const notices = told.map(
      (body) =>
        JSON.parse(String((JSON.parse(body) as { Message: string }).Message)) as {
          deploymentId: string;
          status: string;
        },
    );
    // The notices of one deployment keep their order; those of two deployments are sent side by side.
    const statusesOf = (of: string | undefined) =>
      notices.flatMap(({ deploymentId, status }) => (deploymentId === of ? [status] : []));
    expect(statusesOf(id)).toEqual(['InProgress', 'Ready', 'Stopped']);
    expect(statusesOf(rollbackInfo?.rollbackDeploymentId)).toEqual(['InProgress', 'InProgress']);
  });

  test('has an alarm stop a deployment, lets the next one pass without it, and deploys to a host that comes later by itself', async () => {
    await makeGroup(
      'plain',
      ...['--on-premises-instance-tag-filters', 'Key=Fleet,Value=a,Type=KEY_AND_VALUE'],
      ...['--alarm-configuration', 'enabled=true,alarms=[{name=front}]'],
      ...['--auto-rollback-configuration', 'enabled=true,events=DEPLOYMENT_STOP_ON_ALARM'],
    );
    health = 500;
    const alarmed = await deploy('plain');
    await untilInfo(alarmed, ({ status }) => status === 'Stopped');
    expect((await infoOf(alarmed)).errorInformation?.code).toBe('ALARM_ACTIVE');
    health = 200;
    const first = await deploy('plain', '--override-alarm-configuration', 'enabled=false');
    await untilSucceeded(first);
    agents.push((await enrolHost(server, scratch.at('late-1'), 'late-1', 'Fleet=a')).startAgent());
    const group = { applicationName: 'shop', deploymentGroupName: 'plain' };
    const isAnother = (id: string) => id !== first && id !== alarmed;
    const deployments = async () => (await client().call('ListDeployments', group)).deployments ?? [];
    await eventually(async () => (await deployments()).some(isAnother), { withinMs: 90_000, everyMs: 200 });
    const automatic = (await deployments()).find(isAnother) ?? '';
    await untilSucceeded(automatic);
    expect((await infoOf(automatic)).creator).toBe('autoscaling');
    expect(await aws('list-deployment-targets', '--deployment-id', automatic)).toEqual({ targetIds: ['late-1'] });
  });
});
