/** Programs that make and end the hosts of blue/green deployments: real processes, and an engine whose clock the test moves. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { endEvent, reportOn } from '../../../src/server/engine/event-reports.ts';
import { replacementPlan, withHands } from '../../../src/server/engine/hosts/blue-green-plan.ts';
import type { FleetPrograms, Program } from '../../../src/server/outside/fleet-programs.ts';
import { deploymentOrdersOf } from '../../../src/server/store/deployment-orders.ts';
import { keyOf, lockEvent } from '../../../src/server/store/lifecycle-events.ts';
import { createBell } from '../../../src/server/work/bell.ts';
import { fleetHandlers, PACE_OF_PROGRAMS } from '../../../src/server/work/fleet-orders.ts';
import type { OrderHandler } from '../../../src/server/work/order.ts';
import { startWorker } from '../../../src/server/work/worker.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  type EngineServer,
  engineServer,
  makeFleet,
  revisionJson,
  runHost,
  startDeployment,
  targetsByName,
} from '../../support/engine-world.ts';
import { eventually } from '../../support/eventually.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';
import { describeStores, type TestDatabase } from '../../support/stores.ts';

const ID = 'd-BLUEGREEN';
const HOSTS = ['old-1', 'old-2', 'new-1', 'new-2'];
const TARGETS = { tagFilters: [{ Key: 'fleet', Value: 'new', Type: 'KEY_AND_VALUE' }] };
const FILTERS = [{ Key: 'fleet', Value: 'old', Type: 'KEY_AND_VALUE' }];
const NEVER = new Promise<never>(() => undefined);

/** A server with two original hosts, and two that carry the tags of the replacement only once a test says so. */
async function world(database: TestDatabase) {
  const clock = manualClock();
  const server = await engineServer(database, { clock });
  await makeFleet(server.store, HOSTS, { onPremisesInstanceTagFilters: FILTERS });
  const enrol = async (...names: readonly string[]) => {
    for (const name of names) {
      const row = { instance_id: `id-of-${name}`, instance_name: name, tag_key: 'fleet', tag_value: name.slice(0, 3) };
      await server.store.db.insertInto('instance_tags').values(row).execute();
    }
  };
  await enrol('old-1', 'old-2');
  return { clock, server, enrol, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function start(server: EngineServer, hands: { provision: boolean; terminate: boolean }): Promise<void> {
  const configuration = { terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE' } };
  const blueGreen = withHands(replacementPlan(configuration, TARGETS), hands);
  await startDeployment(server, ID, {
    revision_json: revisionJson('two.tgz'),
    options_json: JSON.stringify({ targetInstances: TARGETS }),
    settings_json: JSON.stringify({
      ...{ filterLists: [FILTERS], rollbackEvents: ['DEPLOYMENT_FAILURE'], loadBalancerInfo: {}, blueGreen },
    }),
  });
}

function startPrograms(server: EngineServer, clock: ManualClock, handlers: Readonly<Record<string, OrderHandler>>) {
  const base = { store: server.store, engine: server.engine, clock, random: systemRandom, log: silentLogger };
  const leaseClock = { nowMs: async () => clock.now() };
  const worker = startWorker({ ...base, bell: createBell(), leaseClock, handlers, pace: PACE_OF_PROGRAMS });
  return { [Symbol.asyncDispose]: () => worker.close() };
}

function programs(server: EngineServer, clock: ManualClock, found: Partial<FleetPrograms>) {
  const findPrograms = () => ({ provision: null, terminate: null, ...found });
  return startPrograms(server, clock, fleetHandlers({ store: server.store, clock, findPrograms }));
}

/** A program that appends what it was asked to a file, and then does as the test says. */
function program(scratch: ScratchFolder, name: string, body: string, more: Partial<Program> = {}): Program {
  const file = scratch.at(`${name}.sh`);
  const log = scratch.word(`${name}.log`);
  writeFileSync(
    file,
    `#!/bin/sh\necho "$SLIPWAY_REQUEST_ID $SLIPWAY_HOST$SLIPWAY_COUNT $SLIPWAY_TAGS" >> ${log}\n${body}\n`,
    {
      mode: 0o755,
    },
  );
  return { command: [file], limitMs: 60_000, mayRunAgain: false, ...more };
}

function loggedBy(scratch: ScratchFolder, name: string): readonly string[] {
  const file = scratch.at(`${name}.log`);
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

/** Hosts and balancers do all that they are told, until the deployment is over or the test has seen what it waits for. */
async function workUntil(
  server: EngineServer,
  clock: ManualClock,
  isSeen: () => Promise<boolean> | boolean = () => false,
) {
  await eventually(async () => {
    clock.advance(2_000);
    for (const { target_id, status, events } of Object.values(await targetsByName(server.store, ID))) {
      if (status === 'InProgress') await runHost(server, target_id);
      for (const event of events) {
        if (event.status !== 'InProgress' || event.host_command_id !== null) continue;
        await reportOn(
          { store: server.store, clock, engine: server.engine },
          { find: (tx) => lockEvent(tx, keyOf(event)), answerForUnknown: undefined, durability: 'lazy' },
          async (tx, found) => ({
            answer: undefined,
            changed: await endEvent(tx, { event: found, status: 'Succeeded', reported: null }, clock.now()),
          }),
        );
      }
    }
    return (await isSeen()) || (await deploymentOf(server.store, ID)).completed_at_ms !== null;
  });
}

async function endOf(server: EngineServer) {
  const { status, error_code, error_message, options_json } = await deploymentOf(server.store, ID);
  const { rollbackInfo } = JSON.parse(options_json) as { rollbackInfo?: { rollbackMessage: string } };
  const [group] = await server.store.db.selectFrom('deployment_groups').selectAll().execute();
  const isGreen = group?.settings_json.includes('"new"') === true && group.last_successful_deployment_id === ID;
  return { status, code: error_code, message: error_message ?? '', back: rollbackInfo?.rollbackMessage, isGreen };
}

describeStores('programs that make and end hosts', (kind) => {
  test('are asked for replacement hosts before anything begins, and for the end of each original host once all is over', async () => {
    using scratch = scratchFolder();
    await using database = await kind.create();
    await using at = await world(database);
    const { server, clock } = at;
    const provision = program(
      scratch,
      'make',
      `[ -e ${scratch.word('ready')} ] || exit 75\necho '{"hosts": ["new-1"]}'`,
    );
    const terminate = program(scratch, 'end', 'echo "$SLIPWAY_HOST is gone"; echo hm >&2');
    await using _ = programs(server, clock, { provision: { ...provision, enrolMs: 600_000 }, terminate });
    await start(server, { provision: true, terminate: true });
    // It is not done at once, and asks to be asked again.
    await workUntil(server, clock, () => loggedBy(scratch, 'make').length > 1);
    writeFileSync(scratch.at('ready'), '');
    await workUntil(server, clock, async () => {
      const [order] = await deploymentOrdersOf(server.store.db, [ID]);
      return order?.last_answer === '1 have not enrolled: new-1';
    });
    expect((await deploymentOf(server.store, ID)).status).toBe('Created');
    expect([...new Set(loggedBy(scratch, 'make'))]).toEqual([`${ID}/provision 2 {"fleet":"new"}`]);
    await at.enrol('new-2', 'new-1');
    await workUntil(server, clock);
    expect(await endOf(server)).toMatchObject({ status: 'Succeeded', code: null, isGreen: true });
    expect(Object.keys(await targetsByName(server.store, ID))).toHaveLength(4);
    expect(loggedBy(scratch, 'end').toSorted()).toEqual(
      ['old-1', 'old-2'].map((name) => `${ID}/terminate/${name} ${name} {"fleet":"old","in":"fleet"}`),
    );
    const orders = await deploymentOrdersOf(server.store.db, [ID]);
    expect(orders.map(({ outcome }) => outcome)).toEqual(Array(3).fill('Succeeded'));
    expect(orders.find(({ instance_id }) => instance_id === 'id-of-old-2')?.message).toBe('exit 0\nold-2 is gone\nhm');
  });

  const killed = [
    ['provision', true, ['Succeeded', 1]],
    ['provision', false, ['Succeeded', 0]],
    ['terminate', true, ['Succeeded', 2]],
    ['terminate', false, ['Failed', 0]],
  ] as const;
  test.each(killed.filter(([what]) => what === 'terminate' || kind.dialect === 'sqlite'))(
    '%s: a run whose server was killed is repeated when the program may be run again (%s), and else nobody repeats it',
    async (what, mayRunAgain, [status, runs]) => {
      using scratch = scratchFolder();
      await using database = await kind.create();
      await using at = await world(database);
      const { server, clock } = at;
      const begun = new Set<string>();
      // It has noted that it begins, and nothing of it is heard any more.
      const dying: OrderHandler = async (order, call) => {
        await call.remember({ begunAtMs: clock.now(), isRunning: true, runs: 1, originals: 2 }, 'a program');
        begun.add(order.instance_id);
        return NEVER;
      };
      const base = { store: server.store, engine: server.engine, clock, random: systemRandom, log: silentLogger };
      const leaseClock = { nowMs: async () => clock.now() };
      const handlers = { ProvisionByProgram: dying, TerminateByProgram: dying };
      startWorker({ ...base, bell: createBell(), leaseClock, handlers });
      await at.enrol('new-1', 'new-2');
      await start(server, { provision: what === 'provision', terminate: what === 'terminate' });
      await workUntil(server, clock, () => begun.size === (what === 'provision' ? 1 : 2));
      const one = program(scratch, 'one', 'true', { mayRunAgain, limitMs: 600_000 });
      await using _ = programs(server, clock, { provision: { ...one, enrolMs: 60_000 }, terminate: one });
      await workUntil(server, clock);
      const end = await endOf(server);
      expect(end).toMatchObject({ status, isGreen: true });
      expect(loggedBy(scratch, 'one')).toHaveLength(runs);
      if (status === 'Failed') expect(end.message).toContain('it is not known what it has done');
    },
  );

  const faults = [
    ['fails', 'echo no quota >&2; exit 3', 'exit 3\nno quota'],
    ['hangs', 'echo so far; exec sleep 600', 'it did not end in time; it had written: so far'],
    ['cannot be started', null, 'ENOENT'],
    ['makes no hosts that enrol', 'echo made >&2', '2 did not enrol with the tags of targetInstances within 1 seconds'],
  ] as const;
  test.each(faults.slice(0, kind.dialect === 'sqlite' ? faults.length : 1))(
    'a deployment fails by name, before anything is done, when its provision program %s',
    async (_title, body, said) => {
      using scratch = scratchFolder();
      await using database = await kind.create();
      await using at = await world(database);
      const { server, clock } = at;
      const one =
        body === null ? { ...program(scratch, 'x', ''), command: [scratch.at('none')] } : program(scratch, 'x', body);
      const limitMs = body?.includes('sleep') ? 700 : 60_000;
      await using _ = programs(server, clock, { provision: { ...one, limitMs, enrolMs: 1_000 } });
      await start(server, { provision: true, terminate: false });
      await workUntil(server, clock);
      const end = await endOf(server);
      expect(end).toMatchObject({ status: 'Failed', code: 'HOOK_EXECUTION_FAILURE', isGreen: false });
      expect(end.message).toContain(said);
      expect(end.back).toContain('no traffic was rerouted');
      expect(Object.keys(await targetsByName(server.store, ID))).toEqual([]);
    },
  );

  test('a deployment whose original hosts cannot all be ended fails by name, keeps the traffic where it is, and is the group', async () => {
    using scratch = scratchFolder();
    await using database = await kind.create();
    await using at = await world(database);
    const { server, clock } = at;
    await at.enrol('new-1', 'new-2');
    const terminate = program(scratch, 'end', 'test "$SLIPWAY_HOST" = old-1 || { echo protected; exit 1; }');
    await using _ = programs(server, clock, { terminate });
    await start(server, { provision: false, terminate: true });
    await workUntil(server, clock);
    const end = await endOf(server);
    expect(end).toMatchObject({ status: 'Failed', code: 'HOOK_EXECUTION_FAILURE', isGreen: true });
    expect(end.message).toMatch(/^1 of 2 original instances were not terminated\..* failed: exit 1\nprotected/s);
    expect(end.back).toContain('being terminated, or are gone');
  });

  test('a stop ends a deployment whose hosts are being made, and its program is not asked again', async () => {
    using scratch = scratchFolder();
    await using database = await kind.create();
    await using at = await world(database);
    const { server, clock } = at;
    const one = program(scratch, 'x', 'exit 75');
    await using _ = programs(server, clock, { provision: { ...one, enrolMs: 1_000 } });
    await start(server, { provision: true, terminate: false });
    await workUntil(server, clock, () => loggedBy(scratch, 'x').length > 0);
    await server.stop(ID);
    await eventually(async () => {
      clock.advance(5_000);
      return (await deploymentOrdersOf(server.store.db, [ID])).every(({ wake_at_ms }) => wake_at_ms === null);
    });
    expect(await endOf(server)).toMatchObject({ status: 'Stopped', code: 'MANUAL_STOP' });
  });
});
