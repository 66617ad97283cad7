import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { insertDeployment } from '../../../src/server/store/deployments.ts';
import { insertNotices } from '../../../src/server/store/notices.ts';
import { giveOrder } from '../../../src/server/store/orders.ts';
import { createBell } from '../../../src/server/work/bell.ts';
import { startClockWatch } from '../../../src/server/work/watch-clock.ts';
import { manualClock } from '../../support/clock.ts';
import { makeFleet, newDeployment } from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

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
      await giveOrder(tx, { deploymentId: 'd-1', instanceId: 'i', position: 0 }, 'AllowTraffic', laterMs);
      await insertNotices(tx, 'd-1', [{ ...NOTICE, payload: {} }], laterMs);
    });
    const bell = createBell();
    const rung = bell.next();
    const watch = startClockWatch({ store, clock, log: silentLogger, bell, elapsedMs: () => elapsedMs });
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
});
