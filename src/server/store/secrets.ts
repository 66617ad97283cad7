/** Secrets of the server, sealed with its master key. */
import type { StoreReader } from './store.ts';

export async function findSecret(db: StoreReader, name: string): Promise<string | null> {
  const row = await db.selectFrom('secrets').select('value_sealed').where('name', '=', name).executeTakeFirst();
  return row?.value_sealed ?? null;
}

/** Keeps a secret under a name, unless another server was faster: the first one counts. */
export async function keepFirstSecret(db: StoreReader, name: string, valueSealed: string): Promise<void> {
  await db
    .insertInto('secrets')
    .values({ name, value_sealed: valueSealed })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
}

export interface SealedRow {
  readonly what: 'secret of the server' | 'access key' | 'git token';
  /** The id of the key, the name of the token or of the secret. */
  readonly name: string;
  readonly sealed: string;
}

/** Everything in the database that is sealed with the master key. */
export async function sealedRows(db: StoreReader): Promise<SealedRow[]> {
  const secrets = await db.selectFrom('secrets').select(['name', 'value_sealed']).execute();
  const keys = await db
    .selectFrom('access_keys')
    .select(['access_key_id', 'secret_sealed'])
    .orderBy('created_at_ms')
    .execute();
  const tokens = await db
    .selectFrom('git_tokens')
    .select(['token_name', 'token_sealed'])
    .orderBy('token_name')
    .execute();
  return [
    ...secrets.map((row) => ({ what: 'secret of the server', name: row.name, sealed: row.value_sealed }) as const),
    ...keys.map((row) => ({ what: 'access key', name: row.access_key_id, sealed: row.secret_sealed }) as const),
    ...tokens.map((row) => ({ what: 'git token', name: row.token_name, sealed: row.token_sealed }) as const),
  ];
}
