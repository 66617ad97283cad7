import { type PluginTransformQueryArgs, type PluginTransformResultArgs, sql } from 'kysely';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { NEWEST_STEP } from '../../../src/server/store/migrations.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { createReadiness } from '../../../src/server/telemetry/readiness.ts';
import { type Clock, systemClock } from '../../../src/system/clock.ts';
import { manualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { describeStores } from '../../support/stores.ts';

const readinessOf = (store: Store, isStopping = () => false, clock: Clock = systemClock) =>
  createReadiness({ store, clock, log: silentLogger, isStopping });

describeStores('a server is ready', ({ dialect, create }) => {
  test('while its database answers and it does not stop', async () => {
    await using database = await create();
    let isStopping = false;
    const readiness = readinessOf(await database.open(), () => isStopping);
    expect(await readiness.problem()).toBeNull();
    isStopping = true;
    expect(await readiness.problem()).toBe('the server is stopping');
  });

  test('unless a newer version has changed the tables', async () => {
    await using database = await create();
    const store = await database.open();
    await sql`insert into slipway_migrations (step) values (${NEWEST_STEP + 1})`.execute(store.db);
    expect(await readinessOf(store).problem()).toContain(`is at step ${NEWEST_STEP + 1}`);
  });

  test('unless its database is gone', async () => {
    await using database = await create();
    const store = await database.open();
    await store.close();
    expect(await readinessOf(store).problem()).toBe('the database does not answer');
  });

  // SQLite has nobody to wait for.
  if (dialect === 'sqlite') return;
  test('unless its database takes longer than two seconds, and then one question at a time waits for it', async () => {
    await using database = await create();
    const [store, other] = [await database.open(), await database.open()];
    const held = Promise.withResolvers<void>();
    const isHeld = Promise.withResolvers<void>();
    const holding = other.transaction(async (tx) => {
      await sql`lock table slipway_migrations in access exclusive mode`.execute(tx);
      isHeld.resolve();
      await held.promise;
    });
    await isHeld.promise;
    const clock = manualClock();
    let questions = 0;
    const counting = {
      transformQuery({ node }: PluginTransformQueryArgs) {
        questions += 1;
        return node;
      },
      transformResult: async ({ result }: PluginTransformResultArgs) => result,
    };
    const readiness = readinessOf({ ...store, db: store.db.withPlugin(counting) }, () => false, clock);
    try {
      for (let asked = 0; asked < 5; asked += 1) {
        const problem = readiness.problem();
        await clock.nextSleep();
        clock.advance(2_000);
        expect(await problem).toBe('the database does not answer');
      }
      expect(questions).toBe(1);
    } finally {
      held.resolve();
      await holding;
    }
    await eventually(async () => {
      clock.advance(1_000);
      return (await readiness.problem()) === null;
    });
  });
});
