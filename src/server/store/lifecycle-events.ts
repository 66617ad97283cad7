import type { LifecycleEventRow, TargetRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** What names one event. */
export interface EventKey {
  readonly deploymentId: string;
  readonly instanceId: string;
  readonly position: number;
}

export async function insertTargets(
  tx: StoreTransaction,
  targets: readonly TargetRow[],
  events: readonly LifecycleEventRow[],
): Promise<void> {
  // A statement takes a limited number of values.
  for (let first = 0; first < targets.length; first += 100) {
    await tx
      .insertInto('targets')
      .values(targets.slice(first, first + 100))
      .execute();
  }
  for (let first = 0; first < events.length; first += 100) {
    await tx
      .insertInto('lifecycle_events')
      .values(events.slice(first, first + 100))
      .execute();
  }
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

export async function updateTarget(
  tx: StoreTransaction,
  deploymentId: string,
  instanceId: string,
  changes: Partial<TargetRow>,
): Promise<void> {
  await tx
    .updateTable('targets')
    .set(changes)
    .where('deployment_id', '=', deploymentId)
    .where('instance_id', '=', instanceId)
    .execute();
}

export async function findEventByCommand(db: StoreReader, hostCommandId: string): Promise<LifecycleEventRow | null> {
  const row = await db
    .selectFrom('lifecycle_events')
    .selectAll()
    .where('host_command_id', '=', hostCommandId)
    .executeTakeFirst();
  return row ?? null;
}

/** The event that a host may begin now: ready, not begun, and not handed out lately. */
export async function nextReadyEvent(
  db: StoreReader,
  hostArn: string,
  handedOutBeforeMs: number,
): Promise<LifecycleEventRow | null> {
  const row = await db
    .selectFrom('lifecycle_events')
    .selectAll()
    .where('host_arn', '=', hostArn)
    .where('ready_at_ms', 'is not', null)
    .where('started_at_ms', 'is', null)
    .where('ended_at_ms', 'is', null)
    .where((eb) => eb.or([eb('handed_out_at_ms', 'is', null), eb('handed_out_at_ms', '<=', handedOutBeforeMs)]))
    .orderBy('ready_at_ms')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/** @returns whether this call was the one that took it: two polls of one host may meet */
export async function handOut(tx: StoreTransaction, event: LifecycleEventRow, nowMs: number): Promise<boolean> {
  const query = tx
    .updateTable('lifecycle_events')
    .set({ handed_out_at_ms: nowMs })
    .where('deployment_id', '=', event.deployment_id)
    .where('instance_id', '=', event.instance_id)
    .where('position', '=', event.position)
    .where('started_at_ms', 'is', null)
    .where('ended_at_ms', 'is', null);
  const { numUpdatedRows } = await (event.handed_out_at_ms === null
    ? query.where('handed_out_at_ms', 'is', null)
    : query.where('handed_out_at_ms', '=', event.handed_out_at_ms)
  ).executeTakeFirst();
  return numUpdatedRows > 0n;
}
