/** A blue/green deployment that copies an Auto Scaling group, with an Auto Scaling of the test's own. */
import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { replacementPlan, withCopy } from '../../../src/server/engine/hosts/blue-green-plan.ts';
import { copyNameOf } from '../../../src/server/engine/hosts/fleet.ts';
import { AwsFault } from '../../../src/server/outside/aws/aws-fault.ts';
import type { CopiedGroups } from '../../../src/server/outside/aws/copied-groups.ts';
import { copyRequest } from '../../../src/server/outside/aws/group-copy.ts';
import { createBell } from '../../../src/server/work/bell.ts';
import { copyHandlers } from '../../../src/server/work/copy-orders.ts';
import type { OrderHandler } from '../../../src/server/work/order.ts';
import { startWorker } from '../../../src/server/work/worker.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  engineServer,
  makeFleet,
  runHost,
  startDeployment,
  targetsByName,
} from '../../support/engine-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeStores, OFTEN, passWhenCalm } from '../../support/stores.ts';

const ID = 'd-COPY';
const COPY = copyNameOf('fleet', ID);
const BLUE = [{ Key: 'InstanceId', Value: 'i-00000001', Type: 'KEY_AND_VALUE' }];
const groupOf = (name: string): AutoScalingGroup => ({
  ...{ AutoScalingGroupName: name, MinSize: 0, MaxSize: 4, DesiredCapacity: 1, DefaultCooldown: 300 },
  ...{ AvailabilityZones: ['a'], HealthCheckType: 'EC2', CreatedTime: new Date(0) },
});
/** Balancers that obey at once. */
const obeys: OrderHandler = async () => ({
  memory: null,
  lastCall: 'c',
  lastAnswer: 'a',
  ending: 'Succeeded',
  message: '',
});

async function openWorld(database: Parameters<typeof engineServer>[0], action: 'TERMINATE' | 'KEEP_ALIVE') {
  const clock = manualClock();
  const server = await engineServer(database, { clock });
  await makeFleet(server.store, ['old-1', 'new-1'], { autoScalingGroups: ['blue'] });
  for (const [name, tag_value] of [
    ['old-1', 'i-00000001'],
    ['new-1', 'i-00000002'],
  ] as const) {
    const row = { instance_id: `id-of-${name}`, instance_name: name, tag_key: 'InstanceId', tag_value };
    await server.store.db.insertInto('instance_tags').values(row).execute();
  }
  const there = new Map([['blue', groupOf('blue')]]);
  const calls: string[] = [];
  const faults = new Map<string, AwsFault>();
  let launched: readonly string[] = [];
  const call = (what: string) => {
    calls.push(what);
    const fault = faults.get(what);
    if (fault !== undefined) throw fault;
  };
  const groups: CopiedGroups = {
    find: async (name) => there.get(name) ?? null,
    make: async (_, name) => {
      call(`make ${name}`);
      there.set(name, groupOf(name));
    },
    complete: async (_, name) => call(`complete ${name}`),
    attachBalancers: async (_, name) => call(`attach ${name}`),
    remove: async (name) => {
      call(`remove ${name}`);
      there.delete(name);
    },
  };
  const readFleet = async () =>
    launched.map((id) => ({ id, arn: `arn:${id}`, zone: null, autoScalingGroup: COPY, stage: 'in-service' as const }));
  const copies = copyHandlers({ store: server.store, clock, groups, readFleet });
  const worker = startWorker({
    ...{ ...server, clock, random: systemRandom, log: silentLogger, bell: createBell() },
    leaseClock: { nowMs: async () => clock.now() },
    handlers: { ...copies, BlockTraffic: obeys, AllowTraffic: obeys },
  });
  const configuration = { terminateBlueInstancesOnDeploymentSuccess: { action } };
  const targetInstances = { autoScalingGroups: [COPY] };
  const plan = withCopy(replacementPlan(configuration, targetInstances), { original: 'blue', copy: COPY });
  const settings = { filterLists: [BLUE], rollbackEvents: [], loadBalancerInfo: {}, blueGreen: plan };
  await startDeployment(server, ID, {
    ...{ created_at_ms: clock.now(), wake_at_ms: clock.now(), options_json: JSON.stringify({ targetInstances }) },
    settings_json: JSON.stringify(settings),
  });
  return {
    ...{ server, clock, calls, faults, there },
    launch(...ids: readonly string[]) {
      launched = ids;
    },
    async until(isSo: () => boolean | Promise<boolean>, stepMs = 1_000) {
      await eventually(async () => {
        if (await isSo()) return true;
        for (const host of ['old-1', 'new-1']) await runHost(server, host);
        await passWhenCalm(server, clock, stepMs);
        return false;
      }, OFTEN);
    },
    deployment: () => deploymentOf(server.store, ID),
    async [Symbol.asyncDispose]() {
      await worker.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describeStores('a blue/green deployment that copies an Auto Scaling group', (kind) => {
  test('makes the copy, waits for its hosts, leads the traffic to them, and deletes the original', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database, 'TERMINATE');
    await world.until(() => world.calls.includes(`make ${COPY}`));
    await world.until(async () => {
      const order = await world.server.store.db.selectFrom('orders').selectAll().executeTakeFirst();
      return order?.last_answer === '0 of 1 instances are in service';
    });
    // No host has said yet that it is this instance.
    world.launch('i-00000009');
    await world.until(async () => {
      const order = await world.server.store.db.selectFrom('orders').selectAll().executeTakeFirst();
      return order?.last_answer === '1 of 1 instances are in service; no enrolled host is i-00000009';
    });
    expect((await world.deployment()).status).toBe('Created');
    world.launch('i-00000002');
    await world.until(async () => (await world.deployment()).status === 'Succeeded');
    const targets = Object.entries(await targetsByName(world.server.store, ID));
    expect(targets.map(([name, { label, status }]) => [name, label, status])).toEqual([
      ['new-1', 'green', 'Succeeded'],
      ['old-1', 'blue', 'Succeeded'],
    ]);
    expect(world.calls).toEqual([`make ${COPY}`, `complete ${COPY}`, `attach ${COPY}`, 'remove blue']);
    const { settings_json } = await world.server.store.db
      .selectFrom('deployment_groups')
      .selectAll()
      .executeTakeFirstOrThrow();
    expect(JSON.parse(settings_json)).toMatchObject({ autoScalingGroups: [COPY] });
  });

  test('keeps the original where nobody asks for its end', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database, 'KEEP_ALIVE');
    world.launch('i-00000002');
    await world.until(async () => (await world.deployment()).status === 'Succeeded');
    expect(world.there.has('blue')).toBe(true);
  });

  test.each<[string, string, AwsFault['trouble'], string]>([
    ['may not copy it', `make ${COPY}`, 'denied', 'AUTO_SCALING_IAM_ROLE_PERMISSIONS'],
    ['has no room for the copy', `make ${COPY}`, 'limit', 'RESOURCE_LIMIT_EXCEEDED'],
    ['is throttled at the end', 'remove blue', 'throttled', 'THROTTLED'],
  ])('has failed by name where the server %s', async (_title, what, trouble, code) => {
    await using database = await kind.create();
    await using world = await openWorld(database, 'TERMINATE');
    world.launch('i-00000002');
    world.faults.set(what, new AwsFault('the call', { trouble, code: '', answer: 'no' }));
    await world.until(async () => (await world.deployment()).status === 'Failed', 5_000);
    const { error_code, error_message } = await world.deployment();
    expect(error_code).toBe(code);
    expect(error_message).toContain('The last call to AWS was: the call. The answer: no.');
  });
});

test('a copy has the settings and the serving instances of the original, and neither its load balancers nor tags of AWS', () => {
  const template = { LaunchTemplateId: 'lt-1', LaunchTemplateName: 'web', Version: '7' };
  const original: AutoScalingGroup = {
    ...{ ...groupOf('blue'), MinSize: 1, DesiredCapacity: 4, LaunchTemplate: template, TargetGroupARNs: ['arn'] },
    ...{ LoadBalancerNames: ['front'], VPCZoneIdentifier: 'subnet-1,subnet-2' },
    Tags: [
      { Key: 'Role', Value: 'web', PropagateAtLaunch: true, ResourceId: 'blue' },
      { Key: 'aws:cloudformation:stack-name', Value: 's' },
    ],
    Instances: ['InService', 'InService', 'Terminating'].map((LifecycleState, index) => ({
      ...{ InstanceId: `i-${index}`, AvailabilityZone: 'a', HealthStatus: 'Healthy', ProtectedFromScaleIn: false },
      LifecycleState: LifecycleState as 'InService',
    })),
  };
  expect(copyRequest(original, 'copy')).toEqual({
    ...{ AutoScalingGroupName: 'copy', MinSize: 1, MaxSize: 4, DesiredCapacity: 2, DefaultCooldown: 300 },
    ...{ LaunchTemplate: { LaunchTemplateId: 'lt-1', Version: '7' }, VPCZoneIdentifier: 'subnet-1,subnet-2' },
    HealthCheckType: 'EC2',
    Tags: [
      { ResourceId: 'copy', ResourceType: 'auto-scaling-group', Key: 'Role', Value: 'web', PropagateAtLaunch: true },
    ],
  });
  const mixed = { LaunchTemplate: { LaunchTemplateSpecification: template } };
  expect(copyRequest({ ...original, MixedInstancesPolicy: mixed }, 'copy')).toMatchObject({
    MixedInstancesPolicy: {
      LaunchTemplate: { LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '7' } },
    },
  });
});

test('a copy is named after the deployment group and the deployment, in as many characters as Auto Scaling takes', () => {
  expect(COPY).toBe('CodeDeploy_fleet_d-COPY');
  const long = copyNameOf('x'.repeat(300), 'd-123456789');
  expect(long).toHaveLength(255);
  expect(long.endsWith('_d-123456789')).toBe(true);
});
