import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createAwsClients } from '../../../../src/server/outside/aws/aws.ts';
import { balancersInAws } from '../../../../src/server/outside/aws/balancer-in-aws.ts';
import { createTargetGroup } from '../../../../src/server/outside/aws/target-group.ts';
import { allowStep, blockStep, type TargetState } from '../../../../src/server/outside/aws/target-health.ts';
import type { LoadBalancer } from '../../../../src/server/outside/load-balancer.ts';
import { systemClock } from '../../../../src/system/clock.ts';
import {
  type AwsCall,
  AwsRefusal,
  type AwsStandIn,
  type AwsValue,
  SILENCE,
  startAwsStandIn,
} from '../../../support/aws-stand-in.ts';

const HOST = { name: 'web-1', tags: new Map([['Address', '10.0.0.7']]), ec2InstanceId: 'i-0000000a' };
const GROUP_ARN = 'arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/front/1';

let aws: AwsStandIn;
beforeEach(async () => {
  aws = await startAwsStandIn();
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws[Symbol.asyncDispose]();
});

const balancer = (kind: 'target-group' | 'classic-elb' = 'target-group') =>
  balancersInAws(createAwsClients('eu-central-1', { clock: systemClock, env: process.env }))({ name: 'front', kind });
const how = (memory?: unknown, isDrainOver = false, limitMs = 15_000) => ({
  ...{ isDrainOver, memory, signal: AbortSignal.timeout(limitMs) },
});
const actions = () => aws.calls.map(({ action }) => action);
const nudges = () => aws.calls.filter(({ action }) => !action.startsWith('Describe'));

/** Asks until the state is final, as an order is looked at again and again. */
async function untilOut(of: LoadBalancer, host = HOST) {
  let memory: unknown;
  for (;;) {
    const look = await of.block(host, how(memory));
    memory = look.memory;
    if (look.state === 'out' || look.state === 'absent') return look;
  }
}

/** A target group as AWS has it: each look shows what is left, and brings what is under way one step further. */
function targetGroup(targets: TargetState[], type = 'instance'): { targets: TargetState[] } {
  const group = { targets };
  const idOf = (port: number | null) => ({ Id: type === 'ip' ? '10.0.0.7' : HOST.ec2InstanceId, Port: port ?? 80 });
  const ports = ({ params }: AwsCall) =>
    Object.entries(params).flatMap(([name, value]) => (name.endsWith('.Port') ? [Number(value)] : []));
  Object.assign(aws.answers, {
    DescribeTargetGroups: () => ({ TargetGroups: [{ TargetGroupArn: GROUP_ARN, TargetType: type }] }),
    DescribeTargetHealth: () => {
      const shown = group.targets.map(
        ({ port, state, reason, description }): AwsValue => ({
          ...{ Target: idOf(port), TargetHealth: { State: state, Reason: reason, Description: description } },
        }),
      );
      group.targets = group.targets.flatMap((target) => {
        if (target.state === 'draining') return [];
        return target.state === 'initial' ? [{ ...target, state: 'healthy', reason: '' }] : [target];
      });
      return { TargetHealthDescriptions: [...shown, { Target: { Id: 'i-0000000b', Port: 80 } }] };
    },
    DeregisterTargets: (call: AwsCall) => {
      const leaving = ports(call);
      group.targets = group.targets.map((target) =>
        leaving.includes(target.port ?? 80) ? { ...target, state: 'draining' } : target,
      );
      return {};
    },
    RegisterTargets: (call: AwsCall) => {
      const joining = ports(call);
      for (const port of joining.length > 0 ? joining : [80]) {
        group.targets.push({ port, state: 'initial', reason: 'Elb.RegistrationInProgress', description: '' });
      }
      return {};
    },
  } satisfies AwsStandIn['answers']);
  return group;
}

const healthy = (port: number): TargetState => ({ port, state: 'healthy', reason: '', description: '' });

describe('a target group', () => {
  test('lets a host go with each of its ports, waits until it has drained, and takes it back with the same ports', async () => {
    const group = targetGroup([healthy(8080), healthy(8081)]);
    const front = balancer();
    const first = await front.block(HOST, how());
    expect(first).toMatchObject({ state: 'waiting', memory: { ports: [8080, 8081] } });
    expect(nudges()).toEqual([]);
    expect(await untilOut(front)).toMatchObject({ state: 'out', memory: { ports: [8080, 8081] } });
    expect(nudges().map(({ action }) => action)).toEqual(['DeregisterTargets']);
    expect(await front.allow(HOST, how(first.memory))).toMatchObject({ state: 'joining', answer: 'done' });
    expect(await front.allow(HOST, how(first.memory))).toMatchObject({
      ...{ state: 'joining', answer: expect.stringContaining('port 8080: initial (Elb.RegistrationInProgress)') },
    });
    expect(await front.allow(HOST, how(first.memory))).toMatchObject({ state: 'healthy' });
    expect(group.targets.map(({ port }) => port)).toEqual([8080, 8081]);
  });

  test('a target group that lacks the host counts it as out at once, and registers it with the group’s port', async () => {
    const group = targetGroup([]);
    const front = balancer();
    expect(await front.block(HOST, how())).toMatchObject({ state: 'absent', answer: 'i-0000000a is not registered' });
    expect(await front.allow(HOST, how())).toMatchObject({ state: 'joining' });
    expect(nudges()[0]?.params).not.toHaveProperty('Targets.member.1.Port');
    expect(group.targets).toHaveLength(1);
  });

  test('a target group of the type ip knows hosts by their tag Address, or by the template that the file has', async () => {
    targetGroup([healthy(80)], 'ip');
    expect(await untilOut(balancer())).toMatchObject({ state: 'out' });
    const settings = { name: 'front', target: '{tag:Nowhere}', drainLimitMs: 0 };
    await expect(
      createTargetGroup(createAwsClients('eu-central-1', { clock: systemClock, env: process.env }), settings).block(
        HOST,
        how(),
      ),
    ).rejects.toMatchObject({ code: 'ELB_INVALID_INSTANCE', isFinal: true });
  });

  test('says why a host is not healthy, and fails it by name where it never can be', async () => {
    const group = targetGroup([
      { port: 80, state: 'unhealthy', reason: 'Target.ResponseCodeMismatch', description: 'codes: [502]' },
    ]);
    const front = balancer();
    expect(await front.allow(HOST, how())).toMatchObject({
      ...{ state: 'unhealthy', answer: 'port 80: unhealthy (Target.ResponseCodeMismatch: codes: [502])' },
    });
    group.targets = [{ port: 80, state: 'unused', reason: 'Target.NotInUse', description: 'no listener' }];
    await expect(front.allow(HOST, how())).rejects.toMatchObject({
      ...{ code: 'ELASTIC_LOAD_BALANCING_INVALID', isFinal: true },
      record: { answer: 'port 80: unused (Target.NotInUse: no listener)' },
    });
  });

  test('a target group that still drains when the time for requests is over counts as out', async () => {
    const group = targetGroup([
      { port: 80, state: 'draining', reason: 'Target.DeregistrationInProgress', description: '' },
    ]);
    const front = balancer();
    const memory = { ports: [80] };
    expect(await front.block(HOST, how(memory))).toMatchObject({ state: 'draining', memory });
    group.targets = [{ port: 80, state: 'draining', reason: '', description: '' }];
    expect(await front.block(HOST, how(memory, true))).toMatchObject({ state: 'out', memory });
  });

  test('is asked once by all hosts that ask at the same time', async () => {
    targetGroup([healthy(80)]);
    const front = balancer();
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => front.block({ ...HOST, ec2InstanceId: `i-1000000${at}` }, how())),
    );
    expect(actions().filter((action) => action === 'DescribeTargetHealth').length).toBeLessThan(20);
  });
});

test.each<[string, AwsRefusal | typeof SILENCE, object]>([
  ['throttles', new AwsRefusal(400, 'Throttling', 'Rate exceeded'), { code: 'THROTTLED', isFinal: false }],
  ['is overloaded', new AwsRefusal(503, 'ServiceUnavailable'), { isFinal: false }],
  ['finds credentials expired', new AwsRefusal(403, 'ExpiredToken'), { code: 'IAM_ROLE_PERMISSIONS', isFinal: false }],
  ['does not allow it', new AwsRefusal(403, 'AccessDenied'), { code: 'IAM_ROLE_PERMISSIONS', isFinal: false }],
  ['has no such group', new AwsRefusal(400, 'TargetGroupNotFound'), { isFinal: true }],
  ['answers what is no XML', new AwsRefusal(200, '<'), {}],
  ['does not answer', SILENCE, { isFinal: false, record: { answer: 'there was no answer in time' } }],
])('AWS that %s fails a call by name, and says which call it was', async (_title, answer, fault) => {
  aws.answers['DescribeTargetGroups'] = () => answer;
  await expect(balancer().block(HOST, how(undefined, false, 1_500))).rejects.toMatchObject({
    ...{ name: 'BalancerFault', record: { call: 'DescribeTargetGroups front' } },
    ...fault,
  });
});

test('a Classic Load Balancer lets an instance go until its requests have ended, and takes it back until it is in service', async () => {
  let state: AwsValue[] = [{ InstanceId: 'i-0000000a', State: 'InService', ReasonCode: 'N/A', Description: 'N/A' }];
  Object.assign(aws.answers, {
    DescribeInstanceHealth: () => ({ InstanceStates: state }),
    DeregisterInstancesFromLoadBalancer: () => ({}),
    RegisterInstancesWithLoadBalancer: () => ({}),
  });
  const front = balancer('classic-elb');
  const first = await front.block(HOST, how());
  expect(first).toMatchObject({ state: 'draining' });
  const leaving = { ReasonCode: 'N/A', Description: 'Instance deregistration currently in progress.' };
  state = [{ InstanceId: 'i-0000000a', State: 'InService', ...leaving }];
  expect(await front.block(HOST, how(first.memory))).toMatchObject({ state: 'draining' });
  state = [];
  expect(await front.block(HOST, how(first.memory))).toMatchObject({ state: 'out' });
  expect(await front.block(HOST, how())).toMatchObject({ state: 'absent' });
  expect(await front.allow(HOST, how())).toMatchObject({ state: 'joining' });
  const failed = { State: 'OutOfService', ReasonCode: 'Instance', Description: 'has failed health checks' };
  state = [{ InstanceId: 'i-0000000a', ...failed }];
  expect(await front.allow(HOST, how())).toMatchObject({
    ...{ state: 'unhealthy', answer: 'OutOfService (Instance: has failed health checks)' },
  });
  state = [{ InstanceId: 'i-0000000a', State: 'InService' }];
  expect(await front.allow(HOST, how())).toMatchObject({ state: 'healthy' });
  expect(nudges().map(({ action }) => action)).toEqual([
    ...['DeregisterInstancesFromLoadBalancer', 'RegisterInstancesWithLoadBalancer'],
  ]);
});

const STATES = ['healthy', 'initial', 'unhealthy', 'unused', 'draining', 'unhealthy.draining', 'unavailable'];
const REASONS = ['', 'Target.NotRegistered', 'Target.NotInUse', 'Target.Timeout', 'Target.InvalidState'];
const targetStates = fc.uniqueArray(
  fc.record({
    port: fc.integer({ min: 1, max: 5 }),
    state: fc.constantFrom(...STATES),
    reason: fc.constantFrom(...REASONS),
    description: fc.constant(''),
  }),
  { selector: ({ port }) => port, maxLength: 5 },
);

test('no host is called out while a target of it may get new requests, and none healthy before each of its targets is', () => {
  const takesRequests = ({ state, reason }: TargetState) =>
    !(state.endsWith('draining') || (state === 'unused' && reason === 'Target.NotRegistered'));
  fc.assert(
    fc.property(targetStates, fc.boolean(), fc.boolean(), (targets, wasIn, isDrainOver) => {
      const { state, deregister } = blockStep(targets, { wasIn, isDrainOver });
      expect(deregister).toEqual(targets.filter(takesRequests).map(({ port }) => port));
      if (targets.some(takesRequests)) expect(state).toBe('draining');
      if (state === 'absent')
        expect({ wasIn, isLeft: targets.every((one) => one.state === 'unused') }).toEqual({
          wasIn: false,
          isLeft: true,
        });
    }),
  );
  fc.assert(
    fc.property(targetStates, fc.uniqueArray(fc.integer({ min: 1, max: 5 })), (targets, ports) => {
      const { state, register } = allowStep(targets, ports);
      const isThere = (port: number | null) =>
        targets.some((one) => takesRequests(one) && (port ?? one.port) === one.port);
      expect(register.some(isThere)).toBe(false);
      if (state !== 'healthy') return;
      expect(ports.every(isThere) && register.length === 0).toBe(true);
      expect(targets.filter(takesRequests).every((one) => ['healthy', 'unavailable'].includes(one.state))).toBe(true);
    }),
  );
});
