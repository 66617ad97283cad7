import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { startPowerWatch } from '../../../src/server/engine/power-watch.ts';
import { disableAccessKey } from '../../../src/server/store/access-keys.ts';
import { deregisterHost } from '../../../src/server/store/hosts.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { manualClock } from '../../support/clock.ts';
import { keyOfHost, makeFleet } from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

/** A watch over transfers that are under way with the keys of hosts, and what it has ended. */
function watchOver(store: Pick<Store, 'db'>, log = silentLogger) {
  const clock = manualClock();
  const inUse = new Set<string>();
  const ended: string[] = [];
  const underWay = () =>
    [...inUse].map((host) => ({
      accessKeyId: keyOfHost(host),
      end() {
        inUse.delete(host);
        ended.push(host);
      },
    }));
  const waiters = { waiting: () => [], wake: () => undefined, size: 0 };
  const watch = startPowerWatch({ store, waiters, transfers: { underWay }, clock, log });
  let sleepMs = clock.nextSleep();
  return {
    inUse,
    ended,
    async look() {
      clock.advance(await sleepMs);
      // The next pause begins when the look is over.
      sleepMs = clock.nextSleep();
      await sleepMs;
    },
    close: () => watch.close(),
  };
}

function disable(store: Store, host: string): Promise<unknown> {
  return store.transaction((tx) => disableAccessKey(tx, store, keyOfHost(host), 1));
}

describeStores('the watch over keys in use', (kind) => {
  test('ends what a key does by the next look after it was disabled, also after a long time without any loss', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, ['a', 'b', 'c']);
    const watch = watchOver(store);
    for (const host of ['a', 'b', 'c']) watch.inUse.add(host);
    for (let looks = 0; looks < 20; looks += 1) await watch.look();
    expect(watch.ended).toEqual([]);
    await disable(store, 'a');
    await watch.look();
    expect(watch.ended).toEqual(['a']);
    for (let looks = 0; looks < 20; looks += 1) await watch.look();
    await store.transaction((tx) => deregisterHost(tx, store.wakeUps, 'b', 2));
    await watch.look();
    expect(watch.ended).toEqual(['a', 'b']);
    await watch.close();
  });

  test('ends also what was let in just before the loss and shows up after the look that followed it', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, ['a', 'b']);
    const watch = watchOver(store);
    watch.inUse.add('b');
    for (let looks = 0; looks < 10; looks += 1) await watch.look();
    await disable(store, 'a');
    await watch.look();
    watch.inUse.add('a');
    await watch.look();
    expect(watch.ended).toEqual(['a']);
    await watch.close();
  });

  test('looks again after a look that failed, and says each time that the database is down, once', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, ['a']);
    let readsLeft = Number.POSITIVE_INFINITY;
    const failing = {
      get db() {
        if (readsLeft <= 0) throw new Error('the database is down');
        readsLeft -= 1;
        return store.db;
      },
    };
    let said = 0;
    const watch = watchOver(failing, { ...silentLogger, error: () => (said += 1) });
    const looks = async (count: number) => {
      for (let left = count; left > 0; left -= 1) await watch.look();
    };
    watch.inUse.add('a');
    await looks(10);
    for (const times of [1, 2]) {
      readsLeft = 0;
      await looks(3);
      expect(said).toBe(times);
      readsLeft = Number.POSITIVE_INFINITY;
      await looks(1);
    }
    await disable(store, 'a');
    for (let left = 10; left > 0; left -= 1) {
      // The loss is noticed, and which key it was cannot be read.
      readsLeft = 1;
      await watch.look();
    }
    readsLeft = Number.POSITIVE_INFINITY;
    await watch.look();
    expect(watch.ended).toEqual(['a']);
    await watch.close();
  });
});
