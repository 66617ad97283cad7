import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, type Transaction } from 'kysely';
import { isSlipwayError, messageOf, SlipwayError } from '../../errors.ts';
import { type Logger, silentLogger } from '../../logging/logger.ts';
import { systemClock } from '../../system/clock.ts';
import { remedyOfSqlite } from './database-faults.ts';
import type { Durability } from './durability.ts';
import { migrate } from './migrations.ts';
import { isRetryable, postgresDialect } from './postgres-dialect.ts';
import { remedyOfPostgres } from './postgres-remedies.ts';
import { postgresWakeUps } from './postgres-wake-ups.ts';
import type { StoreSchema } from './schema.ts';
import { sqliteDialects } from './sqlite-dialect.ts';
import { transactionsOn } from './transactions.ts';
import { type WakeUps, wakeUpsOfOneProcess } from './wake-ups.ts';

/**
 * The database.
 *
 * A change of more than one row goes through `transaction`, and everything inside of one goes through its `tx`. SQLite has one writer, so a
 * write through `db` inside of a transaction waits for ever. A transaction waits for nothing but the database.
 *
 * Transactions that change the same things wait for each other. On SQLite each has the whole database to itself. On PostgreSQL a
 * transaction holds the rows that its outcome rests on. Functions whose names begin with `lock` hold a row to change it; those with `hold`
 * keep others from changing or deleting it. All go in this order, so that there is no deadlock: the caller's key, user, keys of a host,
 * host, application, group, configuration. A deployment comes before its group. A quota comes after all of them, and so does the queue of a
 * notice. A row that is read without one of them may be gone when the transaction writes.
 *
 * A transaction is run again when PostgreSQL had to break a deadlock, or when the connection broke before its `COMMIT` was sent. Nothing of
 * it has happened then. When it broke later, nobody knows whether it has happened. It is not run again, and fails with SERVER_DATABASE_AWAY
 * like everything else that the database does not take. So callers must bear being repeated. A host's repeated report is told from a new
 * one, the engine decides from the rows alone, and a taken name or group is refused.
 */
export interface Store {
  readonly db: Kysely<StoreSchema>;
  readonly dialect: StoreDialect;
  readonly wakeUps: WakeUps;
  /** @param durability what a power cut may take of it; left out: nothing */
  transaction<T>(work: (tx: StoreTransaction) => Promise<T>, durability?: Durability): Promise<T>;
  /**
   * Runs one statement that changes something and is a transaction by itself, which takes a single way to the database and back. It is run again
   * when PostgreSQL had to break it off; whether it has happened when its connection broke is not known.
   */
  statement<T>(run: (db: StoreReader) => Promise<T>, durability?: Durability): Promise<T>;
  close(): Promise<void>;
}

/** For `gathered`: what the store does together at most, and the error that is nobody's own. */
export const TOGETHER = { most: 100, isOfAll: (error: unknown) => isSlipwayError(error, 'SERVER_DATABASE_AWAY') };

export type StoreDialect = 'sqlite' | 'postgres';
export type StoreTransaction = Transaction<StoreSchema>;
/** For functions that work in a transaction and outside of one. */
export type StoreReader = Kysely<StoreSchema> | StoreTransaction;

export type StoreLocation = { readonly dataDir: string } | { readonly databaseUrl: string };

/**
 * Opens the database, making it if there is none, and brings it up to date. Several processes may have it open: that only one
 * server works on a data folder is its own lock's matter.
 *
 * @param log is told when the database goes away and when it is back
 * @throws SlipwayError SERVER_DATABASE_UNREACHABLE, SERVER_DATABASE_NEWER
 */
export async function openStore(location: StoreLocation, log: Logger = silentLogger): Promise<Store> {
  return 'databaseUrl' in location ? openPostgres(location.databaseUrl, log) : openSqlite(location.dataDir);
}

/** Where the embedded database is. */
export function databaseFileOf(dataDir: string): string {
  return join(dataDir, 'slipway.db');
}

async function openSqlite(dataDir: string): Promise<Store> {
  const file = databaseFileOf(dataDir);
  const dialects = sqliteDialects(file);
  const db = await openMigrated(
    'sqlite',
    file,
    (cause) => remedyOfSqlite(file, cause),
    async () => {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      return new Kysely<StoreSchema>({ dialect: dialects.synced });
    },
  );
  const lazyDb = new Kysely<StoreSchema>({ dialect: dialects.lazy });
  const inTransaction = transactionsOn(dialects.synced);
  return {
    db,
    dialect: 'sqlite',
    wakeUps: wakeUpsOfOneProcess,
    transaction: (work, durability) => inTransaction(durability === 'lazy' ? lazyDb : db, work),
    statement: (run, durability) => run(durability === 'lazy' ? lazyDb : db),
    close: () => db.destroy(),
  };
}

/** How often a transaction is tried that PostgreSQL had to break off, or whose connection broke. */
const TRIES = 10;

async function openPostgres(databaseUrl: string, log: Logger): Promise<Store> {
  const { dialect, pool } = await postgresDialect(databaseUrl, { clock: systemClock, log });
  const place = withoutPassword(databaseUrl);
  const db = await openMigrated(
    'postgres',
    place,
    (cause) => remedyOfPostgres(cause, databaseUrl),
    async () => new Kysely<StoreSchema>({ dialect }),
  );
  pool.begin();
  const inTransaction = transactionsOn(dialect);
  return {
    db,
    dialect: 'postgres',
    wakeUps: postgresWakeUps(databaseUrl),
    async transaction(work) {
      for (let tries = 1; ; tries += 1) {
        const attempt = await tryTransaction((run) => inTransaction(db, run), work);
        if ('result' in attempt) return attempt.result;
        const { error, mayHaveHappened } = attempt;
        const mayRunAgain = isRetryable(error) || (isSlipwayError(error, 'SERVER_DATABASE_AWAY') && !mayHaveHappened);
        if (tries === TRIES || !mayRunAgain) throw error;
      }
    },
    async statement(run) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await run(db);
        } catch (error) {
          if (tries === TRIES || !isRetryable(error)) throw error;
        }
      }
    },
    close: () => db.destroy(),
  };
}

type Attempt<T> = { readonly result: T } | { readonly error: unknown; readonly mayHaveHappened: boolean };

async function tryTransaction<T>(
  inTransaction: (run: (tx: StoreTransaction) => Promise<T>) => Promise<T>,
  work: (tx: StoreTransaction) => Promise<T>,
): Promise<Attempt<T>> {
  // The work's own error: on a broken connection the attempt to roll back fails, too, and hides it.
  let fault: { readonly error: unknown } | null = null;
  let isDone = false;
  try {
    const result = await inTransaction(async (tx) => {
      try {
        const value = await work(tx);
        isDone = true;
        return value;
      } catch (error) {
        fault = { error };
        throw error;
      }
    });
    return { result };
  } catch (error) {
    const own = fault as { readonly error: unknown } | null;
    return { error: own === null ? error : own.error, mayHaveHappened: isDone };
  }
}

async function openMigrated(
  dialect: StoreDialect,
  place: string,
  remedyOf: (cause: unknown) => string | null,
  open: () => Promise<Kysely<StoreSchema>>,
): Promise<Kysely<StoreSchema>> {
  let db: Kysely<StoreSchema> | null = null;
  try {
    db = await open();
    await migrate(db, { dialect, place: `the database ${place}` });
    return db;
  } catch (thrown) {
    await db?.destroy();
    const isAway = isSlipwayError(thrown, 'SERVER_DATABASE_AWAY');
    if (thrown instanceof SlipwayError && !isAway) throw thrown;
    const cause = isAway ? thrown.cause : thrown;
    const remedy = remedyOf(cause);
    const message = `the database ${place} cannot be opened: ${messageOf(cause)}`;
    throw new SlipwayError('SERVER_DATABASE_UNREACHABLE', message, {
      cause,
      ...(remedy === null ? {} : { remedy }),
    });
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
