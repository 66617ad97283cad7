import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { disableKey } from '../../../src/server/engine/disable-key.ts';
import { enableKey } from '../../../src/server/engine/enable-key.ts';
import { startPowerWatch } from '../../../src/server/engine/power-watch.ts';
import { createWaiters } from '../../../src/server/engine/waiters.ts';
import { createAccessKey } from '../../../src/server/store/access-keys.ts';
import { findPowerless, lockPower, lostPowersOf, powerfulKeys } from '../../../src/server/store/powers.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { askerOf } from '../../support/asker.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  type EngineServer,
  engineServer,
  hostArn,
  keyOfHost,
  makeFleet,
  pollNow,
  startDeployment,
  statusesOf,
  targetsByName,
} from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const disable = (store: Store, host: string, nowMs = 1) =>
  store.transaction((tx) => disableKey(tx, { store, clock: { now: () => nowMs } }, keyOfHost(host)));

/** A second key of the host. @returns its id */
async function anotherKey(store: Store, host: string): Promise<string> {
  const sealer = { seal: (text: string) => text, open: (text: string) => text };
  const key = { role: 'host', hostArn: hostArn(host), description: '' } as const;
  return (await createAccessKey(store.db, { sealer, random: systemRandom, nowMs: 2 }, key)).accessKeyId;
}

describeStores('a key without power', (kind) => {
  test.each([
    ['was disabled', 'disabled on 1970-01-01'],
    ['speaks for a host that was deregistered', 'deregistered on 1970-01-01'],
    ['speaks for a host that nobody has registered', 'nobody has registered it'],
    ['is gone', 'not known'],
  ])(
    'a key without power that %s gets no command, no specification, no acknowledgement and no report, and is told why',
    async (what, why) => {
      await using database = await kind.create();
      await using server = await engineServer(database, { clock: manualClock(5) });
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1', { created_at_ms: 5, wake_at_ms: 5 });
      const command = await pollNow(server, 'a');
      if (command === null) throw new Error('there was no command');
      const { db } = server.store;
      // By hand, as any process might do it: the answers follow from the rows alone.
      if (what === 'was disabled') await disable(server.store, 'a');
      else if (what === 'is gone') await db.deleteFrom('access_keys').execute();
      else if (what.endsWith('deregistered'))
        await db.updateTable('instances').set({ deregistered_at_ms: 1 }).execute();
      else await db.deleteFrom('instances').execute();

      const caller = {
        accessKeyId: keyOfHost('a'),
        hostArn: hostArn('a'),
        agentVersion: 'test',
        asker: askerOf(),
      };
      const message = expect.stringContaining(why);
      await expect(server.acknowledge('a', command)).rejects.toMatchObject({ message });
      await expect(server.complete('a', command)).rejects.toMatchObject({ message });
      const { HostCommandIdentifier, DeploymentExecutionId } = command;
      await expect(server.commands.PostHostCommandUpdate({ HostCommandIdentifier }, caller)).rejects.toMatchObject({
        message,
      });
      await db.updateTable('lifecycle_events').set({ handed_out_at_ms: null }).execute();
      expect(
        await server.commands.PollHostCommand({ HostIdentifier: hostArn('a') }, { ...caller, mayHold: false }),
      ).toEqual({});
      await expect(
        server.commands.GetDeploymentSpecification({ HostIdentifier: hostArn('a'), DeploymentExecutionId }, caller),
      ).rejects.toMatchObject({ message });
      expect((await targetsByName(server.store, 'd-1'))['a']?.events[0]).toMatchObject({
        handed_out_at_ms: null,
        started_at_ms: null,
        ended_at_ms: null,
      });
    },
  );

  test('ends its open poll within one look of another process’s change, and the polls of others stay', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, ['a', 'b']);
    const clock = manualClock();
    const waiters = createWaiters();
    const watches = ['a', 'b'].map((host) => waiters.watch(hostArn(host), keyOfHost(host)));
    const transfers = { underWay: () => [] };
    const watch = startPowerWatch({ store, waiters, transfers, clock, log: silentLogger });
    await clock.nextSleep();
    await disable(await database.open(), 'a');
    const woken: string[] = [];
    const waits = watches.map((one, index) => one.woken().then(() => woken.push('ab'[index] ?? '')));
    clock.advance(1_000);
    await waits[0];
    await clock.nextSleep();
    expect(woken).toEqual(['a']);
    waiters.wakeAll();
    await Promise.all(waits);
    await watch.close();
    expect(await powerfulKeys(store.db, [keyOfHost('a'), keyOfHost('b'), 'none'])).toEqual(new Set([keyOfHost('b')]));
  });

  test('a key without power that is taken while its poll is held ends the poll empty, though a command becomes ready at the same time', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a']);
    const poll = server.poll('a');
    await disable(server.store, 'a');
    await startDeployment(server, 'd-1');
    expect(await poll).toBeNull();
  });

  test('shows up as a loss also when another key got its power back meanwhile', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, ['a']);
    const sealer = { seal: (text: string) => text, open: (text: string) => text };
    const key = { role: 'viewer', hostArn: null, description: '' } as const;
    const { accessKeyId } = await createAccessKey(store.db, { sealer, random: systemRandom, nowMs: 2 }, key);
    const clock = { now: () => 3 };
    await store.transaction((tx) => disableKey(tx, { store, clock }, accessKeyId));
    const before = await lostPowersOf(store.db);
    await store.transaction((tx) => enableKey(tx, { clock }, accessKeyId));
    await disable(store, 'a', 4);
    expect(await lostPowersOf(store.db)).not.toBe(before);
  });

  test('a key without power of a deregistered host stays without power when the host is registered again', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a']);
    await server.deregister('a');
    await server.store.db.updateTable('instances').set({ deregistered_at_ms: null }).execute();
    expect(await findPowerless(server.store.db, keyOfHost('a'))).toMatchObject({ why: 'disabled' });
  });

  // SQLite has one transaction at a time, which is the lock.
  if (kind.dialect !== 'postgres') return;
  test('changes nothing that is committed after it was disabled, though it was looked at before', async () => {
    await using database = await kind.create();
    const [one, two] = [await database.open(), await database.open()];
    await makeFleet(one, ['a']);
    const actor = { accessKeyId: keyOfHost('a'), hostArn: hostArn('a') };
    const locked = Promise.withResolvers<void>();
    const mayCommit = Promise.withResolvers<void>();
    const order: string[] = [];
    const work = one.transaction(async (tx) => {
      await lockPower(tx, actor);
      locked.resolve();
      await mayCommit.promise;
      order.push('host');
    });
    await locked.promise;
    const disabling = disable(two, 'a').then(() => order.push('disabled'));
    mayCommit.resolve();
    await Promise.all([work, disabling]);
    expect(order).toEqual(['host', 'disabled']);
    await expect(one.transaction((tx) => lockPower(tx, actor))).rejects.toMatchObject({
      type: 'UnrecognizedClientException',
    });
  });
});

describeStores('a host that is deregistered', (kind) => {
  test.each([
    ['that runs an event', true],
    ['that was given one and has not begun it', false],
  ])('%s ends it as Failed at once, says why, and the deployment goes on with the others', async (_, begins) => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await makeFleet(server.store, ['a', 'b']);
    await startDeployment(server, 'd-1');
    const command = await pollNow(server, 'a');
    if (command === null) throw new Error('there was no command');
    if (begins) await server.acknowledge('a', command);
    await server.deregister('a');
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Failed', b: 'InProgress' });
    const event = (await targetsByName(server.store, 'd-1'))['a']?.events[0];
    expect(event).toMatchObject({ status: 'Failed', ended_at_ms: expect.any(Number) });
    expect(event?.diagnostics_json).toContain('was deregistered on');
    await expect(server.complete('a', command)).rejects.toMatchObject({ type: 'UnrecognizedClientException' });
    await server.deregister('b');
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ status: 'Failed', wake_at_ms: null });
  });
});

describeStores('a host whose last enabled key is disabled', (kind) => {
  /** Two hosts: one runs an event, the other is given one. */
  async function begun(server: EngineServer) {
    await makeFleet(server.store, ['a', 'b']);
    await startDeployment(server, 'd-1');
    const command = await pollNow(server, 'a');
    if (command === null) throw new Error('there was no command');
    await server.acknowledge('a', command);
    return command;
  }
  const firstEvent = async (server: EngineServer, host: string) =>
    (await targetsByName(server.store, 'd-1'))[host]?.events[0];

  test('ends what it runs as Failed at once, says why, and the deployment goes on with the others', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    const command = await begun(server);
    await server.disable(keyOfHost('a'));
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Failed', b: 'InProgress' });
    const event = await firstEvent(server, 'a');
    expect(event).toMatchObject({ status: 'Failed', ended_at_ms: expect.any(Number) });
    expect(event?.diagnostics_json).toContain('The last key of the instance was disabled on');
    await expect(server.complete('a', command)).rejects.toMatchObject({ type: 'UnrecognizedClientException' });
    expect(await firstEvent(server, 'a')).toEqual(event);
    expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ status: 'InProgress' });
  });

  test('does so for another process, too, by the next look of a server', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await begun(server);
    await disable(await database.open(), 'a', clock.now());
    expect(await firstEvent(server, 'a')).toMatchObject({ status: 'Failed' });
    await clock.nextSleep();
    clock.advance(5_000);
    await clock.nextSleep();
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Failed', b: 'InProgress' });
  });

  test('gets nothing back by a key that is made anew: its report comes too late', async () => {
    await using database = await kind.create();
    // The server dies between the change and the step: the key is there before anybody decides.
    await using server = await engineServer(database, { diesBeforeStep: true });
    const command = await begun(server);
    await server.disable(keyOfHost('a'));
    const key = await anotherKey(server.store, 'a');
    await server.complete('a', command, {}, key);
    const event = await firstEvent(server, 'a');
    expect(event?.status).toBe('Failed');
    expect(event?.diagnostics_json).toMatch(/The last key.*Too late, the instance reported: Succeeded/);
    await server.engine.step('d-1');
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Failed', b: 'InProgress' });
  });

  test('leaves an event that it has not begun to a key that is made anew', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await begun(server);
    await server.disable(keyOfHost('b'));
    const key = await anotherKey(server.store, 'b');
    const command = await pollNow(server, 'b', key);
    if (command === null) throw new Error('there was no command');
    expect(await server.acknowledge('b', command, false, key)).toBe('InProgress');
  });

  test('goes on while it has another one, until that is disabled, in whatever order', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    const command = await begun(server);
    const key = await anotherKey(server.store, 'a');
    await server.disable(keyOfHost('a'));
    expect(await firstEvent(server, 'a')).toMatchObject({ status: 'InProgress' });
    await server.disable(keyOfHost('a'));
    expect(await firstEvent(server, 'a')).toMatchObject({ status: 'InProgress' });
    await server.complete('a', command, {}, key);
    expect(await firstEvent(server, 'a')).toMatchObject({ status: 'Succeeded' });
    const next = await pollNow(server, 'a', key);
    if (next === null) throw new Error('there was no command');
    await server.acknowledge('a', next, false, key);
    await server.disable(key);
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Failed', b: 'InProgress' });
  });

  test('has failed when its two keys are disabled at the same time', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    await begun(server);
    const keys = [keyOfHost('a'), await anotherKey(server.store, 'a')];
    await Promise.all(keys.map((key) => server.disable(key)));
    expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Failed', b: 'InProgress' });
  });

  test('has one outcome when it reports at the same moment: its own, or the loss of its key', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    const command = await begun(server);
    const [reported] = await Promise.allSettled([server.complete('a', command), server.disable(keyOfHost('a'))]);
    const event = await firstEvent(server, 'a');
    expect(event?.status).toBe(reported?.status === 'fulfilled' ? 'Succeeded' : 'Failed');
  });
});
