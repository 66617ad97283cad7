/** Nothing is answered with success that was not understood, or is not done: through the server's door, signed as clients sign. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createManagementClient, type ManagementClient } from '../../../src/protocol/management/client.ts';
import type { ManagementOperation } from '../../../src/protocol/management/shapes.ts';
import { INPUT_MEMBERS } from '../../../src/server/api/members.ts';
import { openStore } from '../../../src/server/store/store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';
import { suiteLocation } from '../../support/suite-database.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const SITE = { applicationName: 'site' };
const GROUP = { ...SITE, deploymentGroupName: 'web', serviceRoleArn: 'arn:aws:iam::000000000000:role/any' };
const FILTER = { Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' };
const S3 = { revisionType: 'S3', s3Location: { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' } };
const GIT = { repository: 'team/site', commitId: 'a'.repeat(40) };
const DEPLOYMENT = { ...SITE, deploymentGroupName: 'web', revision: S3 };
const CONFIG = { deploymentConfigName: 'half', minimumHealthyHosts: { type: 'HOST_COUNT', value: 1 } };

let scratch: ScratchFolder;
let server: TestServer;
let client: ManagementClient;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'));
  const credentials = await server.key('admin');
  const connection = { endpoint: server.url, region: 'us-east-1', credentials: async () => credentials };
  client = createManagementClient({ ...connection, clock: systemClock });
  await call('CreateApplication', SITE);
  await call('CreateDeploymentGroup', { ...GROUP, onPremisesInstanceTagFilters: [FILTER] });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

async function call(operation: ManagementOperation, input: object): Promise<Record<string, unknown>> {
  return (await client.call(operation, input as never)) as Record<string, unknown>;
}

async function groupInfo(deploymentGroupName: string): Promise<Record<string, unknown>> {
  const answer = await call('GetDeploymentGroup', { ...SITE, deploymentGroupName });
  return answer['deploymentGroupInfo'] as Record<string, unknown>;
}

describe('a member that the operation does not have', () => {
  const operations = Object.keys(INPUT_MEMBERS) as ManagementOperation[];

  test.each(operations)('an unknown member of %s is refused by its name', async (operation) => {
    const answer = call(operation, { dryRun: true });
    await expect(answer).rejects.toMatchObject({
      type: 'ValidationException',
      status: 400,
      message: expect.stringContaining(`${operation} has no member "dryRun"`),
    });
  });

  test.each<[ManagementOperation, object, string]>([
    ['CreateApplication', { applicationName: 'fresh', ApplicationName: 'x' }, 'ApplicationName'],
    ['CreateApplication', { applicationName: 'fresh', tags: [{ Key: 'a', value: 'b' }] }, 'tags[0].value'],
    ['CreateDeployment', { ...DEPLOYMENT, waitForRollback: false }, 'waitForRollback'],
    [
      'CreateDeployment',
      { ...DEPLOYMENT, revision: { ...S3, s3Location: { ...S3.s3Location, region: 'eu-west-1' } } },
      'revision.s3Location.region',
    ],
    [
      'CreateDeployment',
      { ...DEPLOYMENT, autoRollbackConfiguration: { enabled: true, on: ['DEPLOYMENT_FAILURE'] } },
      'autoRollbackConfiguration.on',
    ],
    [
      'UpdateDeploymentGroup',
      { ...SITE, currentDeploymentGroupName: 'web', onPremisesInstanceTagFilters: [FILTER, { key: 'Role' }] },
      'onPremisesInstanceTagFilters[1].key',
    ],
    [
      'UpdateDeploymentGroup',
      {
        ...SITE,
        currentDeploymentGroupName: 'web',
        onPremisesTagSet: { onPremisesTagSetList: [[{ ...FILTER, Not: true }]] },
      },
      'onPremisesTagSet.onPremisesTagSetList[0][0].Not',
    ],
    ['UpdateDeploymentGroup', { ...SITE, currentDeploymentGroupName: 'web', tags: [] }, 'tags'],
    ['ListOnPremisesInstances', { tagFilters: [{ ...FILTER, Values: ['a'] }] }, 'tagFilters[0].Values'],
    ['ListDeployments', { createTimeRange: { from: 1 } }, 'createTimeRange.from'],
    [
      'CreateDeploymentConfig',
      { ...CONFIG, minimumHealthyHosts: { type: 'HOST_COUNT', value: 1, perZone: 1 } },
      'perZone',
    ],
    ['BatchGetApplicationRevisions', { ...SITE, revisions: [{ ...S3, sha256: 'x' }] }, 'revisions[0].sha256'],
    ['GetApplication', JSON.parse('{"applicationName":"site","__proto__":{"a":1}}'), '__proto__'],
    ['GetApplication', { ...SITE, constructor: 'x' }, 'constructor'],
  ])('is found at any depth: %s with %j names %s', async (operation, input, name) => {
    await expect(call(operation, input)).rejects.toMatchObject({
      type: 'ValidationException',
      message: expect.stringContaining(name),
    });
  });

  test('changes nothing', async () => {
    await expect(call('CreateApplication', { applicationName: 'never', owner: 'me' })).rejects.toThrow('owner');
    await expect(call('GetApplication', { applicationName: 'never' })).rejects.toMatchObject({
      type: 'ApplicationDoesNotExistException',
    });
  });

  test('is taken for absent when it is null, as some clients send what they leave out', async () => {
    expect(await call('GetApplication', { ...SITE, dryRun: null })).toHaveProperty('application');
  });
});

describe('a value of another type than its member’s', () => {
  test.each<[ManagementOperation, object]>([
    ['CreateDeployment', { ...DEPLOYMENT, ignoreApplicationStopFailures: 'true' }],
    ['CreateDeployment', { ...DEPLOYMENT, targetInstances: [] }],
    ['CreateDeploymentGroup', { ...GROUP, loadBalancerInfo: { elbInfoList: 'elb' } }],
    ['CreateDeploymentGroup', { ...GROUP, alarmConfiguration: { enabled: 'yes' } }],
    ['CreateDeploymentGroup', { ...GROUP, onPremisesInstanceTagFilters: [null] }],
    ['DeregisterOnPremisesInstance', { instanceName: ['web-1'] }],
    ['ListTagsForResource', { ResourceArn: 'arn', NextToken: 7 }],
  ])('is refused: %s with %j', async (operation, input) => {
    await expect(call(operation, input)).rejects.toMatchObject({ type: 'SerializationException' });
  });
});

const ALARM = { enabled: true, alarms: [{ name: 'load' }] };
const TRIGGER = { triggerName: 't', triggerTargetArn: 'arn:x', triggerEvents: ['DeploymentStart'] };

describe('a setting of a deployment group that is not acted upon', () => {
  const cases: [string, unknown, string][] = [
    ['autoScalingGroups', ['asg'], 'InvalidAutoScalingGroupException'],
    ['triggerConfigurations', [TRIGGER], 'InvalidTriggerConfigException'],
    ['alarmConfiguration', ALARM, 'InvalidAlarmConfigException'],
    ['deploymentStyle', { deploymentType: 'BLUE_GREEN' }, 'InvalidDeploymentStyleException'],
    ['deploymentStyle', { deploymentOption: 'WITH_TRAFFIC_CONTROL' }, 'InvalidLoadBalancerInfoException'],
    [
      'blueGreenDeploymentConfiguration',
      { deploymentReadyOption: { actionOnTimeout: 'CONTINUE_DEPLOYMENT' } },
      'InvalidBlueGreenDeploymentConfigurationException',
    ],
    ['loadBalancerInfo', { elbInfoList: [{ name: 'front' }] }, 'InvalidLoadBalancerInfoException'],
    ['loadBalancerInfo', { targetGroupInfoList: [{ name: 'front' }] }, 'InvalidLoadBalancerInfoException'],
    ['ecsServices', [{ serviceName: 's', clusterName: 'c' }], 'InvalidECSServiceException'],
    ['terminationHookEnabled', true, 'InvalidInputException'],
  ];

  test.each(cases)(
    'is refused by its own exception, in a new group and in a change: %s %j',
    async (name, value, type) => {
      const message = expect.stringContaining(name === 'deploymentStyle' ? 'deployment' : name);
      const made = call('CreateDeploymentGroup', { ...GROUP, deploymentGroupName: 'other', [name]: value });
      await expect(made).rejects.toMatchObject({ type, message });
      const before = await groupInfo('web');
      const changed = call('UpdateDeploymentGroup', { ...SITE, currentDeploymentGroupName: 'web', [name]: value });
      await expect(changed).rejects.toMatchObject({ type, message });
      expect(await groupInfo('web')).toEqual(before);
    },
  );

  test('is taken where its value asks for nothing', async () => {
    const nothing = {
      ec2TagFilters: [],
      ec2TagSet: { ec2TagSetList: [] },
      autoScalingGroups: [],
      triggerConfigurations: [],
      alarmConfiguration: { enabled: false, alarms: [{ name: 'load' }] },
      autoRollbackConfiguration: { enabled: false, events: ['DEPLOYMENT_STOP_ON_ALARM'] },
      outdatedInstancesStrategy: 'IGNORE',
      deploymentStyle: { deploymentType: 'IN_PLACE', deploymentOption: 'WITHOUT_TRAFFIC_CONTROL' },
      blueGreenDeploymentConfiguration: {},
      loadBalancerInfo: { elbInfoList: [], targetGroupInfoList: [] },
      ecsServices: [],
      terminationHookEnabled: false,
    };
    await call('CreateDeploymentGroup', { ...GROUP, deploymentGroupName: 'nothing', ...nothing });
    const change = { ...SITE, currentDeploymentGroupName: 'nothing', alarmConfiguration: { alarms: [] } };
    await call('UpdateDeploymentGroup', { ...change, loadBalancerInfo: {}, ec2TagSet: {} });
    expect(await groupInfo('nothing')).toMatchObject({ alarmConfiguration: { alarms: [] }, autoScalingGroups: [] });
  });

  test('is kept in a group that has it from before: it is shown, the group is deployed to, and can be rid of it', async () => {
    await call('CreateDeploymentGroup', { ...GROUP, deploymentGroupName: 'old' });
    const settings = {
      autoScalingGroups: ['asg'],
      alarmConfiguration: ALARM,
      triggerConfigurations: [TRIGGER],
      loadBalancerInfo: { elbInfoList: [{ name: 'front' }] },
      outdatedInstancesStrategy: 'UPDATE',
    };
    const store = await openStore(suiteLocation(scratch.at('data')));
    await store.db
      .updateTable('deployment_groups')
      .set({ settings_json: JSON.stringify(settings) })
      .where('deployment_group_name', '=', 'old')
      .execute();
    await store.close();
    const shown = { ...settings, autoScalingGroups: [{ name: 'asg' }] };
    expect(await groupInfo('old')).toMatchObject(shown);
    const { deploymentId } = await call('CreateDeployment', { ...DEPLOYMENT, deploymentGroupName: 'old' });
    expect(await call('GetDeployment', { deploymentId })).toMatchObject({ deploymentInfo: { deploymentId } });
    const change = { ...SITE, currentDeploymentGroupName: 'old', newDeploymentGroupName: 'older' };
    await call('UpdateDeploymentGroup', change);
    expect(await groupInfo('older')).toMatchObject(shown);
    await call('UpdateDeploymentGroup', { ...SITE, currentDeploymentGroupName: 'older', autoScalingGroups: [] });
    expect(await groupInfo('older')).toMatchObject({ ...shown, autoScalingGroups: [] });
  });
});

describe('what else is not acted upon', () => {
  test.each<[ManagementOperation, object, string, string]>([
    ['CreateDeployment', { targetInstances: { tagFilters: [FILTER] } }, 'InvalidTargetInstancesException', 'targetIns'],
    [
      'CreateDeployment',
      { targetInstances: { autoScalingGroups: ['asg'] } },
      'InvalidTargetInstancesException',
      'targ',
    ],
    [
      'CreateDeployment',
      { targetInstances: { ec2TagSet: { ec2TagSetList: [[FILTER]] } } },
      'InvalidTargetInstancesException',
      'targetInstances',
    ],
    ['CreateDeployment', { overrideAlarmConfiguration: ALARM }, 'InvalidAlarmConfigException', 'overrideAlarm'],
    ['CreateDeployment', { revision: { ...S3, gitHubLocation: GIT } }, 'InvalidRevisionException', 'gitHubLocation'],
    [
      'CreateDeployment',
      { revision: { revisionType: 'GitHub', gitHubLocation: GIT, s3Location: S3.s3Location } },
      'InvalidRevisionException',
      's3Location',
    ],
    ['CreateDeployment', { revision: { ...S3, string: { content: 'x' } } }, 'InvalidRevisionException', 'string'],
    [
      'CreateDeployment',
      {
        revision: {
          revisionType: 'S3',
          s3Location: {
            ...{ bucket: 'https://example.com', key: 'a.zip', bundleType: 'zip', version: '3' },
            eTag: `sha256:${'0'.repeat(64)}`,
          },
        },
      },
      'InvalidRevisionException',
      'version',
    ],
    [
      'CreateDeploymentConfig',
      { zonalConfig: { monitorDurationInSeconds: 1.5 } },
      'InvalidZonalDeploymentConfigurationException',
      'zonalConfig',
    ],
    [
      'CreateDeploymentConfig',
      { trafficRoutingConfig: { type: 'AllAtOnce' } },
      'InvalidTrafficRoutingConfigurationException',
      'trafficRoutingConfig',
    ],
    ['CreateAccessKey', { role: 'operator', instanceName: 'web-1' }, 'ValidationException', 'instanceName'],
    [
      'CreateAccessKey',
      { role: 'host', instanceName: 'web-1', hostArn: 'arn:aws:iam::000000000000:user/x' },
      'ValidationException',
      'hostArn',
    ],
  ])('is refused: %s with %j is %s', async (operation, members, type, name) => {
    const base = { CreateDeployment: DEPLOYMENT, CreateDeploymentConfig: CONFIG }[operation as string] ?? {};
    await expect(call(operation, { ...base, ...members })).rejects.toMatchObject({
      type,
      message: expect.stringContaining(name),
    });
  });

  test('is taken where its value asks for nothing', async () => {
    await call('CreateDeploymentConfig', { ...CONFIG, zonalConfig: {}, trafficRoutingConfig: {} });
    await call('CreateDeploymentGroup', { ...GROUP, deploymentGroupName: 'empty' });
    const { deploymentId } = await call('CreateDeployment', {
      ...DEPLOYMENT,
      deploymentGroupName: 'empty',
      revision: { ...S3, gitHubLocation: {} },
      targetInstances: { tagFilters: [], autoScalingGroups: [], ec2TagSet: { ec2TagSetList: [] } },
      overrideAlarmConfiguration: { enabled: false, alarms: [] },
    });
    expect(deploymentId).toMatch(/^d-/);
  });
});

describe('a list', () => {
  test.each<[ManagementOperation, object]>([
    ['ListGitHubAccountTokenNames', { nextToken: 'more' }],
    [
      'ListTagsForResource',
      { ResourceArn: 'arn:aws:codedeploy:us-east-1:000000000000:application:site', NextToken: 'x' },
    ],
  ])('has no page for a token that it has not given: %s', async (operation, input) => {
    await expect(call(operation, input)).rejects.toMatchObject({ type: 'InvalidNextTokenException' });
  });

  test('a list of tags goes on where its page has ended', async () => {
    const ResourceArn = 'arn:aws:codedeploy:us-east-1:000000000000:application:site';
    const Tags = Array.from({ length: 130 }, (_, n) => ({ Key: `key-${String(n).padStart(3, '0')}`, Value: 'v' }));
    // More than can be added today, as an older version let in.
    const store = await openStore(suiteLocation(scratch.at('data')));
    const rows = Tags.map(({ Key, Value }) => ({ resource_arn: ResourceArn, tag_key: Key, tag_value: Value }));
    await store.db.insertInto('resource_tags').values(rows).execute();
    await store.close();
    const first = await call('ListTagsForResource', { ResourceArn });
    const second = await call('ListTagsForResource', { ResourceArn, NextToken: first['NextToken'] });
    expect([first['Tags'], second['Tags']].flat()).toEqual(Tags);
    expect(second).not.toHaveProperty('NextToken');
  });

  test('a list of deployments by an external id is empty, since no deployment here has one', async () => {
    await call('CreateDeploymentGroup', { ...GROUP, deploymentGroupName: 'external' });
    const target = { ...SITE, deploymentGroupName: 'external' };
    const { deploymentId } = await call('CreateDeployment', { ...DEPLOYMENT, ...target });
    expect(await call('ListDeployments', target)).toEqual({ deployments: [deploymentId] });
    expect(await call('ListDeployments', { ...target, externalId: 'stack-1' })).toEqual({ deployments: [] });
    expect(await call('ListDeployments', { externalId: 'stack-1' })).toEqual({ deployments: [] });
    const empty = call('ListDeployments', { ...target, externalId: '' });
    await expect(empty).rejects.toMatchObject({ type: 'InvalidExternalIdException' });
    const nobody = call('ListDeployments', { ...target, deploymentGroupName: 'none', externalId: 'stack-1' });
    await expect(nobody).rejects.toMatchObject({ type: 'DeploymentGroupDoesNotExistException' });
  });
});
