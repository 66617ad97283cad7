/** On-premises instances: registered ones, and records of deregistered ones. */
import { inChunks } from './chunks.ts';
import type { InstanceRow } from './schema.ts';
import { statement } from './statement.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** @returns the registered instance of this name; null: none is registered, though there may be a record of one */
export async function findInstance(db: StoreReader, name: string): Promise<InstanceRow | null> {
  const row = await db
    .selectFrom('instances')
    .selectAll()
    .where('instance_name', '=', name)
    .where('deregistered_at_ms', 'is', null)
    .executeTakeFirst();
  return row ?? null;
}

/** Finds the registered instance by its host identifier, the ARN. */
export async function findInstanceByArn(db: StoreReader, hostArn: string): Promise<InstanceRow | null> {
  return (await registeredByArn(db, hostArn)).rows[0] ?? null;
}

const registeredByArn = statement((db, hostArn: string) =>
  db.selectFrom('instances').selectAll().where('host_arn', '=', hostArn).where('deregistered_at_ms', 'is', null),
);

/**
 * Finds those of the named instances that are registered, and locks them until the transaction ends. It takes them in the order of their
 * names, so that there is no deadlock.
 */
export async function lockInstances(tx: StoreTransaction, names: readonly string[]): Promise<InstanceRow[]> {
  return tx
    .selectFrom('instances')
    .selectAll()
    .where('instance_name', 'in', names)
    .where('deregistered_at_ms', 'is', null)
    .orderBy('instance_name')
    .forUpdate()
    .execute();
}

/** Finds the registered instance of a name, else the newest record of one. */
export async function newestRecordOf(db: StoreReader, name: string): Promise<InstanceRow | null> {
  const registered = await findInstance(db, name);
  if (registered !== null) return registered;
  const row = await db
    .selectFrom('instances')
    .selectAll()
    .where('instance_name', '=', name)
    .orderBy('registered_at_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/** Which instances a list is about; null: all of them. */
export type RegistrationStatus = 'Registered' | 'Deregistered' | null;

/** @returns a page of names without repetition in the order of their bytes, beginning behind `after` */
export async function listInstanceNames(
  db: StoreReader,
  status: RegistrationStatus,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('instances')
    .select('instance_name')
    .distinct()
    .where('instance_name', '>', after)
    .$if(status === 'Registered', (query) => query.where('deregistered_at_ms', 'is', null))
    .$if(status === 'Deregistered', (query) => query.where('deregistered_at_ms', 'is not', null))
    .orderBy('instance_name')
    .limit(limit)
    .execute();
  return rows.map((row) => row.instance_name);
}

export type NewInstance = Omit<
  InstanceRow,
  'deregistered_at_ms' | 'last_polled_at_ms' | 'agent_version' | 'agent_runs_json' | 'identity_shared_at_ms'
>;

export async function insertInstance(tx: StoreTransaction, row: NewInstance): Promise<void> {
  const notSeenYet = { deregistered_at_ms: null, last_polled_at_ms: null, agent_version: null };
  await tx
    .insertInto('instances')
    .values({ ...row, ...notSeenYet })
    .execute();
}

/** Makes a registered instance a record. @returns whether it was registered */
export async function markDeregistered(tx: StoreTransaction, instanceId: string, nowMs: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('instances')
    .set({ deregistered_at_ms: nowMs })
    .where('instance_id', '=', instanceId)
    .where('deregistered_at_ms', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Columns of a host that are read with each of its requests. */
export type HeardHost = Pick<InstanceRow, (typeof HEARD_OF)[number]>;
export const HEARD_OF = [
  'instance_id',
  'instance_name',
  'last_polled_at_ms',
  'agent_version',
  'agent_runs_json',
  'identity_shared_at_ms',
] as const;

/** Notes that a registered host was heard of, and by which agent. */
export async function noteHeardOf(
  db: StoreReader,
  instanceId: string,
  agentVersion: string | null,
  nowMs: number,
): Promise<void> {
  await note(db, instanceId, agentVersion, nowMs);
}

const note = statement((db, instanceId: string, agentVersion: string | null, nowMs: number) =>
  db
    .updateTable('instances')
    .set({ last_polled_at_ms: nowMs, agent_version: agentVersion })
    .where('instance_id', '=', instanceId)
    .where('deregistered_at_ms', 'is', null),
);

/**
 * Notes that registered hosts were heard of. Hosts that another transaction holds are left out: waiting for them could end in a deadlock.
 *
 * @param instanceIds a hundred at most
 */
export async function noteHeardOfAll(db: StoreReader, instanceIds: readonly string[], atMs: number): Promise<void> {
  await noteAll(db, instanceIds, atMs);
}

const noteAll = statement((db, instanceIds: readonly string[], atMs: number) =>
  db
    .with('held', (qb) =>
      qb
        .selectFrom('instances')
        .select('instance_id')
        .where('instance_id', 'in', instanceIds)
        .where('deregistered_at_ms', 'is', null)
        .where('last_polled_at_ms', '<', atMs)
        .forNoKeyUpdate()
        .skipLocked(),
    )
    .updateTable('instances')
    .set({ last_polled_at_ms: atMs })
    .where('instance_id', 'in', (eb) => eb.selectFrom('held').select('held.instance_id')),
);

export async function noteAgentRuns(
  db: StoreReader,
  instanceId: string,
  runs: Pick<InstanceRow, 'agent_runs_json' | 'identity_shared_at_ms'>,
): Promise<void> {
  await db.updateTable('instances').set(runs).where('instance_id', '=', instanceId).execute();
}

/**
 * Deletes records of instances that were deregistered before a time, and what groups knew of them; at most `limit`.
 *
 * @returns how many were deleted
 */
export async function deleteOldRecords(tx: StoreTransaction, beforeMs: number, limit: number): Promise<number> {
  const old = await tx
    .selectFrom('instances')
    .select('instance_id')
    .where('deregistered_at_ms', '<', beforeMs)
    .orderBy('deregistered_at_ms')
    .limit(limit)
    .execute();
  for (const chunk of inChunks(old.map((row) => row.instance_id))) {
    await tx.deleteFrom('host_states').where('instance_id', 'in', chunk).execute();
    await tx.deleteFrom('instances').where('instance_id', 'in', chunk).execute();
  }
  return old.length;
}
