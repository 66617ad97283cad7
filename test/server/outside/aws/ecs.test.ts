import type { AwsVpcConfiguration, TaskSet } from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createAwsClients } from '../../../../src/server/outside/aws/aws.ts';
import { createEcsCalls } from '../../../../src/server/outside/aws/ecs.ts';
import { createListenerCalls } from '../../../../src/server/outside/aws/listeners.ts';
import { taskSetRequest } from '../../../../src/server/outside/aws/task-set-request.ts';
import { failedStarts, isSteady } from '../../../../src/server/outside/aws/task-sets.ts';
import { systemClock } from '../../../../src/system/clock.ts';
import { AwsRefusal, type AwsStandIn, CUT, SILENCE, startAwsStandIn } from '../../../support/aws-stand-in.ts';
import { createEcsWorld, type EcsWorld, taskDefinition } from '../../../support/ecs-world.ts';
import { GROUPS, groupArn, PRODUCTION, REGION, RULE } from '../../../support/elb-world.ts';

const REF = { cluster: 'main', service: 'shop' };
const signal = () => AbortSignal.timeout(15_000);

let aws: AwsStandIn;
let world: EcsWorld;
beforeEach(async () => {
  world = createEcsWorld();
  aws = await startAwsStandIn(world.answers);
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws[Symbol.asyncDispose]();
});

const clients = () => createAwsClients(REGION, { clock: systemClock, env: process.env });
const calls = () => ({ ecs: createEcsCalls(clients()), listeners: createListenerCalls(clients()) });

const WANTED = { taskDefinition: taskDefinition(2), containerName: 'web', containerPort: 8080 };
const COPIED = { platformVersion: null, network: null, capacityProviders: [] };

async function install() {
  const { ecs } = calls();
  const { service } = await ecs.describe(REF, signal());
  const wanted = { ...WANTED, ...COPIED };
  const [blueGroup, greenGroup] = GROUPS.map(groupArn) as [string, string];
  const request = {
    ref: REF,
    deploymentId: 'd-1',
    wanted,
    pairs: [{ blue: blueGroup, green: greenGroup }],
    blue: service.taskSets?.[0] ?? null,
    service,
  };
  await ecs.createTaskSet(taskSetRequest(request), signal());
}

describe('the calls to ECS', () => {
  test('make a task set once, however often they ask, and see it become steady', async () => {
    world.desired = 3;
    const { ecs, listeners } = calls();
    world.add({ group: GROUPS[0], status: 'PRIMARY' });
    const actions = [
      ...(world.places.get(PRODUCTION) ?? []),
      { Type: 'forward' as const, TargetGroupArn: groupArn(GROUPS[1]) },
    ];
    await listeners.write({ arn: PRODUCTION, kind: 'listener', actions: actions as never }, signal());
    await install();
    await install();
    const seen = async () => {
      const { taskSets } = await ecs.describe(REF, signal());
      return taskSets.filter(({ externalId }) => externalId === 'd-1');
    };
    expect(await seen()).toMatchObject([{ running: 2, desired: 3, pending: 1, isSteady: false }]);
    expect((await seen()).map(isSteady)).toEqual([true]);
  });

  test('move the primary task set, and delete the other one until it is gone', async () => {
    const { ecs } = calls();
    const blue = world.add({ group: GROUPS[0], status: 'PRIMARY' });
    const green = world.add({ group: GROUPS[1], status: 'ACTIVE' });
    await ecs.makePrimary(REF, green, signal());
    await ecs.deleteTaskSet(REF, blue, signal());
    const ids = async () => (await ecs.describe(REF, signal())).taskSets.map(({ id, status }) => [id, status]);
    expect(await ids()).toEqual([
      [blue.id, 'DRAINING'],
      [green.id, 'PRIMARY'],
    ]);
    expect(await ids()).toEqual([[green.id, 'PRIMARY']]);
    await ecs.deleteTaskSet(REF, blue, signal());
  });

  test('see the tasks that have failed to start', async () => {
    const { ecs } = calls();
    world.starts = 'fail';
    await install();
    const [set] = world.taskSets;
    await ecs.describe(REF, signal());
    const stopped = await ecs.stoppedTasks(REF, signal());
    expect(failedStarts(stopped, set?.id ?? '')).toHaveLength(1);
    expect(stopped[0]?.reason).toBe('Essential container in task exited; exit code 1');
  });

  test.each([
    ['no service', () => (world.service = null), { trouble: 'missing', call: 'DescribeServices shop' }],
    ['throttling', () => refuse(new AwsRefusal(400, 'ThrottlingException', 'Rate exceeded')), { trouble: 'throttled' }],
    ['a refusal', () => refuse(new AwsRefusal(400, 'AccessDeniedException', 'not allowed')), { trouble: 'denied' }],
    ['no answer', () => refuse(SILENCE), { trouble: 'away' }],
    ['half an answer', () => refuse(CUT), { trouble: 'away' }],
  ])('say what became of %s', async (_what, set, fault) => {
    set();
    await expect(calls().ecs.describe(REF, AbortSignal.timeout(1_000))).rejects.toMatchObject(fault);
  });
});

function refuse(answer: AwsRefusal | typeof SILENCE | typeof CUT): void {
  world.before = () => answer;
}

describe('the request for a task set', () => {
  const awsvpcConfiguration: AwsVpcConfiguration = {
    ...{ subnets: ['subnet-1'], securityGroups: ['sg-1'], assignPublicIp: 'ENABLED' },
  };
  const networkConfiguration = { awsvpcConfiguration };
  const base = { ref: REF, deploymentId: 'd-1', pairs: [{ blue: 'arn:a', green: 'arn:b' }], service: {} };

  test('copies from the task set that serves what the AppSpec file does not say', () => {
    const serviceRegistries = [{ registryArn: 'arn:registry' }];
    const blue: TaskSet = { launchType: 'FARGATE', platformVersion: '1.4.0', networkConfiguration, serviceRegistries };
    expect(taskSetRequest({ ...base, blue, wanted: { ...WANTED, ...COPIED } })).toEqual({
      ...{ cluster: 'main', service: 'shop', taskDefinition: taskDefinition(2), externalId: 'd-1', clientToken: 'd-1' },
      loadBalancers: [{ targetGroupArn: 'arn:b', containerName: 'web', containerPort: 8080 }],
      ...{ scale: { value: 100, unit: 'PERCENT' }, launchType: 'FARGATE', platformVersion: '1.4.0' },
      ...{ networkConfiguration, serviceRegistries },
    });
  });

  test.each<[string, TaskSet['loadBalancers'], object]>([
    ['as the first one has them, where none serves yet', undefined, { containerName: 'web', containerPort: 8080 }],
    [
      'as the first one has them, where both serve the same',
      [
        { targetGroupArn: 'arn:a', containerName: 'old', containerPort: 80 },
        { targetGroupArn: 'arn:c', containerName: 'old', containerPort: 80 },
      ],
      { containerName: 'web', containerPort: 8080 },
    ],
    [
      'as the task set has them that serves now, where it has others',
      [
        { targetGroupArn: 'arn:a', containerName: 'web', containerPort: 8080 },
        { targetGroupArn: 'arn:c', containerName: 'web', containerPort: 9090 },
      ],
      { containerName: 'web', containerPort: 9090 },
    ],
  ])('has the container and the port of a second pair %s', (_, loadBalancers, expected) => {
    const blue: TaskSet | null = loadBalancers === undefined ? null : { loadBalancers };
    const pairs = [...base.pairs, { blue: 'arn:c', green: 'arn:d' }];
    expect(taskSetRequest({ ...base, pairs, blue, wanted: { ...WANTED, ...COPIED } }).loadBalancers).toEqual([
      { targetGroupArn: 'arn:b', containerName: 'web', containerPort: 8080 },
      { targetGroupArn: 'arn:d', ...expected },
    ]);
  });

  test('has capacity providers in place of a launch type, and the network that the AppSpec file names', () => {
    const wanted = {
      ...WANTED,
      platformVersion: null,
      network: { subnets: ['subnet-2'], securityGroups: ['sg-2'], assignPublicIp: 'DISABLED' as const },
      capacityProviders: [{ name: 'FARGATE_SPOT', base: 1, weight: 2 }],
    };
    const made = taskSetRequest({ ...base, service: { launchType: 'EC2' }, blue: { launchType: 'FARGATE' }, wanted });
    expect(made).toMatchObject({
      capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', base: 1, weight: 2 }],
      networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-2'], assignPublicIp: 'DISABLED' } },
    });
    expect(made).not.toHaveProperty('launchType');
    expect(made).not.toHaveProperty('serviceRegistries');
  });

  test('the request for a task set without a task set that serves takes the pattern of the service', () => {
    const made = taskSetRequest({
      ...base,
      service: { launchType: 'EC2' },
      blue: null,
      wanted: { ...WANTED, ...COPIED },
    });
    expect(made).toMatchObject({ launchType: 'EC2' });
    const fargate = { ...WANTED, ...COPIED, platformVersion: 'LATEST' };
    expect(taskSetRequest({ ...base, service: {}, blue: null, wanted: fargate })).toMatchObject({
      launchType: 'FARGATE',
    });
  });
});

describe('the calls to listeners', () => {
  test('read a listener with its rules, and write each in its own way', async () => {
    const { listeners } = calls();
    const { places, hasWeights } = await listeners.route(PRODUCTION, signal());
    expect(hasWeights).toBe(true);
    expect(places.map(({ arn, kind }) => [arn, kind])).toEqual([
      [PRODUCTION, 'listener'],
      [RULE, 'rule'],
    ]);
    const actions = [{ Type: 'forward' as const, TargetGroupArn: groupArn(GROUPS[1]) }];
    for (const place of places) await listeners.write({ ...place, actions }, signal());
    expect([PRODUCTION, RULE].map((arn) => world.shareOf(arn, GROUPS[1]))).toEqual([100, 100]);
    expect(aws.calls.map(({ action }) => action).filter((name) => name.startsWith('Modify'))).toEqual([
      'ModifyListener',
      'ModifyRule',
    ]);
  });

  test('read all pages of rules', async () => {
    const pages = [{ Rules: [rule(1)], NextMarker: 'more' }, { Rules: [rule(2)] }];
    aws.answers['DescribeRules'] = ({ input }) => (input['Marker'] === 'more' ? pages[1] : pages[0]) ?? {};
    const { places } = await calls().listeners.route(PRODUCTION, signal());
    expect(places.map(({ arn }) => arn)).toEqual([PRODUCTION, 'arn:1', 'arn:2']);
  });

  test('name a target group or a listener that is missing', async () => {
    const { listeners } = calls();
    await expect(listeners.targetGroups([GROUPS[0], 'nobody'], signal())).rejects.toMatchObject({
      trouble: 'missing',
      answer: 'there is no target group nobody',
    });
    await expect(listeners.route(`${PRODUCTION}0`, signal())).rejects.toMatchObject({ trouble: 'missing' });
  });

  test('count the healthy targets of a group', async () => {
    const { listeners } = calls();
    world.add({ group: GROUPS[0], status: 'PRIMARY' });
    world.add({ group: GROUPS[1], status: 'ACTIVE' });
    const [a, b] = await listeners.targetGroups(GROUPS, signal());
    if (a === undefined || b === undefined) throw new Error('a group is missing');
    expect(await listeners.health(a, signal())).toEqual({ registered: 2, healthy: 2, others: [] });
    const unused = { registered: 2, healthy: 0, others: ['unused (Target.NotInUse)'] };
    expect(await listeners.health(b, signal())).toEqual(unused);
  });
});

function rule(number: number) {
  return { RuleArn: `arn:${number}`, IsDefault: false, Actions: [] };
}
