/** Sessions of the console. The server keeps only the hash of a session's secret, so that a copy of the database signs nobody in. */
import type { ConsoleSessionRow } from './schema.ts';
import { statement } from './statement.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** A sign-in ends one session, unless more were there from before there was a limit. */
const MOST_ENDED = 100;

/**
 * Keeps a new session.
 *
 * @returns false: the sign-in was used before, and made a session then
 */
export async function insertConsoleSession(tx: StoreTransaction, row: ConsoleSessionRow): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('console_sessions')
    .values(row)
    .onConflict((conflict) => conflict.column('sign_in_sha256').doNothing())
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

const sessionBy = statement((db, sessionSha256: string) =>
  db.selectFrom('console_sessions').selectAll().where('session_sha256', '=', sessionSha256),
);

/** @returns null: there is no such session, or it was deleted long after its end */
export async function findConsoleSession(db: StoreReader, sessionSha256: string): Promise<ConsoleSessionRow | null> {
  return (await sessionBy(db, sessionSha256)).rows[0] ?? null;
}

/** Ends a session for good; one that has ended keeps its date. */
export async function endConsoleSession(tx: StoreTransaction, sessionSha256: string, nowMs: number): Promise<void> {
  await tx
    .updateTable('console_sessions')
    .set({ ended_at_ms: nowMs })
    .where('session_sha256', '=', sessionSha256)
    .where('ended_at_ms', 'is', null)
    .execute();
}

/**
 * Ends every session of a key.
 *
 * @param issuer only the sessions that this provider has signed in; null: all
 */
export async function endConsoleSessionsOf(
  tx: StoreTransaction,
  accessKeyId: string,
  nowMs: number,
  issuer: string | null = null,
): Promise<void> {
  await tx
    .updateTable('console_sessions')
    .set({ ended_at_ms: nowMs })
    .where('access_key_id', '=', accessKeyId)
    .where('ended_at_ms', 'is', null)
    .$if(issuer !== null, (query) => query.where('issuer', '=', issuer))
    .execute();
}

/**
 * Ends the oldest open sessions of a key beyond the newest.
 *
 * @param newest goes on, whatever the clock said when the others began
 * @param keep how many go on, the newest among them
 */
export async function endOldestConsoleSessionsOf(
  tx: StoreTransaction,
  accessKeyId: string,
  { newest, keep, nowMs }: { readonly newest: string; readonly keep: number; readonly nowMs: number },
): Promise<void> {
  const open = await tx
    .selectFrom('console_sessions')
    .select('session_sha256')
    .where('access_key_id', '=', accessKeyId)
    .where('ended_at_ms', 'is', null)
    .where('expires_at_ms', '>', nowMs)
    .where('session_sha256', '!=', newest)
    .orderBy('created_at_ms', 'desc')
    .orderBy('session_sha256')
    .limit(MOST_ENDED)
    .offset(keep - 1)
    .execute();
  // In one order, so that two sign-ins do not wait for each other in a circle.
  const names = open.map((row) => row.session_sha256).sort();
  for (const name of names) await endConsoleSession(tx, name, nowMs);
}

/** Deletes sessions whose time was over before `beforeMs`. @returns how many, `limit` at most */
export async function deleteOldConsoleSessions(tx: StoreTransaction, beforeMs: number, limit: number): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('console_sessions')
    .where('session_sha256', 'in', (eb) =>
      eb.selectFrom('console_sessions').select('session_sha256').where('expires_at_ms', '<', beforeMs).limit(limit),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}
