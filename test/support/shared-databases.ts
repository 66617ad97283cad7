import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { inject } from 'vitest';
import { openStore } from '../../src/server/store/store.ts';

/** Databases in the run's PostgreSQL (`shared-postgres.ts`), by their addresses. */
export interface SharedDatabases {
  /** A database with the tables of this version and no rows but those of a new one; `giveBack` ends its use. */
  take(): Promise<string>;
  /** Takes over a database whose test has ended: emptied for the next one or, when the test has left more than rows, dropped. */
  giveBack(databaseUrl: string): Promise<void>;
  /** A database without tables, for a test that makes them. Nobody else gets it. */
  empty(): Promise<string>;
}

/** Making a database and its tables takes ten times as long as the usual test of the store, so a worker uses its own again. */
export function sharedDatabases(): SharedDatabases {
  const clean: string[] = [];
  const asMade = new Map<string, Made>();
  let cluster: Promise<string> | null = null;
  const empty = async () => {
    cluster ??= clusterUrl();
    const url = new URL(await cluster);
    const name = `test_${randomUUID().replaceAll('-', '')}`;
    await withClient(url.href, (client) => client.query(`create database ${name}`));
    url.pathname = `/${name}`;
    return url.href;
  };
  return {
    empty,
    async take() {
      const ready = clean.pop();
      if (ready !== undefined) return ready;
      const url = await empty();
      await (await openStore({ databaseUrl: url })).close();
      asMade.set(url, await withClient(url, readMade));
      return url;
    },
    async giveBack(url) {
      const before = asMade.get(url);
      if (before !== undefined && (await withClient(url, (client) => emptied(client, before)))) {
        clean.push(url);
        return;
      }
      asMade.delete(url);
      const name = new URL(url).pathname.slice(1);
      await withClient((await cluster) ?? url, (client) => client.query(`drop database ${name} with (force)`));
    },
  };
}

/** A new database: what its tables are, and the rows that it has from the beginning. */
interface Made {
  readonly shape: string;
  readonly rows: ReadonlyMap<string, readonly unknown[]>;
}

async function readMade(client: pg.Client): Promise<Made> {
  const rows = new Map<string, readonly unknown[]>();
  for (const table of await tablesWithRows(client))
    rows.set(table, (await client.query(`select * from ${table}`)).rows);
  return { shape: await shapeOf(client), rows };
}

/** @returns whether the database is as a new one again; false: somebody still has it open, or its tables are others */
async function emptied(client: pg.Client, made: Made): Promise<boolean> {
  const others = await client.query(
    'select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  if (others.rowCount !== 0 || (await shapeOf(client)) !== made.shape) return false;
  const full = await tablesWithRows(client);
  if (full.length > 0) await client.query(`truncate ${full.join(', ')} restart identity cascade`);
  for (const [table, rows] of made.rows) {
    await client.query(`insert into ${table} select * from json_populate_recordset(null::${table}, $1)`, [
      JSON.stringify(rows),
    ]);
  }
  return true;
}

async function tablesWithRows(client: pg.Client): Promise<string[]> {
  const tables = await client.query<{ name: string }>(
    "select quote_ident(tablename) as name from pg_tables where schemaname = 'public'",
  );
  const parts = tables.rows.map(({ name }) => `select '${name}' as name where exists (select from ${name})`);
  return (await client.query<{ name: string }>(parts.join(' union all '))).rows.map(({ name }) => name);
}

/** A digest of all tables, columns, indexes and constraints. */
async function shapeOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ shape: string }>(`
    select md5(string_agg(part, ';' order by part)) as shape from (
      select concat(relname, attname, atttypid, attnotnull, attcollation) from pg_attribute
        join pg_class on pg_class.oid = attrelid where relnamespace = 'public'::regnamespace and attnum > 0 and not attisdropped
      union all select indexdef from pg_indexes where schemaname = 'public'
      union all select concat(conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint where connamespace = 'public'::regnamespace
      union all select concat(tgrelid::regclass, pg_get_triggerdef(oid)) from pg_trigger where not tgisinternal
    ) as parts (part)`);
  return rows[0]?.shape ?? '';
}

/** Asks the desk of `shared-postgres.ts`. */
async function clusterUrl(): Promise<string> {
  const answer = JSON.parse(await text(connect(inject('postgresDesk')))) as { url?: string; fault?: string };
  if (answer.url === undefined) throw new Error(`PostgreSQL does not start: ${answer.fault}`);
  return answer.url;
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
