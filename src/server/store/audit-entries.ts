/** The audit log: an entry for each request that has changed something, written in the transaction of the change. */
import type { AuditEntryRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** A request that has an entry already keeps it: it has changed something in an earlier transaction. */
export async function insertAuditEntry(db: StoreReader, entry: AuditEntryRow): Promise<void> {
  await db
    .insertInto('audit_entries')
    .values(entry)
    .onConflict((conflict) => conflict.column('request_id').doNothing())
    .execute();
}

/** Each that is null is not asked for. Times are in milliseconds and count themselves. */
export interface AuditFilter {
  readonly actor: string | null;
  readonly operation: string | null;
  readonly applicationName: string | null;
  readonly deploymentGroupName: string | null;
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
}

/** Where a page ended. */
export interface AuditPlace {
  readonly atMs: number;
  readonly requestId: string;
}

/** An entry, and the description of the key that acted, as it is now; null: no key did, or it has none. */
export type ShownEntry = AuditEntryRow & { readonly actor_description: string | null };

/** The newest first. @param after the last entry of the page before; null: the first page */
export async function listAuditEntries(
  db: StoreReader,
  filter: AuditFilter,
  { after, limit }: { readonly after: AuditPlace | null; readonly limit: number },
): Promise<ShownEntry[]> {
  const { sinceMs, untilMs } = filter;
  const equal = [
    ['audit_entries.actor', filter.actor],
    ['operation', filter.operation],
    ['application_name', filter.applicationName],
    ['deployment_group_name', filter.deploymentGroupName],
  ] as const;
  let query = db
    .selectFrom('audit_entries')
    .leftJoin('access_keys', 'access_keys.access_key_id', 'audit_entries.actor')
    .selectAll('audit_entries')
    .select('access_keys.description as actor_description');
  for (const [column, value] of equal) if (value !== null) query = query.where(column, '=', value);
  if (sinceMs !== null) query = query.where('at_ms', '>=', sinceMs);
  if (untilMs !== null) query = query.where('at_ms', '<=', untilMs);
  if (after !== null) {
    const { atMs, requestId } = after;
    query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('at_ms', 'request_id'), '<', tuple(atMs, requestId)));
  }
  return query.orderBy('at_ms', 'desc').orderBy('request_id', 'desc').limit(limit).execute();
}

/** @param limit so many at most @returns how many were deleted */
export async function deleteAuditEntries(tx: StoreTransaction, beforeMs: number, limit: number): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('audit_entries')
    .where('request_id', 'in', (eb) =>
      eb.selectFrom('audit_entries').select('request_id').where('at_ms', '<', beforeMs).orderBy('at_ms').limit(limit),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}
