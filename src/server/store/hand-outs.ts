/** Lifecycle events on their way to the hosts that are to carry them out. */
import { sql } from 'kysely';
import { type EventKey, keyOf } from './lifecycle-events.ts';
import { heldKeysOfHosts } from './powers.ts';
import type { LifecycleEventRow } from './schema.ts';
import { rowsOf, statement } from './statement.ts';
import type { StoreReader } from './store.ts';

/**
 * The events that hosts may begin now: ready, not begun, and not handed out since `handedOutBeforeMs`.
 *
 * @param hostArns a hundred at most
 * @returns for each of the hosts its event; null: it has none
 */
export async function nextReadyEvents(
  db: StoreReader,
  hostArns: readonly string[],
  handedOutBeforeMs: number,
): Promise<readonly (LifecycleEventRow | null)[]> {
  const { rows } = await allReady(db, hostArns, handedOutBeforeMs);
  const first = new Map<string, LifecycleEventRow>();
  for (const row of rows) if (!first.has(row.host_arn)) first.set(row.host_arn, row);
  return hostArns.map((hostArn) => first.get(hostArn) ?? null);
}

const allReady = statement((db, hostArns: readonly string[], handedOutBeforeMs: number) =>
  readyEvents(db, handedOutBeforeMs)
    .selectAll()
    .where('host_arn', 'in', hostArns)
    .orderBy('ready_at_ms')
    .orderBy('deployment_id'),
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

/** An event as a poll has read it, and the key that the poll was signed with. */
export interface HandOut {
  readonly event: LifecycleEventRow;
  readonly accessKeyId: string;
}

/**
 * Marks events as handed out, unless another poll of the host was faster, perhaps on another server, or the key has no power. All of them
 * by one statement, which is committed by itself.
 *
 * @param handOuts a hundred at most, each event once
 * @returns the commands of those events for which this call was the one
 */
export async function handOutAll(
  db: StoreReader,
  handOuts: readonly HandOut[],
  nowMs: number,
): Promise<ReadonlySet<string>> {
  const { rows } = await handOutSeen(
    db,
    handOuts.map(({ event }) => event.host_command_id ?? ''),
    handOuts.map(({ event }) => event.handed_out_at_ms),
    handOuts.map(({ accessKeyId }) => accessKeyId),
    nowMs,
  );
  return new Set(rows.map((row) => row.host_command_id ?? ''));
}

/** Holds the power of the keys, then the events in one order, and only then changes them, so that there is no deadlock. */
const handOutSeen = statement(
  (
    db,
    commandIds: readonly string[],
    seenAtMs: readonly (number | null)[],
    accessKeyIds: readonly string[],
    nowMs: number,
  ) =>
    db
      .with('seen(command_id, seen_at_ms, key_id)', () =>
        rowsOf<{ command_id: string; seen_at_ms: number | null; key_id: string }>(
          commandIds.map((id, at) => sql`(${id}, cast(${seenAtMs[at]} as bigint), ${accessKeyIds[at]})`),
        ),
      )
      .with('powerful', (qb) => heldKeysOfHosts(qb, accessKeyIds))
      .with('held', (qb) =>
        qb
          .selectFrom('lifecycle_events')
          .select('host_command_id')
          .where('host_command_id', 'in', commandIds)
          .where('host_arn', 'in', (eb) => eb.selectFrom('powerful').select('host_arn'))
          .orderBy('deployment_id')
          .orderBy('instance_id')
          .orderBy('position')
          .forUpdate(),
      )
      .updateTable('lifecycle_events')
      .from(['held', 'seen', 'powerful'])
      .set({ handed_out_at_ms: nowMs })
      .whereRef('lifecycle_events.host_command_id', '=', 'held.host_command_id')
      .whereRef('lifecycle_events.host_command_id', '=', 'seen.command_id')
      .whereRef('powerful.access_key_id', '=', 'seen.key_id')
      .whereRef('powerful.host_arn', '=', 'lifecycle_events.host_arn')
      .where('lifecycle_events.started_at_ms', 'is', null)
      .where('lifecycle_events.ended_at_ms', 'is', null)
      .whereRef('lifecycle_events.handed_out_at_ms', 'is not distinct from', 'seen.seen_at_ms')
      .returning('lifecycle_events.host_command_id'),
);

/** Takes a hand-out back that did not reach anybody, if it is still the last word about the event. */
export async function takeBackHandOut(db: StoreReader, event: LifecycleEventRow, handedOutAtMs: number): Promise<void> {
  await takeBack(db, keyOf(event), handedOutAtMs);
}

const takeBack = statement((db, key: EventKey, handedOutAtMs: number) =>
  db
    .updateTable('lifecycle_events')
    .set({ handed_out_at_ms: null })
    .where('deployment_id', '=', key.deploymentId)
    .where('instance_id', '=', key.instanceId)
    .where('position', '=', key.position)
    .where('started_at_ms', 'is', null)
    .where('ended_at_ms', 'is', null)
    .where('handed_out_at_ms', '=', handedOutAtMs),
);
