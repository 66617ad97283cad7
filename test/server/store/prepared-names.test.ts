import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { createPreparedNames } from '../../../src/server/store/prepared-names.ts';
import { openStore } from '../../../src/server/store/store.ts';
import { describeIf } from '../../support/needs.ts';
import { postgresCluster, postgresPrograms } from '../../support/postgres.ts';

describe('names of prepared statements', () => {
  test('are given to statements that come again and have a plan, and are new after they were renewed', () => {
    const names = createPreparedNames();
    expect(['select 1', 'select 1', 'select 1', 'begin', 'begin'].map(names.nameOf)).toEqual([
      ...[undefined, 's0-0', 's0-0', undefined, undefined],
    ]);
    names.renew();
    expect(['select 1', 'select 1'].map(names.nameOf)).toEqual([undefined, 's1-0']);
  });

  test('are given to so many statements only', () => {
    const names = createPreparedNames();
    const twice = Array.from({ length: 400 }, (_, at) => [`select ${at}`, `select ${at}`]).flat();
    expect(new Set(twice.map(names.nameOf)).size).toBe(301);
  });
});

describeIf(postgresPrograms !== null, 'PostgreSQL, initdb and postgres')('a table that gets another column', () => {
  test('is read and written on as before, by statements that were prepared before', async () => {
    await using cluster = await postgresCluster();
    const store = await openStore({ databaseUrl: await cluster.createDatabase() });
    try {
      const read = () => store.db.selectFrom('secrets').selectAll().execute();
      const change = () =>
        store.transaction(async (tx) => {
          await tx.selectFrom('secrets').selectAll().forUpdate().execute();
          await tx.deleteFrom('secrets').execute();
        });
      for (let time = 0; time < 3; time += 1) await Promise.all([read(), read(), change()]);
      await sql`alter table secrets add column note text`.execute(store.db);
      expect(await read()).toEqual([]);
      await change();
      await sql`alter table secrets drop column note`.execute(store.db);
      await Promise.all([change(), read()]);
    } finally {
      await store.close();
    }
  });
});
