import { PostgresDialect } from 'kysely';
import { isStalePlan } from './database-faults.ts';
import { type SturdyPool, type SturdyPoolContext, sturdyPool } from './postgres-pool.ts';
import { createAsk } from './postgres-query.ts';

const CONNECTIONS = 10;
/** An address that nobody answers at is an error soon, not a request that hangs. */
const CONNECT_LIMIT_MS = 5_000;
/** A process that stands still in the middle of a transaction must not keep a deployment locked for the others. */
const IDLE_TRANSACTION_LIMIT_MS = 60_000;
/** After this long without traffic the system asks whether the other side is still there; it may be gone without a word. */
const ALIVE_AFTER_MS = 10_000;
const INT8 = 20;

/** Kysely on PostgreSQL, with 64-bit integers read as numbers: milliseconds since the epoch fit for the next 285 000 years. */
export async function postgresDialect(
  connectionString: string,
  ctx: Omit<SturdyPoolContext, 'ask'>,
): Promise<{ readonly dialect: PostgresDialect; readonly pool: SturdyPool }> {
  // Loaded only by those who use it.
  const { default: pg } = await import('pg');
  const pool = sturdyPool(
    new pg.Pool({
      connectionString,
      application_name: 'slipway',
      max: CONNECTIONS,
      keepAlive: true,
      pipeline: true,
      keepAliveInitialDelayMillis: ALIVE_AFTER_MS,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_LIMIT_MS,
      types: {
        getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
          oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
      },
    }),
    { ...ctx, ask: createAsk(pg.Query) },
  );
  return { dialect: new PostgresDialect({ pool }), pool };
}

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK_DETECTED = '40P01';
const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';

const RETRYABLE: ReadonlySet<unknown> = new Set([
  ...[SERIALIZATION_FAILURE, DEADLOCK_DETECTED, UNIQUE_VIOLATION, FOREIGN_KEY_VIOLATION],
]);

/**
 * Whether PostgreSQL broke a transaction off for the sake of another one, so that it can simply be run again. A name that was taken between
 * the look and the insert counts, and so does a parent that was deleted. The transaction sees that when it runs again, and says so in the
 * API's words.
 */
export function isRetryable(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return RETRYABLE.has(code) || isStalePlan(error);
}
