import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import { messageOf, SlipwayError } from '../../errors.ts';
import { migrate } from './migrations.ts';
import type { StoreSchema } from './schema.ts';
import { sqliteDialect } from './sqlite-dialect.ts';

/** The database. Everything that changes more than one row goes through `transaction`. */
export interface Store {
  readonly db: Kysely<StoreSchema>;
  readonly dialect: 'sqlite' | 'postgres';
  transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export type StoreTransaction = Transaction<StoreSchema>;
/** For functions that work in a transaction and outside of one. */
export type StoreReader = Kysely<StoreSchema> | StoreTransaction;

export type StoreLocation = { readonly dataDir: string } | { readonly databaseUrl: string };

/**
 * Opens the database and brings it up to date. Several processes may have it open.
 *
 * @throws SlipwayError SERVER_DATABASE_UNREACHABLE, SERVER_DATABASE_NEWER
 */
export async function openStore(location: StoreLocation): Promise<Store> {
  const dialect = 'databaseUrl' in location ? 'postgres' : 'sqlite';
  const db = new Kysely<StoreSchema>({
    dialect: 'databaseUrl' in location ? await postgresDialect(location.databaseUrl) : embedded(location.dataDir),
  });
  try {
    await migrate(db, dialect);
  } catch (cause) {
    await db.destroy();
    if (cause instanceof SlipwayError) throw cause;
    const where = 'databaseUrl' in location ? withoutPassword(location.databaseUrl) : location.dataDir;
    throw new SlipwayError(
      'SERVER_DATABASE_UNREACHABLE',
      `the database ${where} cannot be opened: ${messageOf(cause)}`,
      { cause },
    );
  }
  return {
    db,
    dialect,
    transaction: (work) => db.transaction().execute(work),
    close: () => db.destroy(),
  };
}

function embedded(dataDir: string) {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return sqliteDialect(join(dataDir, 'slipway.db'));
}

const POSTGRES_CONNECTIONS = 10;
const INT8 = 20;

async function postgresDialect(connectionString: string): Promise<PostgresDialect> {
  // Loaded only by those who use it.
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({
    connectionString,
    max: POSTGRES_CONNECTIONS,
    types: {
      // Milliseconds since the epoch fit into a number for the next 285 000 years.
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
    },
  });
  // A connection that breaks while it is idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  return new PostgresDialect({ pool });
}

function withoutPassword(url: string): string {
  return url.replace(/:[^:@/]*@/, ':…@');
}
