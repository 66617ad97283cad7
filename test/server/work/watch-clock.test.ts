import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { insertDeployment } from '../../../src/server/store/deployments.ts';
import { insertNotices } from '../../../src/server/store/notices.ts';
import { giveOrder } from '../../../src/server/store/orders.ts';
import { createBell } from '../../../src/server/work/bell.ts';
import { startClockWatch } from '../../../src/server/work/watch-clock.ts';
import { manualClock } from '../../support/clock.ts';
import { engineServer, GROUP_ID, makeFleet, newDeployment, startDeployment } from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const HOST_STATE = {
  deployment_group_id: GROUP_ID,
  health: 'healthy',
  revision_identity: null,
  is_missed: 0,
  automatic: null,
  tries_of: null,
  failed_tries: 0,
} as const;
const HOUR_MS = 3_600_000;
const NOTICE = {
  id: 'n',
  event: 'DeploymentStart',
  instanceId: null,
  triggerName: 'all',
  target: 'chat',
  subject: 's',
} as const;

describeStores('a clock of the machine that is set', (kind) => {
  test.each([
    ['back by an hour wakes everything that waits', -HOUR_MS, true],
    ['back by less than a second wakes nothing', -900, false],
    ['ahead by an hour wakes nothing', HOUR_MS, false],
  ])('%s', async (_title, byMs, isWoken) => {
    await using database = await kind.create();
    const store = await database.open();
    const looks = manualClock();
    let [wallMs, elapsedMs] = [10 * HOUR_MS, 0];
    const clock = { now: () => wallMs, sleep: looks.sleep };
    const laterMs = wallMs + 60_000;
    await makeFleet(store, []);
    await store.transaction(async (tx) => {
      await insertDeployment(tx, newDeployment('d-1', { wake_at_ms: laterMs }));
      await giveOrder(tx, { deploymentId: 'd-1', instanceId: 'i', position: 0 }, 'AllowTraffic', wallMs);
      await tx.updateTable('orders').set({ wake_at_ms: laterMs }).execute();
      await insertNotices(tx, 'd-1', [{ ...NOTICE, payload: {} }], laterMs);
    });
    const bell = createBell();
    const rung = bell.next();
    const sharedClock = { nowMs: async () => wallMs };
    const watch = startClockWatch({ store, clock, sharedClock, log: silentLogger, bell, elapsedMs: () => elapsedMs });
    looks.advance(await looks.nextSleep());
    [wallMs, elapsedMs] = [wallMs + 2_000 + byMs, elapsedMs + 2_000];
    looks.advance(await looks.nextSleep());
    await looks.nextSleep();
    const wakeAtMs = async (table: 'deployments' | 'orders' | 'notice_queues') =>
      (await store.db.selectFrom(table).select('wake_at_ms').executeTakeFirstOrThrow()).wake_at_ms;
    const expected = isWoken ? wallMs : laterMs;
    for (const table of ['deployments', 'orders', 'notice_queues'] as const)
      expect(await wakeAtMs(table)).toBe(expected);
    expect(rung.aborted).toBe(isWoken);
    await watch.close();
  });

  test.each([
    ['while a server runs lets waits last longer by no more than what had passed of them', true, true],
    ['while no server runs lets waits last longer by no more than what had passed of them', false, true],
    ['leaves instants that another server, with the clock of PostgreSQL, has written', true, false],
  ])('back by an hour %s', async (_when, isRunning, isShared) => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    const { store } = server;
    await makeFleet(store, ['web-1', 'web-2']);
    await startDeployment(server, 'd-1');
    const { ready_at_ms: readyAtMs } = await store.db
      .selectFrom('lifecycle_events')
      .select('ready_at_ms')
      .where('ready_at_ms', 'is not', null)
      .executeTakeFirstOrThrow();
    const beforeMs = readyAtMs ?? 0;
    await store.db.updateTable('instances').set({ last_polled_at_ms: beforeMs }).execute();
    await store.db
      .insertInto('host_states')
      .values({ ...HOST_STATE, instance_id: 'id-of-web-1', left_at_ms: beforeMs - 2 * HOUR_MS })
      .execute();
    const looks = manualClock();
    let [wallMs, elapsedMs] = [isRunning ? beforeMs : beforeMs - HOUR_MS, 0];
    const clock = { now: () => wallMs, sleep: looks.sleep };
    const ctx = { store, clock, log: silentLogger, bell: createBell() };
    const sharedClock = { nowMs: async () => (isShared ? wallMs : beforeMs + 2_000) };
    const watch = startClockWatch({ ...ctx, sharedClock, elapsedMs: () => elapsedMs });
    looks.advance(await looks.nextSleep());
    await looks.nextSleep();
    [wallMs, elapsedMs] = [beforeMs + 2_000 - HOUR_MS, isRunning ? 2_000 : 0];
    looks.advance(2_000);
    await looks.nextSleep();
    const nowMs = isRunning ? wallMs : beforeMs - HOUR_MS;
    const [deployment, ...rows] = await Promise.all([
      store.db.selectFrom('deployments').select(['created_at_ms', 'wake_at_ms']).executeTakeFirstOrThrow(),
      store.db.selectFrom('lifecycle_events').select('ready_at_ms as at').where('position', '=', 0).execute(),
      store.db.selectFrom('targets').select('updated_at_ms as at').execute(),
      store.db.selectFrom('instances').select('last_polled_at_ms as at').execute(),
    ]);
    const expectedMs = isShared ? nowMs : beforeMs;
    expect(rows.flat().map(({ at }) => at)).toEqual(Array.from({ length: 6 }, () => expectedMs));
    expect(deployment.created_at_ms).toBe(newDeployment('d-1').created_at_ms);
    expect(deployment.wake_at_ms).toBe(nowMs);
    const { left_at_ms } = await store.db.selectFrom('host_states').select('left_at_ms').executeTakeFirstOrThrow();
    expect(left_at_ms).toBe(beforeMs - 2 * HOUR_MS);
    await watch.close();
  });
});
