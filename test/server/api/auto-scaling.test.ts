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

test('a group takes Auto Scaling groups that AWS has, and a deployment goes to their members that are in service', async () => {
  const member = (InstanceId: string, LifecycleState: string) => ({
    InstanceId,
    AvailabilityZone: 'a',
    LifecycleState,
  });
  aws.answers['DescribeAutoScalingGroups'] = () => ({
    AutoScalingGroups: [
      {
        AutoScalingGroupName: 'fleet',
        AutoScalingGroupARN:
          'arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1:autoScalingGroupName/fleet',
        Instances: [member('i-00000001', 'InService'), member('i-00000002', 'Pending')],
      },
    ],
  });
  using scratch = scratchFolder();
  await using server = await testServer(scratch.at('data'), undefined, undefined, { awsRegion: 'eu-central-1' });
  const credentials = await server.key('admin');
  const client = createManagementClient({
    ...{ endpoint: server.url, region: 'us-east-1', credentials: async () => credentials, clock: systemClock },
  });
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
  await expect(client.call('CreateDeployment', { ...deployment, ec2DeploymentOptions })).rejects.toMatchObject({
    type: 'InvalidAutoScalingGroupProcessToSuspendException',
  });
  const { deploymentId = '' } = await client.call('CreateDeployment', deployment);
  await eventually(async () => {
    const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
    return deploymentInfo?.status === 'Failed';
  });
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
