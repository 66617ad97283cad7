/** The clock that all servers of one database share. */
import { sql } from 'kysely';
import type { Clock } from '../../system/clock.ts';
import type { Store } from './store.ts';

export interface DatabaseClock {
  /** Milliseconds since the epoch. */
  nowMs(): Promise<number>;
}

/**
 * PostgreSQL's own clock, for what servers must agree on: theirs may differ by more than a lease is long. SQLite has one server, and
 * that one's clock.
 */
export function databaseClock(
  { db, dialect }: Pick<Store, 'db' | 'dialect'>,
  clock: Pick<Clock, 'now'>,
): DatabaseClock {
  if (dialect === 'sqlite') return { nowMs: async () => clock.now() };
  return {
    async nowMs() {
      const { rows } = await sql<{ now_ms: string }>`
        select floor(extract(epoch from clock_timestamp()) * 1000) as now_ms`.execute(db);
      return Number(rows[0]?.now_ms);
    },
  };
}
