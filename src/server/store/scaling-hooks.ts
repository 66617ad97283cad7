/**
 * Lifecycle hooks that the server has on Auto Scaling groups.
 *
 * A hook is leased while AWS is told of it. If it were removed while it is still being put, the last call could leave a hook that nobody
 * knows.
 */
import type { DeploymentGroupRow, ScalingHookRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export async function hooksOf(db: StoreReader, deploymentGroupId: string): Promise<ScalingHookRow[]> {
  return db
    .selectFrom('scaling_hooks')
    .selectAll()
    .where('deployment_group_id', '=', deploymentGroupId)
    .orderBy('hook_name')
    .execute();
}

export async function insertHook(
  tx: StoreTransaction,
  hook: Pick<ScalingHookRow, 'hook_name' | 'deployment_group_id' | 'auto_scaling_group' | 'kind'>,
  nowMs: number,
): Promise<void> {
  const untold = { is_wanted: 1, put_at_ms: null, wake_at_ms: nowMs, lease_until_ms: null, failing_json: null };
  await tx
    .insertInto('scaling_hooks')
    .values({ ...hook, ...untold })
    .execute();
}

/** From now on AWS is told to remove them, and asked for them no more. */
export async function unwantHooks(tx: StoreTransaction, hookNames: readonly string[], nowMs: number): Promise<void> {
  if (hookNames.length === 0) return;
  await tx
    .updateTable('scaling_hooks')
    .set({ is_wanted: 0, wake_at_ms: nowMs, failing_json: null })
    .where('hook_name', 'in', hookNames)
    .where('is_wanted', '=', 1)
    .execute();
}

/** Hooks whose deployment group is gone, with its application or alone. */
export async function hooksWithoutGroup(db: StoreReader): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('scaling_hooks')
    .select('hook_name')
    .where('is_wanted', '=', 1)
    .where('deployment_group_id', 'not in', (eb) =>
      eb.selectFrom('deployment_groups').select('deployment_groups.deployment_group_id'),
    )
    .execute();
  return rows.map(({ hook_name }) => hook_name);
}

/** Groups that have hooks, whatever their settings say now. */
export async function groupsWithHooks(db: StoreReader): Promise<DeploymentGroupRow[]> {
  return db
    .selectFrom('deployment_groups')
    .selectAll()
    .where('deployment_group_id', 'in', (eb) =>
      eb.selectFrom('scaling_hooks').select('scaling_hooks.deployment_group_id').where('is_wanted', '=', 1),
    )
    .execute();
}

/** Finds the hooks of which AWS is to be told now, the longest waiting first. */
export async function dueHooks(db: StoreReader, nowMs: number, limit: number): Promise<ScalingHookRow[]> {
  return db
    .selectFrom('scaling_hooks')
    .selectAll()
    .where('wake_at_ms', '<=', nowMs)
    .where((eb) => eb.or([eb('lease_until_ms', 'is', null), eb('lease_until_ms', '<=', nowMs)]))
    .orderBy('wake_at_ms')
    .limit(limit)
    .execute();
}

/** @returns the hook as it is now; null: somebody else tells AWS of it, or it is gone */
export async function leaseHook(
  tx: StoreTransaction,
  hookName: string,
  lease: { readonly nowMs: number; readonly untilMs: number },
): Promise<ScalingHookRow | null> {
  const row = await tx
    .updateTable('scaling_hooks')
    .set({ lease_until_ms: lease.untilMs })
    .where('hook_name', '=', hookName)
    .where((eb) => eb.or([eb('lease_until_ms', 'is', null), eb('lease_until_ms', '<=', lease.nowMs)]))
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
}

/** Ends a lease. AWS was told `isWanted`; if that has changed meanwhile, AWS is told again at once. */
export async function noteHook(
  tx: StoreTransaction,
  { hook_name, is_wanted }: Pick<ScalingHookRow, 'hook_name' | 'is_wanted'>,
  changes: Partial<Pick<ScalingHookRow, 'put_at_ms' | 'wake_at_ms' | 'failing_json'>>,
): Promise<void> {
  await tx
    .updateTable('scaling_hooks')
    .set(changes)
    .where('hook_name', '=', hook_name)
    .where('is_wanted', '=', is_wanted)
    .execute();
  await tx.updateTable('scaling_hooks').set({ lease_until_ms: null }).where('hook_name', '=', hook_name).execute();
}

export async function deleteHook(tx: StoreTransaction, hookName: string): Promise<void> {
  await tx.deleteFrom('scaling_hooks').where('hook_name', '=', hookName).execute();
}
