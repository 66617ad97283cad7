import type { KeyScope } from '../../protocol/management/key-scope.ts';
import type { Random } from '../../system/random.ts';
import { inChunks } from './chunks.ts';
import { HEARD_OF, type HeardHost } from './instances.ts';
import { isRegistered, type Powerless, powerlessWith } from './powers.ts';
import type { AccessKeyRow, Role } from './schema.ts';
import { statement } from './statement.ts';
import type { Store, StoreReader, StoreTransaction } from './store.ts';

/** Seals the secrets of keys; see `server/secrets/sealing.ts`. */
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
  /** null: the key is not limited to some applications. */
  readonly scope: KeyScope | null;
}

/** A key that is to be made. */
export interface KeyRequest {
  readonly role: Role;
  readonly hostArn: string | null;
  readonly scope?: KeyScope | null;
  readonly description: string;
}

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const SECRET_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Makes a key of the form that every AWS client takes. The secret is returned only here. */
export async function createAccessKey(
  db: StoreReader,
  ctx: { readonly sealer: SecretSealer; readonly random: Pick<Random, 'text'>; readonly nowMs: number },
  key: KeyRequest,
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
      scope_json: key.scope == null ? null : JSON.stringify(key.scope),
      description: key.description,
      created_at_ms: ctx.nowMs,
      disabled_at_ms: null,
      issuer: null,
    })
    .execute();
  return { accessKeyId, secretAccessKey };
}

/** A key, and why it has no power now; null: it has. */
export interface KnownAccessKey extends AccessKey {
  readonly powerless: Powerless | null;
  /** The registered host that it speaks for; null: there is none. */
  readonly host: HeardHost | null;
}

/** One statement: this is asked for each request. */
const keysWithHosts = statement((db, accessKeyIds: readonly string[]) =>
  db
    .selectFrom('access_keys')
    .leftJoin('instances', (join) => join.onRef('instances.host_arn', '=', 'access_keys.host_arn').on(isRegistered))
    .select(['access_key_id', 'secret_sealed', 'role', 'access_keys.host_arn', 'scope_json', 'disabled_at_ms'])
    .select(HEARD_OF.map((column) => `instances.${column}` as const))
    .where('access_key_id', 'in', accessKeyIds),
);

/**
 * Finds also keys that have no power any more, so that their owners, and nobody else, can be told the reason. The signature must be
 * verified first.
 *
 * @param accessKeyIds a hundred at most
 * @returns for each id its key; null where none exists
 */
export async function findKnownAccessKeys(
  db: StoreReader,
  sealer: SecretSealer,
  accessKeyIds: readonly string[],
): Promise<readonly (KnownAccessKey | null)[]> {
  const { rows } = await keysWithHosts(db, accessKeyIds);
  const found = new Map<string, KnownAccessKey>();
  for (const row of rows) {
    const { access_key_id: accessKeyId, role, host_arn: hostArn, disabled_at_ms: disabledAtMs } = row;
    const powerless = await powerlessWith(db, { hostArn, disabledAtMs, isRegistered: row.instance_id !== null });
    const secretAccessKey = sealer.open(row.secret_sealed);
    const host = hostIn(row);
    found.set(accessKeyId, { accessKeyId, secretAccessKey, role, hostArn, scope: readScope(row), powerless, host });
  }
  return accessKeyIds.map((id) => found.get(id) ?? null);
}

function hostIn(row: { readonly [Column in keyof HeardHost]: HeardHost[Column] | null }): HeardHost | null {
  const { instance_id, instance_name, last_polled_at_ms, agent_version, agent_runs_json, identity_shared_at_ms } = row;
  if (instance_id === null || instance_name === null) return null;
  return { instance_id, instance_name, last_polled_at_ms, agent_version, agent_runs_json, identity_shared_at_ms };
}

/** @returns null: the key is not limited */
export function readScope({ scope_json }: Pick<AccessKeyRow, 'scope_json'>): KeyScope | null {
  return scope_json === null ? null : (JSON.parse(scope_json) as KeyScope);
}

/** Finds those of the hosts that have keys, all of them disabled. */
export async function hostsWithoutKey(db: StoreReader, hostArns: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const chunk of inChunks(hostArns)) {
    const rows = await db
      .selectFrom('access_keys')
      .select(['host_arn', 'disabled_at_ms'])
      .where('host_arn', 'in', chunk)
      .execute();
    const active = new Set(rows.filter((row) => row.disabled_at_ms === null).map((row) => row.host_arn));
    for (const { host_arn } of rows) if (host_arn !== null && !active.has(host_arn)) found.add(host_arn);
  }
  return found;
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

/** Things that have lost their power with a key. */
export interface DisabledKey {
  /** The host that the key spoke for; null: a key of people. */
  readonly hostArn: string | null;
  /** Whether the key was enabled, and the host has no other one that is. */
  readonly wasLast: boolean;
}

/**
 * Takes a key's power away; one that is disabled keeps its date. Polls that wait with it are told once `tx` is committed.
 *
 * Changes of the keys of one host wait for each other, so that exactly one of them takes the last.
 *
 * @returns undefined: there is no such key
 */
export async function disableAccessKey(
  tx: StoreTransaction,
  store: Pick<Store, 'wakeUps'>,
  accessKeyId: string,
  nowMs: number,
): Promise<DisabledKey | undefined> {
  const key = await tx
    .selectFrom('access_keys')
    .select('host_arn')
    .where('access_key_id', '=', accessKeyId)
    .executeTakeFirst();
  if (key === undefined) return undefined;
  const { host_arn: hostArn } = key;
  if (hostArn !== null) await lockKeysOfHost(tx, hostArn);
  const { numUpdatedRows } = await tx
    .updateTable('access_keys')
    .set({ disabled_at_ms: nowMs })
    .where('access_key_id', '=', accessKeyId)
    .where('disabled_at_ms', 'is', null)
    .executeTakeFirst();
  if (hostArn === null) return { hostArn, wasLast: false };
  await store.wakeUps.announce(tx, [hostArn]);
  const wasLast = numUpdatedRows > 0n && (await hostsWithoutKey(tx, [hostArn])).has(hostArn);
  return { hostArn, wasLast };
}

export type Enabled = 'enabled' | 'was-enabled' | 'of-a-host' | 'unknown';

/**
 * Gives a key of people its power back. A key of a host stays as it is: the events that ran with it have ended, so its host starts anew
 * with another key.
 *
 * A person is then bound to the provider of the next sign-in, whichever it was before.
 */
export async function enableAccessKey(tx: StoreTransaction, accessKeyId: string): Promise<Enabled> {
  const key = await tx
    .selectFrom('access_keys')
    .select(['role', 'disabled_at_ms'])
    .where('access_key_id', '=', accessKeyId)
    .forUpdate()
    .executeTakeFirst();
  if (key === undefined) return 'unknown';
  if (key.role === 'host') return 'of-a-host';
  await tx
    .updateTable('access_keys')
    .set({ disabled_at_ms: null, issuer: null })
    .where('access_key_id', '=', accessKeyId)
    .execute();
  return key.disabled_at_ms === null ? 'was-enabled' : 'enabled';
}

/** The keys of a host that are not disabled, the oldest first. */
export async function enabledKeysOfHost(db: StoreReader, hostArn: string): Promise<AccessKeyRow[]> {
  return db
    .selectFrom('access_keys')
    .selectAll()
    .where('host_arn', '=', hostArn)
    .where('disabled_at_ms', 'is', null)
    .orderBy('created_at_ms')
    .orderBy('access_key_id')
    .execute();
}

/** Holds the keys of a host until the transaction ends; in one order, so that there is no deadlock. */
export async function lockKeysOfHost(tx: StoreTransaction, hostArn: string): Promise<void> {
  await tx
    .selectFrom('access_keys')
    .select('access_key_id')
    .where('host_arn', '=', hostArn)
    .orderBy('access_key_id')
    .forUpdate()
    .execute();
}

/** Takes the power of all keys of a host away for good. @returns how many had power */
export async function disableKeysOfHost(tx: StoreTransaction, hostArn: string, nowMs: number): Promise<number> {
  const { numUpdatedRows } = await tx
    .updateTable('access_keys')
    .set({ disabled_at_ms: nowMs })
    .where('host_arn', '=', hostArn)
    .where('disabled_at_ms', 'is', null)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** The role of a key; null: there is no such key. */
export async function roleOfKey(db: StoreReader, accessKeyId: string): Promise<Role | null> {
  const row = await db
    .selectFrom('access_keys')
    .select('role')
    .where('access_key_id', '=', accessKeyId)
    .executeTakeFirst();
  return row?.role ?? null;
}

/** When a key was made, in milliseconds; null: there is no such key. */
export async function createdAtOfKey(db: StoreReader, accessKeyId: string): Promise<number | null> {
  const row = await db
    .selectFrom('access_keys')
    .select('created_at_ms')
    .where('access_key_id', '=', accessKeyId)
    .executeTakeFirst();
  return row?.created_at_ms ?? null;
}
