import { existsSync } from 'node:fs';
import { isSlipwayError, SlipwayError } from '../../errors.ts';
import type { KeyScope } from '../../protocol/management/key-scope.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { ownUserName } from '../../system/users.ts';
import { auditEntryOf } from '../audit/audited-call.ts';
import { disableKey } from '../engine/disable-key.ts';
import { enableKey } from '../engine/enable-key.ts';
import {
  createAccessKey,
  type KeyRequest,
  listAccessKeys,
  type NewAccessKey,
  readScope,
} from '../store/access-keys.ts';
import { insertAuditEntry } from '../store/audit-entries.ts';
import type { Role } from '../store/schema.ts';
import { databaseFileOf, openStore, type StoreTransaction } from '../store/store.ts';
import { findLost, openSealer } from './open-sealer.ts';

export interface KeySummary {
  readonly accessKeyId: string;
  readonly role: Role;
  readonly hostArn: string | null;
  readonly scope: KeyScope | null;
  readonly description: string;
  readonly createdAtMs: number;
  readonly disabled: boolean;
  /** The OpenID Connect provider of a person; absent: a key, or no provider yet. */
  readonly issuer?: string;
}

/** The keys of a server, for its own machine: works beside the running server, and before its first start. */
export interface KeyStore {
  create(key: KeyRequest): Promise<NewAccessKey>;
  list(): Promise<KeySummary[]>;
  /** Describes the fault of the master key, which listing and disabling do without; null: none. Writes nothing. */
  problem(): Promise<string | null>;
  disable(accessKeyId: string): Promise<void>;
  /** @throws SlipwayError SERVER_UNKNOWN_KEY; CLI_BAD_ARGUMENT for a key of a host */
  enable(accessKeyId: string): Promise<void>;
  close(): Promise<void>;
}

/** More keys than anybody has made by hand. */
const MAX_LISTED = 10_000;

/**
 * @param options mayBeNew: a data folder without a database gets one; else it is the wrong folder
 * @throws SlipwayError SERVER_DATABASE_UNREACHABLE
 */
export async function openKeyStore(options: {
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly mayBeNew: boolean;
  readonly clock: Clock;
  readonly random: Random;
}): Promise<KeyStore> {
  const { clock, random } = options;
  if (!options.mayBeNew && options.databaseUrl === undefined && !existsSync(databaseFileOf(options.dataDir))) {
    throw new SlipwayError('SERVER_DATABASE_UNREACHABLE', `no server has its database in ${options.dataDir}`, {
      remedy: 'Name the server’s data folder with --data-dir, or its PostgreSQL with --database.',
    });
  }
  const store = await openStore(
    options.databaseUrl === undefined ? { dataDir: options.dataDir } : { databaseUrl: options.databaseUrl },
  );
  /** Notes a change made on this machine, without any key: the entry names the user of the machine. */
  const note = (
    tx: StoreTransaction,
    operation: string,
    members: Readonly<Record<string, unknown>>,
    made: string | null,
  ) => {
    const call = { requestId: random.uuid(), actor: ownUserName(), role: 'machine', operation, members } as const;
    return insertAuditEntry(tx, auditEntryOf(call, made, clock.now()));
  };
  return {
    async create(key) {
      const { sealer } = await openSealer({ store, dataDir: options.dataDir, random });
      return store.transaction(async (tx) => {
        const made = await createAccessKey(tx, { sealer, random, nowMs: clock.now() }, key);
        await note(tx, 'CreateAccessKey', { ...key }, made.accessKeyId);
        return made;
      });
    },
    async problem() {
      try {
        const { keys } = await findLost({ store, dataDir: options.dataDir, random });
        return keys.length === 0 ? null : `not sealed with this master key, and of no use: ${keys.join(', ')}`;
      } catch (error) {
        if (isSlipwayError(error, 'SERVER_MASTER_KEY')) return error.message;
        throw error;
      }
    },
    async list() {
      const rows = await listAccessKeys(store.db, null, { after: '', limit: MAX_LISTED });
      return rows.map((row) => ({
        accessKeyId: row.access_key_id,
        role: row.role,
        hostArn: row.host_arn,
        scope: readScope(row),
        description: row.description,
        createdAtMs: row.created_at_ms,
        disabled: row.disabled_at_ms !== null,
        ...(row.issuer === null ? {} : { issuer: row.issuer }),
      }));
    },
    async disable(accessKeyId) {
      await store.transaction(async (tx) => {
        const found = await disableKey(tx, { store, clock }, accessKeyId);
        if (found === undefined) throw unknownKey(accessKeyId);
        await note(tx, 'DisableAccessKey', { accessKeyId }, null);
      });
    },
    async enable(accessKeyId) {
      await store.transaction(async (tx) => {
        const enabled = await enableKey(tx, { clock }, accessKeyId);
        if (enabled === 'unknown') throw unknownKey(accessKeyId);
        if (enabled === 'of-a-host') throw keyOfHost(accessKeyId);
        await note(tx, 'EnableAccessKey', { accessKeyId }, null);
      });
    },
    close: () => store.close(),
  };
}

function unknownKey(accessKeyId: string): SlipwayError {
  return new SlipwayError('SERVER_UNKNOWN_KEY', `there is no access key ${accessKeyId}`);
}

function keyOfHost(accessKeyId: string): SlipwayError {
  return new SlipwayError('CLI_BAD_ARGUMENT', `${accessKeyId} is the key of a host, and stays disabled`, {
    remedy: 'Run slipway register --force on the host: it gets another key.',
  });
}
