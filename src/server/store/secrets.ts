/** What the server keeps to itself, sealed with its master key. */
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
  /** null: a secret of the server itself. */
  readonly accessKeyId: string | null;
  readonly sealed: string;
}

/** Everything in the database that is sealed with the master key. */
export async function sealedRows(db: StoreReader): Promise<SealedRow[]> {
  const secrets = await db.selectFrom('secrets').select('value_sealed').execute();
  const keys = await db
    .selectFrom('access_keys')
    .select(['access_key_id', 'secret_sealed'])
    .orderBy('created_at_ms')
    .execute();
  return [
    ...secrets.map(({ value_sealed }) => ({ accessKeyId: null, sealed: value_sealed })),
    ...keys.map(({ access_key_id, secret_sealed }) => ({ accessKeyId: access_key_id, sealed: secret_sealed })),
  ];
}
