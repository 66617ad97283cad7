import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { identityOf, parseLocation } from '../../../src/protocol/management/revision-location.ts';
import {
  HEARTBEAT_MS,
  LAUNCH_LIMIT_MS,
  launchStanding,
  TERMINATION_LIMIT_MS,
  terminationStanding,
} from '../../../src/server/engine/hosts/lifecycle-actions.ts';
import { pauseAfter } from '../../../src/server/engine/hosts/scaling-failure.ts';
import { hookName } from '../../../src/server/engine/hosts/scaling-hooks.ts';
import { AwsFault } from '../../../src/server/outside/aws/aws-fault.ts';
import type { ScalingActions } from '../../../src/server/outside/aws/scaling-actions.ts';
import { putFleet, replaceFleetMembers } from '../../../src/server/store/fleets.ts';
import { hooksOf, leaseHook } from '../../../src/server/store/scaling-hooks.ts';
import type { HostStateRow } from '../../../src/server/store/schema.ts';
import { removeHooks, startHookWatch } from '../../../src/server/work/watch-hooks.ts';
import { startLaunchWatch } from '../../../src/server/work/watch-launches.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { manualClock } from '../../support/clock.ts';
import {
  engineServer,
  GROUP_ID,
  makeFleet,
  newDeployment,
  revisionJson,
  runHost,
  startDeployment,
} from '../../support/engine-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeStores, OFTEN, passWhenCalm } from '../../support/stores.ts';

const AWAY = { trouble: 'away', code: '', answer: 'there was no answer in time' } as const;
const GOOD = identityOf(parseLocation(revisionJson('one.tgz')));

async function openWorld(database: Parameters<typeof engineServer>[0], settings: object) {
  const clock = manualClock();
  const server = await engineServer(database, { clock });
  await makeFleet(server.store, ['web-1'], settings);
  const calls: string[] = [];
  let fault: AwsFault | null = null;
  const call = async (text: string) => {
    calls.push(text);
    if (fault !== null) throw fault;
    return true;
  };
  const actions: Omit<ScalingActions, 'suspendedProcesses' | 'suspend' | 'resume'> = {
    putHook: async ({ autoScalingGroup, kind }) => void (await call(`put ${kind} ${autoScalingGroup}`)),
    removeHook: async ({ autoScalingGroup, kind }) => void (await call(`remove ${kind} ${autoScalingGroup}`)),
    beat: ({ autoScalingGroup }, id) => call(`beat ${autoScalingGroup} ${id}`),
    complete: async ({ autoScalingGroup }, id, result) => void (await call(`${result} ${autoScalingGroup} ${id}`)),
  };
  const ctx = { store: server.store, engine: server.engine, clock, random: systemRandom, log: silentLogger, actions };
  const watches = [startHookWatch(ctx), startLaunchWatch(ctx)];
  return {
    ...{ server, clock, calls, ctx },
    failWith(next: AwsFault | null) {
      fault = next;
    },
    async until(isSo: () => boolean | Promise<boolean>, stepMs = 2_000) {
      await eventually(async () => {
        if (await isSo()) return true;
        await passWhenCalm(server, clock, stepMs);
        return false;
      }, OFTEN);
    },
    hooks: () => hooksOf(server.store.db, GROUP_ID),
    async change(changes: object) {
      await server.store.transaction((tx) =>
        tx
          .updateTable('deployment_groups')
          .set({ settings_json: JSON.stringify(changes) })
          .execute(),
      );
    },
    async wait(stage: 'launching' | 'warming' | 'in-service' | 'terminating') {
      const member = { deployment_group_id: GROUP_ID, ec2_instance_id: 'i-1', instance_arn: 'arn:i-1', stage };
      const rest = { instance_id: 'id-of-web-1', auto_scaling_group: 'blue', availability_zone: null };
      await server.store.transaction((tx) =>
        replaceFleetMembers(tx, GROUP_ID, [{ ...member, ...rest, stage_since_ms: clock.now() }]),
      );
    },
    async leave(state: Partial<HostStateRow>) {
      await server.store.transaction(async (tx) => {
        const row = { deployment_group_id: GROUP_ID, instance_id: 'id-of-web-1', revision_identity: null };
        const rest = {
          left_at_ms: clock.now(),
          is_missed: 0,
          automatic: 'autoscaling',
          tries_of: null,
          failed_tries: 0,
        };
        await tx.deleteFrom('host_states').execute();
        await tx
          .insertInto('host_states')
          .values({ ...row, ...rest, health: 'healthy', ...state } as HostStateRow)
          .execute();
      });
    },
    async [Symbol.asyncDispose]() {
      for (const watch of watches) await watch.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describeStores('lifecycle hooks of a group with Auto Scaling groups', (kind) => {
  test('are put, put again from time to time, and removed once the group wants them no more or is gone', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database, { autoScalingGroups: ['blue'], terminationHookEnabled: true });
    const { calls, until } = world;
    await until(() => calls.length >= 2);
    expect(calls.toSorted()).toEqual(['put launch blue', 'put termination blue']);
    await until(() => calls.filter((call) => call === 'put launch blue').length === 2, 60_000);
    await world.change({ autoScalingGroups: ['green'] });
    await until(() => calls.includes('put launch green') && calls.includes('remove launch blue'));
    await until(async () => (await world.hooks()).length === 1);
    expect(calls).toContain('remove termination blue');
    await world.server.store.transaction((tx) => tx.deleteFrom('deployment_groups').execute());
    await until(() => calls.includes('remove launch green'));
    await until(async () => (await world.hooks()).length === 0);
  });

  test('hooks that AWS does not remove are logged, and removed later; one that is being put is not removed meanwhile', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database, { autoScalingGroups: ['blue'] });
    await world.until(() => world.calls.includes('put launch blue'));
    await world.until(async () => (await world.hooks())[0]?.put_at_ms !== null);
    world.failWith(new AwsFault('DeleteLifecycleHook blue', AWAY));
    await world.change({});
    await world.until(() => world.calls.includes('remove launch blue'));
    await removeHooks(world.ctx, GROUP_ID, 1_000);
    expect(await world.hooks()).toMatchObject([{ is_wanted: 0 }]);
    await world.until(async () => ((await world.hooks())[0]?.failing_json ?? '').includes('no answer in time'));
    world.failWith(null);
    const [hook] = await world.hooks();
    const nowMs = world.clock.now();
    const lease = { nowMs, untilMs: nowMs + 3_600_000 };
    await eventually(() =>
      world.server.store.transaction(async (tx) => (await leaseHook(tx, hook?.hook_name ?? '', lease)) !== null),
    );
    const removals = world.calls.length;
    await removeHooks(world.ctx, GROUP_ID, 1_000);
    expect(world.calls).toHaveLength(removals);
    await world.until(async () => (await world.hooks()).length === 0, 60_000);
  });

  test('hold an instance that is launched, with heartbeats, until it has the last good revision or has failed to get it', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database, { autoScalingGroups: ['blue'] });
    const { calls, until } = world;
    await world.wait('launching');
    // Nobody has deployed to the group yet, so there is nothing that it could get.
    await until(() => calls.includes('CONTINUE blue i-1'));
    await world.wait('in-service');
    await until(
      async () => (await world.server.store.db.selectFrom('lifecycle_actions').selectAll().execute()).length === 0,
    );
    await world.server.store.transaction(async (tx) => {
      await tx
        .insertInto('deployments')
        .values(newDeployment('d-good', { status: 'Succeeded', completed_at_ms: 1, wake_at_ms: null }))
        .execute();
      await tx.updateTable('deployment_groups').set({ last_successful_deployment_id: 'd-good' }).execute();
    });
    await world.wait('launching');
    const beganAtMs = world.clock.now();
    const before = calls.length;
    await until(() => calls.filter((call) => call === 'beat blue i-1').length === 2, 30_000);
    expect(world.clock.now() - beganAtMs).toBeGreaterThanOrEqual(2 * HEARTBEAT_MS);
    expect(calls.slice(before).filter((call) => call.includes('i-1'))).toEqual(['beat blue i-1', 'beat blue i-1']);
    world.failWith(new AwsFault('CompleteLifecycleAction blue i-1 CONTINUE', AWAY));
    await world.leave({ health: 'healthy', revision_identity: GOOD });
    // A look that is under way may add a call between two questions.
    await until(() => calls.filter((call) => call === 'CONTINUE blue i-1').length >= 3);
    world.failWith(null);
    const tolds = async () =>
      (await world.server.store.db.selectFrom('lifecycle_actions').select('told_at_ms').execute())[0]?.told_at_ms;
    await until(async () => typeof (await tolds()) === 'number');
    await world.wait('in-service');
    await until(async () => (await tolds()) === undefined);
    await world.wait('launching');
    await world.leave({ health: 'unhealthy', tries_of: 'd-good', failed_tries: 1 });
    await until(() => calls.includes('ABANDON blue i-1'));
  });

  test('let an instance go on into a warm pool at once, and hold it when it comes into service', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database, { autoScalingGroups: ['blue'] });
    const { calls, until } = world;
    await world.server.store.transaction(async (tx) => {
      await tx
        .insertInto('deployments')
        .values(newDeployment('d-good', { status: 'Succeeded', completed_at_ms: 1, wake_at_ms: null }))
        .execute();
      await tx.updateTable('deployment_groups').set({ last_successful_deployment_id: 'd-good' }).execute();
    });
    await world.wait('warming');
    await until(() => calls.includes('CONTINUE blue i-1'));
    world.clock.advance(1_000);
    // No look lies between the two waits.
    await world.wait('launching');
    await until(() => calls.includes('beat blue i-1'), 30_000);
    expect(calls.filter((call) => call.includes('i-1'))).toEqual(['CONTINUE blue i-1', 'beat blue i-1']);
    await world.leave({ health: 'healthy', revision_identity: GOOD });
    await until(() => calls.filter((call) => call === 'CONTINUE blue i-1').length === 2);
  });

  test('hold an instance that is terminated until its application has been stopped, or could not be', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database, { autoScalingGroups: ['blue'], terminationHookEnabled: true });
    const { server, calls, until } = world;
    const { store } = server;
    await startDeployment(server, 'd-good', { settings_json: null });
    await runHost(server, 'web-1');
    const before = await store.db.selectFrom('host_states').selectAll().execute();
    const readAtMs = world.clock.now() + 86_400_000;
    const fleet = { deployment_group_id: GROUP_ID, read_at_ms: readAtMs, failing_json: null };
    await store.transaction((tx) => putFleet(tx, fleet));
    for (const [count, errorCode] of [
      [1, 0],
      [2, 4],
    ] as const) {
      await world.wait('terminating');
      const creator = 'autoscalingTermination';
      const terminations = () =>
        store.db
          .selectFrom('deployments')
          .selectAll()
          .where('creator', '=', creator)
          .orderBy('created_at_ms')
          .execute();
      await until(async () => (await terminations())[count - 1]?.status === 'InProgress');
      expect(calls.filter((call) => call === 'CONTINUE blue i-1')).toHaveLength(count - 1);
      expect(await runHost(server, 'web-1', () => ({ errorCode }))).toEqual(['ApplicationStop']);
      await until(() => calls.filter((call) => call === 'CONTINUE blue i-1').length === count);
      expect((await terminations()).at(-1)?.status).toBe(errorCode === 0 ? 'Succeeded' : 'Failed');
      await world.wait('in-service');
      await until(async () => (await store.db.selectFrom('lifecycle_actions').selectAll().execute()).length === 0);
    }
    expect(await store.db.selectFrom('host_states').selectAll().execute()).toEqual(before);
    const { last_successful_deployment_id } = await store.db
      .selectFrom('deployment_groups')
      .selectAll()
      .executeTakeFirstOrThrow();
    expect(last_successful_deployment_id).toBe('d-good');
  });
});

test.each<[string, Partial<Parameters<typeof terminationStanding>[0]>, number, string | null]>([
  ['no host is it', { instanceId: null }, 0, 'CONTINUE'],
  ['nothing was deployed to it', { deployment: 'none' }, 0, 'CONTINUE'],
  ['the group has another deployment', { deployment: null }, TERMINATION_LIMIT_MS - 1, null],
  ['the group has another deployment for an hour', { deployment: null }, TERMINATION_LIMIT_MS, 'CONTINUE'],
  ['its deployment has ended', { deployment: 'ended' }, 0, 'CONTINUE'],
])('an instance that is terminated, where %s', (_title, changes, ageMs, result) => {
  const termination = { instanceId: 'id', deployment: 'under-way', beganAtMs: 1_000, ...changes } as const;
  expect(terminationStanding(termination, 1_000 + ageMs).result).toBe(result);
});

test.each<[string, Partial<Parameters<typeof launchStanding>[0]>, number, string | null]>([
  ['nobody has deployed to the group yet', { good: null }, 0, 'CONTINUE'],
  ['no host is it yet', { instanceId: null }, LAUNCH_LIMIT_MS - 1, null],
  ['no host was it within an hour', { instanceId: null }, LAUNCH_LIMIT_MS, 'ABANDON'],
  ['its host was not deployed to within an hour', {}, LAUNCH_LIMIT_MS, 'ABANDON'],
  ['a deployment of the group takes longer', { isBusy: true }, 9 * LAUNCH_LIMIT_MS, null],
])('an instance that is launched, where %s', (_title, changes, ageMs, result) => {
  const good = { deploymentId: 'd-1', revision: 'one' };
  const launch = { good, instanceId: 'id', state: null, isBusy: false, beganAtMs: 1_000, ...changes };
  expect(launchStanding(launch, 1_000 + ageMs).result).toBe(result);
});

test('a failure from before the launch, or with an older revision, does not give the instance up', () => {
  const good = { deploymentId: 'd-2', revision: 'two' };
  const failed = { health: 'unhealthy', revision_identity: null, failed_tries: 1 } as const;
  const at = (tries_of: string, left_at_ms: number) =>
    launchStanding(
      { good, instanceId: 'id', state: { ...failed, tries_of, left_at_ms }, isBusy: false, beganAtMs: 1_000 },
      2_000,
    ).result;
  expect([at('d-2', 1_000), at('d-2', 999), at('d-1', 1_500)]).toEqual(['ABANDON', null, null]);
});

test('a hook has a name that Auto Scaling takes, whatever the deployment group is called', () => {
  expect(hookName('launch', 'web', 'u-1')).toBe('CodeDeploy-managed-automatic-launch-deployment-hook-web-u-1');
  const longest = hookName('termination', 'Größe + "1"'.padEnd(100, '.'), '0'.repeat(36));
  expect(longest).toMatch(/^[A-Za-z0-9_/-]{1,255}$/);
});

test('a call that fails again and again is made after one second at first, and after five minutes at last', () => {
  expect([1, 2, 3, 9, 10, 1_000].map((calls) => pauseAfter({ calls }))).toEqual([
    1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
  ]);
});
