import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describeStores } from '../../support/stores.ts';

/** Wake-ups that one process hears, one after the other. */
function listen(store: Store) {
  const heard: (string | null)[] = [];
  const waiting: ((hostArn: string | null) => void)[] = [];
  const listener = store.wakeUps.listen({
    clock: systemClock,
    log: silentLogger,
    onWake(hostArn) {
      const next = waiting.shift();
      if (next === undefined) heard.push(hostArn);
      else next(hostArn);
    },
  });
  return {
    next: (): Promise<string | null> => {
      const one = heard.shift();
      return one === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(one);
    },
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

const announce = (store: Store, hosts: readonly string[]) =>
  store.transaction((tx) => store.wakeUps.announce(tx, hosts));

describeStores('wake-ups', (kind) => {
  if (kind.dialect === 'sqlite') {
    test('are nobody’s business where one process has the database to itself', async () => {
      await using database = await kind.create();
      const store = await database.open();
      await using _ears = listen(store);
      await expect(announce(store, ['a'])).resolves.toBeUndefined();
    });
    return;
  }

  test('are heard by other processes when the transaction is committed, and not when it is not', async () => {
    await using database = await kind.create();
    const [one, other] = [await database.open(), await database.open()];
    await using ears = listen(other);
    expect(await ears.next(), 'at first, whatever was missed before').toBeNull();
    await expect(
      one.transaction(async (tx) => {
        await one.wakeUps.announce(tx, ['never']);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    await announce(one, []);
    await announce(one, ['arn:aws:iam::000000000000:user/slipway/a', 'b']);
    expect([await ears.next(), await ears.next()]).toEqual(['arn:aws:iam::000000000000:user/slipway/a', 'b']);
  });

  test('come back by themselves after the connection broke, with the word that some may have been missed', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await using ears = listen(store);
    expect(await ears.next()).toBeNull();
    await kind.breakConnections(database);
    expect(await ears.next()).toBeNull();
    await announceAgain(store);
    expect(await ears.next()).toBe('a');
  });
});

/** The pool’s own connections were broken, too: it may notice that only when it uses one. */
async function announceAgain(store: Store): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await announce(store, ['a']);
      return;
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}
