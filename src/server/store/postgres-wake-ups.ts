import { sql } from 'kysely';
import type { Client } from 'pg';
import { messageOf } from '../../errors.ts';
import type { ListenContext, WakeUps } from './wake-ups.ts';

const CHANNEL = 'slipway_hosts';
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;

/**
 * Wake-ups by `NOTIFY`, which PostgreSQL sends when the transaction commits.
 *
 * The listening connection does not come back by itself when it breaks, and what was announced meanwhile is gone. So it is made
 * anew, and after each new beginning the listener is told to look for itself.
 */
export function postgresWakeUps(connectionString: string): WakeUps {
  return {
    async announce(tx, hostArns) {
      if (hostArns.length === 0) return;
      await sql`select pg_notify(${CHANNEL}, host) from unnest(${hostArns}::text[]) as host`.execute(tx);
    },
    listen(ctx) {
      const closing = new AbortController();
      const listening = keepListening(connectionString, ctx, closing.signal);
      return {
        async close() {
          closing.abort();
          await listening;
        },
      };
    },
  };
}

async function keepListening(connectionString: string, ctx: ListenContext, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await listenOnce(connectionString, ctx, signal, () => {
        if (failures > 0) ctx.log.info('wake-ups from the database are back');
        failures = 0;
      });
    } catch (error) {
      failures += 1;
      // Said once: a database that is down stays down for many tries.
      if (failures === 1) ctx.log.warn(`wake-ups from the database have broken off: ${messageOf(error)}`, { error });
      await ctx.clock.sleep(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1)), signal);
    }
  }
}

/** Returns when the signal aborts; throws when the connection cannot be made or breaks. */
async function listenOnce(
  connectionString: string,
  ctx: ListenContext,
  signal: AbortSignal,
  onListening: () => void,
): Promise<void> {
  const { default: pg } = await import('pg');
  const client: Client = new pg.Client({ connectionString, application_name: 'slipway wake-ups', keepAlive: true });
  const over = Promise.withResolvers<void>();
  const stop = () => over.resolve();
  // Without a listener for its errors a broken connection would end the process.
  client.on('error', over.reject);
  client.on('end', () => over.reject(new Error('the connection was closed')));
  client.on('notification', ({ payload }) => ctx.onWake(payload ?? null));
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    await Promise.race([client.connect(), over.promise]);
    if (signal.aborted) return;
    await client.query(`listen ${CHANNEL}`);
    onListening();
    ctx.onWake(null);
    await over.promise;
  } finally {
    signal.removeEventListener('abort', stop);
    await client.end().catch(() => undefined);
  }
}
