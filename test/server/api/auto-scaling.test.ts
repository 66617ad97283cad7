import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createManagementClient } from '../../../src/protocol/management/client.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { AwsRefusal, type AwsStandIn, startAwsStandIn } from '../../support/aws-stand-in.ts';
import { eventually } from '../../support/eventually.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { testServer } from '../../support/test-server.ts';

const SITE = { applicationName: 'site' };
const GROUP = { ...SITE, deploymentGroupName: 'web', serviceRoleArn: 'arn:aws:iam::000000000000:role/any' };
const S3 = { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' } as const;
const REVISION = { revisionType: 'S3', s3Location: S3 } as const;
const INVALID = { type: 'InvalidAutoScalingGroupException' };

let aws: AwsStandIn;
beforeEach(async () => {
  aws = await startAwsStandIn();
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws[Symbol.asyncDispose]();
});

const fleetWith = (...Instances: { InstanceId: string; LifecycleState: string }[]) => ({
  AutoScalingGroups: [
    {
      AutoScalingGroupName: 'fleet',
      AutoScalingGroupARN:
        'arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1:autoScalingGroupName/fleet',
      Instances: Instances.map((instance) => ({ AvailabilityZone: 'a', ...instance })),
    },
  ],
});

async function clientOf(server: Awaited<ReturnType<typeof testServer>>) {
  const credentials = await server.key('admin');
  return createManagementClient({
    ...{ endpoint: server.url, region: 'us-east-1', credentials: async () => credentials, clock: systemClock },
  });
}

test('a group takes Auto Scaling groups that AWS has, and a deployment goes to their members that are in service', async () => {
  aws.answers['DescribeAutoScalingGroups'] = () =>
    fleetWith(
      { InstanceId: 'i-00000001', LifecycleState: 'InService' },
      { InstanceId: 'i-00000002', LifecycleState: 'Pending' },
    );
  using scratch = scratchFolder();
  await using server = await testServer(scratch.at('data'), undefined, undefined, { awsRegion: 'eu-central-1' });
  const client = await clientOf(server);
  await client.call('CreateApplication', SITE);
  const make = (autoScalingGroups: string[]) => client.call('CreateDeploymentGroup', { ...GROUP, autoScalingGroups });
  for (const names of [['gone'], ['fleet', 'gone'], ['fleet', 'fleet'], ['x'.repeat(256)]]) {
    await expect(make(names)).rejects.toMatchObject(INVALID);
  }
  const answer = aws.answers['DescribeAutoScalingGroups'];
  aws.answers['DescribeAutoScalingGroups'] = () => new AwsRefusal(403, 'AccessDenied', 'not this role');
  await expect(make(['fleet'])).rejects.toMatchObject({
    ...INVALID,
    message: expect.stringContaining('not this role'),
  });
  aws.answers['DescribeAutoScalingGroups'] = () => new AwsRefusal(503, 'ServiceUnavailable', 'not now');
  await client.call('CreateDeploymentGroup', { ...GROUP, deploymentGroupName: 'away', autoScalingGroups: ['fleet'] });
  if (answer !== undefined) aws.answers['DescribeAutoScalingGroups'] = answer;
  await make(['fleet']);
  const ofGroup = { ...SITE, deploymentGroupName: 'web' };
  const { deploymentGroupInfo } = await client.call('GetDeploymentGroup', ofGroup);
  expect(deploymentGroupInfo).toMatchObject({ autoScalingGroups: [{ name: 'fleet' }] });

  const deployment = { ...ofGroup, revision: REVISION };
  const ec2DeploymentOptions = { autoScalingGroupProcessesToSuspend: ['Terminate'] };
  for (const call of ['SuspendProcesses', 'ResumeProcesses']) aws.answers[call] = () => ({});
  const noSuspension = { type: 'InvalidAutoScalingGroupProcessToSuspendException' };
  const update = { ...SITE, currentDeploymentGroupName: 'web', ec2DeploymentOptions };
  await expect(client.call('UpdateDeploymentGroup', { ...update, autoScalingGroups: [] })).rejects.toMatchObject(
    noSuspension,
  );
  await client.call('UpdateDeploymentGroup', update);
  const { deploymentId = '' } = await client.call('CreateDeployment', deployment);
  await eventually(async () => {
    const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
    return deploymentInfo?.status === 'Failed';
  });
  const processes = aws.calls.filter(({ action }) => action.endsWith('Processes'));
  expect(processes.map(({ action, params }) => [action, params['ScalingProcesses.member.1']])).toEqual([
    ['SuspendProcesses', 'Terminate'],
    ['ResumeProcesses', 'Terminate'],
  ]);
  const { targetIds } = await client.call('ListDeploymentTargets', { deploymentId });
  expect(targetIds).toEqual(['i-00000001']);
  const { deploymentTarget } = await client.call('GetDeploymentTarget', { deploymentId, targetId: 'i-00000001' });
  expect(deploymentTarget?.instanceTarget).toMatchObject({
    ...{ status: 'Failed', targetArn: 'arn:aws:ec2:eu-central-1:123456789012:instance/i-00000001' },
    lifecycleEvents: expect.arrayContaining([
      expect.objectContaining({
        diagnostics: expect.objectContaining({ message: expect.stringContaining('InstanceId=i-00000001') }),
      }),
    ]),
  });
});

test('a group has a launch hook on its Auto Scaling groups, answers instances that wait at it, and names hooks that stay behind', async () => {
  aws.answers['DescribeAutoScalingGroups'] = () =>
    fleetWith({ InstanceId: 'i-00000003', LifecycleState: 'Pending:Wait' });
  for (const call of ['PutLifecycleHook', 'DeleteLifecycleHook', 'CompleteLifecycleAction']) {
    aws.answers[call] = () => ({});
  }
  using scratch = scratchFolder();
  await using server = await testServer(scratch.at('data'), undefined, undefined, { awsRegion: 'eu-central-1' });
  const client = await clientOf(server);
  await client.call('CreateApplication', SITE);
  await client.call('CreateDeploymentGroup', { ...GROUP, autoScalingGroups: ['fleet'] });
  const shown = async () => {
    const { deploymentGroupInfo } = await client.call('GetDeploymentGroup', { ...SITE, deploymentGroupName: 'web' });
    return deploymentGroupInfo?.autoScalingGroups ?? [];
  };
  const [{ hook: hookName = '' } = {}] = await shown();
  expect(hookName).toMatch(/^CodeDeploy-managed-automatic-launch-deployment-hook-web-[0-9a-f-]{36}$/);
  const calls = (action: string) => aws.calls.filter((call) => call.action === action).map(({ params }) => params);
  await eventually(() => calls('CompleteLifecycleAction').length > 0);
  const named = { LifecycleHookName: hookName, AutoScalingGroupName: 'fleet' };
  expect(calls('PutLifecycleHook')).toMatchObject([
    {
      ...{ ...named, LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING' },
      ...{ DefaultResult: 'ABANDON', HeartbeatTimeout: '600' },
    },
  ]);
  expect(calls('CompleteLifecycleAction')).toMatchObject([
    { ...named, InstanceId: 'i-00000003', LifecycleActionResult: 'CONTINUE' },
  ]);

  aws.answers['DeleteLifecycleHook'] = () => new AwsRefusal(403, 'AccessDenied');
  const current = { ...SITE, currentDeploymentGroupName: 'web' };
  expect(await client.call('UpdateDeploymentGroup', { ...current, autoScalingGroups: [] })).toEqual({
    hooksNotCleanedUp: [{ name: 'fleet', hook: hookName }],
  });
  expect(await shown()).toEqual([]);
  await client.call('UpdateDeploymentGroup', { ...current, autoScalingGroups: ['fleet'] });
  const [{ hook: newName = '' } = {}] = await shown();
  expect(newName).not.toBe(hookName);
  await eventually(() => calls('PutLifecycleHook').some((params) => params['LifecycleHookName'] === newName));
  // Of the first one AWS says that it is gone, which is as good.
  aws.answers['DeleteLifecycleHook'] = ({ params }) =>
    params['LifecycleHookName'] === hookName
      ? new AwsRefusal(400, 'ValidationError', 'No Lifecycle Hook found with name')
      : {};
  await eventually(async () => {
    const deleted = await client.call('DeleteDeploymentGroup', { ...SITE, deploymentGroupName: 'web' });
    return deleted.hooksNotCleanedUp?.length === 0;
  });
  await eventually(() => calls('DeleteLifecycleHook').some((params) => params['LifecycleHookName'] === newName));
});

test('a blue/green group copies its one Auto Scaling group, and each deployment has the copy as its replacement', async () => {
  aws.answers['DescribeAutoScalingGroups'] = ({ params }) =>
    params['AutoScalingGroupNames.member.1'] === 'fleet'
      ? fleetWith({ InstanceId: 'i-00000001', LifecycleState: 'InService' })
      : { AutoScalingGroups: [] };
  aws.answers['PutLifecycleHook'] = () => ({});
  using scratch = scratchFolder();
  await using server = await testServer(scratch.at('data'), undefined, undefined, { awsRegion: 'eu-central-1' });
  const client = await clientOf(server);
  await client.call('CreateApplication', SITE);
  const group = {
    ...{ ...GROUP, loadBalancerInfo: { targetGroupInfoList: [{ name: 'front' }] } },
    deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
    blueGreenDeploymentConfiguration: { greenFleetProvisioningOption: { action: 'COPY_AUTO_SCALING_GROUP' } },
  } as const;
  const refused = {
    type: 'InvalidBlueGreenDeploymentConfigurationException',
    message: expect.stringMatching(/^Exactly one AutoScaling group must be specified when selecting/),
  };
  await expect(client.call('CreateDeploymentGroup', group)).rejects.toMatchObject(refused);
  await client.call('CreateDeploymentGroup', { ...group, autoScalingGroups: ['fleet'] });
  const current = { ...SITE, currentDeploymentGroupName: 'web' };
  await expect(client.call('UpdateDeploymentGroup', { ...current, autoScalingGroups: [] })).rejects.toMatchObject(
    refused,
  );
  const deployment = { ...SITE, deploymentGroupName: 'web', revision: REVISION };
  const targetInstances = { autoScalingGroups: ['fleet'] };
  await expect(client.call('CreateDeployment', { ...deployment, targetInstances })).rejects.toMatchObject({
    type: 'InvalidTargetInstancesException',
  });
  const { deploymentId = '' } = await client.call('CreateDeployment', deployment);
  const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
  const copy = `CodeDeploy_web_${deploymentId}`;
  expect(deploymentInfo?.targetInstances).toEqual({ autoScalingGroups: [copy] });
  // Nobody is the original instance, so that nothing is copied in vain.
  await eventually(async () => {
    const { deploymentInfo: info } = await client.call('GetDeployment', { deploymentId });
    return info?.status === 'Failed' && info.errorInformation?.code === 'NO_INSTANCES';
  });
  expect(aws.calls.filter(({ action }) => action === 'CreateAutoScalingGroup')).toEqual([]);
});
