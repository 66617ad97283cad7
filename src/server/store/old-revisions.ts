/** Revisions that nobody has deployed or registered for long. Their bundles are another store's and stay. */
import { inChunks } from './chunks.ts';
import type { RevisionRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export type OldRevision = Pick<RevisionRow, 'revision_id' | 'application_id' | 'identity' | 'latest_use_at_ms'>;

export interface OldRevisionFilter {
  readonly beforeMs: number;
  /** The last one of the page before; null: from the beginning. */
  readonly after: OldRevision | null;
  readonly limit: number;
}

/** A page of revisions whose latest use was before a time, the oldest first. */
export async function oldRevisions(db: StoreReader, filter: OldRevisionFilter): Promise<readonly OldRevision[]> {
  const { beforeMs, after, limit } = filter;
  let query = db
    .selectFrom('revisions')
    .select(['revision_id', 'application_id', 'identity', 'latest_use_at_ms'])
    .where('latest_use_at_ms', '<', beforeMs)
    .orderBy('latest_use_at_ms')
    .orderBy('revision_id')
    .limit(limit);
  if (after !== null) {
    const { latest_use_at_ms, revision_id } = after;
    query = query
      .where('latest_use_at_ms', '>=', latest_use_at_ms)
      .where((eb) => eb.or([eb('latest_use_at_ms', '>', latest_use_at_ms), eb('revision_id', '>', revision_id)]));
  }
  return query.execute();
}

/** A revision of an application, by its location. */
export interface UsedLocation {
  readonly applicationId: string;
  readonly locationJson: string;
}

/**
 * Finds the locations in use. Groups of the applications are to run them, their last successful deployments have installed them, or open
 * deployments install or may go back to them.
 */
export async function locationsInUse(
  db: StoreReader,
  applicationIds: readonly string[],
): Promise<readonly UsedLocation[]> {
  const used: UsedLocation[] = [];
  const add = (applicationId: string, locationJson: string | null) => {
    if (locationJson !== null) used.push({ applicationId, locationJson });
  };
  for (const chunk of inChunks(applicationIds)) {
    const groups = await db
      .selectFrom('deployment_groups')
      .leftJoin('deployments', 'deployments.deployment_id', 'last_successful_deployment_id')
      .select(['deployment_groups.application_id', 'target_revision_json', 'revision_json'])
      .where('deployment_groups.application_id', 'in', chunk)
      .execute();
    for (const { application_id, target_revision_json, revision_json } of groups) {
      add(application_id, target_revision_json);
      add(application_id, revision_json);
    }
    const open = await db
      .selectFrom('deployments')
      .select(['application_id', 'revision_json', 'previous_revision_json'])
      .where('completed_at_ms', 'is', null)
      .where('application_id', 'in', chunk)
      .execute();
    for (const { application_id, revision_json, previous_revision_json } of open) {
      add(application_id, revision_json);
      add(application_id, previous_revision_json);
    }
  }
  return used;
}

/** Finds those of the identities that run on a host of any group, as far as is known. */
export async function identitiesOnHosts(db: StoreReader, identities: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const chunk of inChunks(identities)) {
    const rows = await db
      .selectFrom('host_states')
      .select('revision_identity')
      .distinct()
      .where('revision_identity', 'in', chunk)
      .execute();
    for (const { revision_identity } of rows) if (revision_identity !== null) found.add(revision_identity);
  }
  return found;
}

/** Deletes those revisions that are still as old: one that was deployed or registered again meanwhile stays. @returns how many were deleted */
export async function deleteRevisions(
  tx: StoreTransaction,
  revisionIds: readonly string[],
  beforeMs: number,
): Promise<number> {
  let deleted = 0n;
  for (const chunk of inChunks(revisionIds)) {
    const { numDeletedRows } = await tx
      .deleteFrom('revisions')
      .where('revision_id', 'in', chunk)
      .where('latest_use_at_ms', '<', beforeMs)
      .executeTakeFirst();
    deleted += numDeletedRows;
  }
  return Number(deleted);
}
