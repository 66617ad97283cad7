import { statSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openStore, type StoreTransaction } from '../../../src/server/store/store.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { describeStores } from '../../support/stores.ts';

describeStores('the store', (kind) => {
  test('rows that a transaction has written are there when the database is opened again', async () => {
    await using database = await kind.create();
    const first = await database.open();
    await first.transaction((tx) => tx.insertInto('secrets').values({ name: 'a', value_sealed: 'x' }).execute());
    await first.close();

    const second = await database.open();
    expect(await second.db.selectFrom('secrets').selectAll().execute()).toEqual([{ name: 'a', value_sealed: 'x' }]);
  });

  test('nothing of a transaction that throws is kept, and the next one works', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await expect(
      store.transaction(async (tx) => {
        await tx.insertInto('secrets').values({ name: 'a', value_sealed: 'x' }).execute();
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await store.transaction((tx) => tx.insertInto('secrets').values({ name: 'b', value_sealed: 'y' }).execute());
    expect(await store.db.selectFrom('secrets').select('name').execute()).toEqual([{ name: 'b' }]);
  });

  test('transactions that run at the same time do not lose each other’s changes', async () => {
    await using database = await kind.create();
    const [one, other] = [await database.open(), await database.open()];
    await one.db.insertInto('secrets').values({ name: 'counter', value_sealed: '0' }).execute();
    const count = (store: typeof one) =>
      store.transaction(async (tx) => {
        const read = tx.selectFrom('secrets').select('value_sealed').where('name', '=', 'counter');
        const row = await (store.dialect === 'postgres' ? read.forUpdate() : read).executeTakeFirstOrThrow();
        const next = String(Number(row.value_sealed) + 1);
        await tx.updateTable('secrets').set({ value_sealed: next }).where('name', '=', 'counter').execute();
      });
    // On SQLite in one process, where a wait for the other connection would stop both; on PostgreSQL from two.
    const stores = kind.dialect === 'postgres' ? [one, other] : [one];
    await Promise.all(Array.from({ length: 20 }, (_, index) => count(stores[index % stores.length] ?? one)));
    const row = await one.db.selectFrom('secrets').select('value_sealed').executeTakeFirstOrThrow();
    expect(row.value_sealed).toBe('20');
  });

  test('statements of a transaction that are asked for at once are carried out in their order, whatever the first one is', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const insert = (tx: StoreTransaction, name: string) =>
      tx.insertInto('secrets').values({ name, value_sealed: 'x' }).execute();
    const names = async (tx: StoreTransaction) =>
      (await tx.selectFrom('secrets').select('name').orderBy('name').execute()).map((row) => row.name);
    const beganReading = await store.transaction((tx) =>
      Promise.all([names(tx), insert(tx, 'a'), names(tx), insert(tx, 'b'), names(tx)]),
    );
    expect(beganReading.filter((_, at) => at % 2 === 0)).toEqual([[], ['a'], ['a', 'b']]);
    const beganWriting = await store.transaction((tx) => Promise.all([insert(tx, 'c'), names(tx), insert(tx, 'd')]));
    expect(beganWriting[1]).toEqual(['a', 'b', 'c']);
  });

  test.each([0, 1, 2])(
    'when statement %i of three that are asked for at once fails, its error comes, and nothing is kept',
    async (wrong) => {
      await using database = await kind.create();
      const store = await database.open();
      const asking = store.transaction((tx) =>
        Promise.all(
          ['a', 'b', 'c'].map((name, at) =>
            tx
              .insertInto('secrets')
              .values({ name, value_sealed: at === wrong ? (null as unknown as string) : 'x' })
              .execute(),
          ),
        ),
      );
      await expect(asking).rejects.toThrow(/not.null/i);
      expect(await store.db.selectFrom('secrets').select('name').execute()).toEqual([]);
      await store.transaction((tx) => tx.insertInto('secrets').values({ name: 'd', value_sealed: 'y' }).execute());
      expect(await store.db.selectFrom('secrets').select('name').execute()).toEqual([{ name: 'd' }]);
    },
  );

  test('a statement that follows a failed one in a transaction is refused, and not kept', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const insert = (tx: StoreTransaction, name: string, value: string | null = 'x') =>
      tx
        .insertInto('secrets')
        .values({ name, value_sealed: value as string })
        .execute();
    const late: Promise<unknown>[] = [];
    const asking = store.transaction((tx) => {
      const going = (async () => {
        for (let number = 0; number < 20; number += 1) await insert(tx, String(number));
      })();
      late.push(going);
      return Promise.all([going, insert(tx, 'wrong', null)]);
    });
    await expect(asking).rejects.toThrow(/not.null/i);
    await expect(Promise.all(late)).rejects.toThrow();
    expect(await store.db.selectFrom('secrets').select('name').execute()).toEqual([]);
  });

  test('times in milliseconds come back as the numbers they were', async () => {
    await using database = await kind.create();
    const { db } = await database.open();
    const created_at_ms = Date.UTC(2286, 10, 20, 17, 46, 39, 999);
    await db
      .insertInto('applications')
      .values({ application_id: 'id', application_name: 'name', compute_platform: 'Server', created_at_ms })
      .execute();
    expect(await db.selectFrom('applications').select('created_at_ms').executeTakeFirst()).toEqual({ created_at_ms });
  });

  test('names are sorted by their bytes, capitals first, whatever language the database speaks', async () => {
    await using database = await kind.create();
    const { db } = await database.open();
    for (const name of ['b', 'a', 'B', '_', 'Z', 'ä']) {
      await db.insertInto('secrets').values({ name, value_sealed: '' }).execute();
    }
    const rows = await db.selectFrom('secrets').select('name').orderBy('name').execute();
    expect(rows.map((row) => row.name)).toEqual(['B', 'Z', '_', 'a', 'b', 'ä']);
  });

  test('an application’s rows go with it', async () => {
    await using database = await kind.create();
    const { db } = await database.open();
    await db
      .insertInto('applications')
      .values({ application_id: 'id', application_name: 'name', compute_platform: 'Server', created_at_ms: 1 })
      .execute();
    const revision = { revision_id: 'r', application_id: 'id', identity: 'i', location_json: '{}', description: null };
    await db
      .insertInto('revisions')
      .values({ ...revision, registered_at_ms: 1, first_used_at_ms: null, last_used_at_ms: null, latest_use_at_ms: 1 })
      .execute();
    await db.deleteFrom('applications').execute();
    expect(await db.selectFrom('revisions').selectAll().execute()).toEqual([]);
  });

  test('a question after the store was closed is answered so, and does not wait for ever', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await store.close();
    const asked = [1, 2].map(() => store.db.selectFrom('secrets').selectAll().execute());
    for (const { status } of await Promise.allSettled(asked)) expect(status).toBe('rejected');
  });
});

test('the embedded database is durable, and nobody else may read it', async () => {
  using scratch = scratchFolder();
  const dataDir = scratch.at('not', 'yet', 'there');
  const store = await openStore({ dataDir });
  const pragma = async (name: string) =>
    Object.values((await sql.raw(`pragma ${name}`).execute(store.db)).rows[0] ?? {});
  expect(await pragma('journal_mode')).toEqual(['wal']);
  expect(await pragma('synchronous')).toEqual([2]);
  expect(await pragma('foreign_keys')).toEqual([1]);
  for (const file of ['slipway.db', 'slipway.db-wal', 'slipway.db-shm']) {
    expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
  }
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  await store.close();
});

test('a second process’s connection reads what the first one wrote while both are open', async () => {
  using scratch = scratchFolder();
  const dataDir = scratch.at('data');
  const server = await openStore({ dataDir });
  const tool = await openStore({ dataDir });
  await tool.db.insertInto('secrets').values({ name: 'key', value_sealed: 'made beside the server' }).execute();
  expect(await server.db.selectFrom('secrets').selectAll().execute()).toHaveLength(1);
  await tool.close();
  await server.close();
});

test('a data folder that is a file is named in the error', async () => {
  using scratch = scratchFolder();
  const store = await openStore({ dataDir: scratch.path });
  await store.close();
  await expect(openStore({ dataDir: scratch.at('slipway.db') })).rejects.toMatchObject({
    code: 'SERVER_DATABASE_UNREACHABLE',
    message: expect.stringContaining(scratch.at('slipway.db')),
  });
});

test('an unreachable PostgreSQL is named without its password', async () => {
  const opening = openStore({ databaseUrl: 'postgres://slipway:s3cret@127.0.0.1:1/slipway' });
  await expect(opening).rejects.toMatchObject({
    code: 'SERVER_DATABASE_UNREACHABLE',
    message: expect.stringContaining('127.0.0.1:1'),
  });
  await expect(opening).rejects.not.toMatchObject({ message: expect.stringContaining('s3cret') });
});
