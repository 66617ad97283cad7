import { sql } from 'kysely';
import type { RevisionRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export async function findRevision(
  db: StoreReader,
  applicationId: string,
  identity: string,
): Promise<RevisionRow | null> {
  const row = await db
    .selectFrom('revisions')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('identity', '=', identity)
    .executeTakeFirst();
  return row ?? null;
}

/** Column that a list of revisions is sorted by; a revision that was never used counts as used at 0. */
export type RevisionOrder = 'registered_at_ms' | 'first_used_at_ms' | 'last_used_at_ms';

export interface RevisionFilter {
  readonly applicationId: string;
  readonly sortBy: RevisionOrder;
  readonly descending: boolean;
  /** Only identities that begin so. */
  readonly identityPrefix: string | null;
  /** Only these identities, or none of these. */
  readonly identities: { readonly are: 'in' | 'not in'; readonly list: readonly string[] } | null;
  /** The last one of the page before. */
  readonly after: { readonly sortedByMs: number; readonly revisionId: string } | null;
  readonly limit: number;
}

/** A page of revisions; those with the same time are sorted by their ids. */
export async function listRevisions(
  db: StoreReader,
  filter: RevisionFilter,
): Promise<readonly (RevisionRow & { readonly sorted_by_ms: number })[]> {
  const { sortBy, identityPrefix, identities, after } = filter;
  const [direction, beyond, from] = filter.descending ? (['desc', '<', '<='] as const) : (['asc', '>', '>='] as const);
  // As the indexes have it, so that a page is read from one of them.
  const sorted =
    sortBy === 'registered_at_ms' ? sql<number>`registered_at_ms` : sql<number>`coalesce(${sql.ref(sortBy)}, 0)`;
  let query = db
    .selectFrom('revisions')
    .selectAll()
    .select(sorted.as('sorted_by_ms'))
    .where('application_id', '=', filter.applicationId)
    .orderBy(sorted, direction)
    .orderBy('revision_id', direction)
    .limit(filter.limit);
  if (identityPrefix !== null) {
    query = query.where('identity', '>=', identityPrefix).where('identity', '<', textBehind(identityPrefix));
  }
  if (identities !== null && (identities.are === 'in' || identities.list.length > 0)) {
    query = query.where('identity', identities.are, identities.list);
  }
  if (after !== null) {
    // The first condition is where the index is entered.
    query = query
      .where(sorted, from, after.sortedByMs)
      .where((eb) =>
        eb.or([
          eb(sorted, beyond, after.sortedByMs),
          eb.and([eb(sorted, '=', after.sortedByMs), eb('revision_id', beyond, after.revisionId)]),
        ]),
      );
  }
  return query.execute();
}

const LAST_CODE_POINT = 0x10ffff;

/**
 * The least text that is behind all texts that begin with this one. Texts are sorted by the bytes of UTF-8, as code points are. Nothing is
 * behind the last code point, so the one before it is counted on.
 */
function textBehind(prefix: string): string {
  const last = prefix.codePointAt(prefix.length - 1) ?? 0;
  const isLowSurrogate = last >= 0xdc00 && last <= 0xdfff;
  const start = prefix.length - (isLowSurrogate ? 2 : 1);
  const next = (prefix.codePointAt(start) ?? 0) + 1;
  if (next > LAST_CODE_POINT) return textBehind(prefix.slice(0, start));
  // What follows the last code point before the surrogates, which are none.
  return prefix.slice(0, start) + String.fromCodePoint(next === 0xd800 ? 0xe000 : next);
}

/**
 * Makes a revision known to its application. A revision that is known already gets the new description and location, and keeps the times
 * that the API shows. Retention counts from now on, because somebody has just asked for the revision.
 */
export async function putRevision(
  tx: StoreTransaction,
  row: Omit<RevisionRow, 'first_used_at_ms' | 'last_used_at_ms' | 'latest_use_at_ms'>,
): Promise<void> {
  const { description, location_json, registered_at_ms: latest_use_at_ms } = row;
  await tx
    .insertInto('revisions')
    .values({ ...row, first_used_at_ms: null, last_used_at_ms: null, latest_use_at_ms })
    .onConflict((conflict) =>
      conflict.columns(['application_id', 'identity']).doUpdateSet({ description, location_json, latest_use_at_ms }),
    )
    .execute();
}

/** Notes that a revision is deployed. The first time is kept. @returns whether the application knows the revision */
export async function noteRevisionUse(
  tx: StoreTransaction,
  applicationId: string,
  identity: string,
  nowMs: number,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('revisions')
    .set((eb) => ({
      first_used_at_ms: eb.fn.coalesce('first_used_at_ms', eb.val(nowMs)),
      last_used_at_ms: nowMs,
      latest_use_at_ms: nowMs,
    }))
    .where('application_id', '=', applicationId)
    .where('identity', '=', identity)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
