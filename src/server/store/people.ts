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
  /** The provider that has signed the person in now. */
  readonly issuer: string;
  readonly name: string;
  readonly role: Exclude<Role, 'host'>;
  readonly scope: KeyScope | null;
}

const SECRET_BYTES = 32;

/** Id of a person's row; no key that the server makes has such a one. */
export function idOfPerson(subject: string): string {
  return `oidc:${subject}`;
}

/** What came of keeping a person. */
export type Kept =
  | { readonly ending: 'kept' }
  /** By an admin of this server. */
  | { readonly ending: 'disabled' }
  /** The row belongs to a person of this provider: the same subject at another one may be somebody else. */
  | { readonly ending: 'of-another-provider'; readonly issuer: string };

/** Keeps what the provider says of a person now, in place of what it has said before. The first sign-in binds the row to the provider. */
export async function savePerson(
  tx: StoreTransaction,
  ctx: { readonly sealer: SecretSealer; readonly random: Pick<Random, 'bytes'>; readonly nowMs: number },
  { accessKeyId, issuer, name, role, scope }: KnownPerson,
): Promise<Kept> {
  const now = {
    secret_sealed: ctx.sealer.seal(ctx.random.bytes(SECRET_BYTES).toString('base64url')),
    role,
    scope_json: scope === null ? null : JSON.stringify(scope),
    description: name,
    issuer,
  };
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('access_keys')
    .values({ ...now, access_key_id: accessKeyId, host_arn: null, created_at_ms: ctx.nowMs, disabled_at_ms: null })
    .onConflict((conflict) =>
      conflict
        .column('access_key_id')
        .doUpdateSet(now)
        .where('access_keys.disabled_at_ms', 'is', null)
        .where((eb) => eb.or([eb('access_keys.issuer', 'is', null), eb('access_keys.issuer', '=', issuer)])),
    )
    .executeTakeFirst();
  if ((numInsertedOrUpdatedRows ?? 0n) > 0n) return { ending: 'kept' };
  const { issuer: boundTo } = await tx
    .selectFrom('access_keys')
    .select('issuer')
    .where('access_key_id', '=', accessKeyId)
    .executeTakeFirstOrThrow();
  if (boundTo === null || boundTo === issuer) return { ending: 'disabled' };
  return { ending: 'of-another-provider', issuer: boundTo };
}
