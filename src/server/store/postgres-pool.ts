/**
 * Connections to PostgreSQL for a server that outlives its database's restarts.
 *
 * A connection may break at any instant: PostgreSQL restarts, an administrator ends a backend, a network fails. Then
 * - a new connection is waited for, for some seconds, so that a restart goes unnoticed by most requests;
 * - a read outside of a transaction is repeated on another connection;
 * - everything else fails with SERVER_DATABASE_AWAY. Only the caller knows whether it may be repeated: see `Store.transaction`.
 *
 * Ways to the database and back are what it costs. So a transaction's `begin` is not waited for when its first statement is a read or a lock: both
 * are sent at once. So are statements of a transaction that are asked for at once. Statements that come again are prepared under names.
 */
import type { Writable } from 'node:stream';
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { databaseAway, isAfterFault, isPostgresAway, isStalePlan } from './database-faults.ts';
import type { Ask } from './postgres-query.ts';
import { createPreparedNames, type PreparedNames } from './prepared-names.ts';

export interface SturdyPoolContext {
  readonly ask: Ask;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SturdyPool extends PostgresPool {
  /** From now on the database is known to be right, and waited for when it goes away; before, faults are told at once. */
  begin(): void;
}

/** A restart takes a second or two. Callers that wait longer are better off with an answer. */
const PATIENCE_MS = 5_000;
const PROBE_EVERY_MS = 200;
/** How often a read outside of a transaction is tried on connections that break. */
const READ_TRIES = 5;
/** Every statement here takes milliseconds. One that takes this long goes to a server that has stopped or is cut off. */
const STATEMENT_LIMIT_MS = 15_000;

export function sturdyPool(pool: Pool, ctx: SturdyPoolContext): SturdyPool {
  const closing = new AbortController();
  let isWaitedFor = false;
  let away: Absence | null = null;

  // A connection that breaks while nobody uses it is replaced. Without a listener it would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    // The pool listens only while a connection is idle. Whoever has it out learns of the break from the query.
    client.on('error', () => undefined);
    // A plan that is kept must not be one for a table that was small when it was made. Every table here has the indexes that it needs.
    client.query('set enable_seqscan = off').catch(() => undefined);
  });
  const names = createPreparedNames();

  /** Begins an absence, or joins the one that has begun. One probe asks for all who wait. */
  const noteAway = (cause: unknown): Absence => {
    if (away !== null) return away;
    ctx.log.warn(`the database is down; requests that need it wait or are refused: ${messageOf(cause)}`);
    const absence: Absence = { giveUpAtMs: ctx.clock.now() + PATIENCE_MS, over: probe() };
    away = absence;
    return absence;
  };
  const probe = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await ctx.clock.sleep(PROBE_EVERY_MS, closing.signal);
      try {
        (await pool.connect()).release();
        ctx.log.info('the database is back');
        break;
      } catch {
        // Said once, when it went away.
      }
    }
    away = null;
  };

  const acquire = async (): Promise<PoolClient> => {
    for (;;) {
      if (away !== null) await waitForReturn(away, ctx.clock);
      try {
        return await pool.connect();
      } catch (error) {
        if (!isPostgresAway(error) || closing.signal.aborted) throw error;
        // A pool that is merely busy is no reason to probe.
        if (!isWaitedFor || !isConnectionFault(error)) throw databaseAway(error);
        noteAway(error);
      }
    }
  };

  return {
    options: pool.options,
    begin: () => {
      isWaitedFor = true;
    },
    connect: async () => poolClient(await acquire(), { acquire, ask: ctx.ask, names, isLimited: () => isWaitedFor }),
    async end() {
      closing.abort();
      await away?.over;
      await pool.end();
    },
  };
}

interface Absence {
  readonly giveUpAtMs: number;
  readonly over: Promise<void>;
}

async function waitForReturn(absence: Absence, clock: Clock): Promise<void> {
  const leftMs = absence.giveUpAtMs - clock.now();
  const isBack = new AbortController();
  const isOver = absence.over.then(() => true);
  try {
    const over = leftMs > 0 && (await Promise.race([isOver, clock.sleep(leftMs, isBack.signal).then(() => false)]));
    if (!over) throw databaseAway(new Error('it has been down for some time'));
  } finally {
    isBack.abort();
  }
}

/** Whether no connection came about at all; the alternative is a pool whose connections are all in use. */
function isConnectionFault(error: unknown): boolean {
  return !(error instanceof Error && error.message.startsWith('timeout exceeded'));
}

interface PoolClientContext {
  readonly ask: Ask;
  acquire(): Promise<PoolClient>;
  isLimited(): boolean;
  readonly names: PreparedNames;
}

/** One user's hold on a connection. In a transaction, statements may come before the last one is answered; they are sent in their order. */
function poolClient(first: PoolClient, { acquire, ask, names, isLimited }: PoolClientContext) {
  let client = first;
  let isBroken = false;
  let inTransaction = false;
  /** A transaction was asked for and is not begun. */
  let isToBegin = false;
  /** The transaction's beginning, while it is waited for. */
  let beginning: Promise<unknown> | null = null;
  /** First fault of the transaction. */
  let fault: unknown = null;
  const send = (sql: string, parameters: readonly unknown[]) => {
    writeTogether(client);
    const answer = limited(ask(client, sql, parameters, names.nameOf(sql)), isLimited());
    // Noted at once: which of several callers hears of its fault first is chance.
    answer.catch((error: unknown) => {
      fault ??= error;
    });
    return answer;
  };
  const run = async (sql: string, parameters: readonly unknown[]) => {
    try {
      if (beginning !== null) await beginning;
      if (!isToBegin) return await send(sql, parameters);
      isToBegin = false;
      const begun = send('begin', []);
      // What changes something must not be sent before it is known to be in the transaction.
      if (!/^select\b/.test(sql)) {
        beginning = begun;
        await begun;
        beginning = null;
      }
      const [, result] = await Promise.all([begun, send(sql, parameters)]);
      return result;
    } catch (thrown) {
      const error = isAfterFault(thrown) ? (fault ?? thrown) : thrown;
      if (isStalePlan(error)) names.renew();
      if (!isPostgresAway(error)) throw error;
      isBroken = true;
      throw databaseAway(error);
    }
  };
  const query = async (sql: string, parameters: readonly unknown[]) => {
    if (sql === 'begin') {
      [inTransaction, isToBegin, fault] = [true, true, null];
      return NOTHING;
    }
    if (/^(commit|rollback)$/.test(sql)) {
      inTransaction = false;
      if (isToBegin) {
        isToBegin = false;
        return NOTHING;
      }
    }
    for (let tries = 1; ; tries += 1) {
      try {
        return await run(sql, parameters);
      } catch (error) {
        const mayRepeat = (isBroken || isStalePlan(error)) && !inTransaction && /^select\b/.test(sql);
        if (!mayRepeat || tries === READ_TRIES) throw error;
      }
      if (!isBroken) continue;
      client.release(true);
      isBroken = false;
      // Until there is another one: the first is given back, and must not be a second time.
      client = RELEASED;
      client = await acquire();
    }
  };
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy?: boolean) => client.release(isBroken || destroy === true),
  } satisfies PostgresPoolClient;
}

/**
 * Has everything that is sent over a connection in this turn of the microtasks written at once. Each write wakes a process of PostgreSQL,
 * which is the larger part of what a short statement costs here.
 */
function writeTogether(client: PoolClient): void {
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Writable } }).connection;
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

const NOTHING = { command: '', rowCount: 0, rows: [] };

/** In the place of a connection that is given back. */
const RELEASED = { release: () => undefined } as unknown as PoolClient;

async function limited(query: Promise<unknown>, isLimited: boolean): Promise<PostgresQueryResult<never>> {
  if (!isLimited) return (await query) as PostgresQueryResult<never>;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Query read timeout')), STATEMENT_LIMIT_MS);
  });
  try {
    return (await Promise.race([query, limit])) as PostgresQueryResult<never>;
  } finally {
    clearTimeout(timer);
  }
}
