import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { type DeploymentSettings, settingsOf } from '../../../src/server/engine/settings.ts';
import { AwsFault } from '../../../src/server/outside/aws/aws-fault.ts';
import type { ScalingActions } from '../../../src/server/outside/aws/scaling-actions.ts';
import { askForSuspension } from '../../../src/server/store/suspensions.ts';
import { startSuspensionWatch } from '../../../src/server/work/watch-suspensions.ts';
import { manualClock } from '../../support/clock.ts';
import { deploymentOf, engineServer, makeFleet, runHost, startDeployment } from '../../support/engine-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeStores, OFTEN, passWhenCalm } from '../../support/stores.ts';

const ID = 'd-1';
const FLEET = { onPremisesInstanceTagFilters: [{ Key: 'in', Value: 'fleet', Type: 'KEY_AND_VALUE' as const }] };
const SUSPENDS = { autoScalingGroups: ['blue'], processes: ['Terminate', 'AZRebalance'] };
const AWAY = { trouble: 'away', code: '', answer: 'there was no answer in time' } as const;
const REFUSED = { trouble: 'refused', code: 'ValidationError', answer: 'ValidationError: no' } as const;

async function openWorld(database: Parameters<typeof engineServer>[0], atRestBefore: readonly string[] = []) {
  const clock = manualClock();
  const server = await engineServer(database, { clock });
  await makeFleet(server.store, ['web-1']);
  const atRest = new Set(atRestBefore);
  const calls: string[] = [];
  const faults: { suspend?: AwsFault; resume?: AwsFault } = {};
  const call = (kind: 'suspend' | 'resume', processes: readonly string[]) => {
    calls.push(`${kind} ${processes.join(' ')}`);
    const fault = faults[kind];
    if (fault !== undefined) throw fault;
    for (const process of processes) kind === 'suspend' ? atRest.add(process) : atRest.delete(process);
  };
  const actions: Pick<ScalingActions, 'suspendedProcesses' | 'suspend' | 'resume'> = {
    suspendedProcesses: async () => [...atRest],
    suspend: async (_, processes) => call('suspend', processes),
    resume: async (_, processes) => call('resume', processes),
  };
  const watchAgain = () => startSuspensionWatch({ ...server, clock, log: silentLogger, actions });
  let watch = watchAgain();
  return {
    ...{ server, clock, calls, faults, atRest },
    async start() {
      const settings: DeploymentSettings = { ...settingsOf(FLEET, {}), suspends: SUSPENDS };
      const settings_json = JSON.stringify(settings);
      await startDeployment(server, ID, { settings_json, created_at_ms: clock.now(), wake_at_ms: clock.now() });
    },
    status: async () => (await deploymentOf(server.store, ID)).status,
    async until(isSo: () => boolean | Promise<boolean>, stepMs = 1_000) {
      await eventually(async () => {
        if (await isSo()) return true;
        await passWhenCalm(server, clock, stepMs);
        return false;
      }, OFTEN);
    },
    async crash() {
      await watch.close();
      return () => {
        watch = watchAgain();
      };
    },
    async [Symbol.asyncDispose]() {
      await watch.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describeStores('processes of Auto Scaling groups', (kind) => {
  test('are suspended before the first host is touched and resumed before the deployment ends, except those that were suspended before', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database, ['AZRebalance', 'Launch']);
    const { server, calls, until, status } = world;
    await world.start();
    expect(await status()).toBe('Created');
    await until(async () => (await status()) === 'InProgress');
    expect(calls).toEqual(['suspend Terminate']);
    const restart = await world.crash();
    await runHost(server, 'web-1');
    expect(await status()).toBe('InProgress');
    restart();
    await until(async () => (await status()) === 'Succeeded');
    expect(calls).toEqual(['suspend Terminate', 'resume Terminate']);
    expect([...world.atRest].toSorted()).toEqual(['AZRebalance', 'Launch']);
  });

  test('suspended for two deployments are resumed when both have ended, also if one was deleted', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    const { server, until, status } = world;
    await world.start();
    await until(async () => (await status()) === 'InProgress');
    const other = { ...SUSPENDS, processes: ['Terminate'] };
    await server.store.transaction(async (tx) => {
      await askForSuspension(tx, 'd-of-somebody', JSON.stringify(other), world.clock.now());
      // As if its deployment ran: it is not looked at until that is gone.
      await tx
        .updateTable('suspensions')
        .set({ state: 'suspended' })
        .where('deployment_id', '=', 'd-of-somebody')
        .execute();
      await tx
        .insertInto('suspended_processes')
        .values({ deployment_id: 'd-of-somebody', auto_scaling_group: 'blue', process: 'Terminate' })
        .execute();
    });
    await until(
      async () => (await server.store.db.selectFrom('suspended_processes').selectAll().execute()).length === 2,
    );
    expect([...world.atRest].toSorted()).toEqual(['AZRebalance', 'Terminate']);
    await server.stop(ID);
    await runHost(server, 'web-1');
    await until(async () => (await status()) === 'Stopped');
    expect([...world.atRest]).toEqual([]);
  });

  test('processes of Auto Scaling groups that AWS refuses to suspend fail the deployment before a host is touched', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    world.faults.suspend = new AwsFault('SuspendProcesses blue Terminate AZRebalance', AWAY);
    await world.start();
    await world.until(async () => (await world.status()) === 'Failed', 5_000);
    const { error_code, error_message } = await deploymentOf(world.server.store, ID);
    expect(error_code).toBe('INTERNAL_ERROR');
    expect(error_message).toContain(
      'SuspendProcesses blue Terminate AZRebalance. The answer: there was no answer in time',
    );
    expect(world.calls.length).toBeGreaterThanOrEqual(5);
    // Perhaps AWS did it anyway, and only its answer was lost.
    await world.until(() => world.calls.includes('resume Terminate AZRebalance'));
  });

  test('processes of Auto Scaling groups that AWS refuses to resume fail the deployment with that reason', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database);
    world.faults.resume = new AwsFault('ResumeProcesses blue Terminate AZRebalance', REFUSED);
    await world.start();
    await world.until(async () => (await world.status()) === 'InProgress');
    await runHost(world.server, 'web-1');
    await world.until(async () => (await world.status()) === 'Failed');
    const { error_code, error_message } = await deploymentOf(world.server.store, ID);
    expect(error_code).toBe('AUTO_SCALING_CONFIGURATION');
    expect(error_message).toContain('stay suspended: resume them by hand');
  });
});
