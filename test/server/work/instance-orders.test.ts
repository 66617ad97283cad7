/** The end of original hosts that are instances of EC2, with an EC2 of the test's own. */
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { replacementPlan, withEc2 } from '../../../src/server/engine/hosts/blue-green-plan.ts';
import { AwsFault } from '../../../src/server/outside/aws/aws-fault.ts';
import type { InstanceEnd, StandingInstance } from '../../../src/server/outside/aws/instance-end.ts';
import { deploymentOrdersOf } from '../../../src/server/store/deployment-orders.ts';
import { createBell } from '../../../src/server/work/bell.ts';
import { instanceHandlers } from '../../../src/server/work/instance-orders.ts';
import type { OrderHandler } from '../../../src/server/work/order.ts';
import { startWorker } from '../../../src/server/work/worker.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  engineServer,
  GROUP_ID,
  makeFleet,
  runHost,
  startDeployment,
} from '../../support/engine-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeStores, OFTEN, passWhenCalm, type TestDatabase } from '../../support/stores.ts';

const ID = 'd-ENDED';
const HOSTS = ['old-1', 'old-2', 'claimed', 'new-1'];
const TARGETS = { tagFilters: [{ Key: 'fleet', Value: 'new', Type: 'KEY_AND_VALUE' }] };
/** A host that is no instance of the group as far as AWS says, though its own tag says so. */
const CLAIMED = [{ Key: 'fleet', Value: 'claimed', Type: 'KEY_AND_VALUE' }];
const TAGS = [
  ['claimed', 'fleet', 'claimed'],
  ['claimed', 'InstanceId', 'i-0000beef'],
  ['old-1', 'InstanceId', 'i-00000001'],
  ['old-2', 'InstanceId', 'i-00000002'],
  ['new-1', 'fleet', 'new'],
] as const;
/** Balancers that obey at once. */
const obeys: OrderHandler = async () => ({
  ...{ memory: null, lastCall: 'c', lastAnswer: 'a' },
  ...{ ending: 'Succeeded', message: '' },
});

/** Old instances are in the group by AWS' word, and the deployment is about to end them after an hour. */
async function openWorld(database: TestDatabase) {
  const clock = manualClock();
  const server = await engineServer(database, { clock });
  const { db } = server.store;
  await makeFleet(server.store, HOSTS);
  for (const [name, tag_key, tag_value] of TAGS) {
    const row = { instance_id: `id-of-${name}`, instance_name: name, tag_key, tag_value };
    await db.insertInto('instance_tags').values(row).execute();
  }
  const read_at_ms = clock.now();
  await db.insertInto('fleets').values({ deployment_group_id: GROUP_ID, read_at_ms, failing_json: null }).execute();
  for (const at of [1, 2]) {
    const member = {
      ...{ deployment_group_id: GROUP_ID, ec2_instance_id: `i-0000000${at}`, instance_arn: 'arn' },
      ...{ instance_id: `id-of-old-${at}`, auto_scaling_group: null, availability_zone: null },
      ...{ stage: 'in-service' as const, stage_since_ms: 0 },
    };
    await db.insertInto('fleet_members').values(member).execute();
  }
  const instances = new Map<string, StandingInstance>(
    ['i-00000001', 'i-00000002', 'i-0000beef'].map((id) => [id, { state: 'running', autoScalingGroup: null }]),
  );
  const ended: string[] = [];
  let fault: AwsFault | null = null;
  const aws: InstanceEnd = {
    region: 'eu-central-1',
    find: async (id) => instances.get(id) ?? null,
    async terminate(id) {
      ended.push(id);
      if (fault !== null) throw fault;
      instances.set(id, { state: 'shutting-down', autoScalingGroup: null });
    },
  };
  const worker = startWorker({
    ...{ ...server, clock, random: systemRandom, log: silentLogger, bell: createBell() },
    leaseClock: { nowMs: async () => clock.now() },
    handlers: {
      ...instanceHandlers({ store: server.store, clock, instances: aws }),
      ...{ BlockTraffic: obeys, AllowTraffic: obeys },
    },
  });
  const configuration = {
    terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 60 },
  };
  const blueGreen = withEc2(replacementPlan(configuration, TARGETS));
  await startDeployment(server, ID, {
    ...{
      created_at_ms: clock.now(),
      wake_at_ms: clock.now(),
      options_json: JSON.stringify({ targetInstances: TARGETS }),
    },
    settings_json: JSON.stringify({
      ...{ filterLists: [CLAIMED], fleetOf: GROUP_ID, rollbackEvents: ['DEPLOYMENT_FAILURE'], loadBalancerInfo: {} },
      blueGreen,
    }),
  });
  return {
    ...{ server, clock, instances, ended, aws },
    refuse(with_: AwsFault) {
      fault = with_;
    },
    async until(isSo: (deployment: Awaited<ReturnType<typeof deploymentOf>>) => boolean, stepMs = 2_000) {
      await eventually(async () => {
        if (isSo(await deploymentOf(server.store, ID))) return true;
        for (const host of HOSTS) await runHost(server, host);
        await passWhenCalm(server, clock, stepMs);
        return false;
      }, OFTEN);
    },
    orders: async () =>
      (await deploymentOrdersOf(db, [ID])).map(({ instance_id, outcome, message }) => [instance_id, outcome, message]),
    async [Symbol.asyncDispose]() {
      await worker.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const isWaiting = ({ termination_wait_at_ms }: { termination_wait_at_ms: number | null }) =>
  termination_wait_at_ms !== null;
const isOver = ({ completed_at_ms }: { completed_at_ms: number | null }) => completed_at_ms !== null;

describeStores('a blue/green deployment that terminates its original instances', (kind) => {
  test('ends each of them once after the wait, and leaves a host alone that only claims to be an instance', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    await world.until(isWaiting);
    expect(world.ended).toEqual([]);
    world.clock.advance(60 * 60_000);
    await world.until(isOver);
    expect(await deploymentOf(world.server.store, ID)).toMatchObject({ status: 'Succeeded' });
    expect(world.ended.toSorted()).toEqual(['i-00000001', 'i-00000002']);
    expect((await world.orders()).toSorted()).toEqual([
      ['id-of-claimed', 'Succeeded', 'It is no instance of EC2 as far as AWS or its identity says, and runs on.'],
      ['id-of-old-1', 'Succeeded', 'i-00000001 is shutting-down.'],
      ['id-of-old-2', 'Succeeded', 'i-00000002 is shutting-down.'],
    ]);
  });

  test('leaves an instance to its Auto Scaling group, and takes one that is gone as ended', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    world.instances.set('i-00000001', { state: 'running', autoScalingGroup: 'blue' });
    world.instances.delete('i-00000002');
    await world.until(isWaiting);
    world.clock.advance(60 * 60_000);
    await world.until(isOver);
    expect(world.ended).toEqual([]);
    const messages = (await world.orders()).map(([, , message]) => message);
    expect(messages).toContainEqual(expect.stringContaining('the Auto Scaling group blue would launch another'));
    expect(messages).toContain('i-00000002: no such instance is in eu-central-1, or any more.');
  });

  test.each<[string, AwsFault['trouble'], string]>([
    ['refuses, because the instance is protected', 'refused', 'INTERNAL_ERROR'],
    ['does not permit it', 'denied', 'IAM_ROLE_PERMISSIONS'],
    ['throttles for five minutes', 'throttled', 'THROTTLED'],
  ])('has failed by name where AWS %s, and its replacement is the group', async (_title, trouble, code) => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    world.refuse(new AwsFault('TerminateInstances', { trouble, code: '', answer: 'no' }));
    await world.until(isWaiting);
    world.clock.advance(60 * 60_000);
    await world.until(isOver, 5_000);
    const { status, error_code, error_message } = await deploymentOf(world.server.store, ID);
    expect({ status, error_code }).toEqual({ status: 'Failed', error_code: code });
    expect(error_message).toContain('2 of 3 original instances were not terminated.');
    const group = await world.server.store.db.selectFrom('deployment_groups').selectAll().executeTakeFirstOrThrow();
    expect(JSON.parse(group.settings_json)).toMatchObject({ onPremisesInstanceTagFilters: TARGETS.tagFilters });
  });

  test('repeats the call that a killed server had noted, though AWS has the instance in the group no more', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    await world.until(isWaiting);
    const { TerminateInstance } = instanceHandlers({
      ...{ store: world.server.store, clock: world.clock, instances: world.aws },
    });
    const noted: unknown[] = [];
    const call = {
      signal: new AbortController().signal,
      remember: async (memory: unknown, what: string) => void noted.push({ memory, what }),
    };
    const order = { deployment_id: ID, instance_id: 'id-of-old-1', memory_json: '{}' };
    await TerminateInstance(order as Parameters<OrderHandler>[0], call);
    const memory = { ec2InstanceId: 'i-00000001' };
    expect(noted).toEqual([{ memory, what: 'TerminateInstances i-00000001' }]);
    await world.server.store.db.deleteFrom('fleet_members').execute();
    // The call of the killed server was lost on its way.
    world.instances.set('i-00000001', { state: 'running', autoScalingGroup: null });
    const after = { ...order, memory_json: JSON.stringify(memory) };
    await TerminateInstance(after as Parameters<OrderHandler>[0], call);
    expect(world.ended).toEqual(['i-00000001', 'i-00000001']);
  });
});
