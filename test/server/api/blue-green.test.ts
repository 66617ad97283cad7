import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createManagementClient, type ManagementClient } from '../../../src/protocol/management/client.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { type HandDrivenHost, handDrivenHost, managementClient } from '../../support/hand-driven-host.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { suiteDatabase } from '../../support/suite-database.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const SITE = { applicationName: 'site' };
const STYLE = { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' } as const;
const FRONT = { targetGroupInfoList: [{ name: 'front' }] };
const INVALID = 'InvalidBlueGreenDeploymentConfigurationException';
const tagged = (Value: string) => [{ Key: 'Role', Value, Type: 'KEY_AND_VALUE' as const }];
const CONFIGURATION = {
  terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 2880 },
  deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: 60 },
  greenFleetProvisioningOption: { action: 'DISCOVER_EXISTING' },
} as const;

const scratch = scratchFolder();
let server: TestServer;
let client: ManagementClient;

beforeAll(async () => {
  const loadBalancersFile = scratch.at('balancers.yml');
  writeFileSync(loadBalancersFile, 'front: { kind: script, command: [/bin/true] }\n');
  const dataDir = scratch.at('data');
  server = await testServer(dataDir, suiteDatabase(dataDir), undefined, { loadBalancersFile });
  const credentials = await server.key('admin');
  const connection = { endpoint: server.url, region: 'us-east-1', credentials: async () => credentials };
  client = createManagementClient({ ...connection, clock: systemClock });
  await client.call('CreateApplication', SITE);
  await handDrivenHost(server.url, client, 'old-1', 'old');
  await handDrivenHost(server.url, client, 'new-1', 'new');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

function makeGroup(deploymentGroupName: string, settings: object) {
  return client.call('CreateDeploymentGroup', {
    ...{ ...SITE, deploymentGroupName, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
    ...{ onPremisesInstanceTagFilters: tagged('old'), deploymentStyle: STYLE, loadBalancerInfo: FRONT },
    ...settings,
  });
}

function deploy(deploymentGroupName: string, options: object) {
  return client.call('CreateDeployment', {
    ...{ ...SITE, deploymentGroupName },
    revision: { revisionType: 'S3', s3Location: { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' } },
    ...options,
  });
}

async function infoOf(deploymentGroupName: string) {
  return (await client.call('GetDeploymentGroup', { ...SITE, deploymentGroupName })).deploymentGroupInfo;
}

test.each([
  ['without a configuration', {}, INVALID],
  [
    'without load balancers',
    { blueGreenDeploymentConfiguration: {}, loadBalancerInfo: {} },
    'InvalidLoadBalancerInfoException',
  ],
  [
    'without traffic control',
    { blueGreenDeploymentConfiguration: {}, deploymentStyle: { deploymentType: 'BLUE_GREEN' } },
    'InvalidDeploymentStyleException',
  ],
  [
    'that copies an Auto Scaling group',
    { blueGreenDeploymentConfiguration: { greenFleetProvisioningOption: { action: 'COPY_AUTO_SCALING_GROUP' } } },
    INVALID,
  ],
  [
    'that deploys in place and has a configuration for blue/green',
    {
      deploymentStyle: { ...STYLE, deploymentType: 'IN_PLACE' },
      blueGreenDeploymentConfiguration: { deploymentReadyOption: { actionOnTimeout: 'CONTINUE_DEPLOYMENT' } },
    },
    INVALID,
  ],
])('a group %s is not made', async (_, settings, type) => {
  await expect(makeGroup('bad', settings)).rejects.toMatchObject({ type });
});

test('a group is made blue/green and in place again, and keeps its configuration meanwhile', async () => {
  await makeGroup('turning', { blueGreenDeploymentConfiguration: CONFIGURATION });
  expect(await infoOf('turning')).toMatchObject({
    ...{ deploymentStyle: STYLE, blueGreenDeploymentConfiguration: CONFIGURATION },
  });
  const change = { ...SITE, currentDeploymentGroupName: 'turning' };
  const inPlace = { ...STYLE, deploymentType: 'IN_PLACE' } as const;
  await client.call('UpdateDeploymentGroup', { ...change, deploymentStyle: inPlace });
  expect(await infoOf('turning')).toMatchObject({ deploymentStyle: inPlace });
  await client.call('UpdateDeploymentGroup', { ...change, deploymentStyle: STYLE });
  expect(await infoOf('turning')).toMatchObject({ blueGreenDeploymentConfiguration: CONFIGURATION });
});

test.each([
  ['no replacement instances', {}, 'InvalidTargetInstancesException'],
  ['empty filters', { targetInstances: { tagFilters: [] } }, 'InvalidTargetInstancesException'],
  [
    'only outdated instances',
    { updateOutdatedInstancesOnly: true },
    'InvalidUpdateOutdatedInstancesOnlyValueException',
  ],
  ['zones', { deploymentConfigName: 'zones' }, 'InvalidInputException'],
])('a blue/green group is not deployed to with %s', async (what, options, type) => {
  await client
    .call('CreateDeploymentConfig', {
      ...{ deploymentConfigName: 'zones', minimumHealthyHosts: { type: 'HOST_COUNT', value: 0 }, zonalConfig: {} },
    })
    .catch(() => undefined);
  await makeGroup(what.replaceAll(' ', '-'), { blueGreenDeploymentConfiguration: {} });
  const targetInstances =
    type === 'InvalidTargetInstancesException' ? {} : { targetInstances: { tagFilters: tagged('new') } };
  await expect(deploy(what.replaceAll(' ', '-'), { ...targetInstances, ...options })).rejects.toMatchObject({ type });
});

test('a deployment shows its fleets by their labels, its waits, and what its group had when it began', async () => {
  await makeGroup('swap', { blueGreenDeploymentConfiguration: CONFIGURATION });
  const targetInstances = { tagFilters: tagged('new') };
  const { deploymentId = '' } = await deploy('swap', { targetInstances });
  const change = { ...SITE, currentDeploymentGroupName: 'swap' };
  await client.call('UpdateDeploymentGroup', { ...change, blueGreenDeploymentConfiguration: {} });
  const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
  expect(deploymentInfo).toMatchObject({
    ...{ deploymentStyle: STYLE, blueGreenDeploymentConfiguration: CONFIGURATION, targetInstances },
    ...{ instanceTerminationWaitTimeStarted: false, deploymentStatusMessages: [] },
    deploymentOverview: { Pending: 1, InProgress: 1, Ready: 0 },
  });
  const idsOf = async (labels: ('Blue' | 'Green')[]) =>
    (await client.call('ListDeploymentTargets', { deploymentId, targetFilters: { ServerInstanceLabel: labels } }))
      .targetIds;
  expect([await idsOf(['Blue']), await idsOf(['Green']), await idsOf(['Blue', 'Green'])]).toEqual([
    ...[['old-1'], ['new-1'], ['new-1', 'old-1']],
  ]);
  const { instancesList } = await client.call('ListDeploymentInstances', {
    deploymentId,
    instanceTypeFilter: ['Blue'],
  });
  expect(instancesList).toEqual(['old-1']);
  const { deploymentTarget } = await client.call('GetDeploymentTarget', { deploymentId, targetId: 'new-1' });
  expect(deploymentTarget?.instanceTarget).toMatchObject({ instanceLabel: 'Green' });
  const { instanceSummary } = await client.call('GetDeploymentInstance', { deploymentId, instanceId: 'old-1' });
  expect(instanceSummary).toMatchObject({ instanceType: 'Blue', lifecycleEvents: [{}, {}, {}] });
});

test('a deployment has its replacement hosts made by a program, and its original hosts ended by another one', async () => {
  using own = scratchFolder();
  const [calls, loadBalancersFile, fleetsFile] = [own.at('calls'), own.at('balancers.json'), own.at('fleets.json')];
  const log = `echo "$SLIPWAY_ACTION $SLIPWAY_APPLICATION/$SLIPWAY_DEPLOYMENT_GROUP $SLIPWAY_HOST $SLIPWAY_TAGS" >> ${own.word('calls')}`;
  writeFileSync(loadBalancersFile, '{"front": {"kind": "script", "command": ["/bin/true"]}}');
  writeFileSync(
    fleetsFile,
    JSON.stringify({
      'site/*': {
        provision: { command: ['/bin/sh', '-c', `${log}; echo one host made; echo '{"hosts": ["made-1"]}'`] },
        terminate: { command: ['/bin/sh', '-c', `${log}; echo ended`] },
      },
    }),
  );
  await using made = await testServer(own.at('data'), undefined, undefined, { loadBalancersFile, fleetsFile });
  const admin = managementClient(made.url, await made.key('admin'));
  await admin.call('CreateApplication', SITE);
  const old = await handDrivenHost(made.url, admin, 'old-1', 'old');
  await admin.call('CreateDeploymentGroup', {
    ...{ ...SITE, deploymentGroupName: 'web', serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
    ...{ onPremisesInstanceTagFilters: tagged('old'), deploymentStyle: STYLE, loadBalancerInfo: FRONT },
    blueGreenDeploymentConfiguration: { terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE' } },
  });
  const { deploymentId = '' } = await admin.call('CreateDeployment', {
    ...{ ...SITE, deploymentGroupName: 'web' },
    revision: { revisionType: 'S3', s3Location: { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' } },
  });
  const info = async () => (await admin.call('GetDeployment', { deploymentId })).deploymentInfo;
  const filter = { Key: 'slipway-deployment', Value: deploymentId, Type: 'KEY_AND_VALUE' };
  expect((await info())?.targetInstances).toEqual({ tagFilters: [filter] });
  await eventually(async () => {
    const { waits } = await admin.call('DescribeDeploymentWaits', { deploymentId });
    return waits[0]?.lastAnswer === '1 have not enrolled: made-1';
  });
  expect((await admin.call('DescribeDeploymentWaits', { deploymentId })).waits).toMatchObject([
    { targetId: deploymentId, lifecycleEventName: 'Provision' },
  ]);
  const green = await handDrivenHost(made.url, admin, 'made-1', 'any');
  const tags = [{ Key: filter.Key, Value: filter.Value }];
  await admin.call('AddTagsToOnPremisesInstances', { instanceNames: ['made-1'], tags });
  await runUntil(green, 'ValidateService');
  await runUntil(green, 'AfterAllowTraffic');
  await runUntil(old, 'AfterBlockTraffic');
  await eventually(async () => (await info())?.status === 'Succeeded');
  expect((await info())?.deploymentStatusMessages).toEqual([
    'The program that makes replacement instances has succeeded: exit 0\none host made\n{"hosts": ["made-1"]}',
    'The program that terminates an original instance has succeeded: exit 0\nended',
  ]);
  expect(readFileSync(calls, 'utf8').trimEnd().split('\n')).toEqual([
    `provision site/web  {"slipway-deployment":"${deploymentId}"}`,
    'terminate site/web old-1 {"Role":"old"}',
  ]);
});

/** The host does all that it is told, up to this event. */
async function runUntil(host: HandDrivenHost, last: string): Promise<void> {
  for (let name = ''; name !== last; ) {
    const command = await host.command();
    name = command.CommandName;
    await host.client.acknowledge(command.HostCommandIdentifier, false);
    const diagnostics = { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' } as const;
    await host.client.complete(command.HostCommandIdentifier, { status: 'Succeeded', diagnostics });
  }
}
