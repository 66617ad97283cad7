import { inChunks } from './chunks.ts';
import { isOfInstances } from './of-instances.ts';
import type { LifecycleEventRow } from './schema.ts';
import { statement } from './statement.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** Key of one event. */
export interface EventKey {
  readonly deploymentId: string;
  readonly instanceId: string;
  readonly position: number;
}

export function keyOf(event: LifecycleEventRow): EventKey {
  return { deploymentId: event.deployment_id, instanceId: event.instance_id, position: event.position };
}

export async function insertEvents(tx: StoreTransaction, events: readonly LifecycleEventRow[]): Promise<void> {
  for (const chunk of inChunks(events)) await tx.insertInto('lifecycle_events').values(chunk).execute();
}

/** All events of a deployment, or of one target; each target's in order. */
export async function eventsOf(
  db: StoreReader,
  deploymentId: string,
  instanceId?: string,
): Promise<LifecycleEventRow[]> {
  const query = db.selectFrom('lifecycle_events').selectAll().where('deployment_id', '=', deploymentId);
  return (instanceId === undefined ? query : query.where('instance_id', '=', instanceId)).orderBy('position').execute();
}

/** The events of some targets, each target's in order. */
export async function eventsOfInstances(
  db: StoreReader,
  deploymentId: string,
  instanceIds: readonly string[],
): Promise<LifecycleEventRow[]> {
  const found: LifecycleEventRow[] = [];
  for (const chunk of inChunks(instanceIds)) {
    const query = db.selectFrom('lifecycle_events').selectAll().where('deployment_id', '=', deploymentId);
    found.push(...(await query.where('instance_id', 'in', chunk).orderBy('position').execute()));
  }
  return found;
}

const DECIDED_BY = ['instance_id', 'position', 'event_name', 'status', 'ready_at_ms', 'started_at_ms'] as const;

/** Columns of an event that a decision needs; diagnostics, which are long, are not among them. */
export type DecisiveEvent = Pick<LifecycleEventRow, (typeof DECIDED_BY)[number]>;

/**
 * The events of those targets that are not over, each target's in order.
 *
 * @param instanceIds only of these; left out: of all
 */
export async function eventsOfActiveTargets(
  db: StoreReader,
  deploymentId: string,
  instanceIds?: readonly string[],
): Promise<DecisiveEvent[]> {
  const { rows } = await (instanceIds === undefined
    ? eventsOfAll(db, deploymentId)
    : eventsOfSome(db, deploymentId, instanceIds));
  return [...rows];
}

function activeEvents(db: StoreReader) {
  return db
    .selectFrom('lifecycle_events')
    .innerJoin('targets', (join) =>
      join
        .onRef('targets.deployment_id', '=', 'lifecycle_events.deployment_id')
        .onRef('targets.instance_id', '=', 'lifecycle_events.instance_id'),
    )
    .select(DECIDED_BY.map((column) => `lifecycle_events.${column}` as const))
    .where('targets.status', 'in', ['Pending', 'InProgress', 'Ready'])
    .orderBy('lifecycle_events.position');
}

const eventsOfAll = statement((db, deploymentId: string) =>
  activeEvents(db).where('targets.deployment_id', '=', deploymentId),
);
const eventsOfSome = statement((db, deploymentId: string, instanceIds: readonly string[]) =>
  activeEvents(db).where(isOfInstances('targets', deploymentId, instanceIds)),
);

/** The diagnostics of a deployment's first event that has failed, JSON; null: none has, or it has none. */
export async function failedDiagnosticsOf(db: StoreReader, deploymentId: string): Promise<string | null> {
  const row = await db
    .selectFrom('lifecycle_events')
    .select('diagnostics_json')
    .where('deployment_id', '=', deploymentId)
    .where('status', '=', 'Failed')
    .orderBy('position')
    .limit(1)
    .executeTakeFirst();
  return row?.diagnostics_json ?? null;
}

/**
 * Holds the events that hosts may report on now, until the transaction ends. Later reads of them stay true. A report that comes meanwhile
 * waits, and is told how its event stands then.
 *
 * @param instanceIds only of these; left out: of all
 */
export async function lockOpenEvents(
  tx: StoreTransaction,
  deploymentId: string,
  instanceIds?: readonly string[],
): Promise<void> {
  await (instanceIds === undefined ? lockAllOpen(tx, deploymentId) : lockSomeOpen(tx, deploymentId, instanceIds));
}

function openEvents(db: StoreReader) {
  return db
    .selectFrom('lifecycle_events')
    .select('position')
    .where('ready_at_ms', 'is not', null)
    .where('ended_at_ms', 'is', null)
    .orderBy('instance_id')
    .orderBy('position')
    .forUpdate();
}

const lockAllOpen = statement((db, deploymentId: string) => openEvents(db).where('deployment_id', '=', deploymentId));
const lockSomeOpen = statement((db, deploymentId: string, instanceIds: readonly string[]) =>
  openEvents(db).where(isOfInstances('lifecycle_events', deploymentId, instanceIds)),
);

/**
 * Finds the instances of a deployment that were there when their part in it failed. They reported the failure, or went on with an event
 * until its time was over.
 */
export async function instancesThatFailed(
  db: StoreReader,
  deploymentId: string,
  eventLimitMs: number,
): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('lifecycle_events')
    .select('instance_id')
    .distinct()
    .where('deployment_id', '=', deploymentId)
    .where('status', '=', 'Failed')
    .where((eb) =>
      eb.or([
        eb('reported_at_ms', 'is not', null),
        eb(eb('ended_at_ms', '-', eb.ref('started_at_ms')), '>=', eventLimitMs),
      ]),
    )
    .execute();
  return new Set(rows.map((row) => row.instance_id));
}

export async function updateEvent(
  tx: StoreTransaction,
  key: EventKey,
  changes: Partial<LifecycleEventRow>,
): Promise<void> {
  const { deploymentId, instanceId, position } = key;
  await update(tx, { deploymentId, instanceId, position }, changes);
}

const update = statement((db, key: EventKey, changes: Partial<LifecycleEventRow>) =>
  db
    .updateTable('lifecycle_events')
    .set(changes)
    .where('deployment_id', '=', key.deploymentId)
    .where('instance_id', '=', key.instanceId)
    .where('position', '=', key.position),
);

/** Skips whatever has not ended on these targets. */
export async function skipEvents(
  tx: StoreTransaction,
  deploymentId: string,
  instanceIds: readonly string[],
  nowMs: number,
): Promise<void> {
  for (const chunk of inChunks(instanceIds)) await skip(tx, deploymentId, chunk, nowMs);
}

const skip = statement((db, deploymentId: string, instanceIds: readonly string[], nowMs: number) =>
  db
    .updateTable('lifecycle_events')
    .set({ status: 'Skipped', ended_at_ms: nowMs })
    .where(isOfInstances('lifecycle_events', deploymentId, instanceIds))
    .where('ended_at_ms', 'is', null),
);

/**
 * Ends what runs on the targets of a deployment as Failed.
 *
 * @param instanceId only on this instance; null: on all
 */
export async function failRunningEvents(
  tx: StoreTransaction,
  { deploymentId, instanceId, isOfHosts = false }: RunningEvents,
  diagnosticsJson: string,
  nowMs: number,
): Promise<void> {
  // A host that begins one at this moment is waited for, so that it is seen to run.
  await lockOpenEvents(tx, deploymentId, instanceId === null ? undefined : [instanceId]);
  await tx
    .updateTable('lifecycle_events')
    .set({ status: 'Failed', ended_at_ms: nowMs, diagnostics_json: diagnosticsJson })
    .where('deployment_id', '=', deploymentId)
    .$if(instanceId !== null, (query) => query.where('instance_id', '=', instanceId ?? ''))
    // What the server does itself goes by no command.
    .$if(isOfHosts, (query) => query.where('host_command_id', 'is not', null))
    .where('status', '=', 'InProgress')
    .where('ended_at_ms', 'is', null)
    .execute();
}

interface RunningEvents {
  readonly deploymentId: string;
  readonly instanceId: string | null;
  /** Only those that hosts carry out. */
  readonly isOfHosts?: boolean;
}

/** The event behind a command, held until the transaction ends. */
export async function lockEventByCommand(
  tx: StoreTransaction,
  hostCommandId: string,
): Promise<LifecycleEventRow | null> {
  return (await lockEventsByCommands(tx, [hostCommandId])).get(hostCommandId) ?? null;
}

/**
 * The events behind commands, by their commands, held until the transaction ends. A caller that holds several takes them in one order, as
 * `lockOpenEvents` does, so that there is no deadlock.
 *
 * @param hostCommandIds a hundred at most
 */
export async function lockEventsByCommands(
  tx: StoreTransaction,
  hostCommandIds: readonly string[],
): Promise<ReadonlyMap<string, LifecycleEventRow>> {
  const { rows } = await lockByCommands(tx, hostCommandIds);
  return new Map(rows.map((row) => [row.host_command_id ?? '', row]));
}

const lockByCommands = statement((db, hostCommandIds: readonly string[]) =>
  db
    .selectFrom('lifecycle_events')
    .selectAll()
    .where('host_command_id', 'in', hostCommandIds)
    .orderBy('deployment_id')
    .orderBy('instance_id')
    .orderBy('position')
    .forUpdate(),
);

/** null: there is none any more. */
export async function findEvent(db: StoreReader, key: EventKey): Promise<LifecycleEventRow | null> {
  const row = await db
    .selectFrom('lifecycle_events')
    .selectAll()
    .where('deployment_id', '=', key.deploymentId)
    .where('instance_id', '=', key.instanceId)
    .where('position', '=', key.position)
    .executeTakeFirst();
  return row ?? null;
}

/** An event, held until the transaction ends; null: there is none any more. */
export async function lockEvent(tx: StoreTransaction, key: EventKey): Promise<LifecycleEventRow | null> {
  const row = await tx
    .selectFrom('lifecycle_events')
    .selectAll()
    .where('deployment_id', '=', key.deploymentId)
    .where('instance_id', '=', key.instanceId)
    .where('position', '=', key.position)
    .forUpdate()
    .executeTakeFirst();
  return row ?? null;
}

/**
 * The events of targets that their hosts have been told to carry out and that have not ended.
 *
 * @param instanceIds a hundred at most
 * @returns by instance; one that is not there has none
 */
export async function openEventsOf(
  db: StoreReader,
  deploymentId: string,
  instanceIds: readonly string[],
): Promise<ReadonlyMap<string, LifecycleEventRow>> {
  const { rows } = await openOf(db, deploymentId, instanceIds);
  // What the server does itself goes by no command. Asked here: a database may well take that for its way to the rows, and read them all.
  const ofHosts = rows.filter((row) => row.host_command_id !== null);
  // The first one of each: rows come in the order of their positions, and the last entry of a key stays.
  return new Map(ofHosts.toReversed().map((row) => [row.instance_id, row]));
}

const openOf = statement((db, deploymentId: string, instanceIds: readonly string[]) =>
  db
    .selectFrom('lifecycle_events')
    .selectAll()
    .where(isOfInstances('lifecycle_events', deploymentId, instanceIds))
    .where('ended_at_ms', 'is', null)
    .where((eb) => eb.or([eb('handed_out_at_ms', 'is not', null), eb('started_at_ms', 'is not', null)]))
    .orderBy('position'),
);
