import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, type Transaction } from 'kysely';
import { messageOf, SlipwayError } from '../../errors.ts';
import { migrate } from './migrations.ts';
import { isRetryable, postgresDialect } from './postgres-dialect.ts';
import { postgresWakeUps } from './postgres-wake-ups.ts';
import type { StoreSchema } from './schema.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { type WakeUps, wakeUpsOfOneProcess } from './wake-ups.ts';

/**
 * The database.
 *
 * Everything that changes more than one row goes through `transaction`, and inside of one everything goes through its `tx`: on
 * SQLite there is one connection, so asking `db` for another one there waits for ever. A transaction waits for nothing but the
 * database; it may be run again when PostgreSQL had to break a deadlock.
 */
export interface Store {
  readonly db: Kysely<StoreSchema>;
  readonly dialect: StoreDialect;
  readonly wakeUps: WakeUps;
  transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export type StoreDialect = 'sqlite' | 'postgres';
export type StoreTransaction = Transaction<StoreSchema>;
/** For functions that work in a transaction and outside of one. */
export type StoreReader = Kysely<StoreSchema> | StoreTransaction;

export type StoreLocation = { readonly dataDir: string } | { readonly databaseUrl: string };

/**
 * Opens the database, making it if there is none, and brings it up to date. Several processes may have it open: that only one
 * server works on a data folder is its own lock's matter.
 *
 * @throws SlipwayError SERVER_DATABASE_UNREACHABLE, SERVER_DATABASE_NEWER
 */
export async function openStore(location: StoreLocation): Promise<Store> {
  return 'databaseUrl' in location ? openPostgres(location.databaseUrl) : openSqlite(location.dataDir);
}

/** Where the embedded database is. */
export function databaseFileOf(dataDir: string): string {
  return join(dataDir, 'slipway.db');
}

async function openSqlite(dataDir: string): Promise<Store> {
  const file = databaseFileOf(dataDir);
  const db = await openMigrated('sqlite', file, async () => {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return new Kysely<StoreSchema>({ dialect: sqliteDialect(file) });
  });
  return {
    db,
    dialect: 'sqlite',
    wakeUps: wakeUpsOfOneProcess,
    transaction: (work) => db.transaction().execute(work),
    close: () => db.destroy(),
  };
}

/** How often a transaction is tried that PostgreSQL had to break off; each time another one has got on. */
const TRIES = 5;

async function openPostgres(databaseUrl: string): Promise<Store> {
  const db = await openMigrated(
    'postgres',
    withoutPassword(databaseUrl),
    async () => new Kysely<StoreSchema>({ dialect: await postgresDialect(databaseUrl) }),
  );
  return {
    db,
    dialect: 'postgres',
    wakeUps: postgresWakeUps(databaseUrl),
    async transaction(work) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await db.transaction().execute(work);
        } catch (error) {
          if (tries === TRIES || !isRetryable(error)) throw error;
        }
      }
    },
    close: () => db.destroy(),
  };
}

async function openMigrated(
  dialect: StoreDialect,
  place: string,
  open: () => Promise<Kysely<StoreSchema>>,
): Promise<Kysely<StoreSchema>> {
  let db: Kysely<StoreSchema> | null = null;
  try {
    db = await open();
    await migrate(db, dialect);
    return db;
  } catch (cause) {
    await db?.destroy();
    if (cause instanceof SlipwayError) throw cause;
    const message = `the database ${place} cannot be opened: ${messageOf(cause)}`;
    throw new SlipwayError('SERVER_DATABASE_UNREACHABLE', message, { cause });
  }
}

/** For messages: the address as it was given, but for the password. */
function withoutPassword(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl);
    if (url.password !== '') url.password = '***';
    if (url.searchParams.has('password')) url.searchParams.set('password', '***');
    return url.href;
  } catch {
    return '(PostgreSQL)';
  }
}
