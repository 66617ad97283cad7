/** Lifecycle events on their way to the hosts that are to carry them out. */
import { type EventKey, keyOf } from './lifecycle-events.ts';
import type { LifecycleEventRow } from './schema.ts';
import { statement } from './statement.ts';
import type { StoreReader } from './store.ts';

/** The event that a host may begin now: ready, not begun, and not handed out since `handedOutBeforeMs`. */
export async function nextReadyEvent(
  db: StoreReader,
  hostArn: string,
  handedOutBeforeMs: number,
): Promise<LifecycleEventRow | null> {
  return (await nextReady(db, hostArn, handedOutBeforeMs)).rows[0] ?? null;
}

const nextReady = statement((db, hostArn: string, handedOutBeforeMs: number) =>
  readyEvents(db, handedOutBeforeMs)
    .selectAll()
    .where('host_arn', '=', hostArn)
    .orderBy('ready_at_ms')
    .orderBy('deployment_id')
    .limit(1),
);

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
  const { changes } = await changeUnbegun(db, keyOf(event), fromMs, toMs);
  return changes > 0;
}

const changeUnbegun = statement((db, key: EventKey, fromMs: number | null, toMs: number | null) =>
  db
    .updateTable('lifecycle_events')
    .set({ handed_out_at_ms: toMs })
    .where('deployment_id', '=', key.deploymentId)
    .where('instance_id', '=', key.instanceId)
    .where('position', '=', key.position)
    .where('started_at_ms', 'is', null)
    .where('ended_at_ms', 'is', null)
    .where('handed_out_at_ms', 'is not distinct from', fromMs),
);
