/** A look into a server's database that changes nothing in it: no table is made, no step is taken, no file is written. */
import { existsSync, statSync } from 'node:fs';
import { Kysely, sql } from 'kysely';
import { silentLogger } from '../../logging/logger.ts';
import { systemClock } from '../../system/clock.ts';
import { postgresDialect } from './postgres-dialect.ts';
import type { StoreSchema } from './schema.ts';
import { type SqliteAccess, sqliteDialect } from './sqlite-dialect.ts';
import { databaseFileOf, type StoreDialect, type StoreLocation } from './store.ts';

export interface LookedAtStore {
  readonly db: Kysely<StoreSchema>;
  readonly dialect: StoreDialect;
  /** The step of the migrations that it is at; null: it has no tables of ours. */
  readonly step: number | null;
  close(): Promise<void>;
}

/** @throws the error of SQLite or PostgreSQL as it is, or wrapped as the cause of SERVER_DATABASE_AWAY */
export async function lookAtStore(location: StoreLocation): Promise<LookedAtStore> {
  const dialect = 'databaseUrl' in location ? 'postgres' : 'sqlite';
  const db = new Kysely<StoreSchema>({
    dialect:
      'databaseUrl' in location
        ? (await postgresDialect(location.databaseUrl, { clock: systemClock, log: silentLogger })).dialect
        : sqliteDialect(databaseFileOf(location.dataDir), accessFor(databaseFileOf(location.dataDir))),
  });
  try {
    return { db, dialect, step: await stepOf(db, dialect), close: () => db.destroy() };
  } catch (error) {
    await db.destroy().catch(() => undefined);
    throw error;
  }
}

/** A process that has the database open keeps a write-ahead log beside it; without a log nobody writes. */
function accessFor(file: string): Exclude<SqliteAccess, 'read-write'> {
  const log = `${file}-wal`;
  return existsSync(log) && statSync(log).size > 0 ? 'read-only' : 'immutable';
}

async function stepOf(db: Kysely<StoreSchema>, dialect: StoreDialect): Promise<number | null> {
  const { rows: tables } =
    dialect === 'sqlite'
      ? await sql`select 1 from sqlite_master where name = 'slipway_migrations'`.execute(db)
      : await sql`select 1 where to_regclass('slipway_migrations') is not null`.execute(db);
  if (tables.length === 0) return null;
  const { rows } = await sql<{ step: number | null }>`select max(step) as step from slipway_migrations`.execute(db);
  return rows[0]?.step ?? null;
}

/** Returns the faults that SQLite finds in the file's structure, one a text; empty: none. */
export async function damageOf({ db }: Pick<LookedAtStore, 'db'>): Promise<readonly string[]> {
  const { rows } = await sql<{ quick_check: string }>`pragma quick_check(3)`.execute(db);
  return rows.map(({ quick_check }) => quick_check).filter((text) => text !== 'ok');
}

/** Facts that PostgreSQL tells about itself. */
export interface PostgresFacts {
  /** As 150004 for 15.4. */
  readonly version: number;
  readonly nowMs: number;
  readonly isStandby: boolean;
  readonly maxConnections: number;
  readonly usedConnections: number;
  /** Whether this role may make tables in the schema that is used. */
  readonly mayCreate: boolean;
  /** Sessions of Slipway's that wait for a lock, and whose: the oldest first. */
  readonly blocked: readonly { readonly waitingMs: number; readonly by: number; readonly byWhom: string }[];
}

export async function factsOfPostgres({ db }: Pick<LookedAtStore, 'db'>): Promise<PostgresFacts> {
  const { rows } = await sql<Omit<PostgresFacts, 'blocked'>>`
    select current_setting('server_version_num')::int as "version",
      (extract(epoch from clock_timestamp()) * 1000)::bigint as "nowMs",
      pg_is_in_recovery() as "isStandby",
      current_setting('max_connections')::int as "maxConnections",
      (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as "usedConnections",
      coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) as "mayCreate"`.execute(db);
  const { rows: blocked } = await sql<PostgresFacts['blocked'][number]>`
    select (extract(epoch from clock_timestamp() - waiting.query_start) * 1000)::bigint as "waitingMs",
      holder.pid as "by", coalesce(nullif(holder.application_name, ''), holder.usename, '?') as "byWhom"
    from pg_stat_activity waiting
    cross join lateral unnest(pg_blocking_pids(waiting.pid)) as blocking(pid)
    join pg_stat_activity holder on holder.pid = blocking.pid
    where waiting.application_name = 'slipway' and waiting.wait_event_type = 'Lock'
      and waiting.datname = current_database()
    order by waiting.query_start limit 3`.execute(db);
  const [facts] = rows;
  if (facts === undefined) throw new Error('PostgreSQL says nothing of itself');
  return { ...facts, blocked };
}

/** A host as the doctor looks at it. */
export interface LookedAtHost {
  readonly name: string;
  readonly lastPolledAtMs: number | null;
  readonly identitySharedAtMs: number | null;
  readonly hostArn: string;
}

/** Hosts that are registered, by name. Needs a database of this version. */
export async function registeredHosts({ db }: Pick<LookedAtStore, 'db'>): Promise<readonly LookedAtHost[]> {
  const rows = await db
    .selectFrom('instances')
    .select(['instance_name', 'last_polled_at_ms', 'identity_shared_at_ms', 'host_arn'])
    .where('deregistered_at_ms', 'is', null)
    .orderBy('instance_name')
    .execute();
  return rows.map((row) => ({
    name: row.instance_name,
    lastPolledAtMs: row.last_polled_at_ms,
    identitySharedAtMs: row.identity_shared_at_ms,
    hostArn: row.host_arn,
  }));
}

/** The newest instant that the server has written down; null: nothing yet. Epoch milliseconds. */
export async function newestInstant({ db }: Pick<LookedAtStore, 'db'>): Promise<number | null> {
  const newest = await Promise.all([
    db
      .selectFrom('instances')
      .select((eb) => eb.fn.max('last_polled_at_ms').as('at'))
      .executeTakeFirst(),
    db
      .selectFrom('deployments')
      .select((eb) => eb.fn.max('created_at_ms').as('at'))
      .executeTakeFirst(),
    db
      .selectFrom('access_keys')
      .select((eb) => eb.fn.max('created_at_ms').as('at'))
      .executeTakeFirst(),
  ]);
  const instants = newest.flatMap((row) => (row?.at === null || row?.at === undefined ? [] : [Number(row.at)]));
  return instants.length === 0 ? null : Math.max(...instants);
}
