import type { DeploymentRow, DeploymentStatus, LifecycleEventRow, TargetRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** Statuses in which nothing more happens. */
export const FINAL_STATUSES: readonly DeploymentStatus[] = ['Succeeded', 'Failed', 'Stopped'];

export async function insertDeployment(tx: StoreTransaction, row: DeploymentRow): Promise<void> {
  await tx.insertInto('deployments').values(row).execute();
}

export async function findDeployment(db: StoreReader, deploymentId: string): Promise<DeploymentRow | null> {
  const row = await db
    .selectFrom('deployments')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .executeTakeFirst();
  return row ?? null;
}

/** The deployment, held against every other step until the transaction ends. */
export async function lockDeployment(
  tx: StoreTransaction,
  dialect: 'sqlite' | 'postgres',
  deploymentId: string,
): Promise<DeploymentRow | null> {
  const query = tx.selectFrom('deployments').selectAll().where('deployment_id', '=', deploymentId);
  // On SQLite the transaction itself is the lock.
  const row = await (dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst();
  return row ?? null;
}

export async function updateDeployment(
  tx: StoreTransaction,
  deploymentId: string,
  changes: Partial<DeploymentRow>,
): Promise<void> {
  await tx.updateTable('deployments').set(changes).where('deployment_id', '=', deploymentId).execute();
}

export async function findActiveDeployment(db: StoreReader, deploymentGroupId: string): Promise<DeploymentRow | null> {
  const row = await db
    .selectFrom('deployments')
    .selectAll()
    .where('deployment_group_id', '=', deploymentGroupId)
    .where('status', 'not in', FINAL_STATUSES)
    .executeTakeFirst();
  return row ?? null;
}

/** Deployments that the engine has to look at by now. */
export async function deploymentsToWake(db: StoreReader, nowMs: number): Promise<string[]> {
  const rows = await db
    .selectFrom('deployments')
    .select('deployment_id')
    .where('wake_at_ms', '<=', nowMs)
    .where('status', 'not in', FINAL_STATUSES)
    .execute();
  return rows.map((row) => row.deployment_id);
}

export async function nonFinalDeployments(db: StoreReader): Promise<string[]> {
  const rows = await db
    .selectFrom('deployments')
    .select('deployment_id')
    .where('status', 'not in', FINAL_STATUSES)
    .execute();
  return rows.map((row) => row.deployment_id);
}

export interface DeploymentFilter {
  readonly deploymentGroupId?: string;
  readonly statuses?: readonly DeploymentStatus[];
  readonly createdFromMs?: number;
  readonly createdToMs?: number;
  /** The last one of the page before: newest first, so what follows is older. */
  readonly after?: { readonly createdAtMs: number; readonly deploymentId: string };
  readonly limit: number;
}

export async function listDeployments(db: StoreReader, filter: DeploymentFilter): Promise<DeploymentRow[]> {
  let query = db
    .selectFrom('deployments')
    .selectAll()
    .orderBy('created_at_ms', 'desc')
    .orderBy('deployment_id', 'desc')
    .limit(filter.limit);
  const { deploymentGroupId, statuses, createdFromMs, createdToMs, after } = filter;
  if (deploymentGroupId !== undefined) query = query.where('deployment_group_id', '=', deploymentGroupId);
  if (statuses !== undefined && statuses.length > 0) query = query.where('status', 'in', statuses);
  if (createdFromMs !== undefined) query = query.where('created_at_ms', '>=', createdFromMs);
  if (createdToMs !== undefined) query = query.where('created_at_ms', '<=', createdToMs);
  if (after !== undefined) {
    query = query.where((eb) =>
      eb.or([
        eb('created_at_ms', '<', after.createdAtMs),
        eb.and([eb('created_at_ms', '=', after.createdAtMs), eb('deployment_id', '<', after.deploymentId)]),
      ]),
    );
  }
  return query.execute();
}

/** All targets of a deployment, in the order of attempt. */
export async function targetsOf(db: StoreReader, deploymentId: string): Promise<TargetRow[]> {
  return db.selectFrom('targets').selectAll().where('deployment_id', '=', deploymentId).orderBy('position').execute();
}

/** All events of a deployment, or of one target, each target's in order. */
export async function eventsOf(
  db: StoreReader,
  deploymentId: string,
  instanceId?: string,
): Promise<LifecycleEventRow[]> {
  const query = db.selectFrom('lifecycle_events').selectAll().where('deployment_id', '=', deploymentId);
  return (instanceId === undefined ? query : query.where('instance_id', '=', instanceId)).orderBy('position').execute();
}

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
