/**
 * What the scripts of events write while they run, in pieces. A small piece is made longer by what follows it, so that a script which says a
 * line every second has few rows. The oldest pieces go when an event has said too much.
 */
import { sql } from 'kysely';
import { inChunks } from './chunks.ts';
import type { EventKey } from './lifecycle-events.ts';
import type { LifecycleEventStatus } from './schema.ts';
import { statement } from './statement.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** A piece is made longer up to this size, in bytes. Each change writes the whole of it anew. */
const PIECE_BYTES = 16 * 1024;
/** Pieces of one event: a host that leaves something out each time makes many small ones. */
const MOST_PIECES = 128;

/** An event as the sender of its log needs it. */
export interface LoggedEvent extends EventKey {
  readonly hostArn: string;
  readonly endedAtMs: number | null;
}

const byCommands = statement((db, hostCommandIds: readonly string[]) =>
  db
    .selectFrom('lifecycle_events')
    .select(['deployment_id', 'instance_id', 'position', 'host_command_id', 'host_arn', 'ended_at_ms'])
    .where('host_command_id', 'in', hostCommandIds),
);

/** The events behind commands, by their commands. Nothing is held: a log must not make a report wait. */
export async function loggedEvents(
  db: StoreReader,
  hostCommandIds: readonly string[],
): Promise<ReadonlyMap<string, LoggedEvent>> {
  const found = new Map<string, LoggedEvent>();
  for (const chunk of inChunks([...new Set(hostCommandIds)])) {
    for (const row of (await byCommands(db, chunk)).rows) {
      found.set(row.host_command_id ?? '', {
        ...{ deploymentId: row.deployment_id, instanceId: row.instance_id, position: row.position },
        ...{ hostArn: row.host_arn, endedAtMs: row.ended_at_ms },
      });
    }
  }
  return found;
}

const pieceSizes = statement((db, deploymentId: string, instanceId: string, position: number) =>
  db
    .selectFrom('event_logs')
    .select(['first_byte', 'size_bytes'])
    .where('deployment_id', '=', deploymentId)
    .where('instance_id', '=', instanceId)
    .where('position', '=', position)
    .orderBy('first_byte'),
);

/** Holds the pieces of an event, for the one who adds to them. Reports do not wait for it: the event itself is not held. */
const lockPieces = statement((db, deploymentId: string, instanceId: string, position: number) =>
  db
    .selectFrom('event_logs')
    .select('first_byte')
    .where('deployment_id', '=', deploymentId)
    .where('instance_id', '=', instanceId)
    .where('position', '=', position)
    .orderBy('first_byte')
    .forUpdate(),
);

const lengthen = statement(
  (
    db,
    deploymentId: string,
    instanceId: string,
    position: number,
    firstByte: number,
    added: string,
    size: number,
    nowMs: number,
  ) =>
    db
      .updateTable('event_logs')
      .set({ log_text: sql<string>`log_text || ${added}`, size_bytes: size, written_at_ms: nowMs })
      .where('deployment_id', '=', deploymentId)
      .where('instance_id', '=', instanceId)
      .where('position', '=', position)
      .where('first_byte', '=', firstByte),
);

/** A piece of a log as it comes. */
export interface NewPiece {
  readonly firstByte: number;
  readonly text: string;
}

/**
 * Adds a piece to the log of an event. What the log has already is left out, so a piece may come again, also while it is being added: a host
 * sends it once more when the answer takes too long. Events go in one order, so that there is no deadlock.
 *
 * @param mostBytes of the event that are kept; the oldest pieces go
 */
export async function addToLog(
  tx: StoreTransaction,
  { deploymentId, instanceId, position }: EventKey,
  piece: NewPiece,
  mostBytes: number,
  nowMs: number,
): Promise<void> {
  const key = { deployment_id: deploymentId, instance_id: instanceId, position };
  // Read once they are held: on PostgreSQL somebody else may have added to them until then.
  const [, { rows }] = await Promise.all([
    lockPieces(tx, deploymentId, instanceId, position),
    pieceSizes(tx, deploymentId, instanceId, position),
  ]);
  const pieces = rows.map((row) => ({ firstByte: Number(row.first_byte), size: Number(row.size_bytes) }));
  const last = pieces.at(-1);
  const end = last === undefined ? 0 : last.firstByte + last.size;
  const fresh = lastBytes(behind(piece, end), mostBytes);
  if (fresh.bytes.length === 0) return;
  const size = fresh.bytes.length;
  // PostgreSQL keeps no NUL. One byte stays one byte, so that positions hold.
  const text = fresh.bytes.toString('utf8').replaceAll('\0', '?');
  if (last !== undefined && fresh.firstByte === end && last.size + size <= PIECE_BYTES) {
    await lengthen(tx, deploymentId, instanceId, position, last.firstByte, text, last.size + size, nowMs);
  } else {
    const row = { first_byte: fresh.firstByte, size_bytes: size, written_at_ms: nowMs, log_text: text };
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('event_logs')
      .values({ ...key, ...row })
      .onConflict((on) => on.doNothing())
      .executeTakeFirst();
    // Somebody else has begun the log, when there was nothing yet to hold.
    if (numInsertedOrUpdatedRows === 0n)
      return addToLog(tx, { deploymentId, instanceId, position }, piece, mostBytes, nowMs);
    pieces.push({ firstByte: fresh.firstByte, size: 0 });
  }
  let kept = pieces.reduce((sum, one) => sum + one.size, size);
  let count = pieces.length;
  let keptFrom = 0;
  for (const one of pieces.slice(0, -1)) {
    if (kept <= mostBytes && count <= MOST_PIECES) break;
    kept -= one.size;
    count -= 1;
    keptFrom = one.firstByte + 1;
  }
  if (keptFrom === 0) return;
  await tx
    .deleteFrom('event_logs')
    .where('deployment_id', '=', deploymentId)
    .where('instance_id', '=', instanceId)
    .where('position', '=', position)
    .where('first_byte', '<', keptFrom)
    .execute();
}

interface Bytes {
  readonly firstByte: number;
  readonly bytes: Buffer;
}

/** The part of a piece that comes behind a position, beginning with a whole character. */
function behind({ firstByte, text }: NewPiece, end: number): Bytes {
  const bytes = Buffer.from(text);
  return from({ firstByte, bytes }, end - firstByte);
}

/** The last bytes of a piece, beginning with a whole character. */
function lastBytes({ firstByte, bytes }: Bytes, most: number): Bytes {
  return from({ firstByte, bytes }, bytes.length - most);
}

function from({ firstByte, bytes }: Bytes, begin: number): Bytes {
  if (begin <= 0) return { firstByte, bytes };
  const whole = characterAt(bytes, begin);
  return { firstByte: firstByte + whole, bytes: bytes.subarray(whole) };
}

/** The first position from `from` on at which a character begins. */
function characterAt(bytes: Buffer, from: number): number {
  let at = from;
  while (((bytes[at] ?? 0) & 0xc0) === 0x80) at += 1;
  return at;
}

/** What there is of the log of one event. */
export interface KeptLog extends Omit<EventKey, 'deploymentId'> {
  readonly targetId: string;
  readonly eventName: string;
  readonly status: LifecycleEventStatus;
  /** The first byte that is kept. */
  readonly firstByte: number;
  /** The byte behind the last one. */
  readonly endByte: number;
  readonly writtenAtMs: number;
}

export interface LogsFilter {
  /** null: of all. */
  readonly instanceId: string | null;
  readonly eventName: string | null;
  /** Only logs to which something was added then, or later. */
  readonly writtenSinceMs: number;
  /** The last one of the page before; null: from the beginning. */
  readonly after: Pick<EventKey, 'instanceId' | 'position'> | null;
  readonly limit: number;
}

/** A page of the logs of a deployment, without their texts. */
export async function listLogs(db: StoreReader, deploymentId: string, filter: LogsFilter): Promise<KeptLog[]> {
  const { instanceId, eventName, after } = filter;
  let query = db
    .selectFrom('event_logs')
    .innerJoin('lifecycle_events', (join) =>
      join
        .onRef('lifecycle_events.deployment_id', '=', 'event_logs.deployment_id')
        .onRef('lifecycle_events.instance_id', '=', 'event_logs.instance_id')
        .onRef('lifecycle_events.position', '=', 'event_logs.position'),
    )
    .innerJoin('targets', (join) =>
      join
        .onRef('targets.deployment_id', '=', 'event_logs.deployment_id')
        .onRef('targets.instance_id', '=', 'event_logs.instance_id'),
    )
    .select(['event_logs.instance_id', 'event_logs.position', 'event_name', 'lifecycle_events.status', 'target_id'])
    .select((eb) => [
      eb.fn.min('first_byte').as('first'),
      sql<number>`max(first_byte + size_bytes)`.as('end'),
      eb.fn.max('written_at_ms').as('written'),
    ])
    .where('event_logs.deployment_id', '=', deploymentId)
    .groupBy(['event_logs.instance_id', 'event_logs.position', 'event_name', 'lifecycle_events.status', 'target_id'])
    .orderBy('event_logs.instance_id')
    .orderBy('event_logs.position')
    .limit(filter.limit);
  if (instanceId !== null) query = query.where('event_logs.instance_id', '=', instanceId);
  if (eventName !== null) query = query.where('event_name', '=', eventName);
  if (filter.writtenSinceMs > 0) {
    query = query.having((eb) => eb(eb.fn.max('written_at_ms'), '>=', filter.writtenSinceMs));
  }
  if (after !== null) {
    query = query
      .where('event_logs.instance_id', '>=', after.instanceId)
      .where((eb) =>
        eb.or([eb('event_logs.instance_id', '>', after.instanceId), eb('event_logs.position', '>', after.position)]),
      );
  }
  return (await query.execute()).map((row) => ({
    ...{ instanceId: row.instance_id, position: row.position, targetId: row.target_id },
    ...{ eventName: row.event_name, status: row.status },
    ...{ firstByte: Number(row.first), endByte: Number(row.end), writtenAtMs: Number(row.written) },
  }));
}

/** A part of a log. */
export interface LogPart {
  /** Behind the position that was asked for when what stood between them is not kept. */
  readonly firstByte: number;
  readonly text: string;
  /** The position to go on from. */
  readonly nextByte: number;
}

/** Reads what follows a position without a gap, as far as there is room. @returns null: there is nothing behind it */
export async function readLog(
  db: StoreReader,
  { deploymentId, instanceId, position }: EventKey,
  from: number,
  mostBytes: number,
): Promise<LogPart | null> {
  const rows = await db
    .selectFrom('event_logs')
    .select(['first_byte', 'log_text'])
    .where('deployment_id', '=', deploymentId)
    .where('instance_id', '=', instanceId)
    .where('position', '=', position)
    .where(sql<boolean>`first_byte + size_bytes > ${from}`)
    .orderBy('first_byte')
    .limit(Math.ceil(mostBytes / PIECE_BYTES) + 1)
    .execute();
  const parts: Buffer[] = [];
  let begin: number | null = null;
  let end = from;
  for (const row of rows) {
    const bytes = Buffer.from(row.log_text);
    const first = Number(row.first_byte);
    if (begin !== null && first > end) break;
    const skipped = first < end ? characterAt(bytes, end - first) : 0;
    begin ??= first + skipped;
    parts.push(bytes.subarray(skipped));
    end = first + bytes.length;
    if (end - begin >= mostBytes) break;
  }
  if (begin === null) return null;
  return { firstByte: begin, text: Buffer.concat(parts).toString('utf8'), nextByte: end };
}

const endOfLog = statement((db, deploymentId: string, targetId: string, eventName: string) =>
  db
    .selectFrom('lifecycle_events')
    .innerJoin('targets', (join) =>
      join
        .onRef('targets.deployment_id', '=', 'lifecycle_events.deployment_id')
        .onRef('targets.instance_id', '=', 'lifecycle_events.instance_id'),
    )
    .leftJoin('event_logs', (join) =>
      join
        .onRef('event_logs.deployment_id', '=', 'lifecycle_events.deployment_id')
        .onRef('event_logs.instance_id', '=', 'lifecycle_events.instance_id')
        .onRef('event_logs.position', '=', 'lifecycle_events.position'),
    )
    .select([sql<number | null>`max(first_byte + size_bytes)`.as('end')])
    .where('targets.deployment_id', '=', deploymentId)
    .where('targets.target_id', '=', targetId)
    .where('lifecycle_events.event_name', '=', eventName),
);

/** Changes whenever something is added to the log of one event. */
export async function stateOfLog(
  db: StoreReader,
  deploymentId: string,
  targetId: string,
  eventName: string,
): Promise<string> {
  const { rows } = await endOfLog(db, deploymentId, targetId, eventName);
  return String(rows[0]?.end ?? 0);
}
