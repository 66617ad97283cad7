import { inChunks } from './chunks.ts';
import type { LifecycleEventRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** What names one event. */
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

const DECIDED_BY = ['instance_id', 'position', 'event_name', 'status', 'ready_at_ms', 'started_at_ms'] as const;

/** What a decision needs to know of an event; diagnostics, which are long, are not among it. */
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
  return db
    .selectFrom('lifecycle_events')
    .innerJoin('targets', (join) =>
      join
        .onRef('targets.deployment_id', '=', 'lifecycle_events.deployment_id')
        .onRef('targets.instance_id', '=', 'lifecycle_events.instance_id'),
    )
    .select(DECIDED_BY.map((column) => `lifecycle_events.${column}` as const))
    .where('targets.deployment_id', '=', deploymentId)
    .where('targets.status', 'in', ['Pending', 'InProgress'])
    .$if(instanceIds !== undefined, (query) => query.where('targets.instance_id', 'in', instanceIds ?? []))
    .orderBy('lifecycle_events.position')
    .execute();
}

/**
 * Holds the events that hosts may report on now, until the transaction ends. What is read of them afterwards stays so; a report that comes
 * meanwhile waits, and is told how its event stands then.
 *
 * @param instanceIds only of these; left out: of all
 */
export async function lockOpenEvents(
  tx: StoreTransaction,
  deploymentId: string,
  instanceIds?: readonly string[],
): Promise<void> {
  await tx
    .selectFrom('lifecycle_events')
    .select('position')
    .where('deployment_id', '=', deploymentId)
    .$if(instanceIds !== undefined, (query) => query.where('instance_id', 'in', instanceIds ?? []))
    .where('ready_at_ms', 'is not', null)
    .where('ended_at_ms', 'is', null)
    .forUpdate()
    .execute();
}

export async function updateEvent(
  tx: StoreTransaction,
  key: EventKey,
  changes: Partial<LifecycleEventRow>,
): Promise<void> {
  await tx
    .updateTable('lifecycle_events')
    .set(changes)
    .where('deployment_id', '=', key.deploymentId)
    .where('instance_id', '=', key.instanceId)
    .where('position', '=', key.position)
    .execute();
}

/** Skips whatever has not ended on these targets. */
export async function skipEvents(
  tx: StoreTransaction,
  deploymentId: string,
  instanceIds: readonly string[],
  nowMs: number,
): Promise<void> {
  for (const chunk of inChunks(instanceIds)) {
    await tx
      .updateTable('lifecycle_events')
      .set({ status: 'Skipped', ended_at_ms: nowMs })
      .where('deployment_id', '=', deploymentId)
      .where('instance_id', 'in', chunk)
      .where('ended_at_ms', 'is', null)
      .execute();
  }
}

/**
 * Ends what runs on the targets of a deployment as Failed.
 *
 * @param instanceId only on this instance; null: on all
 */
export async function failRunningEvents(
  tx: StoreTransaction,
  { deploymentId, instanceId }: { readonly deploymentId: string; readonly instanceId: string | null },
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
    .where('status', '=', 'InProgress')
    .where('ended_at_ms', 'is', null)
    .execute();
}

/** The event behind a command, held until the transaction ends. */
export async function lockEventByCommand(
  tx: StoreTransaction,
  hostCommandId: string,
): Promise<LifecycleEventRow | null> {
  const row = await tx
    .selectFrom('lifecycle_events')
    .selectAll()
    .where('host_command_id', '=', hostCommandId)
    .forUpdate()
    .executeTakeFirst();
  return row ?? null;
}

/** The event of a target that its host has been told to carry out and that has not ended; null: there is none. */
export async function openEventOf(
  db: StoreReader,
  deploymentId: string,
  instanceId: string,
): Promise<LifecycleEventRow | null> {
  const row = await db
    .selectFrom('lifecycle_events')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .where('instance_id', '=', instanceId)
    .where('host_command_id', 'is not', null)
    .where('ended_at_ms', 'is', null)
    .where((eb) => eb.or([eb('handed_out_at_ms', 'is not', null), eb('started_at_ms', 'is not', null)]))
    .orderBy('position')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/** The event that a host may begin now: ready, not begun, and not handed out since `handedOutBeforeMs`. */
export async function nextReadyEvent(
  db: StoreReader,
  hostArn: string,
  handedOutBeforeMs: number,
): Promise<LifecycleEventRow | null> {
  const row = await readyEvents(db, handedOutBeforeMs)
    .selectAll()
    .where('host_arn', '=', hostArn)
    .orderBy('ready_at_ms')
    .orderBy('deployment_id')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/** All hosts that have such an event. */
export async function hostsWithReadyEvents(db: StoreReader, handedOutBeforeMs: number): Promise<string[]> {
  const rows = await readyEvents(db, handedOutBeforeMs).select('host_arn').distinct().execute();
  return rows.map((row) => row.host_arn);
}

function readyEvents(db: StoreReader, handedOutBeforeMs: number) {
  return db
    .selectFrom('lifecycle_events')
    .where('ready_at_ms', 'is not', null)
    .where('started_at_ms', 'is', null)
    .where('ended_at_ms', 'is', null)
    .where((eb) => eb.or([eb('handed_out_at_ms', 'is', null), eb('handed_out_at_ms', '<=', handedOutBeforeMs)]));
}

/**
 * Marks the event as handed out, unless somebody was faster: two polls of one host may meet, also on two servers.
 *
 * @param event as it was read
 * @returns whether this call was the one
 */
export async function handOut(db: StoreReader, event: LifecycleEventRow, nowMs: number): Promise<boolean> {
  return changeHandOut(db, event, event.handed_out_at_ms, nowMs);
}

/** Takes a hand-out back that did not reach anybody, if it is still the last word about the event. */
export async function takeBackHandOut(db: StoreReader, event: LifecycleEventRow, handedOutAtMs: number): Promise<void> {
  await changeHandOut(db, event, handedOutAtMs, null);
}

async function changeHandOut(
  db: StoreReader,
  event: LifecycleEventRow,
  fromMs: number | null,
  toMs: number | null,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('lifecycle_events')
    .set({ handed_out_at_ms: toMs })
    .where('deployment_id', '=', event.deployment_id)
    .where('instance_id', '=', event.instance_id)
    .where('position', '=', event.position)
    .where('started_at_ms', 'is', null)
    .where('ended_at_ms', 'is', null)
    .where('handed_out_at_ms', fromMs === null ? 'is' : '=', fromMs)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
