import fc from 'fast-check';
import { expect, test } from 'vitest';
import { databaseClock } from '../../../src/server/store/database-clock.ts';
import { giveDeploymentOrder, NO_EVENT } from '../../../src/server/store/deployment-orders.ts';
import { insertDeployment } from '../../../src/server/store/deployments.ts';
import {
  giveOrder,
  leaseOrders,
  nextOrderAtMs,
  openOrdersOf,
  orderIdOf,
  renewLease,
  reportOrder,
} from '../../../src/server/store/orders.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { makeFleet, newDeployment } from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const EVENT = { deploymentId: 'd-1', instanceId: 'i-1', position: 1 };
/** Order about a host of its own. */
const eventAt = (position: number) => ({ ...EVENT, instanceId: `i-${position}`, position });
const ORDER = orderIdOf(EVENT);
const KINDS = ['BlockTraffic', 'AllowTraffic'];
const NOTHING = { memory_json: null, last_call: null, last_answer: null };

async function makeOrders(store: Store, positions: readonly number[] = [1], nowMs = 0): Promise<void> {
  await makeFleet(store, []);
  await store.transaction(async (tx) => {
    await insertDeployment(tx, newDeployment('d-1'));
    for (const position of positions) await giveOrder(tx, eventAt(position), 'BlockTraffic', nowMs);
  });
}

const lease = (store: Store, leaseId: string, nowMs: number, untilMs: number, limit = 10) =>
  store.transaction((tx) => leaseOrders(tx, { leaseId, nowMs, untilMs, limit, kinds: KINDS }));
const report = (store: Store, leaseId: string, wake_at_ms: number | null, orderId = ORDER) =>
  store.transaction((tx) => reportOrder(tx, { orderId, leaseId }, { ...NOTHING, wake_at_ms }));

describeStores('orders', (kind) => {
  test('an order that is given twice is one order, and keeps what is known of it', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeOrders(store);
    await lease(store, 'first', 0, 100);
    await store.transaction((tx) => giveOrder(tx, EVENT, 'BlockTraffic', 50));
    expect(await openOrdersOf(store.db, 'd-1')).toMatchObject([{ order_id: ORDER, lease_id: 'first', given_at_ms: 0 }]);
  });

  test('an order is leased only by who knows how to carry out its kind', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeOrders(store);
    const own = { deploymentId: 'd-1', kind: 'ProvisionByProgram', subjectId: 'd-1' } as const;
    await store.transaction((tx) => giveDeploymentOrder(tx, own, { originals: 2 }, 5));
    await store.transaction((tx) => giveDeploymentOrder(tx, own, { originals: 9 }, 7));
    const ask = (kinds: readonly string[]) =>
      store.transaction((tx) => leaseOrders(tx, { leaseId: 'x', nowMs: 10, untilMs: 20, limit: 10, kinds }));
    expect(await nextOrderAtMs(store.db, 10, ['ProvisionByProgram'])).toBe(5);
    expect(await ask(['TerminateByProgram'])).toEqual([]);
    expect(await ask(['ProvisionByProgram'])).toMatchObject([
      { deployment_id: 'd-1', instance_id: 'd-1', position: NO_EVENT, memory_json: '{"originals":2}', outcome: null },
    ]);
    expect(await ask(KINDS)).toMatchObject([{ order_id: ORDER }]);
  });

  test('a lease goes by the clock of the database, whatever the time is on the server that asks', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeOrders(store);
    const ask = (leaseId: string, nowMs: number, leaseNowMs: number) =>
      store.transaction((tx) =>
        leaseOrders(tx, { leaseId, nowMs, leaseNowMs, untilMs: leaseNowMs + 100, limit: 10, kinds: KINDS }),
      );
    expect(await ask('first', 0, 1_000)).toHaveLength(1);
    // Its own clock is an hour ahead.
    expect(await ask('ahead', 3_600_000, 1_050)).toEqual([]);
    expect(await ask('behind', 0, 1_100)).toHaveLength(1);
    const clock = databaseClock(store, { now: () => 7 });
    const isShared = Math.abs((await clock.nowMs()) - Date.now()) < 60_000;
    expect(isShared).toBe(kind.dialect === 'postgres');
    if (kind.dialect === 'sqlite') expect(await clock.nowMs()).toBe(7);
  });

  test('a lease that is over is lost once another one was taken: it cannot be renewed, and its report is refused', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeOrders(store);
    expect(await lease(store, 'first', 0, 100)).toHaveLength(1);
    expect(await lease(store, 'second', 99, 200)).toEqual([]);
    expect(await renewLease(store.db, { orderId: ORDER, leaseId: 'first' }, 50, 150)).toBe(true);
    expect(await lease(store, 'second', 149, 200)).toEqual([]);
    expect(await lease(store, 'second', 150, 250)).toHaveLength(1);
    expect(await renewLease(store.db, { orderId: ORDER, leaseId: 'first' }, 160, 300)).toBe(false);
    expect(await report(store, 'first', null)).toBe(false);
    expect(await report(store, 'second', 400)).toBe(true);
    expect(await openOrdersOf(store.db, 'd-1')).toMatchObject([{ wake_at_ms: 400, lease_id: null }]);
    // A lease is given back with its report, which therefore counts once.
    expect(await report(store, 'second', null)).toBe(false);
  });

  test('a report is kept whatever the load balancer has answered, also what PostgreSQL does not take', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeOrders(store);
    await lease(store, 'first', 0, 100);
    const said = { wake_at_ms: 50, memory_json: null, last_call: 'POST /\0', last_answer: '500 \0 \ud800' };
    expect(await store.transaction((tx) => reportOrder(tx, { orderId: ORDER, leaseId: 'first' }, said))).toBe(true);
    const kept = { last_call: 'POST /\ufffd', last_answer: '500 \ufffd \ufffd' };
    expect(await openOrdersOf(store.db, 'd-1')).toMatchObject([kept]);
  });

  test('an order waits while another one about its host is leased, so that two calls never move one host both ways', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeOrders(store);
    await lease(store, 'first', 0, 100);
    const later = { ...EVENT, position: 2 };
    await store.transaction((tx) => giveOrder(tx, later, 'AllowTraffic', 10));
    await store.transaction((tx) => giveOrder(tx, { ...later, instanceId: 'i-2' }, 'AllowTraffic', 10));
    expect((await lease(store, 'second', 20, 120)).map((row) => row.instance_id)).toEqual(['i-2']);
    await report(store, 'first', null);
    expect(await lease(store, 'third', 30, 130)).toMatchObject([{ instance_id: 'i-1', position: 2 }]);
  });

  test('two due orders about one subject are not leased together, so that a rollback waits for the call before it', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeOrders(store);
    const later = { ...EVENT, position: 2 };
    await store.transaction((tx) => giveOrder(tx, later, 'AllowTraffic', 10));
    expect((await lease(store, 'first', 20, 120)).map((row) => row.position)).toEqual([1]);
    expect(await lease(store, 'second', 30, 130)).toEqual([]);
    await report(store, 'first', null);
    expect((await lease(store, 'third', 40, 140)).map((row) => row.position)).toEqual([2]);
  });

  test('two servers that lease at the same time never get two orders about one subject', async () => {
    await using database = await kind.create();
    const servers = [await database.open(), await database.open()] as const;
    const [store] = servers;
    await makeOrders(store);
    await store.transaction((tx) => giveOrder(tx, { ...EVENT, position: 2 }, 'AllowTraffic', 0));
    for (let nowMs = 0; nowMs < 500; nowMs += 100) {
      // One order each: the second server passes over the one that the first has locked.
      const leased = await Promise.all(
        servers.map((server, index) => lease(server, `${nowMs}-${index}`, nowMs, nowMs + 100, 1)),
      );
      expect(leased.flat().length).toBeLessThanOrEqual(1);
    }
    if (kind.dialect !== 'postgres') return;
    // The first server has leased, and its transaction is not over yet.
    const [first, second] = await store.transaction(async (tx) => {
      const request = { leaseId: 'first', nowMs: 3_000, untilMs: 3_100, limit: 1, kinds: KINDS };
      return [await leaseOrders(tx, request), await lease(servers[1], 'second', 3_000, 3_100)] as const;
    });
    expect([first.length, second.length]).toEqual([1, 0]);
  });

  test('orders are leased when their time has come, the longest waiting first, and never when they are over', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeOrders(store, [1, 2, 3]);
    await lease(store, 'a', 0, 10);
    for (const [position, wakeAtMs] of [
      [1, 50],
      [2, 20],
      [3, null],
    ] as const) {
      await report(store, 'a', wakeAtMs, orderIdOf(eventAt(position)));
    }
    expect(await nextOrderAtMs(store.db, 0, KINDS)).toBe(20);
    expect(await lease(store, 'b', 19, 100)).toEqual([]);
    expect((await lease(store, 'b', 60, 100, 1)).map((row) => row.position)).toEqual([2]);
    expect(await nextOrderAtMs(store.db, 60, KINDS)).toBe(50);
    expect((await lease(store, 'c', 60, 100)).map((row) => row.position)).toEqual([1]);
    expect(await nextOrderAtMs(store.db, 60, KINDS)).toBeNull();
  });

  test('two servers that lease at the same moment get each order once', async () => {
    await using database = await kind.create();
    const [one, other] = [await database.open(), await database.open()];
    await makeOrders(one, [1, 2, 3, 4, 5, 6]);
    const taken = await Promise.all([lease(one, 'a', 1, 100, 4), lease(other, 'b', 1, 100, 4)]);
    const ids = taken.flat().map((row) => row.order_id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describeStores('whatever servers do with an order, in whatever order', (kind) => {
  test('one holds it at a time, and only its report counts', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeOrders(store);
    const step = fc.tuple(fc.constantFrom('lease', 'renew', 'report'), fc.constantFrom('a', 'b', 'c'), fc.nat(40));
    let nowMs = 0;
    let leases = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        // What each server believes to hold; the model of who does.
        const held = new Map<string, string>();
        let holder: { readonly leaseId: string; untilMs: number } | null = null;
        nowMs += 1_000;
        await lease(store, 'reset', nowMs, nowMs + 1);
        await report(store, 'reset', nowMs);
        for (const [what, server, passes] of steps) {
          nowMs += passes;
          const leaseId = held.get(server) ?? 'none';
          if (what === 'lease') {
            leases += 1;
            const mine = `${server}-${leases}`;
            const isFree: boolean = holder === null || holder.untilMs <= nowMs;
            expect(await lease(store, mine, nowMs, nowMs + 50)).toHaveLength(isFree ? 1 : 0);
            if (isFree) {
              holder = { leaseId: mine, untilMs: nowMs + 50 };
              held.set(server, mine);
            }
          } else if (what === 'renew') {
            const isMine: boolean = holder?.leaseId === leaseId && (holder?.untilMs ?? 0) > nowMs;
            expect(await renewLease(store.db, { orderId: ORDER, leaseId }, nowMs, nowMs + 50)).toBe(isMine);
            if (isMine && holder !== null) holder.untilMs = nowMs + 50;
          } else {
            const isMine: boolean = holder?.leaseId === leaseId;
            expect(await report(store, leaseId, nowMs)).toBe(isMine);
            if (isMine) holder = null;
          }
        }
      }),
      { numRuns: kind.dialect === 'sqlite' ? 40 : 15 },
    );
  });
});
