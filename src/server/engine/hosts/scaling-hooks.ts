/**
 * Which lifecycle hooks a deployment group wants on its Auto Scaling groups. An instance that is launched waits at one until it has the
 * group's last good revision. With `terminationHookEnabled`, an instance that is terminated waits until its application has been stopped.
 */
import type { Random } from '../../../system/random.ts';
import { hooksOf, insertHook, unwantHooks } from '../../store/scaling-hooks.ts';
import type { ScalingHookRow } from '../../store/schema.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { autoScalingGroupsOf, type SettingsOfGroup } from '../settings.ts';

type WantedHook = Pick<ScalingHookRow, 'auto_scaling_group' | 'kind'>;

/**
 * Returns the hooks that a deployment group wants.
 *
 * @param settings null: the group is gone
 */
export function wantedHooks(settings: SettingsOfGroup | null): readonly WantedHook[] {
  if (settings === null) return [];
  const kinds = settings.terminationHookEnabled === true ? (['launch', 'termination'] as const) : (['launch'] as const);
  return autoScalingGroupsOf(settings).flatMap((auto_scaling_group) =>
    kinds.map((kind) => ({ auto_scaling_group, kind })),
  );
}

/** Returns the changes to the hooks of a group: the missing and the unwanted ones. */
export function hookChanges(wanted: readonly WantedHook[], known: readonly ScalingHookRow[]) {
  const current = known.filter(({ is_wanted }) => is_wanted === 1);
  const isSame = (a: WantedHook, b: WantedHook) => a.auto_scaling_group === b.auto_scaling_group && a.kind === b.kind;
  return {
    missing: wanted.filter((hook) => !current.some((other) => isSame(hook, other))),
    unwanted: current.filter((hook) => !wanted.some((other) => isSame(hook, other))).map(({ hook_name }) => hook_name),
  };
}

/**
 * Writes down which hooks a group wants from now on. The group must be locked.
 *
 * @param group its settings null: it is being deleted
 * @param ctx `asksAws`: whether hooks can be put; they are taken away in any case
 */
export async function settleHooks(
  tx: StoreTransaction,
  group: { readonly id: string; readonly name: string; readonly settings: SettingsOfGroup | null },
  ctx: { readonly random: Pick<Random, 'uuid'>; readonly nowMs: number; readonly asksAws: boolean },
): Promise<void> {
  const { missing, unwanted } = hookChanges(wantedHooks(group.settings), await hooksOf(tx, group.id));
  await unwantHooks(tx, unwanted, ctx.nowMs);
  if (!ctx.asksAws) return;
  for (const hook of missing) {
    const hook_name = hookName(hook.kind, group.name, ctx.random.uuid());
    await insertHook(tx, { ...hook, hook_name, deployment_group_id: group.id }, ctx.nowMs);
  }
}

/** As the hosted service names its own. Auto Scaling takes no other characters; a name is another one each time that a hook is put anew. */
export function hookName(kind: ScalingHookRow['kind'], groupName: string, uuid: string): string {
  const name = groupName.replaceAll(/[^A-Za-z0-9_/-]/g, '-');
  return `CodeDeploy-managed-automatic-${kind}-deployment-hook-${name}-${uuid}`;
}
