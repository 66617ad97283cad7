import { ApiError } from '../../protocol/errors.ts';
import { deploymentsWithChanges } from './changed-targets.ts';
import type { DeploymentRow, DeploymentStatus } from './schema.ts';
import { statement } from './statement.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** Statuses in which nothing more happens. */
export const FINAL_STATUSES: readonly DeploymentStatus[] = ['Succeeded', 'Failed', 'Stopped'];

/** The waits of a blue/green deployment, before it has come to any. */
const WAITS_OF_NOBODY = {
  ...{ ready_at_ms: null, continued_at_ms: null },
  ...{ termination_wait_at_ms: null, wait_skipped_at_ms: null },
} satisfies Partial<DeploymentRow>;

/** A deployment as it begins; what only its course brings is added. */
export type NewDeployment = Omit<
  DeploymentRow,
  | 'stop_rollback'
  | 'restart_of'
  | 'settings_json'
  | 'diagnostics_deleted_at_ms'
  | 'alarms_json'
  | 'alarms_read_at_ms'
  | 'stopped_by_alarm'
  | keyof typeof WAITS_OF_NOBODY
> &
  Partial<Pick<DeploymentRow, 'restart_of' | 'settings_json' | 'alarms_json'>>;

/**
 * @throws ApiError DeploymentLimitExceededException when the group has a deployment that is not over, however shortly before it
 *   was made by another server
 */
export async function insertDeployment(tx: StoreTransaction, row: NewDeployment): Promise<void> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('deployments')
    .values({
      ...{ restart_of: null, settings_json: null, alarms_json: null, ...row },
      ...{ stop_rollback: null, diagnostics_deleted_at_ms: null, alarms_read_at_ms: null, stopped_by_alarm: null },
      ...WAITS_OF_NOBODY,
    })
    .onConflict((conflict) => conflict.column('deployment_group_id').where('completed_at_ms', 'is', null).doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows !== 0n) return;
  const active = await findActiveDeployment(tx, row.deployment_group_id);
  throw new ApiError(
    'DeploymentLimitExceededException',
    `The Deployment Group '${row.deployment_group_name}' already has an active Deployment '${active?.deployment_id ?? ''}'`,
  );
}

export async function findDeployment(db: StoreReader, deploymentId: string): Promise<DeploymentRow | null> {
  return (await byId(db, deploymentId)).rows[0] ?? null;
}

/** @param deploymentIds a hundred at most @returns by id; one that is not there is gone */
export async function findDeployments(
  db: StoreReader,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, DeploymentRow>> {
  const { rows } = await byIds(db, deploymentIds);
  return new Map(rows.map((row) => [row.deployment_id, row]));
}

const byIds = statement((db, deploymentIds: readonly string[]) =>
  db.selectFrom('deployments').selectAll().where('deployment_id', 'in', deploymentIds),
);

const byId = statement((db, deploymentId: string) =>
  db.selectFrom('deployments').selectAll().where('deployment_id', '=', deploymentId),
);

/**
 * The application and the group of each of some deployments, by their names of now: what was renamed is the same thing still. A group that was
 * deleted goes by the name that it had when the deployment was made.
 */
export async function groupsOfDeployments(
  db: StoreReader,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly applicationName: string; readonly groupName: string }>> {
  if (deploymentIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('deployments')
    .innerJoin('applications', 'applications.application_id', 'deployments.application_id')
    .leftJoin('deployment_groups', 'deployment_groups.deployment_group_id', 'deployments.deployment_group_id')
    .select(['deployments.deployment_id', 'applications.application_name'])
    .select([
      'deployment_groups.deployment_group_name as name_of_now',
      'deployments.deployment_group_name as name_of_then',
    ])
    .where('deployments.deployment_id', 'in', deploymentIds)
    .execute();
  return new Map(
    rows.map((row) => [
      row.deployment_id,
      { applicationName: row.application_name, groupName: row.name_of_now ?? row.name_of_then },
    ]),
  );
}

/**
 * The deployment, held until the transaction ends. A transaction that changes rows of a deployment (its targets, its events) holds the
 * deployment. So its decisions are still true when they are written. Hand-outs and reports change one event and hold that alone
 * (`lockOpenEvents` is the other side); the lock here lets them refer to the deployment.
 */
export async function lockDeployment(tx: StoreTransaction, deploymentId: string): Promise<DeploymentRow | null> {
  return (await lockById(tx, deploymentId)).rows[0] ?? null;
}

const lockById = statement((db, deploymentId: string) =>
  db.selectFrom('deployments').selectAll().where('deployment_id', '=', deploymentId).forNoKeyUpdate(),
);

/** The deployment, held likewise, if its time has come or something of it has changed, and nobody else holds it. */
export async function lockDueDeployment(
  tx: StoreTransaction,
  deploymentId: string,
  nowMs: number,
): Promise<DeploymentRow | null> {
  const row = await tx
    .selectFrom('deployments')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .where((eb) =>
      eb.or([
        eb('wake_at_ms', '<=', nowMs),
        eb.exists(eb.selectFrom('changed_targets').select('instance_id').where('deployment_id', '=', deploymentId)),
      ]),
    )
    .forNoKeyUpdate()
    .skipLocked()
    .executeTakeFirst();
  return row ?? null;
}

/** Deployments that somebody has to look at by now. */
export async function dueDeployments(db: StoreReader, nowMs: number): Promise<string[]> {
  const rows = await db
    .selectFrom('deployments')
    .select('deployment_id')
    .where('wake_at_ms', '<=', nowMs)
    .orderBy('wake_at_ms')
    .execute();
  const due = rows.map((row) => row.deployment_id);
  return [...new Set([...due, ...(await deploymentsWithChanges(db))])];
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
    .where('completed_at_ms', 'is', null)
    .executeTakeFirst();
  return row ?? null;
}

/** Deployments of an application that are not over, in the order of their ids. */
export async function openDeployments(db: StoreReader, applicationId: string): Promise<DeploymentRow[]> {
  return db
    .selectFrom('deployments')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('completed_at_ms', 'is', null)
    .orderBy('deployment_id')
    .execute();
}

/** The same, locked. Those that end just now are waited for, and the rollbacks that follow them are among the rows. */
export async function lockOpenDeployments(tx: StoreTransaction, applicationId: string): Promise<DeploymentRow[]> {
  await tx
    .selectFrom('deployments')
    .select('deployment_id')
    .where('application_id', '=', applicationId)
    .where('completed_at_ms', 'is', null)
    .orderBy('deployment_id')
    .forUpdate()
    .execute();
  return openDeployments(tx, applicationId);
}

/** Every deployment that is not over, the oldest first. */
export async function activeDeployments(db: StoreReader): Promise<string[]> {
  const rows = await db
    .selectFrom('deployments')
    .select('deployment_id')
    .where('completed_at_ms', 'is', null)
    .orderBy('created_at_ms')
    .execute();
  return rows.map((row) => row.deployment_id);
}

/** Deployments under way of which the alarms were not read since a time. */
export async function deploymentsToWatch(
  db: StoreReader,
  readBeforeMs: number,
): Promise<readonly { readonly deployment_id: string; readonly alarms_json: string }[]> {
  return db
    .selectFrom('deployments')
    .select('deployment_id')
    .select((eb) => eb.ref('alarms_json').$notNull().as('alarms_json'))
    .where('alarms_json', 'is not', null)
    .where('completed_at_ms', 'is', null)
    .where('stop_requested_at_ms', 'is', null)
    .where((eb) => eb.or([eb('alarms_read_at_ms', 'is', null), eb('alarms_read_at_ms', '<=', readBeforeMs)]))
    .execute();
}

/** Has every deployment looked at in which the host has something to do. @returns their ids */
export async function wakeDeploymentsOf(tx: StoreTransaction, instanceId: string, nowMs: number): Promise<string[]> {
  const rows = await tx
    .updateTable('deployments')
    .set({ wake_at_ms: nowMs })
    .where('completed_at_ms', 'is', null)
    .where('deployment_id', 'in', (eb) =>
      eb
        .selectFrom('targets')
        .select('deployment_id')
        .where('instance_id', '=', instanceId)
        .where('status', 'in', ['Pending', 'InProgress', 'Ready']),
    )
    .returning('deployment_id')
    .execute();
  return rows.map((row) => row.deployment_id);
}

export interface DeploymentFilter {
  readonly deploymentGroupId?: string;
  /** None, or an empty list: any. */
  readonly statuses?: readonly DeploymentStatus[];
  readonly createdFromMs?: number;
  readonly createdToMs?: number;
  /** The last one of the page before: newest first, so what follows is older. */
  readonly after?: { readonly createdAtMs: number; readonly deploymentId: string };
  readonly limit: number;
}

/** A page of deployments, newest first. Each status has its own place in the index, so a rare one is found without a look at all. */
export async function listDeployments(db: StoreReader, filter: DeploymentFilter): Promise<DeploymentRow[]> {
  const { statuses = [], limit } = filter;
  if (statuses.length === 0) return pageOfDeployments(db, filter, null);
  const pages: DeploymentRow[] = [];
  for (const status of new Set(statuses)) pages.push(...(await pageOfDeployments(db, filter, status)));
  const isNewer = (a: DeploymentRow, b: DeploymentRow) =>
    b.created_at_ms - a.created_at_ms || (a.deployment_id > b.deployment_id ? -1 : 1);
  return pages.sort(isNewer).slice(0, limit);
}

async function pageOfDeployments(
  db: StoreReader,
  filter: Omit<DeploymentFilter, 'statuses'>,
  status: DeploymentStatus | null,
): Promise<DeploymentRow[]> {
  let query = db
    .selectFrom('deployments')
    .selectAll()
    .orderBy('created_at_ms', 'desc')
    .orderBy('deployment_id', 'desc')
    .limit(filter.limit);
  const { deploymentGroupId, createdFromMs, createdToMs, after } = filter;
  if (deploymentGroupId !== undefined) query = query.where('deployment_group_id', '=', deploymentGroupId);
  if (status !== null) query = query.where('status', '=', status);
  if (createdFromMs !== undefined) query = query.where('created_at_ms', '>=', createdFromMs);
  if (createdToMs !== undefined) query = query.where('created_at_ms', '<=', createdToMs);
  if (after !== undefined) {
    // The first condition is where the index is entered: without it all newer ones would be looked at.
    query = query
      .where('created_at_ms', '<=', after.createdAtMs)
      .where((eb) =>
        eb.or([
          eb('created_at_ms', '<', after.createdAtMs),
          eb.and([eb('created_at_ms', '=', after.createdAtMs), eb('deployment_id', '<', after.deploymentId)]),
        ]),
      );
  }
  return query.execute();
}

/** How many deployments are kept in each state. */
export async function countDeployments(db: StoreReader): Promise<ReadonlyMap<DeploymentStatus, number>> {
  const rows = await db
    .selectFrom('deployments')
    .select(['status', (eb) => eb.fn.countAll<number | string>().as('count')])
    .groupBy('status')
    .execute();
  return new Map(rows.map(({ status, count }) => [status, Number(count)]));
}
