import type { Random } from '../../system/random.ts';
import type { AccessKeyRow, Role } from './schema.ts';
import type { StoreReader } from './store.ts';

/** Seals the secrets of keys; see `server/sealing.ts`. */
export interface SecretSealer {
  seal(text: string): string;
  open(sealed: string): string;
}

export interface NewAccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A key as it is used to verify a request. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly role: Role;
  readonly hostArn: string | null;
}

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const SECRET_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Makes a key of the form that every AWS client takes. The secret is returned only here. */
export async function createAccessKey(
  db: StoreReader,
  ctx: { readonly sealer: SecretSealer; readonly random: Pick<Random, 'text'>; readonly nowMs: number },
  key: { readonly role: Role; readonly hostArn: string | null; readonly description: string },
): Promise<NewAccessKey> {
  const accessKeyId = `AKIA${ctx.random.text(16, ID_LETTERS)}`;
  const secretAccessKey = ctx.random.text(40, SECRET_LETTERS);
  await db
    .insertInto('access_keys')
    .values({
      access_key_id: accessKeyId,
      secret_sealed: ctx.sealer.seal(secretAccessKey),
      role: key.role,
      host_arn: key.hostArn,
      description: key.description,
      created_at_ms: ctx.nowMs,
      disabled_at_ms: null,
    })
    .execute();
  return { accessKeyId, secretAccessKey };
}

/** @returns null for a key that does not exist or is disabled */
export async function findAccessKey(
  db: StoreReader,
  sealer: SecretSealer,
  accessKeyId: string,
): Promise<AccessKey | null> {
  const row = await db
    .selectFrom('access_keys')
    .selectAll()
    .where('access_key_id', '=', accessKeyId)
    .where('disabled_at_ms', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return null;
  return { accessKeyId, secretAccessKey: sealer.open(row.secret_sealed), role: row.role, hostArn: row.host_arn };
}

/** @param role null: keys of all roles */
export async function listAccessKeys(
  db: StoreReader,
  role: Role | null,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<AccessKeyRow[]> {
  return db
    .selectFrom('access_keys')
    .selectAll()
    .$if(role !== null, (query) => query.where('role', '=', role))
    .where('access_key_id', '>', after)
    .orderBy('access_key_id')
    .limit(limit)
    .execute();
}

/** @returns whether there is such a key */
export async function disableAccessKey(db: StoreReader, accessKeyId: string, nowMs: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('access_keys')
    .set((eb) => ({ disabled_at_ms: eb.fn.coalesce('disabled_at_ms', eb.val(nowMs)) }))
    .where('access_key_id', '=', accessKeyId)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
