/** Tokens that hosts enrol with. The server keeps only the hash of a token's secret. */
import type { EnrolmentTokenRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export async function insertToken(tx: StoreTransaction, row: EnrolmentTokenRow): Promise<void> {
  await tx.insertInto('enrolment_tokens').values(row).execute();
}

/** @returns null: there is no such token */
export async function findToken(db: StoreReader, tokenId: string): Promise<EnrolmentTokenRow | null> {
  const row = await db.selectFrom('enrolment_tokens').selectAll().where('token_id', '=', tokenId).executeTakeFirst();
  return row ?? null;
}

/** A page of tokens in the order of their ids, from the one behind `after` on. */
export async function listTokens(db: StoreReader, after: string, limit: number): Promise<EnrolmentTokenRow[]> {
  return db
    .selectFrom('enrolment_tokens')
    .selectAll()
    .where('token_id', '>', after)
    .orderBy('token_id')
    .limit(limit)
    .execute();
}

/**
 * Takes one of the uses that a token has left. When two callers want the last one, the second waits for the first, and then finds none.
 *
 * @returns whether there was one: the token has not ended and is not revoked
 */
export async function takeUse(tx: StoreTransaction, tokenId: string, nowMs: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('enrolment_tokens')
    .set((eb) => ({ uses_left: eb('uses_left', '-', 1) }))
    .where('token_id', '=', tokenId)
    .where('uses_left', '>', 0)
    .where('revoked_at_ms', 'is', null)
    .where('expires_at_ms', '>', nowMs)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Ends a token for good; one that is revoked keeps its date. @returns whether there is such a token */
export async function revokeToken(tx: StoreTransaction, tokenId: string, nowMs: number): Promise<boolean> {
  await tx
    .updateTable('enrolment_tokens')
    .set({ revoked_at_ms: nowMs })
    .where('token_id', '=', tokenId)
    .where('revoked_at_ms', 'is', null)
    .execute();
  return (await findToken(tx, tokenId)) !== null;
}

/** Deletes tokens that have ended before a time. */
export async function deleteEndedTokens(tx: StoreTransaction, beforeMs: number): Promise<void> {
  await tx.deleteFrom('enrolment_tokens').where('expires_at_ms', '<', beforeMs).execute();
}
