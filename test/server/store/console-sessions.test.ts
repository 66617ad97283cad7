import { expect, test } from 'vitest';
import {
  deleteOldConsoleSessions,
  endConsoleSession,
  endConsoleSessionsOf,
  endOldestConsoleSessionsOf,
  findConsoleSession,
  insertConsoleSession,
} from '../../../src/server/store/console-sessions.ts';
import type { ConsoleSessionRow } from '../../../src/server/store/schema.ts';
import { describeStores } from '../../support/stores.ts';

const session = (name: string, more: Partial<ConsoleSessionRow> = {}): ConsoleSessionRow => ({
  session_sha256: name,
  sign_in_sha256: `sign-in of ${name}`,
  access_key_id: 'AKIAEXAMPLE',
  created_at_ms: 0,
  expires_at_ms: 1_000,
  ended_at_ms: null,
  issuer: null,
  person_name: null,
  ...more,
});

describeStores('sessions of the console', (kind) => {
  test('a sign-in that comes twice at the same time makes one session', async () => {
    await using database = await kind.create();
    const { transaction, db } = await database.open();
    const twice = ['one', 'other'].map((name) =>
      transaction((tx) => insertConsoleSession(tx, session(name, { sign_in_sha256: 'the same' }))),
    );
    expect((await Promise.all(twice)).sort()).toEqual([false, true]);
    expect(await db.selectFrom('console_sessions').selectAll().execute()).toHaveLength(1);
  });

  test('the oldest open sessions of a key end beyond the newest, and the clock may have gone back', async () => {
    await using database = await kind.create();
    const { transaction, db } = await database.open();
    await transaction(async (tx) => {
      for (const [at, name] of ['oldest', 'older', 'young', 'younger'].entries())
        await insertConsoleSession(tx, session(name, { created_at_ms: 10 + at }));
      await insertConsoleSession(tx, session('newest', { created_at_ms: 5 }));
      await insertConsoleSession(tx, session('other', { access_key_id: 'AKIAOTHER', created_at_ms: 1 }));
      await endOldestConsoleSessionsOf(tx, 'AKIAEXAMPLE', { newest: 'newest', keep: 3, nowMs: 20 });
    });
    const rows = await db.selectFrom('console_sessions').selectAll().where('ended_at_ms', '=', 20).execute();
    expect(rows.map((row) => row.session_sha256).sort()).toEqual(['older', 'oldest']);
  });

  test('a session that has ended keeps its date, and all of a key end together', async () => {
    await using database = await kind.create();
    const { transaction, db } = await database.open();
    await transaction(async (tx) => {
      for (const name of ['one', 'two']) await insertConsoleSession(tx, session(name));
      await insertConsoleSession(tx, session('other', { access_key_id: 'AKIAOTHER' }));
      await endConsoleSession(tx, 'one', 10);
      await endConsoleSessionsOf(tx, 'AKIAEXAMPLE', 20);
    });
    const ends = ['one', 'two', 'other'].map(async (name) => (await findConsoleSession(db, name))?.ended_at_ms);
    expect(await Promise.all(ends)).toEqual([10, 20, null]);
  });

  test('sessions that expired long ago are deleted in batches', async () => {
    await using database = await kind.create();
    const { transaction, db } = await database.open();
    await transaction(async (tx) => {
      for (const name of ['a', 'b', 'c']) await insertConsoleSession(tx, session(name));
      await insertConsoleSession(tx, session('young', { expires_at_ms: 5_000 }));
    });
    const deleteSome = () => transaction((tx) => deleteOldConsoleSessions(tx, 2_000, 2));
    expect([await deleteSome(), await deleteSome(), await deleteSome()]).toEqual([2, 1, 0]);
    expect((await db.selectFrom('console_sessions').selectAll().execute()).map((row) => row.session_sha256)).toEqual([
      'young',
    ]);
  });
});
