/** The past of a server before its data is kept: some of everything that a database holds. */
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import type { ManagementOperation } from '../../src/protocol/management/shapes.ts';
import { eventually } from '../support/eventually.ts';
import { type HandDrivenHost, handDrivenHost, type KeyPair, managementClient } from '../support/hand-driven-host.ts';
import { rawS3 } from '../support/raw-s3.ts';
import type { ControlServer } from '../support/slipway.ts';

/** A question to the API, and what the version that made the data answered. */
export interface Answered {
  readonly operation: ManagementOperation;
  readonly input: object;
  readonly output: object;
}

/** Facts that are written down beside the data. */
export interface Life {
  /** Epoch milliseconds. */
  readonly recordedAtMs: number;
  readonly admin: KeyPair;
  /** A key that was disabled. */
  readonly disabled: KeyPair;
  readonly answers: readonly Answered[];
  readonly object: { readonly target: string; readonly body: string };
  /** A deployment that is not over: its one host has not taken its first command yet. */
  readonly open: { readonly deploymentId: string; readonly host: string; readonly accessKeyId: string };
}

export const adminOf = (server: ControlServer): KeyPair => ({
  accessKeyId: server.env['AWS_ACCESS_KEY_ID'] ?? '',
  secretAccessKey: server.env['AWS_SECRET_ACCESS_KEY'] ?? '',
});

const APP = { applicationName: 'site' };
const GROUP = { ...APP, deploymentGroupName: 'web' };
const filterOf = (Value: string) => [{ Key: 'Role', Value, Type: 'KEY_AND_VALUE' as const }];
const revisionOf = (key: string) => ({
  revisionType: 'S3' as const,
  s3Location: { bucket: 'revisions', key, bundleType: 'zip' as const },
});

export async function liveThrough(server: ControlServer): Promise<Life> {
  const key = adminOf(server);
  const admin = managementClient(server.url, key);
  const object = { target: '/revisions/good.zip', body: 'what a bundle holds' };
  await rawS3(server.s3Url, key)({ method: 'PUT', ...object });
  await makeResources(admin);
  const web = await handDrivenHost(server.url, admin, 'web-1', 'web');
  await handDrivenHost(server.url, admin, 'gone', 'web');
  await admin.call('DeregisterOnPremisesInstance', { instanceName: 'gone' });
  const deploymentIds = await deployThreeTimes(admin, web);
  const open = await leaveOpen(admin, server);
  const disabled = await admin.call('CreateAccessKey', { role: 'viewer', description: 'disabled' });
  await admin.call('DisableAccessKey', { accessKeyId: disabled.accessKeyId });
  const answers: Answered[] = [];
  for (const [operation, input] of questionsAbout(deploymentIds)) {
    answers.push({ operation, input, output: await admin.call(operation, input as never) });
  }
  const { accessKeyId, secretAccessKey } = disabled;
  return { recordedAtMs: Date.now(), admin: key, disabled: { accessKeyId, secretAccessKey }, answers, object, open };
}

async function makeResources(admin: ManagementClient): Promise<void> {
  const eager = { deploymentConfigName: 'eager', minimumHealthyHosts: { type: 'HOST_COUNT' as const, value: 0 } };
  await admin.call('CreateApplication', { ...APP, tags: [{ Key: 'team', Value: 'a' }] });
  await admin.call('CreateDeploymentConfig', eager);
  await admin.call('RegisterApplicationRevision', {
    ...APP,
    description: 'unused',
    revision: revisionOf('unused.zip'),
  });
  for (const name of ['web', 'open']) {
    await admin.call('CreateDeploymentGroup', {
      ...{ ...APP, deploymentGroupName: name, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
      deploymentConfigName: 'eager',
      onPremisesInstanceTagFilters: filterOf(name),
      ...(name === 'web' ? { autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE'] } } : {}),
      tags: [{ Key: 'group', Value: name }],
    });
  }
}

/** One deployment that succeeds, one that fails, and the rollback that follows. */
async function deployThreeTimes(admin: ManagementClient, host: HandDrivenHost): Promise<readonly string[]> {
  const deploy = (key: string) => admin.call('CreateDeployment', { ...GROUP, revision: revisionOf(key) });
  const good = (await deploy('good.zip')).deploymentId ?? '';
  await carryOut(admin, host, good, null);
  const bad = (await deploy('bad.zip')).deploymentId ?? '';
  await carryOut(admin, host, bad, 'Install');
  const { deploymentInfo } = await admin.call('GetDeployment', { deploymentId: bad });
  const rollback = deploymentInfo?.rollbackInfo?.rollbackDeploymentId ?? '';
  await carryOut(admin, host, rollback, null);
  return [good, bad, rollback];
}

async function carryOut(
  admin: ManagementClient,
  host: HandDrivenHost,
  deploymentId: string,
  fails: string | null,
): Promise<void> {
  const statusOf = async () => (await admin.call('GetDeployment', { deploymentId })).deploymentInfo?.status ?? '';
  while (!['Succeeded', 'Failed'].includes(await statusOf())) {
    const { HostCommandIdentifier: id, CommandName: name } = await host.command();
    await host.client.acknowledge(id, false);
    const status = name === fails ? 'Failed' : 'Succeeded';
    const errorCode = status === 'Failed' ? 4 : 0;
    await host.client.complete(id, {
      status,
      diagnostics: { errorCode, scriptName: 'run.sh', message: status, log: '' },
    });
    if (name === fails) await eventually(async () => (await statusOf()) === 'Failed');
  }
}

async function leaveOpen(admin: ManagementClient, server: ControlServer): Promise<Life['open']> {
  const { name: host, key } = await handDrivenHost(server.url, admin, 'open-1', 'open');
  const group = { ...APP, deploymentGroupName: 'open' };
  const { deploymentId = '' } = await admin.call('CreateDeployment', { ...group, revision: revisionOf('good.zip') });
  await eventually(async () => {
    const { targetIds = [] } = await admin.call('ListDeploymentTargets', { deploymentId });
    return targetIds.length > 0;
  });
  return { deploymentId, host, accessKeyId: key.accessKeyId };
}

function questionsAbout(deploymentIds: readonly string[]): readonly (readonly [ManagementOperation, object])[] {
  return [
    ['GetApplication', APP],
    ['GetDeploymentConfig', { deploymentConfigName: 'eager' }],
    ['GetDeploymentGroup', GROUP],
    ['ListApplicationRevisions', { ...APP, sortBy: 'registerTime' }],
    ['GetApplicationRevision', { ...APP, revision: revisionOf('unused.zip') }],
    ['ListDeployments', GROUP],
    ['ListOnPremisesInstances', { registrationStatus: 'Registered' }],
    ['GetOnPremisesInstance', { instanceName: 'web-1' }],
    ['GetOnPremisesInstance', { instanceName: 'gone' }],
    ['ListTagsForResource', { ResourceArn: 'arn:aws:codedeploy:us-east-1:000000000000:application:site' }],
    ...deploymentIds.flatMap((deploymentId): [ManagementOperation, object][] => [
      ['GetDeployment', { deploymentId }],
      ['BatchGetDeploymentTargets', { deploymentId, targetIds: ['web-1'] }],
    ]),
  ];
}
