/** Tokens for hosts of git repositories, sealed with the master key. */
import type { GitTokenRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** Keeps a token under its name; another one of the name is replaced. */
export async function putGitToken(tx: StoreTransaction, row: GitTokenRow): Promise<void> {
  await tx
    .insertInto('git_tokens')
    .values(row)
    .onConflict((conflict) => conflict.column('token_name').doUpdateSet(row))
    .execute();
}

/** Lists all tokens by name: there are a few dozen at most. */
export async function listGitTokens(db: StoreReader): Promise<GitTokenRow[]> {
  return db.selectFrom('git_tokens').selectAll().orderBy('token_name').execute();
}

/** @returns whether there was one of the name */
export async function deleteGitToken(tx: StoreTransaction, tokenName: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom('git_tokens').where('token_name', '=', tokenName).executeTakeFirst();
  return numDeletedRows > 0n;
}
