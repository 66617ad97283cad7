/**
 * Suspensions of processes on Auto Scaling groups, for deployments.
 *
 * Which processes a deployment has suspended is written down before AWS is called, so that a crash leaves none that nobody resumes. While
 * one server calls for a group, no other does. Otherwise a process that is being resumed would look as if somebody had suspended it for
 * good.
 */
import type { SuspendedProcessRow, SuspensionRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export async function findSuspension(db: StoreReader, deploymentId: string): Promise<SuspensionRow | null> {
  const row = await db
    .selectFrom('suspensions')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .executeTakeFirst();
  return row ?? null;
}

/** Asks for one, unless it was asked for before. */
export async function askForSuspension(
  tx: StoreTransaction,
  deploymentId: string,
  wishJson: string,
  nowMs: number,
): Promise<void> {
  const row = { deployment_id: deploymentId, wish_json: wishJson, state: 'suspend', wake_at_ms: nowMs } as const;
  await tx
    .insertInto('suspensions')
    .values({ ...row, lease_until_ms: null, failing_json: null })
    .onConflict((conflict) => conflict.column('deployment_id').doNothing())
    .execute();
}

/** Asks for the end of one, unless it has come or was asked for. */
export async function askToResume(tx: StoreTransaction, deploymentId: string, nowMs: number): Promise<void> {
  await tx
    .updateTable('suspensions')
    .set({ state: 'resume', wake_at_ms: nowMs, failing_json: null })
    .where('deployment_id', '=', deploymentId)
    .where('state', 'in', ['suspend', 'suspended', 'refused'])
    .execute();
}

/** Finds suspensions that nobody has asked to end, though their deployment has ended or is gone. */
export async function suspensionsLeftBehind(db: StoreReader): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('suspensions')
    .leftJoin('deployments', 'deployments.deployment_id', 'suspensions.deployment_id')
    .select('suspensions.deployment_id')
    .where('state', 'in', ['suspend', 'suspended', 'refused'])
    .where((eb) => eb.or([eb('deployments.deployment_id', 'is', null), eb('completed_at_ms', 'is not', null)]))
    .execute();
  return rows.map(({ deployment_id }) => deployment_id);
}

/** Finds the suspensions of which AWS is to be told now. */
export async function dueSuspensions(db: StoreReader, nowMs: number): Promise<SuspensionRow[]> {
  return db
    .selectFrom('suspensions')
    .selectAll()
    .where('state', 'in', ['suspend', 'resume'])
    .where('wake_at_ms', '<=', nowMs)
    .orderBy('wake_at_ms')
    .execute();
}

/** @param groupsOf Auto Scaling groups of a row @returns null: it is over, or somebody calls for one of its Auto Scaling groups */
export async function leaseSuspension(
  tx: StoreTransaction,
  deploymentId: string,
  groupsOf: (row: SuspensionRow) => readonly string[],
  lease: { readonly nowMs: number; readonly untilMs: number },
): Promise<SuspensionRow | null> {
  const rows = await tx
    .selectFrom('suspensions')
    .selectAll()
    .where('state', 'in', ['suspend', 'resume'])
    .orderBy('deployment_id')
    .forUpdate()
    .execute();
  const row = rows.find(({ deployment_id }) => deployment_id === deploymentId);
  if (row === undefined) return null;
  const wanted = groupsOf(row);
  const isTaken = rows.some(
    (other) => (other.lease_until_ms ?? 0) > lease.nowMs && groupsOf(other).some((group) => wanted.includes(group)),
  );
  if (isTaken) return null;
  await tx
    .updateTable('suspensions')
    .set({ lease_until_ms: lease.untilMs })
    .where('deployment_id', '=', deploymentId)
    .execute();
  return row;
}

/**
 * Has a deployment look at everything in its next step. Call it before any change of the deployment's suspension: a step locks in that
 * order, too.
 */
export async function wakeDeployment(tx: StoreTransaction, deploymentId: string, nowMs: number): Promise<void> {
  await tx
    .updateTable('deployments')
    .set({ wake_at_ms: nowMs })
    .where('deployment_id', '=', deploymentId)
    .where('completed_at_ms', 'is', null)
    .execute();
}

/** Ends a lease. Where the state has changed since, only the lease ends. */
export async function noteSuspension(
  tx: StoreTransaction,
  { deployment_id, state }: Pick<SuspensionRow, 'deployment_id' | 'state'>,
  changes: Partial<Pick<SuspensionRow, 'state' | 'wake_at_ms' | 'failing_json'>>,
): Promise<void> {
  const own = () => tx.updateTable('suspensions').where('deployment_id', '=', deployment_id);
  await own().set({ lease_until_ms: null }).execute();
  if (Object.keys(changes).length > 0) await own().set(changes).where('state', '=', state).execute();
}

/** All processes that rest on a group for some deployment. */
export async function restingOn(db: StoreReader, autoScalingGroup: string): Promise<SuspendedProcessRow[]> {
  return db.selectFrom('suspended_processes').selectAll().where('auto_scaling_group', '=', autoScalingGroup).execute();
}

export async function noteSuspended(tx: StoreTransaction, rows: readonly SuspendedProcessRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx
    .insertInto('suspended_processes')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['deployment_id', 'auto_scaling_group', 'process']).doNothing())
    .execute();
}

export async function noteResumed(tx: StoreTransaction, deploymentId: string, autoScalingGroup: string): Promise<void> {
  await tx
    .deleteFrom('suspended_processes')
    .where('deployment_id', '=', deploymentId)
    .where('auto_scaling_group', '=', autoScalingGroup)
    .execute();
}
