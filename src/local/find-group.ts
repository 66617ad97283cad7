import { existsSync } from 'node:fs';
import { groupsWithHistory, readHistory } from '../deployment/history.ts';
import { groupPointers, installedFilesRecords } from '../deployment/layout.ts';
import { SlipwayError } from '../errors.ts';

/**
 * Finds a deployment group of this host by its id, by its name, or because there is no other.
 *
 * @param group null: the only one there is. An id is known by its records, too, so that a group that another agent has deployed is found
 * @throws SlipwayError ROLLBACK_NO_GROUP listing the groups that there are
 */
export function findGroup(rootDir: string, group: string | null): string {
  if (group !== null && /^[^/]+$/.test(group) && hasRecords(rootDir, group)) return group;
  const ids = groupsWithHistory(rootDir);
  const named = ids.map((id) => ({ id, name: readHistory(rootDir, id).at(-1)?.deploymentGroupName ?? '' }));
  const found = named.filter(({ id, name }) => group === null || id === group || name === group);
  if (found.length === 1 && found[0] !== undefined) return found[0].id;
  if (named.length === 0) {
    throw new SlipwayError('ROLLBACK_NO_GROUP', `nothing was ever installed for a deployment group below ${rootDir}`, {
      remedy: 'If the agent keeps its files elsewhere, name its configuration with --config-file.',
    });
  }
  const list = named.map(({ id, name }) => `${name} (${id})`).join(', ');
  const what =
    group === null
      ? `this host has ${named.length} deployment groups`
      : `${found.length === 0 ? 'no' : 'more than one'} deployment group of this host is called '${group}'`;
  throw new SlipwayError('ROLLBACK_NO_GROUP', `${what}: ${list}`);
}

function hasRecords(rootDir: string, groupId: string): boolean {
  const records = [...Object.values(groupPointers(rootDir, groupId)), ...installedFilesRecords(rootDir, groupId)];
  return records.some((path) => existsSync(path));
}
