/** Deployments to a service with two pairs of target groups, which move together. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type EcsSite, ecsAppSpec, type ecsGroup, ecsGroupOfTwoPairs, ecsSite } from '../../support/ecs-site.ts';
import { createEcsWorld, type EcsWorld } from '../../support/ecs-world.ts';
import {
  forwardTo,
  GROUPS,
  groupArn,
  INNER,
  INNER_GROUPS,
  INNER_TESTS,
  PRODUCTION,
  RULE,
  TESTS,
} from '../../support/elb-world.ts';
import { eventually } from '../../support/eventually.ts';

const ROLLBACK = { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_REQUEST'] };
const LONG = { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 30, canaryInterval: 2_880 } } as const;

let site: EcsSite;
beforeAll(async () => {
  site = await ecsSite((env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  });
  const config = { deploymentConfigName: 'long', computePlatform: 'ECS', trafficRoutingConfig: LONG } as const;
  await site.client.call('CreateDeploymentConfig', config);
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
});

async function running(change: (world: EcsWorld) => void = () => undefined): Promise<EcsWorld> {
  const world = createEcsWorld({ hasInner: true });
  world.add({ group: GROUPS[0], status: 'PRIMARY' });
  change(world);
  await site.fresh(world, { ...ecsGroupOfTwoPairs(), autoRollbackConfiguration: ROLLBACK });
  return world;
}
const production = () => [
  ...[PRODUCTION, RULE].map((place) => site.world.shareOf(place, GROUPS[1])),
  site.world.shareOf(INNER, INNER_GROUPS[1]),
];
const tests = () => [site.world.shareOf(TESTS, GROUPS[1]), site.world.shareOf(INNER_TESTS, INNER_GROUPS[1])];

describe('a service with two pairs', () => {
  test('gets a task set in the green group of each, and all its traffic moves, there and back', async () => {
    await running();
    expect(await site.ended(await site.deploy())).toMatchObject({ status: 'Succeeded' });
    expect([...production(), ...tests()]).toEqual([100, 100, 100, 100, 100]);
    expect(site.world.taskSets.map(({ groups }) => groups)).toEqual([[GROUPS[1], INNER_GROUPS[1]]]);
    expect(site.world.taskSets[0]?.request).toMatchObject({
      loadBalancers: [GROUPS[1], INNER_GROUPS[1]].map((name) => ({
        ...{ targetGroupArn: groupArn(name), containerName: 'web', containerPort: 8080 },
      })),
    });
    expect(await site.ended(await site.deploy({ content: ecsAppSpec(3) }))).toMatchObject({ status: 'Succeeded' });
    expect([...production(), ...tests()]).toEqual([0, 0, 0, 0, 0]);
  });

  test('has the same share in all places at each step, and a stop leads all of them back', async () => {
    await running();
    const deploymentId = await site.deploy({ deploymentConfigName: 'long' });
    await eventually(() => production().every((share) => share === 30));
    await site.client.call('StopDeployment', { deploymentId, autoRollbackEnabled: true });
    const { rollbackInfo } = await site.ended(deploymentId);
    await site.ended(rollbackInfo?.rollbackDeploymentId ?? '');
    expect([...production(), ...tests()]).toEqual([0, 0, 0, 0, 0]);
    expect(site.world.taskSets.map(({ groups }) => groups)).toEqual([[GROUPS[0], INNER_GROUPS[0]]]);
  });

  test('leads the traffic of both back when somebody else changes that of one', async () => {
    await running();
    const deploymentId = await site.deploy();
    site.world.after = ({ action, input }) => {
      if (
        action === 'ModifyListener' &&
        input['ListenerArn'] === INNER &&
        site.world.shareOf(INNER, INNER_GROUPS[1]) === 100
      ) {
        site.world.places.set(INNER, [forwardTo('nobody')]);
      }
      return undefined;
    };
    const { status, errorInformation } = await site.ended(deploymentId);
    expect(status).toBe('Failed');
    expect(errorInformation?.message).toContain('Somebody else has changed the traffic');
    expect(production().slice(0, 2)).toEqual([0, 0]);
    expect(site.world.taskSets.some(({ group, status: now }) => group === GROUPS[0] && now === 'PRIMARY')).toBe(true);
  });

  test('is planned with the calls to both listeners, and a deployment makes the same ones', async () => {
    await running();
    const revision = { revisionType: 'AppSpecContent', appSpecContent: { content: ecsAppSpec(2) } } as const;
    const { calls } = await site.client.call('PlanDeployment', { ...site.names(), revision });
    const actions = (list: readonly string[]) => list.filter((action) => !/^(Describe|List)/.test(action));
    const planned = actions(calls.map(({ call }) => call.split(' ')[0] ?? ''));
    await site.ended(await site.deploy());
    expect(actions(site.aws.calls.map(({ action }) => action))).toEqual(planned);
  });

  test('fails before anything moves when the serving tasks are in one pair alone', async () => {
    await running((world) => {
      world.taskSets.splice(0, 1, { ...world.taskSets[0], groups: [GROUPS[0]] } as (typeof world.taskSets)[number]);
    });
    const { status, errorInformation } = await site.ended(await site.deploy());
    expect(status).toBe('Failed');
    expect(errorInformation).toMatchObject({ code: 'INVALID_ECS_SERVICE' });
    expect(errorInformation?.message).toContain(groupArn(INNER_GROUPS[0]));
    expect(production()).toEqual([0, 0, 0]);
  });
});

test.each<[string, (pairs: Pairs) => Pairs, string]>([
  ['with the same target group in both', ([first]) => [first, first], 'once more'],
  [
    'with a test listener that is production’s of the other',
    ([first, second]) => [first, { ...second, testTrafficRoute: { listenerArns: [PRODUCTION] } }],
    'has a listener for the one traffic',
  ],
  [
    'of an Application and a Network Load Balancer',
    ([first, second]) => [
      first,
      {
        ...second,
        prodTrafficRoute: { listenerArns: [INNER.replace('/app/', '/net/')] },
        testTrafficRoute: { listenerArns: [] },
      },
    ],
    'of another kind',
  ],
  [
    'of two regions',
    ([first, second]) => [
      first,
      { ...second, prodTrafficRoute: { listenerArns: [INNER.replace('eu-central-1', 'eu-west-1')] } },
    ],
    'in another region',
  ],
])('a group takes no two pairs %s', async (_, change, why) => {
  await running();
  const pairs = ecsGroupOfTwoPairs().loadBalancerInfo.targetGroupPairInfoList as unknown as Pairs;
  const update = {
    ...{ applicationName: site.names().applicationName, currentDeploymentGroupName: site.names().deploymentGroupName },
    loadBalancerInfo: { targetGroupPairInfoList: change(pairs) },
  };
  await expect(site.client.call('UpdateDeploymentGroup', update as never)).rejects.toMatchObject({
    message: expect.stringContaining(why),
  });
});

type Pair = ReturnType<typeof ecsGroup>['loadBalancerInfo']['targetGroupPairInfoList'][number];
type Pairs = readonly [Pair, Pair];
