/** Attacks on the limits of the API: what many clients ask for at once, and what one asks for beside something else. */
import assert from 'node:assert/strict';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import type { ManagementOperation } from '../../src/protocol/management/shapes.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import type { Attack, AttackGround } from './attack.ts';

const PROMISE = 'a call is done whole or not at all, and the limits hold, whoever else calls';
const MAX_TAGS = 50;
const ROLE = 'arn:aws:iam::000000000000:role/any';
const FILTER = { Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' } as const;

async function prepared(ground: AttackGround): Promise<ManagementClient> {
  const { url, env } = await ground.sharedServer();
  return managementClient(url, {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  });
}

async function refusalOf(client: ManagementClient, operation: ManagementOperation, input: object): Promise<string> {
  return client.call(operation, input as never).then(
    () => 'nothing',
    (error: { type?: string }) => error.type ?? String(error),
  );
}

/** Settings that are not acted upon, and limits: each beside a group that could be made. */
const REFUSED: readonly (readonly [object, string])[] = [
  [{ loadBalancerInfo: { elbInfoList: [{ name: 'front' }] } }, 'InvalidLoadBalancerInfoException'],
  [{ deploymentStyle: { deploymentType: 'BLUE_GREEN' } }, 'InvalidDeploymentStyleException'],
  [{ alarmConfiguration: { enabled: true, alarms: [{ name: 'load' }] } }, 'InvalidAlarmConfigException'],
  [{ autoScalingGroups: ['fleet'] }, 'InvalidAutoScalingGroupException'],
  [
    { ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: ['Terminate'] } },
    'InvalidAutoScalingGroupProcessToSuspendException',
  ],
  [{ onPremisesInstanceTagFilters: Array.from({ length: 11 }, () => FILTER) }, 'TagSetListLimitExceededException'],
  [{ tags: Array.from({ length: MAX_TAGS + 1 }, (_, n) => ({ Key: `k${n}` })) }, 'InvalidTagsToAddException'],
  [{ tags: [{ Key: '\u{1F6A2}'.repeat(129) }] }, 'InvalidTagsToAddException'],
  [{ deploymentConfigName: 'CodeDeployDefault.ECSAllAtOnce' }, 'InvalidDeploymentConfigNameException'],
];

export const API_LIMIT_ATTACKS: readonly Attack[] = [
  {
    promise: PROMISE,
    name: 'many clients give one application more tags together than it may have',
    async run(ground) {
      const client = await prepared(ground);
      const ResourceArn = 'arn:aws:codedeploy:us-east-1:000000000000:application:tagged-by-many';
      await client.call('CreateApplication', { applicationName: 'tagged-by-many' });
      const answers = await Promise.all(
        Array.from({ length: MAX_TAGS + 20 }, (_, n) =>
          refusalOf(client, 'TagResource', { ResourceArn, Tags: [{ Key: `key-${n}`, Value: '' }] }),
        ),
      );
      const { Tags = [] } = await client.call('ListTagsForResource', { ResourceArn });
      assert.equal(Tags.length, MAX_TAGS);
      assert.equal(answers.filter((answer) => answer === 'nothing').length, MAX_TAGS);
      const others = answers.filter((answer) => answer !== 'nothing' && answer !== 'InvalidTagsToAddException');
      assert.deepEqual(others, []);
    },
  },
  {
    promise: PROMISE,
    name: 'a client asks for a group with one thing that is not done, or is too much',
    async run(ground) {
      const client = await prepared(ground);
      await client.call('CreateApplication', { applicationName: 'half-done' });
      const group = { applicationName: 'half-done', deploymentGroupName: 'half', serviceRoleArn: ROLE };
      for (const [setting, exception] of REFUSED) {
        const answer = await refusalOf(client, 'CreateDeploymentGroup', { ...group, ...setting });
        assert.equal(answer, exception, JSON.stringify(setting).slice(0, 120));
      }
      const { deploymentGroups } = await client.call('ListDeploymentGroups', { applicationName: 'half-done' });
      assert.deepEqual(deploymentGroups, []);
    },
  },
  {
    promise: PROMISE,
    name: 'a client goes through lists by tokens that it has made up, damaged, or got for another list',
    async run(ground) {
      const client = await prepared(ground);
      for (let n = 0; n <= 100; n += 1) await client.call('CreateApplication', { applicationName: `page-${n}` });
      const { nextToken = '' } = await client.call('ListApplications', {});
      assert.notEqual(nextToken, '');
      const tokens = [`${nextToken}x`, nextToken.slice(1), nextToken.toUpperCase(), '{"last":""}', 'x'.repeat(5_000)];
      for (const token of tokens) {
        assert.equal(
          await refusalOf(client, 'ListApplications', { nextToken: token }),
          'InvalidNextTokenException',
          token.slice(0, 60),
        );
      }
      for (const operation of ['ListDeployments', 'ListDeploymentConfigs', 'ListOnPremisesInstances'] as const) {
        assert.equal(await refusalOf(client, operation, { nextToken }), 'InvalidNextTokenException', operation);
      }
    },
  },
];
