/** Against an emulator that others have made, so that nobody here has decided what AWS' answers look like. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { signRequest } from '../../../../src/protocol/sigv4/sign.ts';
import { createAwsClients } from '../../../../src/server/outside/aws/aws.ts';
import { balancersInAws } from '../../../../src/server/outside/aws/balancer-in-aws.ts';
import { createCopiedGroups } from '../../../../src/server/outside/aws/copied-groups.ts';
import { createEcsCalls } from '../../../../src/server/outside/aws/ecs.ts';
import { createFleetReader } from '../../../../src/server/outside/aws/fleet.ts';
import { changesFor, sharesOf } from '../../../../src/server/outside/aws/forwarding.ts';
import { createInstanceEnd } from '../../../../src/server/outside/aws/instance-end.ts';
import { createListenerCalls } from '../../../../src/server/outside/aws/listeners.ts';
import { createScalingActions } from '../../../../src/server/outside/aws/scaling-actions.ts';
import { taskSetRequest } from '../../../../src/server/outside/aws/task-set-request.ts';
import type { BalancedHost, LoadBalancer } from '../../../../src/server/outside/load-balancer.ts';
import { systemClock } from '../../../../src/system/clock.ts';
import { describeWithMoto, type Moto, startMoto } from '../../../support/moto.ts';

const REGION = 'us-east-1';
const how = (memory?: unknown) => ({ isDrainOver: false, memory, signal: AbortSignal.timeout(15_000) });

async function untilOut(balancer: LoadBalancer, host: BalancedHost) {
  const states: string[] = [];
  for (let memory: unknown; !['out', 'absent'].includes(states.at(-1) ?? ''); ) {
    const look = await balancer.block(host, how(memory));
    memory = look.memory;
    states.push(look.state);
    if (['out', 'absent'].includes(look.state)) return { states, memory };
  }
  throw new Error('never');
}

describeWithMoto('with moto in the place of AWS', () => {
  let moto: Moto;
  const clients = createAwsClients(REGION, { clock: systemClock, env: process.env });
  beforeAll(async () => {
    moto = await startMoto();
    for (const [name, value] of Object.entries(moto.env())) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto[Symbol.asyncDispose]();
  });

  /** EC2 without its SDK, as the server has it, too. */
  async function ec2(parameters: Readonly<Record<string, string>>): Promise<string> {
    const key = { accessKeyId: 'AKIAMOTO', secretAccessKey: 'of-moto' };
    const body = new URLSearchParams({ Version: '2016-11-15', ...parameters }).toString();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const request = { method: 'POST', url: new URL(moto.url), headers: form, body };
    const headers = await signRequest(request, key, { service: 'ec2', region: REGION }, Date.now());
    const answer = await fetch(moto.url, { method: 'POST', headers: { ...headers, connection: 'close' }, body });
    return answer.text();
  }

  async function runInstance(): Promise<string> {
    const text = await ec2({ Action: 'RunInstances', ImageId: 'ami-12345678', MinCount: '1', MaxCount: '1' });
    const [, id = ''] = /<instanceId>(i-[0-9a-f]+)</.exec(text) ?? [];
    return id;
  }

  test('an instance leaves a target group, and comes back with the port that it had there', async () => {
    const id = await runInstance();
    const elb = await clients.loadBalancing();
    const [, VpcId = ''] = /<vpcId>(vpc-[0-9a-f]+)</.exec(await ec2({ Action: 'DescribeVpcs' })) ?? [];
    const made = await elb.createTargetGroup({ Name: 'web-80', Protocol: 'HTTP', Port: 80, VpcId });
    const TargetGroupArn = made.TargetGroups?.[0]?.TargetGroupArn ?? '';
    // Another port than the group's; of an instance with two moto keeps one.
    await elb.registerTargets({ TargetGroupArn, Targets: [{ Id: id, Port: 8080 }] });
    const front = balancersInAws(clients)({ name: 'web-80', kind: 'target-group' });
    const host = { name: 'web-1', tags: new Map(), ec2InstanceId: id };
    const { memory } = await untilOut(front, host);
    const portsNow = async () => {
      const { TargetHealthDescriptions = [] } = await elb.describeTargetHealth({ TargetGroupArn });
      return TargetHealthDescriptions.map(({ Target }) => Target?.Port);
    };
    expect(await portsNow()).toEqual([]);
    expect(await front.allow(host, how(memory))).toMatchObject({ state: 'joining' });
    expect(await front.allow(host, how(memory))).toMatchObject({ state: 'healthy' });
    expect(await portsNow()).toEqual([8080]);
    const other = balancersInAws(clients)({ name: 'nobody', kind: 'target-group' });
    await expect(other.block(host, how())).rejects.toMatchObject({ isFinal: true });
  });

  test('instances are found by their tags', async () => {
    const [id, other] = [await runInstance(), await runInstance()];
    const tag = (ResourceId: string, Key: string, Value: string) =>
      ec2({ Action: 'CreateTags', 'ResourceId.1': ResourceId, 'Tag.1.Key': Key, 'Tag.1.Value': Value });
    await tag(id, 'Role', 'web');
    await tag(other, 'Role', 'web-1');
    const filterLists = [[{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' }]];
    const request = { filterLists, autoScalingGroups: [] };
    const found = await createFleetReader(clients)(request, AbortSignal.timeout(15_000));
    expect(found).toMatchObject([{ id, zone: expect.stringMatching(/^us-east-1[a-z]$/), stage: 'in-service' }]);
    expect(found[0]?.arn).toBe(`arn:aws:ec2:${REGION}:123456789012:instance/${id}`);
  });

  test('an Auto Scaling group gets a hook and loses it, and its processes are suspended and resumed', async () => {
    const scaling = await clients.autoScaling();
    const LaunchConfigurationName = 'web';
    await scaling.createLaunchConfiguration({
      LaunchConfigurationName,
      ImageId: 'ami-12345678',
      InstanceType: 't2.micro',
    });
    const AvailabilityZones = [`${REGION}a`];
    const size = { MinSize: 0, MaxSize: 1 };
    await scaling.createAutoScalingGroup({
      AutoScalingGroupName: 'fleet',
      LaunchConfigurationName,
      AvailabilityZones,
      ...size,
    });
    const actions = createScalingActions(clients);
    const hook = { name: 'hook-1', autoScalingGroup: 'fleet', kind: 'launch' } as const;
    const signal = AbortSignal.timeout(15_000);
    await actions.putHook(hook, signal);
    await actions.putHook(hook, signal);
    const hooks = async () => (await scaling.describeLifecycleHooks({ AutoScalingGroupName: 'fleet' })).LifecycleHooks;
    expect(await hooks()).toMatchObject([
      { LifecycleHookName: 'hook-1', DefaultResult: 'ABANDON', HeartbeatTimeout: 600 },
    ]);
    await actions.removeHook(hook, signal);
    expect(await hooks()).toEqual([]);

    await actions.suspend('fleet', ['Terminate', 'AZRebalance'], signal);
    expect((await actions.suspendedProcesses('fleet', signal)).toSorted()).toEqual(['AZRebalance', 'Terminate']);
    await actions.resume('fleet', ['Terminate'], signal);
    expect(await actions.suspendedProcesses('fleet', signal)).toEqual(['AZRebalance']);
    await expect(actions.suspendedProcesses('nobody', signal)).rejects.toMatchObject({ trouble: 'missing' });
  });

  test('an Auto Scaling group is copied with its tags and as many instances, and deleted', async () => {
    const scaling = await clients.autoScaling();
    const LaunchConfigurationName = 'copied';
    await scaling.createLaunchConfiguration({
      ...{ LaunchConfigurationName, ImageId: 'ami-12345678', InstanceType: 't2.micro' },
    });
    const Tags = [
      { ResourceId: 'blue', ResourceType: 'auto-scaling-group', Key: 'Role', Value: 'web', PropagateAtLaunch: true },
    ];
    const size = { MinSize: 1, MaxSize: 3, DesiredCapacity: 2 };
    const AvailabilityZones = [`${REGION}a`];
    await scaling.createAutoScalingGroup({
      ...{ AutoScalingGroupName: 'blue', LaunchConfigurationName, AvailabilityZones, ...size, Tags },
    });
    const groups = createCopiedGroups(clients);
    const signal = AbortSignal.timeout(15_000);
    const blue = await groups.find('blue', signal);
    if (blue === null) throw new Error('there is no group');
    await groups.make(blue, 'green', signal);
    await groups.make(blue, 'green', signal);
    const green = await groups.find('green', signal);
    expect(green).toMatchObject({ ...size, LaunchConfigurationName, Tags: [{ Key: 'Role', Value: 'web' }] });
    expect(green?.Instances).toHaveLength(2);
    await groups.remove('blue', signal);
    expect(await groups.find('blue', signal)).toBeNull();
  });

  test('an instance is terminated, as often as somebody asks, and an unknown one is no fault', async () => {
    const instances = createInstanceEnd(clients);
    const signal = AbortSignal.timeout(15_000);
    const [id, other] = [await runInstance(), await runInstance()];
    expect(await instances.find(id, signal)).toEqual({ state: 'running', autoScalingGroup: null });
    await instances.terminate(id, signal);
    await instances.terminate(id, signal);
    expect((await instances.find(id, signal))?.state).toMatch(/^(shutting-down|terminated)$/);
    expect((await instances.find(other, signal))?.state).toBe('running');
    expect(await instances.find('i-00000000000000000', signal)).toBeNull();
  });

  test('an instance leaves a Classic Load Balancer and comes back to it', async () => {
    const id = await runInstance();
    const elb = await clients.classicLoadBalancing();
    const Listeners = [{ Protocol: 'HTTP', LoadBalancerPort: 80, InstancePort: 80 }];
    const AvailabilityZones = [`${REGION}a`];
    await elb.createLoadBalancer({ LoadBalancerName: 'old', Listeners, AvailabilityZones });
    await elb.registerInstancesWithLoadBalancer({ LoadBalancerName: 'old', Instances: [{ InstanceId: id }] });
    const old = balancersInAws(clients)({ name: 'old', kind: 'classic-elb' });
    const host = { name: 'web-1', tags: new Map(), ec2InstanceId: id };
    expect((await untilOut(old, host)).states).toEqual(['draining', 'out']);
    expect(await old.allow(host, how())).toMatchObject({ state: 'joining' });
    expect(await old.allow(host, how())).toMatchObject({ state: 'healthy' });
    const other = balancersInAws(clients)({ name: 'nobody', kind: 'classic-elb' });
    await expect(other.block(host, how())).rejects.toMatchObject({ isFinal: true });
  });

  test('an ECS service gets a task set, its traffic moves by listener and rule, and the old task set is deleted', async () => {
    const [ecs, elb] = [await clients.containers(), await clients.loadBalancing()];
    const [calls, listeners] = [createEcsCalls(clients), createListenerCalls(clients)];
    // moto is slow when it is first asked for a service.
    const signal = AbortSignal.timeout(60_000);
    const [, VpcId = ''] = /<vpcId>(vpc-[0-9a-f]+)</.exec(await ec2({ Action: 'DescribeVpcs' })) ?? [];
    const Subnets = [...(await ec2({ Action: 'DescribeSubnets' })).matchAll(/<subnetId>(subnet-[0-9a-f]+)</g)];
    const lb = await elb.createLoadBalancer({ Name: 'front', Subnets: Subnets.slice(0, 2).map(([, id = '']) => id) });
    for (const Name of ['shop-a', 'shop-b']) await elb.createTargetGroup({ Name, Protocol: 'HTTP', Port: 80, VpcId });
    const [a, b] = await listeners.targetGroups(['shop-a', 'shop-b'], signal);
    if (a === undefined || b === undefined) throw new Error('moto has made no target groups');
    const DefaultActions = [{ Type: 'forward' as const, TargetGroupArn: a.arn }];
    const LoadBalancerArn = lb.LoadBalancers?.[0]?.LoadBalancerArn ?? '';
    const listener = await elb.createListener({ LoadBalancerArn, Protocol: 'HTTP', Port: 80, DefaultActions });
    const ListenerArn = listener.Listeners?.[0]?.ListenerArn ?? '';
    const Conditions = [{ Field: 'path-pattern', Values: ['/api/*'] }];
    await elb.createRule({ ListenerArn, Priority: 10, Conditions, Actions: DefaultActions });

    const ref = { cluster: 'main', service: 'shop' };
    await ecs.createCluster({ clusterName: ref.cluster });
    const web = { name: 'web', image: 'shop', memory: 64, portMappings: [{ containerPort: 8080 }] };
    await ecs.registerTaskDefinition({ family: 'shop', containerDefinitions: [web] });
    const deploymentController = { type: 'EXTERNAL' as const };
    await ecs.createService({ cluster: ref.cluster, serviceName: ref.service, desiredCount: 0, deploymentController });
    expect((await calls.describe(ref, signal)).taskSets).toEqual([]);
    const wanted = { taskDefinition: 'shop:1', containerName: 'web', containerPort: 8080 };
    const rest = { platformVersion: null, network: null, capacityProviders: [], ...wanted };
    for (const [deploymentId, group, other] of [['d-1', a, b] as const, ['d-2', b, a] as const]) {
      // moto has no instances for tasks of EC2.
      const service = { launchType: 'FARGATE' as const };
      const about = {
        ref,
        deploymentId,
        wanted: rest,
        pairs: [{ blue: other.arn, green: group.arn }],
        blue: null,
        service,
      };
      await calls.createTaskSet(taskSetRequest(about), signal);
    }
    const sets = async () => (await calls.describe(ref, signal)).taskSets;
    const [blue, green] = await sets();
    if (blue === undefined || green === undefined) throw new Error('moto has made no task sets');
    expect([blue, green]).toMatchObject([
      { externalId: 'd-1', targetGroupArns: [a.arn] },
      { externalId: 'd-2', targetGroupArns: [b.arn] },
    ]);

    const pair = { blue: a.arn, green: b.arn };
    for (const share of [0, 10, 100]) {
      for (const place of changesFor(await listeners.route(ListenerArn, signal), pair, share)) {
        await listeners.write(place, signal);
      }
      const route = await listeners.route(ListenerArn, signal);
      expect(sharesOf(route, pair).map(({ green: percent }) => percent)).toEqual([share, share]);
      expect(changesFor(route, pair, share)).toEqual([]);
    }
    await calls.makePrimary(ref, green, signal);
    await calls.deleteTaskSet(ref, blue, signal);
    expect((await sets()).map(({ id, status }) => [id, status])).toEqual([[green.id, 'PRIMARY']]);
    await expect(calls.describe({ ...ref, service: 'nobody' }, signal)).rejects.toMatchObject({ trouble: 'missing' });
    await expect(calls.describe({ ...ref, cluster: 'nobody' }, signal)).rejects.toMatchObject({ trouble: 'missing' });
    expect((await calls.describeTaskDefinition('shop:1', signal)).containerDefinitions).toMatchObject([web]);
    expect(await calls.stoppedTasks(ref, signal)).toEqual([]);
  });
});
