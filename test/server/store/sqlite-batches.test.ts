import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { SqliteBatches } from '../../../src/server/store/sqlite-batches.ts';
import { SqliteHandle } from '../../../src/server/store/sqlite-handle.ts';
import { databaseFileOf, openStore, type Store } from '../../../src/server/store/store.ts';
import { seededRandom } from '../../support/random.ts';
import { scratchFolder } from '../../support/scratch.ts';

/** A database, and a connection of another process's kind that sees only what is committed. */
async function opened(folder: string) {
  const store = await openStore({ dataDir: folder });
  const outside = new DatabaseSync(databaseFileOf(folder), { readOnly: true });
  return {
    store,
    names: () =>
      outside
        .prepare('select name from secrets order by name')
        .all()
        .map(({ name }) => String(name)),
    /** Another number after each commit of somebody else. */
    version: () => Number(outside.prepare('pragma data_version').get()?.['data_version']),
    async [Symbol.asyncDispose]() {
      outside.close();
      await store.close();
    },
  };
}

function insert(store: Store, name: string, value = 'x', durability: 'synced' | 'lazy' = 'synced'): Promise<unknown> {
  return store.transaction(
    (tx) => tx.insertInto('secrets').values({ name, value_sealed: value }).execute(),
    durability,
  );
}

test('fifty transactions that come together share commits, and each is committed before its caller learns of it', async () => {
  using scratch = scratchFolder();
  await using database = await opened(scratch.path);
  const versions = new Set<number>();
  const all = Array.from({ length: 50 }, async (_, index) => {
    await insert(database.store, `name-${index}`);
    expect(database.names()).toContain(`name-${index}`);
    versions.add(database.version());
  });
  await Promise.all(all);
  expect(database.names()).toHaveLength(50);
  expect(versions.size).toBeLessThan(50);
});

test('a transaction that throws takes nothing of the others in its batch with it, and leaves nothing of its own', async () => {
  using scratch = scratchFolder();
  await using database = await opened(scratch.path);
  const { store } = database;
  const outcomes = await Promise.allSettled([
    insert(store, 'before'),
    store.transaction(async (tx) => {
      await tx.insertInto('secrets').values({ name: 'changed-mind', value_sealed: '' }).execute();
      throw new Error('changed my mind');
    }),
    insert(store, 'before'),
    store.db.insertInto('secrets').values({ name: 'before', value_sealed: '' }).execute(),
    insert(store, 'after'),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled']);
  expect(database.names()).toEqual(['after', 'before']);
});

test('a caller that another transaction of its batch makes fail gets the error only after that transaction is committed', async () => {
  using scratch = scratchFolder();
  await using database = await opened(scratch.path);
  const { store } = database;
  const namesAtRefusal = async (refused: Promise<unknown>) => {
    await expect(refused).rejects.toThrow();
    return database.names();
  };
  const first = insert(store, 'taken');
  const seen = await Promise.all([
    namesAtRefusal(insert(store, 'taken')),
    namesAtRefusal(store.db.insertInto('secrets').values({ name: 'taken', value_sealed: '' }).execute()),
    namesAtRefusal(
      store.transaction(async (tx) => {
        throw new Error(`there are ${(await tx.selectFrom('secrets').select('name').execute()).length}`);
      }),
    ),
  ]);
  await first;
  expect(seen).toEqual([['taken'], ['taken'], ['taken']]);
});

test('a reader outside of a transaction waits for nobody and sees nothing that is not committed', async () => {
  using scratch = scratchFolder();
  await using database = await opened(scratch.path);
  const { store } = database;
  const read = () => store.db.selectFrom('secrets').select('name').execute();
  const seen = await store.transaction(async (tx) => {
    await tx.insertInto('secrets').values({ name: 'new', value_sealed: '' }).execute();
    return read();
  });
  expect(seen).toEqual([]);
  expect(await read()).toEqual([{ name: 'new' }]);
});

test('a transaction sees what the one before it has written, also in one batch', async () => {
  using scratch = scratchFolder();
  await using database = await opened(scratch.path);
  const { store } = database;
  const count = () =>
    store.transaction(async (tx) => {
      const rows = await tx.selectFrom('secrets').select('name').execute();
      await tx
        .insertInto('secrets')
        .values({ name: `name-${rows.length}`, value_sealed: '' })
        .execute();
      return rows.length;
    });
  expect(await Promise.all(Array.from({ length: 30 }, count))).toEqual(Array.from({ length: 30 }, (_, index) => index));
});

test('a caller that is told of success finds its transaction, and nobody finds one that failed, with a database that fills up', async () => {
  for (const seed of [1, 2, 3]) {
    using scratch = scratchFolder();
    await using database = await opened(scratch.path);
    const { store } = database;
    const random = seededRandom(seed);
    await sql.raw('pragma max_page_count = 120').execute(store.db);
    const names = Array.from({ length: 60 }, (_, index) => `name-${String(index).padStart(2, '0')}`);
    const outcomes = await Promise.allSettled(
      names.map((name) => insert(store, name, 'x'.repeat(random.fraction() < 0.2 ? 100_000 : 100))),
    );
    const kept = names.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    expect({ seed, names: database.names() }).toEqual({ seed, names: kept });
    expect({ seed, kept: kept.length < names.length && kept.length > 0 }).toEqual({ seed, kept: true });
    await sql.raw('pragma max_page_count = 100000').execute(store.db);
    await insert(store, 'when-there-is-room');
    expect(database.names()).toContain('when-there-is-room');
  }
});

test('only transactions that may be lost are committed without waiting for the disk', async () => {
  using scratch = scratchFolder();
  await using database = await opened(scratch.path);
  const { store } = database;
  const synchronous = (durability: 'synced' | 'lazy') =>
    store.transaction(async (tx) => {
      const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(tx);
      return rows[0]?.synchronous;
    }, durability);
  const [FULL, NORMAL] = [2, 1];
  expect(await synchronous('lazy')).toBe(NORMAL);
  expect(await synchronous('synced')).toBe(FULL);
  expect(await Promise.all([synchronous('synced'), synchronous('lazy')])).toEqual([FULL, FULL]);
  // One that has begun alone takes in nobody who needs more.
  expect((await Promise.all([synchronous('lazy'), synchronous('synced')]))[1]).toBe(FULL);
});

test('a mixture of lasting and lazy transactions, also failing ones, is carried out to its end', async () => {
  using scratch = scratchFolder();
  await using database = await opened(scratch.path);
  const random = seededRandom(7);
  const all = Array.from({ length: 200 }, (_, index) =>
    insert(database.store, `name-${index % 150}`, 'x', random.fraction() < 0.5 ? 'lazy' : 'synced'),
  );
  const outcomes = await Promise.allSettled(all);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(50);
  expect(database.names()).toHaveLength(150);
});

test('a store that is closed in the middle ends what was begun, and does not come to life again', async () => {
  using scratch = scratchFolder();
  const database = await opened(scratch.path);
  const all = Array.from({ length: 10 }, (_, index) => insert(database.store, `name-${index}`));
  await database.store.close();
  const outcomes = await Promise.allSettled(all);
  const kept = outcomes.filter(({ status }) => status === 'fulfilled').length;
  expect(database.names()).toHaveLength(kept);
  await expect(insert(database.store, 'late', 'x', 'lazy')).rejects.toThrow('closed');
  await expect(insert(database.store, 'late')).rejects.toThrow();
  await database[Symbol.asyncDispose]();
});

test('when SQLite rolls the whole batch back, nobody of it is told of success, and nothing of a member that goes on is kept', async () => {
  using scratch = scratchFolder();
  await using database = await opened(scratch.path);
  const { store } = database;
  const goesOn = store.transaction(async (tx) => {
    await tx.insertInto('secrets').values({ name: 'second', value_sealed: '' }).execute();
    await sql`rollback`.execute(tx);
    const later = tx.insertInto('secrets').values({ name: 'third', value_sealed: '' }).execute();
    await later.catch(() => undefined);
  });
  const swallows = () => store.transaction(async (tx) => void (await sql`rollback`.execute(tx)));
  const outcomes = await Promise.allSettled([insert(store, 'first'), goesOn, insert(store, 'fourth'), swallows()]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'SERVER_DATABASE_AWAY' } });
  await insert(store, 'afterwards');
  expect(database.names()).toEqual(['afterwards']);
});

test.each([
  ['a savepoint fails, and SQLite has rolled all back', 'savepoint member', true],
  ['a member cannot be undone', 'rollback to member', false],
  ['the commit fails', 'commit', false],
  ['the commit fails, and SQLite has rolled all back', 'commit', true],
])('when %s, the whole batch fails, and the next one is kept', async (_what, failing, isRolledBack) => {
  using scratch = scratchFolder();
  const database = new DatabaseSync(scratch.at('db'));
  database.exec('create table names (name text)');
  const handle = new SqliteHandle(database);
  let seen = 0;
  const faulty = {
    execute: handle.execute.bind(handle),
    get isInTransaction() {
      return handle.isInTransaction;
    },
    async run(text: string) {
      if (text === failing) seen += 1;
      // The first savepoint is the first member's.
      if (text !== failing || seen !== (failing === 'savepoint member' ? 2 : 1)) return handle.run(text);
      if (isRolledBack) await handle.run('rollback');
      throw new Error('the disk has failed');
    },
  };
  const batches = new SqliteBatches(faulty);
  const add = async (name: string, isGood = true) => {
    const turn = await batches.take('synced');
    await turn.execute({ sql: 'insert into names values (?)', parameters: [name] });
    await (isGood ? turn.commit() : turn.rollBack());
  };
  const outcomes = await Promise.allSettled([add('first'), add('second', failing !== 'rollback to member')]);
  expect(outcomes[0]).toMatchObject({ status: 'rejected', reason: { code: 'SERVER_DATABASE_AWAY' } });
  await add('next');
  await batches.close();
  expect(database.prepare('select name from names').all()).toEqual([{ name: 'next' }]);
  database.close();
});

test('a new file that another process is just making is waited for, whatever lock that one has', async () => {
  using scratch = scratchFolder();
  const file = databaseFileOf(scratch.path);
  const holds = `
    const { DatabaseSync } = require('node:sqlite');
    const database = new DatabaseSync(process.argv[1]);
    database.exec('begin immediate');
    console.log('locked');
    setTimeout(() => database.close(), 300);
  `;
  const other = spawn(process.execPath, ['-e', holds, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(other.stdout, 'data');
  const store = await openStore({ dataDir: scratch.path });
  await store.close();
});
