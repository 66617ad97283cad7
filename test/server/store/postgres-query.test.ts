/** Statements with a name, of which PostgreSQL describes the result once per connection. */
import pg from 'pg';
import { expect, test } from 'vitest';
import { createAsk } from '../../../src/server/store/postgres-query.ts';
import { describeIf } from '../../support/needs.ts';
import { postgresPrograms } from '../../support/postgres.ts';
import { sharedDatabases } from '../../support/shared-databases.ts';

const databases = sharedDatabases();

/** Two connections, and what the first was told about columns. */
async function connected() {
  const connectionString = await databases.take();
  const pool = new pg.Pool({ connectionString, max: 2, pipeline: true });
  const [client, other] = [await pool.connect(), await pool.connect()];
  let described = 0;
  const { connection } = client as unknown as { readonly connection: NodeJS.EventEmitter };
  connection.on('rowDescription', () => {
    described += 1;
  });
  return {
    client,
    other,
    ask: createAsk(pg.Query),
    described: () => described,
    async [Symbol.asyncDispose]() {
      client.release();
      other.release();
      await pool.end();
      await databases.giveBack(connectionString);
    },
  };
}

describeIf(postgresPrograms !== null, 'PostgreSQL, initdb and postgres')('a statement for PostgreSQL', () => {
  test('has the same result each time, and its columns are described once per connection', async () => {
    await using at = await connected();
    const sql = 'select $1::int as number, $2::text as text, $3::int8 as long, null as nothing';
    const rows = [{ number: 7, text: 'a "b" \'ä\'', long: '9007199254740993', nothing: null }];
    for (let time = 0; time < 3; time += 1) {
      for (const client of [at.client, at.other]) {
        const answer = await at.ask(client, sql, [7, 'a "b" \'ä\'', 9007199254740993n], 'one');
        expect(answer).toMatchObject({ rows, rowCount: 1, command: 'SELECT' });
      }
    }
    expect(at.described()).toBe(1);
    expect(await at.ask(at.client, sql, [null, undefined, null], 'one')).toMatchObject({
      rows: [{ number: null, text: null, long: null, nothing: null }],
    });
    const [several, none] = await Promise.all([
      at.ask(at.client, 'select n from generate_series(1, $1::int) n', [3], 'two'),
      at.ask(at.client, 'select n from generate_series(1, $1::int) n', [0], 'two'),
    ]);
    expect([several.rows, none.rows]).toEqual([[{ n: 1 }, { n: 2 }, { n: 3 }], []]);
  });

  test('says how many rows it has changed, and gives back what it is told to', async () => {
    await using at = await connected();
    await at.ask(at.client, 'create table things (id int primary key, name text)', []);
    const insert = 'insert into things values ($1, $2) on conflict do nothing';
    for (const changed of [1, 0, 0]) {
      expect(await at.ask(at.client, insert, [1, 'a'], 'insert')).toMatchObject({ rowCount: changed, rows: [] });
    }
    for (const name of ['b', 'c']) {
      expect(await at.ask(at.client, 'update things set name = $1 returning id, name', [name], 'update')).toMatchObject(
        { rowCount: 1, rows: [{ id: 1, name }] },
      );
    }
  });

  test('fails alone, also among others that are sent with it, and works again', async () => {
    await using at = await connected();
    const halve = (by: number) => at.ask(at.client, 'select 10 / $1::int as part', [by], 'halve');
    await halve(1);
    const answers = await Promise.allSettled([halve(2), halve(0), halve(5)]);
    expect(answers).toMatchObject([
      { value: { rows: [{ part: 5 }] } },
      { reason: { code: '22012' } },
      { value: { rows: [{ part: 2 }] } },
    ]);
  });

  test('with lists, dates or bytes is sent as the driver does it', async () => {
    await using at = await connected();
    const sql = 'select cardinality($1::text[]) as length, $2::timestamptz as date, $3::bytea as bytes';
    const date = new Date(1_700_000_000_000);
    for (let time = 0; time < 3; time += 1) {
      expect((await at.ask(at.client, sql, [['a', '"b,{'], date, Buffer.from('cd')], 'lists')).rows).toEqual([
        { length: 2, date, bytes: Buffer.from('cd') },
      ]);
    }
  });

  test('is refused by PostgreSQL when its columns have changed, and never read with the old ones', async () => {
    await using at = await connected();
    await at.ask(at.client, 'create table things (id int primary key)', []);
    await at.ask(at.client, 'insert into things values (1)', []);
    const read = (name: string) => at.ask(at.client, 'select * from things', [], name);
    await read('old');
    expect((await read('old')).rows).toEqual([{ id: 1 }]);
    await at.ask(at.client, "alter table things add column word text default 'new'", []);
    await expect(read('old')).rejects.toMatchObject({ code: '0A000' });
    expect((await read('new')).rows).toEqual([{ id: 1, word: 'new' }]);
  });
});
