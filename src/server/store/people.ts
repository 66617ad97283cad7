/**
 * People whom an OpenID Connect provider signs in. Each has a row among the access keys, so that power, scope, limits and the audit log are
 * the same for all. Nobody ever has the secret of such a key: it signs no request.
 */
import type { KeyScope } from '../../protocol/management/key-scope.ts';
import type { Random } from '../../system/random.ts';
import type { SecretSealer } from './access-keys.ts';
import type { Role } from './schema.ts';
import type { StoreTransaction } from './store.ts';

export interface KnownPerson {
  readonly accessKeyId: string;
  readonly name: string;
  readonly role: Exclude<Role, 'host'>;
  readonly scope: KeyScope | null;
}

const SECRET_BYTES = 32;

/** Id of a person's row; no key that the server makes has such a one. */
export function idOfPerson(subject: string): string {
  return `oidc:${subject}`;
}

/**
 * Keeps what the provider says of a person now, in place of what it has said before.
 *
 * @returns false: an admin has disabled the person
 */
export async function savePerson(
  tx: StoreTransaction,
  ctx: { readonly sealer: SecretSealer; readonly random: Pick<Random, 'bytes'>; readonly nowMs: number },
  { accessKeyId, name, role, scope }: KnownPerson,
): Promise<boolean> {
  const now = {
    secret_sealed: ctx.sealer.seal(ctx.random.bytes(SECRET_BYTES).toString('base64url')),
    role,
    scope_json: scope === null ? null : JSON.stringify(scope),
    description: name,
  };
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('access_keys')
    .values({ ...now, access_key_id: accessKeyId, host_arn: null, created_at_ms: ctx.nowMs, disabled_at_ms: null })
    .onConflict((conflict) =>
      conflict.column('access_key_id').doUpdateSet(now).where('access_keys.disabled_at_ms', 'is', null),
    )
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}
