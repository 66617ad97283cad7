/** Attacks on what the server asks of AWS: names from callers, and answers of somebody who is in the place of AWS. */
import assert from 'node:assert/strict';
import { AwsRefusal, startAwsStandIn } from '../support/aws-stand-in.ts';
import { eventually } from '../support/eventually.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { answeringServer } from '../support/http-server.ts';
import { runSlipway } from '../support/slipway.ts';
import type { Attack } from './attack.ts';
import { keyOf, stillServes } from './server-alive.ts';

const NAMES = 'a name that a caller gives to AWS is one value of one call';
const ANSWERS = 'no answer in the place of AWS ends the server, or says more than which instances there are';
const REGION = ['--aws-region', 'us-east-1'];
const ROLE = 'arn:aws:iam::000000000000:role/any';
const GROUP = { applicationName: 'shop', deploymentGroupName: 'web', serviceRoleArn: ROLE };
const FILTER = { Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' } as const;

const items = (content: string) =>
  `<DescribeInstancesResponse><reservationSet><item><ownerId>0</ownerId><instancesSet>${content}</instancesSet></item></reservationSet></DescribeInstancesResponse>`;
const instance = (id: string) =>
  `<item><instanceId>${id}</instanceId><tagSet><item><key>Role</key><value>web</value></item></tagSet></item>`;

/** Pages that no EC2 sends, by what they try. */
const PAGES: Readonly<Record<string, string>> = {
  'entities that grow': `<!DOCTYPE a [<!ENTITY b "${'x'.repeat(1_000)}"><!ENTITY c "${'&b;'.repeat(1_000)}">]><DescribeInstancesResponse>&c;</DescribeInstancesResponse>`,
  'a file of the server':
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><DescribeInstancesResponse>&b;</DescribeInstancesResponse>',
  'a hundred thousand elements inside each other': '<a>'.repeat(100_000),
  'no end': items(instance('i-1')).slice(0, -30),
  'names of objects': items('<item><__proto__>x</__proto__><constructor>y</constructor></item>'),
  'a page of somebody else': '<html><body>200 OK</body></html>',
  'more than may be read': items('x'.repeat(33 * 1024 * 1024)),
};

export const AWS_ATTACKS: readonly Attack[] = [
  {
    promise: NAMES,
    name: 'a caller names Auto Scaling groups by other calls, orders to a terminal and names of objects',
    async run(ground) {
      await using aws = await startAwsStandIn({ DescribeAutoScalingGroups: () => ({ AutoScalingGroups: [] }) });
      const server = await ground.ownServer(REGION, { ...aws.env });
      const admin = managementClient(server.url, keyOf(server));
      await admin.call('CreateApplication', { applicationName: 'shop' });
      const names = ['web&Action=DeleteAutoScalingGroup', '\u001b[2J', 'a\r\nX: y', '__proto__', '../..', '*', '%00'];
      for (const name of [...names, 'x'.repeat(256), '']) {
        await assert.rejects(
          admin.call('CreateDeploymentGroup', { ...GROUP, autoScalingGroups: [name] }),
          { type: 'InvalidAutoScalingGroupException' },
          `${JSON.stringify(name)} was taken`,
        );
      }
      assert.deepEqual(
        aws.calls.map(({ action, input }) => [action, input['AutoScalingGroupNames']]),
        names.map((name) => ['DescribeAutoScalingGroups', [name]]),
      );
    },
  },
  {
    promise: ANSWERS,
    name: 'pages of no EC2 are answered to the question which instances have a tag',
    limitSeconds: 150,
    async run(ground) {
      let page = '';
      await using aws = await answeringServer(() => ({ body: page }));
      await using standIn = await startAwsStandIn();
      const server = await ground.ownServer(REGION, { ...standIn.env, AWS_ENDPOINT_URL: aws.url });
      const admin = managementClient(server.url, keyOf(server));
      await admin.call('CreateApplication', { applicationName: 'shop' });
      const s3Location = { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' } as const;
      for (const [index, [what, text]] of Object.entries(PAGES).entries()) {
        page = text;
        // A group of its own is asked for at once.
        const group = { applicationName: 'shop', deploymentGroupName: `web-${index}` };
        await admin.call('CreateDeploymentGroup', { ...group, serviceRoleArn: ROLE, ec2TagFilters: [FILTER] });
        const before = aws.received.length;
        const { deploymentId = '' } = await admin.call('CreateDeployment', {
          ...{ ...group, revision: { revisionType: 'S3', s3Location } },
        });
        await eventually(() => aws.received.length > before, { withinMs: 30_000 });
        const { deploymentInfo } = await admin.call('GetDeployment', { deploymentId });
        assert.notEqual(deploymentInfo?.status, 'Succeeded', `${what}: the deployment went by it`);
        await admin.call('DeleteDeploymentGroup', group);
      }
      await stillServes(server);
    },
  },
  {
    promise: ANSWERS,
    name: 'instances and members of Auto Scaling groups are named by orders to a terminal and paths',
    limitSeconds: 150,
    async run(ground) {
      const ids = ['\u001b[2Ji-1', '../../etc', '::error::x', '__proto__', '-rf'];
      await using aws = await startAwsStandIn({
        DescribeAutoScalingGroups: () => ({
          AutoScalingGroups: [
            {
              ...{ AutoScalingGroupName: 'web', AutoScalingGroupARN: '\u001b[2J:::::' },
              Instances: ids.map((InstanceId) => ({
                ...{ InstanceId, LifecycleState: 'InService', AvailabilityZone: '\u001b[2J' },
              })),
            },
          ],
        }),
        PutLifecycleHook: () => new AwsRefusal(400, '\u001b[2J', '\u001b[2J'),
      });
      const server = await ground.ownServer(REGION, { ...aws.env });
      const admin = managementClient(server.url, keyOf(server));
      await admin.call('CreateApplication', { applicationName: 'shop' });
      await admin.call('CreateDeploymentGroup', { ...GROUP, autoScalingGroups: ['web'] });
      const s3Location = { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' } as const;
      const { deploymentId = '' } = await admin.call('CreateDeployment', {
        ...{ ...GROUP, serviceRoleArn: undefined, revision: { revisionType: 'S3', s3Location } },
      });
      await eventually(async () => {
        const { deploymentInfo: info } = await admin.call('GetDeployment', { deploymentId });
        return info?.status === 'Failed';
      });
      for (const args of [
        ['deployments', 'show', deploymentId],
        ['groups', 'show', 'shop/web'],
        ['deployments', 'list'],
      ]) {
        const { stdout, stderr } = await runSlipway(args, server.env);
        assert.doesNotMatch(stdout + stderr, /\u001b|^::/m, `${args.join(' ')} shows an order`);
      }
      await stillServes(server);
    },
  },
];
