/** The instances that a deployment is for. */
import { instancesWithTags } from '../../store/instance-tags.ts';
import type { InstanceRow } from '../../store/schema.ts';
import type { StoreReader } from '../../store/store.ts';
import type { DeploymentSettings } from '../settings.ts';
import { type FinishAction, failedWith } from './ending.ts';
import { fleetHostsOf } from './fleet.ts';

/** As many as one deployment may have. */
export const MAX_TARGETS = 1000;

/** @returns one more than a deployment may have, if there are so many */
export async function membersOf(
  db: StoreReader,
  settings: Pick<DeploymentSettings, 'filterLists' | 'ec2FilterLists' | 'fleetOf' | 'only'>,
): Promise<readonly InstanceRow[]> {
  const { filterLists, ec2FilterLists = [], only } = settings;
  const members = new Map<string, InstanceRow>();
  for (const lists of [filterLists, ec2FilterLists]) {
    const found = await instancesWithTags(db, lists, MAX_TARGETS + 1, only);
    for (const instance of found) members.set(instance.instance_id, instance);
  }
  const { enrolled } = await fleetHostsOf(db, settings);
  for (const instance of enrolled) members.set(instance.instance_id, instance);
  return [...members.values()];
}

/** @param whose begins the sentence */
export function tooManyTargets(whose: string): FinishAction {
  return failedWith('OVER_MAX_INSTANCES', `${whose} more than ${MAX_TARGETS} instances, which is the limit.`);
}
