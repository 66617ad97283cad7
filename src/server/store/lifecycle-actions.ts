/** Instances that wait at a hook, as AWS was last heard to have them, and what AWS was told of each. */
import type { FleetMemberRow, LifecycleActionRow, ScalingHookRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** An instance that waits, with what is known of its wait. */
export interface WaitingInstance
  extends Pick<ScalingHookRow, 'hook_name' | 'deployment_group_id' | 'auto_scaling_group' | 'kind'> {
  readonly ec2_instance_id: string;
  /** The enrolled host that it is; null: none. */
  readonly instance_id: string | null;
  readonly stage: FleetMemberRow['stage'];
  readonly stage_since_ms: number;
  /** null: nobody has looked at it yet. */
  readonly action: LifecycleActionRow | null;
}

/** Finds the instances that wait at hooks which AWS has taken, the longest waiting first. */
export async function waitingInstances(db: StoreReader, limit: number): Promise<readonly WaitingInstance[]> {
  const rows = await db
    .selectFrom('fleet_members')
    .innerJoin('scaling_hooks', (join) =>
      join
        .onRef('scaling_hooks.deployment_group_id', '=', 'fleet_members.deployment_group_id')
        .onRef('scaling_hooks.auto_scaling_group', '=', 'fleet_members.auto_scaling_group'),
    )
    .select(['scaling_hooks.hook_name', 'scaling_hooks.deployment_group_id', 'scaling_hooks.auto_scaling_group'])
    .select(['scaling_hooks.kind', 'ec2_instance_id', 'instance_id', 'stage', 'stage_since_ms'])
    .where('put_at_ms', 'is not', null)
    .where('is_wanted', '=', 1)
    .where((eb) =>
      eb.or([
        eb.and([eb('stage', 'in', ['launching', 'warming']), eb('kind', '=', 'launch')]),
        eb.and([eb('stage', '=', 'terminating'), eb('kind', '=', 'termination')]),
      ]),
    )
    .orderBy('stage_since_ms')
    .limit(limit)
    .execute();
  const known = new Map(
    (await actionsOf(db)).map((action) => [`${action.hook_name} ${action.ec2_instance_id}`, action]),
  );
  return rows.map((row) => {
    const action = known.get(`${row.hook_name} ${row.ec2_instance_id}`) ?? null;
    // An answer to an earlier wait, before a warm pool, is none to this one.
    return { ...row, action: action?.began_at_ms === row.stage_since_ms ? action : null };
  });
}

export async function actionsOf(db: StoreReader): Promise<LifecycleActionRow[]> {
  return db.selectFrom('lifecycle_actions').selectAll().execute();
}

type ActionKey = Pick<LifecycleActionRow, 'hook_name' | 'ec2_instance_id'>;

/** Leases one, new or known. @returns null: somebody else has it, or its hook is gone */
export async function leaseAction(
  tx: StoreTransaction,
  { hook_name, ec2_instance_id }: ActionKey,
  times: { readonly beganAtMs: number; readonly nowMs: number; readonly untilMs: number },
): Promise<LifecycleActionRow | null> {
  const hook = await tx
    .selectFrom('scaling_hooks')
    .select('hook_name')
    .where('hook_name', '=', hook_name)
    .executeTakeFirst();
  if (hook === undefined) return null;
  const began = { began_at_ms: times.beganAtMs, beaten_at_ms: times.beganAtMs, wake_at_ms: times.nowMs };
  // The row of an earlier wait of the same instance at the same hook.
  await tx
    .deleteFrom('lifecycle_actions')
    .where('hook_name', '=', hook_name)
    .where('ec2_instance_id', '=', ec2_instance_id)
    .where('began_at_ms', '<>', times.beganAtMs)
    .execute();
  const untold = { deployment_id: null, result: null, told_at_ms: null, lease_until_ms: null, failing_json: null };
  await tx
    .insertInto('lifecycle_actions')
    .values({ hook_name, ec2_instance_id, ...began, ...untold })
    .onConflict((conflict) => conflict.columns(['hook_name', 'ec2_instance_id']).doNothing())
    .execute();
  const row = await tx
    .updateTable('lifecycle_actions')
    .set({ lease_until_ms: times.untilMs })
    .where('hook_name', '=', hook_name)
    .where('ec2_instance_id', '=', ec2_instance_id)
    .where('wake_at_ms', '<=', times.nowMs)
    .where((eb) => eb.or([eb('lease_until_ms', 'is', null), eb('lease_until_ms', '<=', times.nowMs)]))
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
}

/** Ends a lease. */
export async function noteAction(
  tx: StoreTransaction,
  { hook_name, ec2_instance_id }: ActionKey,
  changes: Partial<
    Pick<LifecycleActionRow, 'beaten_at_ms' | 'deployment_id' | 'result' | 'told_at_ms' | 'wake_at_ms' | 'failing_json'>
  >,
): Promise<void> {
  await tx
    .updateTable('lifecycle_actions')
    .set({ ...changes, lease_until_ms: null })
    .where('hook_name', '=', hook_name)
    .where('ec2_instance_id', '=', ec2_instance_id)
    .execute();
}

/** Forgets those whose instances wait no more, as far as AWS was heard. */
export async function forgetActions(tx: StoreTransaction, gone: readonly ActionKey[]): Promise<void> {
  for (const { hook_name, ec2_instance_id } of gone) {
    await tx
      .deleteFrom('lifecycle_actions')
      .where('hook_name', '=', hook_name)
      .where('ec2_instance_id', '=', ec2_instance_id)
      .execute();
  }
}
