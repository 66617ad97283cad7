/** Hosts that came back to a deployment group from another one of the same application. */
import { findGroupById } from '../store/deployment-groups.ts';
import { deployedElsewhere } from '../store/other-groups.ts';
import type { DeploymentGroupRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { fleetSettings } from './hosts/fleet.ts';
import { membersOf } from './hosts/members.ts';
import { type SettingsOfGroup, settingsOf } from './settings.ts';

/** For one query; the others follow. */
const MAX_MOVED = 100;

/**
 * Hosts that ran the group's revision when the group last deployed to them. Since then they have had something else, from a group that they
 * belong to no more. A host that belongs to both groups is left alone: each would take it from the other.
 */
export async function movedBack(
  db: StoreReader,
  group: DeploymentGroupRow,
  { revision, asksAws }: { readonly revision: string; readonly asksAws: boolean },
): Promise<readonly string[]> {
  const moved = Map.groupBy(await deployedElsewhere(db, group, revision), ({ byGroupId }) => byGroupId);
  const back = new Set<string>();
  for (const [groupId, hosts] of moved) {
    const other = await findGroupById(db, groupId);
    if (other === null) continue;
    const ofOther = JSON.parse(other.settings_json) as SettingsOfGroup;
    const settings = { ...settingsOf(ofOther, {}), ...(asksAws ? fleetSettings(ofOther, groupId) : {}) };
    const only = hosts.slice(0, MAX_MOVED).map(({ instanceId }) => instanceId);
    const still = new Set((await membersOf(db, { ...settings, only })).map(({ instance_id }) => instance_id));
    for (const instanceId of only) if (!still.has(instanceId)) back.add(instanceId);
  }
  return [...back].slice(0, MAX_MOVED);
}
