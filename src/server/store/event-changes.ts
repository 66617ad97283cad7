/**
 * Changes of many lifecycle events by one statement each. All rows of a statement are held before it (`lockEventsByCommands`,
 * `lockOpenEvents`), so that there is no deadlock.
 */
import { type ExpressionBuilder, sql } from 'kysely';
import { inChunks } from './chunks.ts';
import { heldKeysOfHosts } from './powers.ts';
import type { LifecycleEventRow, StoreSchema } from './schema.ts';
import { rowsOf, statement } from './statement.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** An event that is made ready: its host may take it by this command. */
export interface ReadyEvent {
  readonly instanceId: string;
  readonly position: number;
  readonly hostCommandId: string;
}

export async function makeReady(
  tx: StoreTransaction,
  deploymentId: string,
  events: readonly ReadyEvent[],
  nowMs: number,
): Promise<void> {
  for (const chunk of inChunks(events)) {
    const instanceIds = chunk.map(({ instanceId }) => instanceId);
    const positions = chunk.map(({ position }) => position);
    const commandIds = chunk.map(({ hostCommandId }) => hostCommandId);
    const deploymentIds = chunk.map(() => deploymentId);
    await ready(tx, deploymentIds, instanceIds, positions, commandIds, nowMs);
  }
}

/**
 * Each row names the deployment, so that SQLite looks up each event by its key. With the deployment as one value for all rows, it would walk
 * over all events of the deployment as soon as there are more than thirty rows.
 */
const ready = statement(
  (
    db,
    deploymentIds: readonly string[],
    instanceIds: readonly string[],
    positions: readonly number[],
    commandIds: readonly string[],
    nowMs: number,
  ) =>
    db
      .with('ready(deployment, instance_id, event_position, command_id)', () =>
        rowsOf<{ deployment: string; instance_id: string; event_position: number; command_id: string }>(
          instanceIds.map(
            (id, at) => sql`(${deploymentIds[at]}, ${id}, cast(${positions[at]} as integer), ${commandIds[at]})`,
          ),
        ),
      )
      .updateTable('lifecycle_events')
      .from('ready')
      .set((eb) => ({ ready_at_ms: nowMs, host_command_id: eb.ref('ready.command_id') }))
      .whereRef('lifecycle_events.deployment_id', '=', 'ready.deployment')
      .whereRef('lifecycle_events.instance_id', '=', 'ready.instance_id')
      .whereRef('lifecycle_events.position', '=', 'ready.event_position'),
);

/**
 * Notes that hosts begin events, unless the deployment was told to stop.
 *
 * @returns the commands whose events have begun
 */
export async function beginEvents(
  tx: StoreTransaction,
  commandIds: readonly string[],
  nowMs: number,
): Promise<ReadonlySet<string>> {
  const begun = new Set<string>();
  for (const chunk of inChunks(commandIds)) {
    for (const { host_command_id } of (await begin(tx, chunk, nowMs)).rows) begun.add(host_command_id ?? '');
  }
  return begun;
}

const begin = statement((db, commandIds: readonly string[], nowMs: number) =>
  db
    .updateTable('lifecycle_events')
    .set({ status: 'InProgress', started_at_ms: nowMs })
    .where('host_command_id', 'in', commandIds)
    .where('status', '=', 'Pending')
    .where(deploymentGoesOn)
    .returning('host_command_id'),
);

function deploymentGoesOn({ exists, selectFrom }: ExpressionBuilder<StoreSchema, 'lifecycle_events'>) {
  return exists(
    selectFrom('deployments')
      .select('deployments.deployment_id')
      .whereRef('deployments.deployment_id', '=', 'lifecycle_events.deployment_id')
      .where('stop_requested_at_ms', 'is', null),
  );
}

/**
 * Begins Pending events that their own hosts acknowledge, by one statement, which is committed by itself. It takes only keys that have power.
 * It holds the keys, then the events in one order, and only then changes them, so that there is no deadlock.
 *
 * @param commandIds a hundred at most, each once
 * @param accessKeyIds the keys that signed the acknowledgements, in the order of `commandIds`
 * @returns the commands whose events have begun; the reasons of the others are not known
 */
export async function beginEventsOfHosts(
  db: StoreReader,
  commandIds: readonly string[],
  accessKeyIds: readonly string[],
  nowMs: number,
): Promise<ReadonlySet<string>> {
  const { rows } = await beginOwn(db, commandIds, accessKeyIds, nowMs);
  return new Set(rows.map((row) => row.host_command_id ?? ''));
}

const beginOwn = statement((db, commandIds: readonly string[], accessKeyIds: readonly string[], nowMs: number) =>
  db
    .with('said(command_id, key_id)', () =>
      rowsOf<{ command_id: string; key_id: string }>(commandIds.map((id, at) => sql`(${id}, ${accessKeyIds[at]})`)),
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
    .from(['held', 'said', 'powerful'])
    .set({ status: 'InProgress', started_at_ms: nowMs })
    .whereRef('lifecycle_events.host_command_id', '=', 'held.host_command_id')
    .whereRef('lifecycle_events.host_command_id', '=', 'said.command_id')
    .whereRef('powerful.access_key_id', '=', 'said.key_id')
    .whereRef('powerful.host_arn', '=', 'lifecycle_events.host_arn')
    .where('lifecycle_events.status', '=', 'Pending')
    .where(deploymentGoesOn)
    .returning('lifecycle_events.host_command_id'),
);

/** How an event that its host was told to carry out has ended. */
export interface EventEnd {
  readonly hostCommandId: string;
  readonly status: LifecycleEventRow['status'];
  readonly diagnosticsJson: string;
}

/** Ends events as their hosts report. An event that fails before it could begin is reported without a beginning. */
export async function endEvents(tx: StoreTransaction, ends: readonly EventEnd[], nowMs: number): Promise<void> {
  for (const chunk of inChunks(ends)) {
    const commandIds = chunk.map(({ hostCommandId }) => hostCommandId);
    const statuses = chunk.map(({ status }) => status);
    const diagnostics = chunk.map(({ diagnosticsJson }) => diagnosticsJson);
    await end(tx, commandIds, statuses, diagnostics, nowMs);
  }
}

const end = statement(
  (
    db,
    commandIds: readonly string[],
    statuses: readonly LifecycleEventRow['status'][],
    diagnostics: readonly string[],
    nowMs: number,
  ) =>
    db
      .with('ended(command_id, event_status, said_json)', () =>
        rowsOf<{ command_id: string; event_status: LifecycleEventRow['status']; said_json: string }>(
          commandIds.map((id, at) => sql`(${id}, ${statuses[at]}, ${diagnostics[at]})`),
        ),
      )
      .updateTable('lifecycle_events')
      .from('ended')
      .set((eb) => ({
        status: eb.ref('ended.event_status'),
        diagnostics_json: eb.ref('ended.said_json'),
        started_at_ms: eb.fn.coalesce('lifecycle_events.started_at_ms', eb.val(nowMs)),
        ended_at_ms: nowMs,
        reported_at_ms: nowMs,
      }))
      .whereRef('lifecycle_events.host_command_id', '=', 'ended.command_id'),
);
