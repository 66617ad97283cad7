import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { findDeployment, insertDeployment } from '../../../src/server/store/deployments.ts';
import { makeFleet, newDeployment } from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

describeStores('migrations', (kind) => {
  test('opening a database again changes nothing', async () => {
    await using database = await kind.create();
    const first = await database.open();
    await first.db.insertInto('secrets').values({ name: 'kept', value_sealed: '' }).execute();
    await first.close();
    const second = await database.open();
    const { rows } = await sql<{ step: number }>`select step from slipway_migrations order by step`.execute(second.db);
    expect(rows.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(await second.db.selectFrom('secrets').select('name').execute()).toEqual([{ name: 'kept' }]);
  });

  test('a database of the first version keeps its deployments, none of which was a restart', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, []);
    await store.transaction((tx) => insertDeployment(tx, newDeployment('d-OLD')));
    await sql`alter table deployments drop column restart_of`.execute(store.db);
    await sql`alter table instances drop column agent_runs_json`.execute(store.db);
    await sql`alter table instances drop column identity_shared_at_ms`.execute(store.db);
    await sql`drop index instances_by_host_arn`.execute(store.db);
    await sql`drop index access_keys_by_host_arn`.execute(store.db);
    await sql`delete from slipway_migrations where step > 1`.execute(store.db);
    await store.close();
    const { db } = await database.open();
    expect(await findDeployment(db, 'd-OLD')).toMatchObject({ deployment_id: 'd-OLD', restart_of: null });
  });

  test('processes that open a new database at the same time make its tables once', async () => {
    await using database = await kind.create();
    // One process's SQLite cannot wait for itself; the others come right behind.
    const stores =
      kind.dialect === 'postgres'
        ? await Promise.all([1, 2, 3, 4].map(() => database.open()))
        : [await database.open(), await database.open()];
    for (const { db } of stores) expect(await db.selectFrom('deployments').selectAll().execute()).toEqual([]);
  });

  test('a database that a newer version has made is refused, and left as it is', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await sql`insert into slipway_migrations (step) values (99)`.execute(store.db);
    await expect(database.open()).rejects.toMatchObject({
      code: 'SERVER_DATABASE_NEWER',
      message: expect.stringContaining('99'),
    });
    const { rows } = await sql`select step from slipway_migrations`.execute(store.db);
    expect(rows).toHaveLength(5);
  });
});
