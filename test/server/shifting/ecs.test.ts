/** Deployments to ECS: a server as users have it, and a small ECS with its load balancer. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { AwsRefusal, CUT } from '../../support/aws-stand-in.ts';
import { type EcsSite, ecsAppSpec, ecsGroup, ecsSite } from '../../support/ecs-site.ts';
import { createEcsWorld, type EcsWorld } from '../../support/ecs-world.ts';
import { forwardTo, GROUPS, groupArn, ofNetwork, PRODUCTION, RULE, TESTS } from '../../support/elb-world.ts';
import { eventually } from '../../support/eventually.ts';

const CANARY = 'CodeDeployDefault.ECSCanary10Percent5Minutes';
/** Longer than any test; and a second. */
const SLOW = 'slow';
const BRIEF = 'brief';
const [BLUE, GREEN] = GROUPS;
const ROLLBACK = {
  enabled: true,
  events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_REQUEST', 'DEPLOYMENT_STOP_ON_ALARM'],
};

let site: EcsSite;
beforeAll(async () => {
  site = await ecsSite((env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  });
  for (const [deploymentConfigName, canaryInterval] of [
    [SLOW, 2_880],
    [BRIEF, 25],
  ] as const) {
    const trafficRoutingConfig = { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 30, canaryInterval } };
    const config = { deploymentConfigName, computePlatform: 'ECS', trafficRoutingConfig } as const;
    await site.client.call('CreateDeploymentConfig', config as never);
  }
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
});

/** A service that runs one task set in the first group. */
async function running(settings: object = {}, world = createEcsWorld()): Promise<EcsWorld> {
  world.add({ group: BLUE, status: 'PRIMARY' });
  await site.fresh(world, settings);
  return world;
}
const shareAt = (place: string) => site.world.shareOf(place, GREEN);
const sets = () => site.world.taskSets.map(({ group, status }) => `${group} ${status}`);
const waits = (ready: number, termination: number) => ({
  blueGreenDeploymentConfiguration: {
    deploymentReadyOption:
      ready === 0
        ? { actionOnTimeout: 'CONTINUE_DEPLOYMENT', waitTimeInMinutes: 0 }
        : { actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: ready },
    terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: termination },
  },
});
const lastAnswer = async (deploymentId: string) => {
  const { waits: list = [] } = await site.client.call('DescribeDeploymentWaits', { deploymentId });
  return list[0]?.lastAnswer;
};
const changes = () => site.aws.calls.map(({ action }) => action).filter((action) => !/^(Describe|List)/.test(action));

describe('a deployment to ECS', () => {
  test('makes a task set, moves all traffic to it, and deletes the old one', async () => {
    await running();
    const id = await site.deploy();
    expect(await site.ended(id)).toMatchObject({
      ...{ status: 'Succeeded', computePlatform: 'ECS' },
      deploymentOverview: { Succeeded: 1 },
      blueGreenDeploymentConfiguration: {
        terminateBlueInstancesOnDeploymentSuccess: { terminationWaitTimeInMinutes: 0 },
        deploymentReadyOption: { waitTimeInMinutes: 0 },
      },
    });
    expect(sets()).toEqual([`${GREEN} PRIMARY`]);
    expect([PRODUCTION, RULE, TESTS].map(shareAt)).toEqual([100, 100, 100]);
    expect(site.world.taskSets[0]?.request).toMatchObject({
      ...{ externalId: id, clientToken: id, launchType: 'FARGATE', scale: { value: 100, unit: 'PERCENT' } },
      loadBalancers: [{ targetGroupArn: groupArn(GREEN), containerName: 'web', containerPort: 8080 }],
    });
    const target = await site.target(id);
    expect(target).toMatchObject({
      ...{ targetId: 'main:shop', targetArn: 'arn:aws:ecs:eu-central-1:123456789012:service/main/shop' },
      status: 'Succeeded',
      taskSetsInfo: [
        { taskSetLabel: 'Blue', trafficWeight: 0, runningCount: 0, targetGroup: { name: BLUE } },
        {
          ...{ taskSetLabel: 'Green', status: 'PRIMARY', trafficWeight: 100, targetGroup: { name: GREEN } },
          ...{ identifer: site.world.taskSets[0]?.id, desiredCount: 2, runningCount: 2, pendingCount: 0 },
        },
      ],
    });
    expect(target.lifecycleEvents?.map(({ lifecycleEventName, status }) => `${lifecycleEventName} ${status}`)).toEqual(
      [
        ...['BeforeInstall', 'Install', 'AfterInstall', 'AllowTestTraffic', 'AfterAllowTestTraffic'],
        ...['BeforeAllowTraffic', 'AllowTraffic', 'AfterAllowTraffic'],
      ].map((name) => `${name} Succeeded`),
    );
  });

  test('alternates between the groups, and is found by the name and the ARN of the service', async () => {
    await running();
    await site.ended(await site.deploy());
    const id = await site.deploy({ content: ecsAppSpec(3) });
    expect(await site.ended(id)).toMatchObject({ status: 'Succeeded' });
    expect(sets()).toEqual([`${BLUE} PRIMARY`]);
    expect([PRODUCTION, RULE].map(shareAt)).toEqual([0, 0]);
    const { targetId = '', targetArn = '' } = await site.target(id);
    for (const one of [targetId, targetArn]) {
      const { deploymentTarget } = await site.client.call('GetDeploymentTarget', { deploymentId: id, targetId: one });
      expect(deploymentTarget?.deploymentTargetType).toBe('ECSTarget');
    }
  });

  test('moves production in the steps of its configuration, at the listener and at its rule', async () => {
    const world = await running();
    expect(await site.ended(await site.deploy({ deploymentConfigName: CANARY }))).toMatchObject({
      status: 'Succeeded',
    });
    for (const place of [0, 1]) {
      expect([...new Set(world.shares.map((shares) => shares[place] ?? -1))]).toEqual([0, 10, 100]);
    }
  });

  test('a deployment to ECS of a service without a PRIMARY task set makes its first one', async () => {
    await site.fresh(createEcsWorld());
    expect(await site.ended(await site.deploy({ deploymentConfigName: CANARY }))).toMatchObject({
      status: 'Succeeded',
    });
    expect(sets()).toEqual([`${BLUE} PRIMARY`]);
    expect([PRODUCTION, RULE].map(shareAt)).toEqual([0, 0]);
  });

  test('a deployment to ECS without a test listener moves no test traffic and calls no hook for it', async () => {
    await running(ecsGroup(false));
    const content = ecsAppSpec(2, { AfterAllowTestTraffic: 'nobody' });
    expect(await site.ended(await site.deploy({ content }))).toMatchObject({ status: 'Succeeded' });
    expect(shareAt(TESTS)).toBe(0);
    expect(site.lambda.calls).toEqual([]);
  });

  test('leaves a rule of other groups alone', async () => {
    const world = createEcsWorld();
    world.places.set(RULE, [forwardTo('other')]);
    await running({}, world);
    await site.ended(await site.deploy());
    expect(world.places.get(RULE)).toEqual([forwardTo('other')]);
    expect(shareAt(PRODUCTION)).toBe(100);
  });
});

describe('preflight', () => {
  test.each<[string, (world: EcsWorld) => void, string, string]>([
    ['no service', (world) => (world.service = null), 'INVALID_ECS_SERVICE', 'There is no service shop'],
    [
      'a service that is being deleted',
      (world) => (world.service = { controller: 'EXTERNAL', status: 'DRAINING' }),
      ...(['INVALID_ECS_SERVICE', 'is DRAINING'] as const),
    ],
    [
      'a service that ECS deploys',
      (world) => (world.service = { controller: 'ECS', status: 'ACTIVE' }),
      ...(['INVALID_ECS_SERVICE', 'type=EXTERNAL'] as const),
    ],
    [
      'a service that uses Service Connect',
      (world) => (world.service = { controller: 'EXTERNAL', status: 'ACTIVE', usesServiceConnect: true }),
      ...(['INVALID_ECS_SERVICE', 'Service Connect'] as const),
    ],
    [
      'a listener that forwards elsewhere',
      (world) => world.places.set(PRODUCTION, [forwardTo('other')]).set(RULE, [forwardTo('other')]),
      ...(['ELASTIC_LOAD_BALANCING_INVALID', 'forward to neither'] as const),
    ],
    [
      'a listener that forwards to the other group alone',
      (world) => world.places.set(PRODUCTION, [forwardTo(GREEN)]).set(RULE, [forwardTo(GREEN)]),
      ...(['ELASTIC_LOAD_BALANCING_INVALID', 'is PRIMARY'] as const),
    ],
    ['no listener', (world) => world.places.delete(PRODUCTION), 'ELASTIC_LOAD_BALANCING_INVALID', 'no listener'],
    [
      'a stranger in the green group',
      (world) => world.add({ group: GREEN, status: 'ACTIVE' }),
      ...(['INVALID_ECS_SERVICE', 'aws ecs delete-task-set'] as const),
    ],
  ])('preflight with %s ends the deployment before anything is changed', async (_, spoil, code, words) => {
    const world = await running();
    spoil(world);
    const { status, errorInformation } = await site.ended(await site.deploy());
    expect({ status, code: errorInformation?.code }).toEqual({ status: 'Failed', code });
    expect(errorInformation?.message).toContain(words);
    expect(changes()).toEqual([]);
  });

  test('names a container or a port that the task definition does not have', async () => {
    await running();
    const other = (info: object) =>
      ecsAppSpec(2, {}, { LoadBalancerInfo: { ContainerName: 'web', ContainerPort: 8080, ...info } });
    for (const [info, words] of [
      [{ ContainerName: 'api' }, 'no container api'],
      [{ ContainerPort: 80 }, 'no port 80'],
    ] as const) {
      const { errorInformation } = await site.ended(await site.deploy({ content: other(info) }));
      expect(errorInformation).toMatchObject({ code: 'INVALID_REVISION', message: expect.stringContaining(words) });
    }
  });
});

describe('a Network Load Balancer', () => {
  const group = (hasTests: boolean) => {
    const { loadBalancerInfo } = ecsGroup(hasTests);
    return { loadBalancerInfo: JSON.parse(ofNetwork(JSON.stringify(loadBalancerInfo)).replace('/app/', '/net/')) };
  };
  const listeners = [ofNetwork(PRODUCTION), ofNetwork(TESTS)];

  test('moves all traffic from one group to the other, there and back, and is asked about no rules', async () => {
    const world = createEcsWorld({ isNetwork: true });
    await running(group(true), world);
    expect(await site.ended(await site.deploy())).toMatchObject({ status: 'Succeeded' });
    expect(listeners.map(shareAt)).toEqual([100, 100]);
    expect(await site.ended(await site.deploy())).toMatchObject({ status: 'Succeeded' });
    expect(listeners.map(shareAt)).toEqual([0, 0]);
    expect(site.aws.calls.filter(({ action }) => action === 'DescribeRules')).toEqual([]);
  });

  test('needs a test listener, behind which new tasks get health checks', async () => {
    await running(group(false), createEcsWorld({ isNetwork: true }));
    const { errorInformation } = await site.ended(await site.deploy());
    expect(errorInformation).toMatchObject({ code: 'ELASTIC_LOAD_BALANCING_INVALID' });
    expect(errorInformation?.message).toContain('testTrafficRoute');
  });

  test('takes no part of its traffic: such a configuration is refused', async () => {
    await running(group(true), createEcsWorld({ isNetwork: true }));
    await expect(site.deploy({ deploymentConfigName: CANARY })).rejects.toMatchObject({
      type: 'InvalidTrafficRoutingConfigurationException',
      message: expect.stringContaining('ECSAllAtOnce'),
    });
  });
});

describe('a new task set', () => {
  test('a new task set whose tasks fail is given up long before the hour, and no traffic has moved', async () => {
    const world = await running();
    world.starts = 'fail';
    const { status, errorInformation } = await site.ended(await site.deploy());
    expect({ status, code: errorInformation?.code }).toEqual({ status: 'Failed', code: 'ECS_UPDATE_ERROR' });
    expect(errorInformation?.message).toContain('Essential container in task exited; exit code 1');
    expect([PRODUCTION, RULE].map(shareAt)).toEqual([0, 0]);
  });

  test('a new task set that a failed deployment has left is deleted by the next one', async () => {
    const world = await running();
    world.starts = 'fail';
    await site.ended(await site.deploy());
    expect(sets()).toEqual([`${BLUE} PRIMARY`, `${GREEN} ACTIVE`]);
    world.starts = 'one by one';
    expect(await site.ended(await site.deploy())).toMatchObject({ status: 'Succeeded' });
    expect(sets()).toEqual([`${GREEN} PRIMARY`]);
  });

  test('shows while it starts what is waited for, and a stop leaves it as it is', async () => {
    const world = await running();
    world.starts = 'never';
    const deploymentId = await site.deploy();
    const wait = async () => {
      const { waits: list = [] } = await site.client.call('DescribeDeploymentWaits', { deploymentId });
      return `${list[0]?.lifecycleEventName} ${list[0]?.lastCall} ${list[0]?.lastAnswer}`;
    };
    await eventually(async () => (await wait()).includes('0 of 2 running, 2 pending, STABILIZING'));
    expect(await wait()).toMatch(/^Install DescribeServices shop /);
    await site.client.call('StopDeployment', { deploymentId });
    const { status, errorInformation } = await site.ended(deploymentId);
    expect({ status, code: errorInformation?.code }).toEqual({ status: 'Stopped', code: 'MANUAL_STOP' });
    expect(errorInformation?.message).toContain('is left as it is');
    expect(sets()).toEqual([`${BLUE} PRIMARY`, `${GREEN} ACTIVE`]);
  });
});

describe('calls that come to nothing', () => {
  test('are made again when they are throttled or cut off, and each thing is done once', async () => {
    const world = await running();
    const seen = new Map<string, number>();
    world.after = ({ action }) => {
      const count = (seen.get(action) ?? 0) + 1;
      seen.set(action, count);
      if (/^(Describe|List)/.test(action)) return undefined;
      return count === 1 ? CUT : undefined;
    };
    world.before = ({ action }) => {
      const isFirst = action.startsWith('Describe') && !seen.has(action);
      if (isFirst) seen.set(action, 0);
      return isFirst ? new AwsRefusal(400, 'ThrottlingException', 'Rate exceeded') : undefined;
    };
    expect(await site.ended(await site.deploy({ deploymentConfigName: CANARY }))).toMatchObject({
      status: 'Succeeded',
    });
    expect(sets()).toEqual([`${GREEN} PRIMARY`]);
  });

  test('for good while traffic moves lead it back, and say why', async () => {
    const world = await running();
    world.before = ({ action }) =>
      action === 'UpdateServicePrimaryTaskSet'
        ? new AwsRefusal(400, 'InvalidParameterException', 'not this one')
        : undefined;
    const { status, errorInformation } = await site.ended(await site.deploy({ deploymentConfigName: CANARY }));
    expect({ status, code: errorInformation?.code }).toEqual({ status: 'Failed', code: 'ECS_UPDATE_ERROR' });
    expect(errorInformation?.message).toContain('not this one');
    expect(errorInformation?.message).toContain('All production traffic is back');
    expect([PRODUCTION, RULE].map(shareAt)).toEqual([0, 0]);
  });

  test('are asked again for minutes when one is denied, and the wait says so', async () => {
    const world = await running();
    const refusal = new AwsRefusal(403, 'AccessDenied', 'not this role');
    world.before = ({ action }) => (action === 'ModifyListener' ? refusal : undefined);
    const deploymentId = await site.deploy();
    await eventually(async () => (await lastAnswer(deploymentId))?.includes('not this role') === true);
    await site.client.call('StopDeployment', { deploymentId });
    await site.ended(deploymentId);
  });
});

describe('traffic', () => {
  test('waits for as many tasks as the service wants by then, where scaling has raised their number meanwhile', async () => {
    const world = await running();
    site.lambda.functions.set('before', async ({ DeploymentId, LifecycleEventHookExecutionId }) => {
      world.desired = 4;
      const answer = { deploymentId: DeploymentId, lifecycleEventHookExecutionId: LifecycleEventHookExecutionId };
      await site.client.call('PutLifecycleEventHookExecutionStatus', { ...answer, status: 'Succeeded' });
    });
    const tasks: number[] = [];
    world.before = ({ action, input }) => {
      const green = world.taskSets.find(({ group }) => group === GREEN);
      if (action === 'ModifyListener' && input['ListenerArn'] === PRODUCTION && shareAt(TESTS) === 100)
        tasks.push(green?.running ?? 0);
      return undefined;
    };
    await site.ended(await site.deploy({ content: ecsAppSpec(2, { BeforeAllowTraffic: 'before' }) }));
    expect(tasks).toEqual([4]);
  });

  test('does not move while no new task is healthy, and moves once one is', async () => {
    const world = await running();
    let isHealthy = false;
    world.before = ({ action }) => {
      if (action !== 'DescribeTargetHealth' || isHealthy) return undefined;
      const TargetHealth = { State: 'unhealthy', Reason: 'Target.Timeout' };
      return { TargetHealthDescriptions: [{ Target: { Id: '10.0.0.1' }, TargetHealth }] };
    };
    const id = await site.deploy();
    await eventually(async () => (await lastAnswer(id))?.includes('none of 1 targets in shop-b is healthy') === true);
    expect(await lastAnswer(id)).toContain('Target.Timeout');
    expect([PRODUCTION, RULE].map(shareAt)).toEqual([0, 0]);
    isHealthy = true;
    expect(await site.ended(id)).toMatchObject({ status: 'Succeeded' });
  });
});

describe('a stop', () => {
  test('a stop that comes in the middle of a call is heeded after it, and not when the order wakes again', async () => {
    const world = await running();
    const deploymentId = await site.deploy({ deploymentConfigName: SLOW });
    let isAsked = false;
    world.before = async ({ action }) => {
      // The order has read its deployment by then, and waits for minutes after this look.
      if (isAsked || action !== 'DescribeServices' || shareAt(RULE) !== 30) return undefined;
      isAsked = true;
      await site.client.call('StopDeployment', { deploymentId });
      return undefined;
    };
    expect(await site.ended(deploymentId)).toMatchObject({ status: 'Stopped' });
    expect(isAsked).toBe(true);
  });
});

describe('a deletion while traffic moves', () => {
  test('a deletion of the application leads all traffic back to the original task set first', async () => {
    await running();
    await site.deploy({ deploymentConfigName: SLOW });
    await eventually(() => [PRODUCTION, RULE].every((place) => shareAt(place) === 30));
    await site.client.call('DeleteApplication', { applicationName: site.names().applicationName });
    expect([PRODUCTION, RULE, TESTS].map(shareAt)).toEqual([0, 0, 0]);
    expect(sets()).toEqual([`${BLUE} PRIMARY`]);
  });

  test('a deletion of the group alone lets the deployment go on to its end', async () => {
    await running();
    const id = await site.deploy({ deploymentConfigName: CANARY });
    await eventually(() => shareAt(PRODUCTION) > 0);
    await site.client.call('DeleteDeploymentGroup', site.names());
    expect(await site.ended(id)).toMatchObject({ status: 'Succeeded' });
    expect([PRODUCTION, RULE].map(shareAt)).toEqual([100, 100]);
  });

  test('leaves traffic where all of it is once the new task set has it', async () => {
    await running(waits(0, 60));
    const id = await site.deploy();
    await eventually(async () => (await site.info(id)).instanceTerminationWaitTimeStarted === true);
    await site.client.call('DeleteApplication', { applicationName: site.names().applicationName });
    expect([PRODUCTION, RULE].map(shareAt)).toEqual([100, 100]);
    expect(sets()).toEqual([`${BLUE} ACTIVE`, `${GREEN} PRIMARY`]);
  });
});

describe('a change by somebody else', () => {
  test('a change by somebody else of a weight stops the deployment and leads the rest back', async () => {
    const world = await running();
    const id = await site.deploy({ deploymentConfigName: BRIEF });
    // The deployment itself has seen what it has written.
    await eventually(async () => (await lastAnswer(id)) === `30% to ${GREEN}`);
    world.places.set(RULE, [forwardTo(BLUE)]);
    const { errorInformation } = await site.ended(id);
    expect(errorInformation).toMatchObject({ code: 'ELASTIC_LOAD_BALANCING_INVALID' });
    expect(errorInformation?.message).toContain(`${RULE} sends 0%`);
    expect([PRODUCTION, RULE].map(shareAt)).toEqual([0, 0]);
  });

  test('a change by somebody else that takes the listener away from both target groups ends the deployment, and deletes nothing', async () => {
    const world = await running();
    site.lambda.functions.set('before', async ({ DeploymentId, LifecycleEventHookExecutionId }) => {
      for (const place of [PRODUCTION, RULE]) world.places.set(place, [{ Type: 'fixed-response' }]);
      const answer = { deploymentId: DeploymentId, lifecycleEventHookExecutionId: LifecycleEventHookExecutionId };
      await site.client.call('PutLifecycleEventHookExecutionStatus', { ...answer, status: 'Succeeded' });
    });
    const id = await site.deploy({ content: ecsAppSpec(2, { BeforeAllowTraffic: 'before' }) });
    const { errorInformation } = await site.ended(id);
    expect(errorInformation).toMatchObject({ code: 'ELASTIC_LOAD_BALANCING_INVALID' });
    expect(errorInformation?.message).toContain('forward to no target group of the pair');
    expect(sets()).toEqual([`${BLUE} PRIMARY`, `${GREEN} ACTIVE`]);
  });

  test('keeps the original task set when it gets traffic again before its end', async () => {
    const world = await running(waits(0, 60));
    const id = await site.deploy();
    await eventually(async () => (await site.info(id)).instanceTerminationWaitTimeStarted === true);
    world.places.set(RULE, [forwardTo(BLUE)]);
    await site.client.call('ContinueDeployment', { deploymentId: id, deploymentWaitType: 'TERMINATION_WAIT' });
    const { status, deploymentStatusMessages = [] } = await site.ended(id);
    expect(status).toBe('Succeeded');
    expect(deploymentStatusMessages.join(' ')).toContain(`${RULE} sends 100% of its traffic there`);
    expect(sets()).toEqual([`${BLUE} ACTIVE`, `${GREEN} PRIMARY`]);
  });
});

describe('waits', () => {
  test('before production traffic last until ContinueDeployment', async () => {
    await running(waits(60, 0));
    const id = await site.deploy();
    await eventually(async () => (await site.info(id)).status === 'Ready');
    expect([shareAt(TESTS), shareAt(PRODUCTION)]).toEqual([100, 0]);
    const { deploymentStatusMessages = [] } = await site.info(id);
    expect(deploymentStatusMessages[0]).toContain('waits for ContinueDeployment');
    await site.client.call('ContinueDeployment', { deploymentId: id, deploymentWaitType: 'READY_WAIT' });
    expect(await site.ended(id)).toMatchObject({ status: 'Succeeded' });
    expect(shareAt(PRODUCTION)).toBe(100);
  });

  test('before the original task set is deleted end when they are skipped, or lead traffic back by a stop', async () => {
    await running({ ...waits(0, 60), autoRollbackConfiguration: ROLLBACK });
    const first = await site.deploy();
    await eventually(async () => (await site.info(first)).instanceTerminationWaitTimeStarted === true);
    expect((await site.info(first)).status).toBe('InProgress');
    expect(sets()).toEqual([`${BLUE} ACTIVE`, `${GREEN} PRIMARY`]);
    const stop = await site.client.call('StopDeployment', { deploymentId: first });
    // Who asks right after the answer finds the rollback.
    const known = (await site.info(first)).rollbackInfo?.rollbackDeploymentId;
    expect(stop.status === 'Pending' || known !== undefined).toBe(true);
    const { status, rollbackInfo } = await site.ended(first);
    expect(status).toBe('Stopped');
    expect(await site.ended(rollbackInfo?.rollbackDeploymentId ?? '')).toMatchObject({ status: 'Succeeded' });
    expect(sets()).toEqual([`${BLUE} PRIMARY`]);
    expect([PRODUCTION, RULE, TESTS].map(shareAt)).toEqual([0, 0, 0]);

    const second = await site.deploy();
    await eventually(async () => (await site.info(second)).instanceTerminationWaitTimeStarted === true);
    await site.client.call('SkipWaitTimeForInstanceTermination', { deploymentId: second });
    expect(await site.ended(second)).toMatchObject({ status: 'Succeeded' });
    expect(sets()).toEqual([`${GREEN} PRIMARY`]);
  });
});

describe('a rollback', () => {
  test('after a hook that fails leads traffic back and deletes the new task set', async () => {
    await running({ autoRollbackConfiguration: ROLLBACK });
    site.lambda.functions.set('after', async ({ DeploymentId, LifecycleEventHookExecutionId }) => {
      const answer = { deploymentId: DeploymentId, lifecycleEventHookExecutionId: LifecycleEventHookExecutionId };
      await site.client.call('PutLifecycleEventHookExecutionStatus', { ...answer, status: 'Failed' });
    });
    const id = await site.deploy({ content: ecsAppSpec(2, { AfterAllowTraffic: 'after' }) });
    const { errorInformation, rollbackInfo } = await site.ended(id);
    expect(errorInformation).toMatchObject({ code: 'HOOK_EXECUTION_FAILURE' });
    const rollback = await site.ended(rollbackInfo?.rollbackDeploymentId ?? '');
    expect(rollback).toMatchObject({ status: 'Succeeded', creator: 'codeDeployRollback' });
    expect(sets()).toEqual([`${BLUE} PRIMARY`]);
    expect([PRODUCTION, RULE, TESTS].map(shareAt)).toEqual([0, 0, 0]);
  });

  test('leads production back also when the test listener is gone, and does not wait for what drains once it is stopped', async () => {
    const world = await running({ autoRollbackConfiguration: ROLLBACK });
    const id = await site.deploy({ deploymentConfigName: SLOW });
    await eventually(() => shareAt(RULE) === 30);
    world.places.delete(TESTS);
    world.drainsFor = 1_000_000;
    await site.client.call('StopDeployment', { deploymentId: id });
    const { rollbackInfo: { rollbackDeploymentId = '' } = {} } = await site.ended(id);
    await eventually(() => sets().includes(`${GREEN} DRAINING`));
    expect([PRODUCTION, RULE].map(shareAt)).toEqual([0, 0]);
    await site.client.call('StopDeployment', { deploymentId: rollbackDeploymentId });
    const { status, errorInformation } = await site.ended(rollbackDeploymentId);
    expect(status).toBe('Stopped');
    expect(errorInformation?.message).toContain('All production traffic goes to');
    expect(errorInformation?.message).toContain('is DRAINING, and left so');
  });

  test('after new tasks that fail deletes their task set, and the traffic has never moved', async () => {
    const world = await running({ autoRollbackConfiguration: ROLLBACK });
    world.starts = 'fail';
    const { rollbackInfo } = await site.ended(await site.deploy());
    expect(await site.ended(rollbackInfo?.rollbackDeploymentId ?? '')).toMatchObject({ status: 'Succeeded' });
    expect(sets()).toEqual([`${BLUE} PRIMARY`]);
    expect(new Set(world.shares.flat())).toEqual(new Set([0]));
  });

  test('follows a stop in the middle of a shift; without one traffic stays divided, and the next deployment mends that', async () => {
    await running();
    const first = await site.deploy({ deploymentConfigName: SLOW });
    await eventually(() => shareAt(RULE) === 30);
    await site.client.call('StopDeployment', { deploymentId: first });
    const { errorInformation, rollbackInfo } = await site.ended(first);
    expect(errorInformation?.message).toContain('left divided: 30%');
    expect(rollbackInfo).toBeUndefined();
    expect(shareAt(PRODUCTION)).toBe(30);

    const second = await site.deploy({ deploymentConfigName: SLOW });
    await eventually(() => shareAt(RULE) === 30 && site.world.taskSets.some(({ externalId }) => externalId === second));
    await site.client.call('StopDeployment', { deploymentId: second, autoRollbackEnabled: true });
    const stopped = await site.ended(second);
    expect(await site.ended(stopped.rollbackInfo?.rollbackDeploymentId ?? '')).toMatchObject({ status: 'Succeeded' });
    expect([PRODUCTION, RULE].map(shareAt)).toEqual([0, 0]);
    expect(sets()).toEqual([`${BLUE} PRIMARY`]);
  });
});
