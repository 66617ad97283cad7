/** The lifecycle hooks of a group's Auto Scaling groups, as the API shows them. */
import { settleHooks } from '../engine/hosts/scaling-hooks.ts';
import { hooksOf } from '../store/scaling-hooks.ts';
import type { ScalingHookRow } from '../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../store/store.ts';
import type { ApiContext } from './context.ts';

/** Writes down which hooks a group wants from now on. The group must be locked. */
export async function settleHooksOf(
  { random, clock, asksAws }: Pick<ApiContext, 'random' | 'clock' | 'asksAws'>,
  tx: StoreTransaction,
  group: Parameters<typeof settleHooks>[1],
): Promise<void> {
  await settleHooks(tx, group, { random, nowMs: clock.now(), asksAws });
}

interface ShownGroup {
  readonly name: string;
  readonly hook?: string;
  readonly terminationHook?: string;
}

/** @param names of Auto Scaling groups */
export async function shownAutoScalingGroups(
  db: StoreReader,
  deploymentGroupId: string,
  names: readonly string[],
): Promise<readonly ShownGroup[]> {
  const hooks = names.length === 0 ? [] : await hooksOf(db, deploymentGroupId);
  const wanted = hooks.filter(({ is_wanted }) => is_wanted === 1);
  return names.map((name) => shown(name, wanted));
}

/**
 * Removes the hooks that a group wants no more.
 *
 * @returns what is still on Auto Scaling groups: the server goes on removing it, or cannot, since it asks no AWS
 */
export async function hooksNotCleanedUp(
  { store, removeHooks }: Pick<ApiContext, 'store' | 'removeHooks'>,
  deploymentGroupId: string,
): Promise<ShownGroup[]> {
  await removeHooks?.(deploymentGroupId);
  const left = (await hooksOf(store.db, deploymentGroupId)).filter(({ is_wanted }) => is_wanted === 0);
  return [...new Set(left.map(({ auto_scaling_group }) => auto_scaling_group))].map((name) => shown(name, left));
}

function shown(name: string, hooks: readonly ScalingHookRow[]): ShownGroup {
  const nameOf = (kind: ScalingHookRow['kind']) =>
    hooks.find((hook) => hook.auto_scaling_group === name && hook.kind === kind)?.hook_name;
  const [hook, terminationHook] = [nameOf('launch'), nameOf('termination')];
  return {
    name,
    ...(hook === undefined ? {} : { hook }),
    ...(terminationHook === undefined ? {} : { terminationHook }),
  };
}
