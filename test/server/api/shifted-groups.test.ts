/** Applications and groups of Lambda and ECS: what they must have, what only hosts have, and what is shown of them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { managementClient } from '../../support/hand-driven-host.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const ROLE = 'arn:aws:iam::000000000000:role/any';
const LISTENER = 'arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shop/50dc6c495c0c9188';
const production = `${LISTENER}/0467ef3c8400ae65`;
const tests = `${LISTENER}/1234567890abcdef`;
const pair = {
  targetGroups: [{ name: 'blue' }, { name: 'green' }],
  prodTrafficRoute: { listenerArns: [production] },
};
const balancers = (changes: object = {}) => ({ targetGroupPairInfoList: [{ ...pair, ...changes }] });
const filters = [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' }];
const BLUE_GREEN = { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' };

let scratch: ScratchFolder;
let server: TestServer;
let call: (operation: string, input: object) => Promise<Record<string, unknown>>;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'), undefined, undefined, { awsRegion: 'us-east-1' });
  const client = managementClient(server.url, await server.key('admin'));
  call = async (operation, input) => (await client.call(operation as never, input as never)) as Record<string, unknown>;
  for (const computePlatform of ['Lambda', 'ECS', 'Server']) {
    await call('CreateApplication', { applicationName: computePlatform, computePlatform });
  }
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const make = (applicationName: string, deploymentGroupName: string, settings: object = {}) =>
  call('CreateDeploymentGroup', { applicationName, deploymentGroupName, serviceRoleArn: ROLE, ...settings });
const change = (applicationName: string, currentDeploymentGroupName: string, settings: object) =>
  call('UpdateDeploymentGroup', { applicationName, currentDeploymentGroupName, ...settings });
const show = async (applicationName: string, deploymentGroupName: string) =>
  (await call('GetDeploymentGroup', { applicationName, deploymentGroupName }))['deploymentGroupInfo'];
const service = (serviceName: string, clusterName?: string) => [
  { serviceName, ...(clusterName === undefined ? {} : { clusterName }) },
];

test('an application is for the platform that it is made for', async () => {
  for (const applicationName of ['Lambda', 'ECS', 'Server']) {
    expect((await call('GetApplication', { applicationName }))['application']).toMatchObject({
      computePlatform: applicationName,
    });
  }
  await expect(call('CreateApplication', { applicationName: 'x', computePlatform: 'lambda' })).rejects.toMatchObject({
    type: 'InvalidComputePlatformException',
  });
});

test('a group of Lambda needs nothing, has all of its traffic moved at once, and shows how it deploys', async () => {
  await make('Lambda', 'plain', { autoScalingGroups: [], ec2TagFilters: [], deploymentStyle: BLUE_GREEN });
  expect(await show('Lambda', 'plain')).toMatchObject({
    computePlatform: 'Lambda',
    deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
    deploymentStyle: BLUE_GREEN,
  });
  await change('Lambda', 'plain', { deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes' });
  expect(await show('Lambda', 'plain')).toMatchObject({
    deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
  });
});

test('a group of ECS shows its service and its pair as given, and both waits as numbers', async () => {
  const ecsServices = service('shop', 'main');
  const loadBalancerInfo = balancers({ testTrafficRoute: { listenerArns: [tests] } });
  await make('ECS', 'shown', { ecsServices, loadBalancerInfo, autoScalingGroups: [] });
  expect(await show('ECS', 'shown')).toMatchObject({
    ...{ computePlatform: 'ECS', deploymentConfigName: 'CodeDeployDefault.ECSAllAtOnce', deploymentStyle: BLUE_GREEN },
    ...{ ecsServices, loadBalancerInfo },
    blueGreenDeploymentConfiguration: {
      terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 0 },
      deploymentReadyOption: { actionOnTimeout: 'CONTINUE_DEPLOYMENT', waitTimeInMinutes: 0 },
    },
  });
  const waits = {
    terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 60 },
    deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: 5 },
  };
  await change('ECS', 'shown', { blueGreenDeploymentConfiguration: waits });
  expect(await show('ECS', 'shown')).toMatchObject({ ecsServices, blueGreenDeploymentConfiguration: waits });
});

describe('a setting that is not for the platform is refused in a new group and in a change', () => {
  const asg = (platform: string) => `For ${platform} deployment group, autoScalingGroups can not be specified`;
  const services = (platform: string) => `Should not specify ECS services parameter for ${platform} deployment group`;
  const ready = { deploymentReadyOption: { actionOnTimeout: 'CONTINUE_DEPLOYMENT', waitTimeInMinutes: 0 } };
  const provisioning = { greenFleetProvisioningOption: { action: 'DISCOVER_EXISTING' } };
  const arn = 'arn:aws:sns:us-east-1:123456789012:told';
  const trigger = { triggerName: 't', triggerTargetArn: arn, triggerEvents: ['InstanceFailure'] };
  test.each<[string, object, string, string]>([
    ['Lambda', { ecsServices: service('s') }, 'InvalidECSServiceException', services('Lambda')],
    ['Server', { ecsServices: service('s') }, 'InvalidECSServiceException', services('Server')],
    ['Lambda', { autoScalingGroups: ['a'] }, 'InvalidAutoScalingGroupException', asg('Lambda')],
    ['ECS', { autoScalingGroups: ['a'] }, 'InvalidAutoScalingGroupException', asg('ECS')],
    ['Lambda', { ec2TagFilters: filters }, 'InvalidEC2TagException', 'ec2TagFilters'],
    ['ECS', { ec2TagSet: { ec2TagSetList: [filters] } }, 'InvalidEC2TagException', 'ec2TagSet'],
    ['ECS', { onPremisesInstanceTagFilters: filters }, 'InvalidTagException', 'onPremisesInstanceTagFilters'],
    ['Lambda', { onPremisesTagSet: { onPremisesTagSetList: [filters] } }, 'InvalidTagException', 'onPremisesTagSet'],
    ['Lambda', { loadBalancerInfo: balancers() }, 'InvalidLoadBalancerInfoException', 'loadBalancerInfo'],
    [
      'Lambda',
      { blueGreenDeploymentConfiguration: ready },
      'InvalidBlueGreenDeploymentConfigurationException',
      'Lambda',
    ],
    [
      'ECS',
      { blueGreenDeploymentConfiguration: provisioning },
      'InvalidBlueGreenDeploymentConfigurationException',
      'task',
    ],
    ['ECS', { loadBalancerInfo: { elbInfoList: [{ name: 'e' }] } }, 'InvalidLoadBalancerInfoException', 'elbInfoList'],
    ['Lambda', { deploymentStyle: { deploymentType: 'IN_PLACE' } }, 'InvalidDeploymentStyleException', 'BLUE_GREEN'],
    [
      ...(['ECS', { deploymentStyle: { deploymentOption: 'WITHOUT_TRAFFIC_CONTROL' } }] as const),
      ...(['InvalidDeploymentStyleException', 'WITH_TRAFFIC_CONTROL'] as const),
    ],
    ['Lambda', { triggerConfigurations: [trigger] }, 'InvalidTriggerConfigException', 'no instances'],
    [
      'Lambda',
      { deploymentConfigName: 'CodeDeployDefault.OneAtATime' },
      'InvalidDeploymentConfigNameException',
      'Server',
    ],
    [
      'ECS',
      { deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce' },
      'InvalidDeploymentConfigNameException',
      'Lambda',
    ],
    [
      'Server',
      { deploymentConfigName: 'CodeDeployDefault.ECSAllAtOnce' },
      'InvalidDeploymentConfigNameException',
      'ECS',
    ],
    ['Lambda', { terminationHookEnabled: true }, 'InvalidInputException', 'terminationHookEnabled'],
  ])('%s: %j', async (platform, settings, type, message) => {
    const refusal = { type, message: expect.stringContaining(message) };
    const needed = platform === 'ECS' ? { ecsServices: service('other'), loadBalancerInfo: balancers() } : {};
    const given = { ...needed, ...settings };
    await expect(make(platform, 'refused', given)).rejects.toMatchObject(refusal);
    const name = `kept-${platform}`;
    await make(platform, name, needed).catch((error: { type: string }) => {
      if (error.type !== 'DeploymentGroupAlreadyExistsException') throw error;
    });
    const before = await show(platform, name);
    await expect(change(platform, name, settings)).rejects.toMatchObject(refusal);
    expect(await show(platform, name)).toEqual(before);
    if (platform === 'ECS') await call('DeleteDeploymentGroup', { applicationName: 'ECS', deploymentGroupName: name });
  });
});

describe('a group of ECS is refused', () => {
  const PAIR =
    'A deployment group associated with an application that uses the ECS compute platform must contain a valid pair';
  const invalidPair = 'InvalidTargetGroupPairException';
  const invalidInfo = 'InvalidLoadBalancerInfoException';
  const invalidService = 'InvalidECSServiceException';
  const groups = (...names: readonly string[]) => ({ targetGroups: names.map((name) => ({ name })) });
  test.each<[string, object, string, string]>([
    ['without a service', { ecsServices: null }, invalidService, 'missing'],
    ['with no service in the list', { ecsServices: [] }, invalidService, 'one service'],
    ['with two services', { ecsServices: [...service('a'), ...service('b')] }, invalidService, 'one service'],
    ['with a service without a name', { ecsServices: [{ clusterName: 'c' }] }, invalidService, 'serviceName'],
    ['with a service that is no name', { ecsServices: service('a b') }, invalidService, "'a b'"],
    ['with a cluster that is no name', { ecsServices: service('a', 'c/d') }, invalidService, 'clusterName'],
    ['without a pair', { loadBalancerInfo: null }, invalidPair, PAIR],
    ['with an empty list of pairs', { loadBalancerInfo: { targetGroupPairInfoList: [] } }, invalidPair, PAIR],
    ['with two pairs', { loadBalancerInfo: { targetGroupPairInfoList: [pair, pair] } }, invalidPair, '2 entries'],
    ['with one target group', { loadBalancerInfo: balancers(groups('blue')) }, invalidPair, 'two different'],
    ['with the same one twice', { loadBalancerInfo: balancers(groups('a', 'a')) }, invalidPair, 'two different'],
    ['with three', { loadBalancerInfo: balancers(groups('a', 'b', 'c')) }, invalidPair, 'two different'],
    ['with an ARN for one', { loadBalancerInfo: balancers(groups('a', 'arn:aws:x')) }, invalidPair, 'names, not ARNs'],
    ['without a listener', { loadBalancerInfo: balancers({ prodTrafficRoute: {} }) }, invalidPair, 'no listener'],
    [
      ...([
        'with something else for one',
        { loadBalancerInfo: balancers({ prodTrafficRoute: { listenerArns: ['x'] } }) },
      ] as const),
      ...([invalidInfo, 'ARN of a listener'] as const),
    ],
    [
      ...([
        'with two listeners',
        { loadBalancerInfo: balancers({ prodTrafficRoute: { listenerArns: [production, tests] } }) },
      ] as const),
      ...([invalidInfo, 'one listener'] as const),
    ],
    [
      ...([
        'with one for both',
        { loadBalancerInfo: balancers({ testTrafficRoute: { listenerArns: [production] } }) },
      ] as const),
      ...([invalidInfo, 'another one'] as const),
    ],
  ])('%s', async (_what, settings, type, message) => {
    const given = { ecsServices: service('lone'), loadBalancerInfo: balancers(), ...settings };
    await expect(make('ECS', 'refused', given)).rejects.toMatchObject({
      type,
      message: expect.stringContaining(message),
    });
  });

  test('when another group has its service, in whatever form the names are, until that group is gone or has another one', async () => {
    const with_ = (ecsServices: object) => ({ ecsServices, loadBalancerInfo: balancers() });
    const taken = { type: 'ECSServiceMappingLimitExceededException', message: expect.stringContaining('first') };
    await make('ECS', 'first', with_(service('api', 'main')));
    const cluster = 'arn:aws:ecs:us-east-1:123456789012:cluster/main';
    const own = 'arn:aws:ecs:us-east-1:123456789012:service/main/api';
    for (const same of [service('api', 'main'), service('api', cluster), service(own), service(own, 'main')]) {
      await expect(make('ECS', 'second', with_(same))).rejects.toMatchObject(taken);
    }
    await make('ECS', 'second', with_(service('api')));
    await expect(change('ECS', 'second', { ecsServices: service('api', 'main') })).rejects.toMatchObject(taken);
    await change('ECS', 'first', { ecsServices: service('api', 'other') });
    await change('ECS', 'second', { ecsServices: service('api', 'main') });
    await call('DeleteDeploymentGroup', { applicationName: 'ECS', deploymentGroupName: 'second' });
    await change('ECS', 'first', { ecsServices: service('api', 'main') });
    expect(await show('ECS', 'first')).toMatchObject({ ecsServices: service('api', 'main') });
  });
});
