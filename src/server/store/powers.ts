/**
 * The present power of an access key, decided in one place. A key that is disabled may do nothing, and a host's key may do nothing unless
 * its host is registered. A request is asked at its beginning, for the sake of a good answer. The second time counts, in the transaction
 * that changes something (`lockPower`): nothing is committed with a key that was disabled before.
 *
 * Order of locks, so that there is no deadlock: the key, which stands for its host as well, and only then deployments.
 */
import { type SqlBool, sql } from 'kysely';
import { ApiError } from '../../protocol/errors.ts';
import { inChunks } from './chunks.ts';
import { statement } from './statement.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** An access key that acts, and for a key of role `host` the host that it speaks for. */
export interface Actor {
  readonly accessKeyId: string;
  /** null: a key of people. */
  readonly hostArn: string | null;
}

export type HostActor = Actor & { readonly hostArn: string };

/** Why a key has no power. */
export type Powerless =
  | { readonly why: 'unknown' }
  | { readonly why: 'disabled'; readonly atMs: number }
  | { readonly why: 'not-registered'; readonly hostArn: string; readonly deregisteredAtMs: number | null };

/**
 * Whether an instance is registered, for joins with the keys of some hosts. It says more than `is null` so that PostgreSQL looks for each
 * host alone. There are indexes of the registered hosts, and before PostgreSQL has statistics it takes those for short, and reads the fleet.
 */
export const isRegistered = sql<SqlBool>`coalesce(instances.deregistered_at_ms, 0) = 0`;

/** State of a key and of the host that it speaks for. */
export interface Standing {
  readonly hostArn: string | null;
  readonly disabledAtMs: number | null;
  readonly isRegistered: boolean;
}

/** @returns null: it has power now */
export async function findPowerless(db: StoreReader, accessKeyId: string): Promise<Powerless | null> {
  const standing = await findStanding(db, accessKeyId);
  return standing === null ? { why: 'unknown' } : powerlessWith(db, standing);
}

/** The same for some keys. @param accessKeyIds a hundred at most @returns in their order */
export async function findAllPowerless(
  db: StoreReader,
  accessKeyIds: readonly string[],
): Promise<readonly (Powerless | null)[]> {
  const { rows } = await powerfulAmong(db, accessKeyIds);
  const powerful = new Set(rows.map((row) => row.access_key_id));
  return Promise.all(accessKeyIds.map((id) => (powerful.has(id) ? null : findPowerless(db, id))));
}

/** The same for a key of which the standing was just read. */
export async function powerlessWith(db: StoreReader, standing: Standing): Promise<Powerless | null> {
  if (standing.disabledAtMs !== null) return { why: 'disabled', atMs: standing.disabledAtMs };
  if (standing.hostArn === null || standing.isRegistered) return null;
  const last = await db
    .selectFrom('instances')
    .select((eb) => eb.fn.max('deregistered_at_ms').as('atMs'))
    .where('host_arn', '=', standing.hostArn)
    .executeTakeFirst();
  return { why: 'not-registered', hostArn: standing.hostArn, deregisteredAtMs: last?.atMs ?? null };
}

const standingOf = statement((db, accessKeyId: string) =>
  db
    .selectFrom('access_keys')
    .leftJoin('instances', (join) => join.onRef('instances.host_arn', '=', 'access_keys.host_arn').on(isRegistered))
    .select(['access_keys.host_arn', 'access_keys.disabled_at_ms', 'instances.instance_id'])
    .where('access_key_id', '=', accessKeyId),
);

async function findStanding(db: StoreReader, accessKeyId: string): Promise<Standing | null> {
  const [row] = (await standingOf(db, accessKeyId)).rows;
  if (row === undefined) return null;
  return { hostArn: row.host_arn, disabledAtMs: row.disabled_at_ms, isRegistered: row.instance_id !== null };
}

/**
 * Holds the actor's power until the transaction ends: another one that takes it away meanwhile waits, and what the transaction does came
 * before.
 *
 * @throws ApiError when it has none any more; the transaction must be given up
 */
export async function lockPower(tx: StoreTransaction, actor: Actor): Promise<void> {
  if (await tryLockPower(tx, actor)) return;
  const powerless = await findPowerless(tx, actor.accessKeyId);
  // A key whose host was registered again between the two looks has power, but not from before: it is asked to come again.
  throw powerlessError(powerless ?? { why: 'not-registered', hostArn: actor.hostArn ?? '', deregisteredAtMs: null });
}

/** The same for those who have nobody to tell. @returns whether the actor has power */
export async function tryLockPower(tx: StoreTransaction, actor: Actor): Promise<boolean> {
  const { accessKeyId, hostArn } = actor;
  const { rows } = await (hostArn === null ? lockKey(tx, accessKeyId) : lockKeyAndHost(tx, accessKeyId, hostArn));
  return rows.length > 0;
}

function enabledKey(db: StoreReader, accessKeyId: string) {
  return db
    .selectFrom('access_keys')
    .select('access_keys.access_key_id')
    .where('access_keys.access_key_id', '=', accessKeyId)
    .where('access_keys.disabled_at_ms', 'is', null);
}

const lockKey = statement((db, accessKeyId: string) => enabledKey(db, accessKeyId).forShare());

/**
 * By one statement, since every report of a host begins with it. The key's row alone is held: whoever deregisters a host holds and disables
 * its keys first, and every lock is a write to a page.
 */
const lockKeyAndHost = statement((db, accessKeyId: string, hostArn: string) =>
  enabledKey(db, accessKeyId)
    .innerJoin('instances', (join) =>
      join.on('instances.host_arn', '=', hostArn).on('instances.deregistered_at_ms', 'is', null),
    )
    .forShare('access_keys'),
);

/**
 * Holds the power of several hosts' keys likewise, always in the same order.
 *
 * @param actors a hundred at most
 * @returns the keys that have power
 */
export async function lockPowers(tx: StoreTransaction, actors: readonly HostActor[]): Promise<ReadonlySet<string>> {
  const { rows } = await lockKeysAndHosts(
    tx,
    actors.map(({ accessKeyId }) => accessKeyId),
  );
  return new Set(rows.map((row) => row.access_key_id));
}

const lockKeysAndHosts = statement(heldKeysOfHosts);

/** Finds the keys that have power and whose hosts are registered, with the hosts, and holds the keys. */
export function heldKeysOfHosts(db: Pick<StoreReader, 'selectFrom'>, accessKeyIds: readonly string[]) {
  return db
    .selectFrom('access_keys')
    .innerJoin('instances', (join) => join.onRef('instances.host_arn', '=', 'access_keys.host_arn').on(isRegistered))
    .select(['access_keys.access_key_id', 'instances.host_arn'])
    .where('access_keys.access_key_id', 'in', accessKeyIds)
    .where('access_keys.disabled_at_ms', 'is', null)
    .orderBy('access_keys.access_key_id')
    .forShare('access_keys');
}

/** Finds those of the keys that have power now. */
export async function powerfulKeys(db: StoreReader, accessKeyIds: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const chunk of inChunks(accessKeyIds)) {
    for (const row of (await powerfulAmong(db, chunk)).rows) found.add(row.access_key_id);
  }
  return found;
}

const powerfulAmong = statement((db, accessKeyIds: readonly string[]) =>
  db
    .selectFrom('access_keys')
    .leftJoin('instances', (join) => join.onRef('instances.host_arn', '=', 'access_keys.host_arn').on(isRegistered))
    .select('access_key_id')
    .where('access_key_id', 'in', accessKeyIds)
    .where('disabled_at_ms', 'is', null)
    .where((eb) => eb.or([eb('access_keys.host_arn', 'is', null), eb('instances.instance_id', 'is not', null)])),
);

/**
 * Returns a text that changes whenever a key or a host loses its power. It costs far less than a look at each key in use. The text may
 * also change when a key gets its power back.
 */
export async function lostPowersOf(db: StoreReader): Promise<string> {
  const keys = await db
    .selectFrom('access_keys')
    .select((eb) => [eb.fn.count('disabled_at_ms').as('lost'), eb.fn.sum('disabled_at_ms').as('times')])
    .where('disabled_at_ms', 'is not', null)
    .executeTakeFirst();
  const hosts = await db
    .selectFrom('instances')
    .select((eb) => [eb.fn.count('deregistered_at_ms').as('lost'), eb.fn.max('deregistered_at_ms').as('lastAtMs')])
    .where('deregistered_at_ms', 'is not', null)
    .executeTakeFirst();
  // A key may get its power back, and records of hosts are deleted after a while: the number alone might be the same again.
  return `${keys?.lost} ${keys?.times} ${hosts?.lost} ${hosts?.lastAtMs}`;
}

/** Error that the key's owner gets. Only for somebody who has signed with the key: others must not learn what became of it. */
export function powerlessError(powerless: Powerless): ApiError {
  const date = (ms: number) => new Date(ms).toISOString();
  switch (powerless.why) {
    case 'unknown':
      return new ApiError('UnrecognizedClientException', 'This access key is not known here: check AWS_ACCESS_KEY_ID.');
    case 'disabled':
      return new ApiError(
        'UnrecognizedClientException',
        `This access key was disabled on ${date(powerless.atMs)}. ` +
          'An admin lets a person in again with slipway keys enable; a host gets another key with slipway register --force.',
      );
    case 'not-registered': {
      const { hostArn, deregisteredAtMs } = powerless;
      const since =
        deregisteredAtMs === null ? 'nobody has registered it' : `deregistered on ${date(deregisteredAtMs)}`;
      return new ApiError(
        'AccessDeniedException',
        `The host ${hostArn} is not registered (${since}). Register it with slipway register --force, ` +
          'or with aws deploy register-on-premises-instance.',
        { status: 403 },
      );
    }
  }
}
