import { inChunks } from './chunks.ts';
import { isOfInstances } from './of-instances.ts';
import type { TargetRow, TargetStatus } from './schema.ts';
import { statement } from './statement.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** Statuses of targets to which nothing more happens. */
export const FINAL_TARGET_STATUSES: readonly TargetStatus[] = ['Succeeded', 'Failed', 'Skipped'];

/** A target as a deployment begins with it. */
export type NewTarget = Omit<TargetRow, LaterColumn> & Partial<Pick<TargetRow, LaterColumn>>;
type LaterColumn = 'zone' | 'label' | 'installed_at_ms' | 'details_json';

export async function insertTargets(tx: StoreTransaction, targets: readonly NewTarget[]): Promise<void> {
  for (const chunk of inChunks(targets)) await tx.insertInto('targets').values(chunk).execute();
}

/** All targets of a deployment, in the order of attempt. */
export async function targetsOf(db: StoreReader, deploymentId: string): Promise<TargetRow[]> {
  return db.selectFrom('targets').selectAll().where('deployment_id', '=', deploymentId).orderBy('position').execute();
}

export async function findTarget(db: StoreReader, deploymentId: string, instanceId: string): Promise<TargetRow | null> {
  const row = await db
    .selectFrom('targets')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .where('instance_id', '=', instanceId)
    .executeTakeFirst();
  return row ?? null;
}

/** A page of a deployment's targets, in the order of attempt, from the one behind the position `after` on. */
export async function listTargets(
  db: StoreReader,
  deploymentId: string,
  filter: {
    readonly statuses: readonly TargetStatus[];
    readonly labels: readonly ('blue' | 'green')[];
    readonly after: number;
    readonly limit: number;
  },
): Promise<TargetRow[]> {
  return db
    .selectFrom('targets')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .where('position', '>', filter.after)
    .$if(filter.statuses.length > 0, (query) => query.where('status', 'in', filter.statuses))
    .$if(filter.labels.length > 0, (query) => query.where('label', 'in', filter.labels))
    .orderBy('position')
    .limit(filter.limit)
    .execute();
}

/** Finds the targets of a deployment by ids: names, or ARNs, as older clients have them. */
export async function findTargets(db: StoreReader, deploymentId: string, ids: readonly string[]): Promise<TargetRow[]> {
  return db
    .selectFrom('targets')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .where((eb) => eb.or([eb('target_id', 'in', ids), eb('target_arn', 'in', ids)]))
    .execute();
}

/** How many targets are in which status; those that were left alone are not counted. */
export async function statusCountsOf(
  db: StoreReader,
  deploymentId: string,
): Promise<Readonly<Partial<Record<TargetStatus, number>>>> {
  const { rows } = await countByStatus(db, deploymentId);
  return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
}

const countByStatus = statement((db, deploymentId: string) =>
  db
    .selectFrom('targets')
    .select(['status', (eb) => eb.fn.countAll().as('count')])
    .where('deployment_id', '=', deploymentId)
    .where('was_current', '=', 0)
    .groupBy('status'),
);

/** The targets of these instances, and the first `limit` of those that wait for their turn; in the order of attempt. */
export async function someTargetsOf(
  db: StoreReader,
  deploymentId: string,
  { instanceIds, limit }: { readonly instanceIds: readonly string[]; readonly limit: number },
): Promise<TargetRow[]> {
  const questions = [...inChunks(instanceIds)].map((chunk) => ofInstances(db, deploymentId, chunk));
  if (limit > 0) questions.push(firstWaiting(db, deploymentId, limit));
  const found = (await Promise.all(questions)).flatMap(({ rows }) => rows);
  const byId = new Map(found.map((target) => [target.instance_id, target]));
  return [...byId.values()].sort((a, b) => a.position - b.position);
}

/** The targets of these instances, in the order of attempt. */
export async function targetsOfInstances(
  db: StoreReader,
  deploymentId: string,
  instanceIds: readonly string[],
): Promise<TargetRow[]> {
  return someTargetsOf(db, deploymentId, { instanceIds, limit: 0 });
}

/** Selects the targets that were deployed to, without those that were left alone. */
function deployedTo(db: StoreReader) {
  return db.selectFrom('targets').selectAll().where('was_current', '=', 0);
}

const ofInstances = statement((db, deploymentId: string, instanceIds: readonly string[]) =>
  deployedTo(db).where(isOfInstances('targets', deploymentId, instanceIds)),
);

const firstWaiting = statement((db, deploymentId: string, limit: number) =>
  deployedTo(db)
    .where('deployment_id', '=', deploymentId)
    .where('status', '=', 'Pending')
    .orderBy('position')
    .limit(limit),
);

/**
 * The hosts of those targets of a deployment that are not over, as they are registered and were last heard of.
 *
 * @param instanceIds only these; left out: all
 */
export async function hostsOfTargets(db: StoreReader, deploymentId: string, instanceIds?: readonly string[]) {
  const { rows } = await (instanceIds === undefined
    ? hostsOfAll(db, deploymentId)
    : hostsOfSome(db, deploymentId, instanceIds));
  return rows;
}

function hostsOf(db: StoreReader) {
  return db
    .selectFrom('targets')
    .innerJoin('instances', 'instances.instance_id', 'targets.instance_id')
    .select(['instances.instance_id', 'instances.deregistered_at_ms', 'instances.last_polled_at_ms'])
    .where('targets.status', 'in', ['Pending', 'InProgress', 'Ready']);
}

const hostsOfAll = statement((db, deploymentId: string) =>
  hostsOf(db).where('targets.deployment_id', '=', deploymentId),
);
const hostsOfSome = statement((db, deploymentId: string, instanceIds: readonly string[]) =>
  hostsOf(db).where(isOfInstances('targets', deploymentId, instanceIds)),
);

export async function setTargetStatus(
  tx: StoreTransaction,
  deploymentId: string,
  instanceIds: readonly string[],
  status: TargetStatus,
  nowMs: number,
): Promise<void> {
  for (const chunk of inChunks(instanceIds)) {
    await update(tx, deploymentId, chunk, { status, updated_at_ms: nowMs });
  }
}

/** Notes what is to be shown of a target that is no host. */
export async function setTargetDetails(
  tx: StoreTransaction,
  { deploymentId, instanceId }: { readonly deploymentId: string; readonly instanceId: string },
  details: object,
  nowMs: number,
): Promise<void> {
  await update(tx, deploymentId, [instanceId], { details_json: JSON.stringify(details), updated_at_ms: nowMs });
}

/** Notes that targets are installed and wait for traffic. */
export async function setTargetsReady(
  tx: StoreTransaction,
  deploymentId: string,
  instanceIds: readonly string[],
  nowMs: number,
): Promise<void> {
  for (const chunk of inChunks(instanceIds)) {
    await update(tx, deploymentId, chunk, { status: 'Ready', installed_at_ms: nowMs, updated_at_ms: nowMs });
  }
}

const update = statement((db, deploymentId: string, instanceIds: readonly string[], changes: Partial<TargetRow>) =>
  db
    .updateTable('targets')
    .set(changes)
    .where(isOfInstances('targets', deploymentId, instanceIds)),
);

/** How many targets of each of these deployments are in which status. */
export async function countTargets(
  db: StoreReader,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> {
  const counts = new Map<string, Record<string, number>>();
  if (deploymentIds.length === 0) return counts;
  const rows = await db
    .selectFrom('targets')
    .select(['deployment_id', 'status', (eb) => eb.fn.countAll().as('count')])
    .where('deployment_id', 'in', deploymentIds)
    .groupBy(['deployment_id', 'status'])
    .execute();
  for (const { deployment_id, status, count } of rows) {
    counts.set(deployment_id, { ...counts.get(deployment_id), [status]: Number(count) });
  }
  return counts;
}

/** The revisions, as JSON, of deployments to a host that has not ended its part in them. */
export async function openRevisionsOf(db: StoreReader, hostArn: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('targets')
    .innerJoin('deployments', 'deployments.deployment_id', 'targets.deployment_id')
    .select('deployments.revision_json')
    .where('targets.host_arn', '=', hostArn)
    .where('targets.status', 'in', ['Pending', 'InProgress', 'Ready'])
    // As the index of open deployments has it: there are few of them, and many targets.
    .where('deployments.completed_at_ms', 'is', null)
    .execute();
  return rows.map(({ revision_json }) => revision_json);
}

/** How many targets a deployment has, whatever their statuses. */
export async function countTargetsOf(db: StoreReader, deploymentId: string): Promise<number> {
  const row = await db
    .selectFrom('targets')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('deployment_id', '=', deploymentId)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}
