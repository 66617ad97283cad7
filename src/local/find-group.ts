/** The one rule by which every command finds the deployment group of this host that a person means. */
import { describeGroup, type GroupNames, type GroupOnHost, groupsOnHost } from '../deployment/groups-on-host.ts';
import { SlipwayError } from '../errors.ts';
import { shellWord } from '../system/shell-word.ts';

/** Says that what follows is an id, where the same text is another group's name. */
const ID_PREFIX = 'id:';

/**
 * Finds a deployment group of this host, whichever tool deployed to it.
 *
 * @param group an id, a name, `APPLICATION/GROUP`, or `id:ID`; null: the only group there is
 * @throws SlipwayError ROLLBACK_NO_GROUP listing the groups that there are, each as it can be named, when none or several are meant
 */
export function findGroup(rootDir: string, group: string | null): GroupOnHost {
  const groups = groupsOnHost(rootDir);
  const found = group === null ? groups : groupsCalled(groups, group);
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only;
  if (groups.length === 0) {
    throw new SlipwayError('ROLLBACK_NO_GROUP', `nothing was ever installed for a deployment group below ${rootDir}`, {
      remedy: 'If the agent keeps its files elsewhere, name its configuration with --config-file.',
    });
  }
  const listed = found.length === 0 ? groups : found;
  const what =
    group === null
      ? `this host has ${groups.length} deployment groups`
      : `${found.length === 0 ? 'no' : 'more than one'} deployment group of this host is called '${group}'`;
  throw new SlipwayError('ROLLBACK_NO_GROUP', `${what}: ${listed.map(describeGroup).join(', ')}`, {
    remedy: `Name one of them, as ${listed.map((one) => shellWord(selectorOf(groups, one))).join(' or ')}.`,
  });
}

/** Former names count only where no group is called so today: a name may have passed from one group to another. */
function groupsCalled(groups: readonly GroupOnHost[], text: string): readonly GroupOnHost[] {
  const id = text.startsWith(ID_PREFIX) ? text.slice(ID_PREFIX.length) : null;
  const today = groups.filter(
    (group) => group.id === text || group.id === id || (group.names !== null && isCalled(group.names, text)),
  );
  if (today.length > 0) return today;
  return groups.filter(({ formerNames }) => formerNames.some((names) => isCalled(names, text)));
}

function isCalled({ application, group }: GroupNames, text: string): boolean {
  return group === text || `${application}/${group}` === text;
}

/** A text by which a command finds just this group: its names where they are known and no other group’s. */
export function selectorOf(groups: readonly GroupOnHost[], group: GroupOnHost): string {
  const texts = [...(group.names === null ? [] : [`${group.names.application}/${group.names.group}`]), group.id];
  const isExact = (text: string) => groupsCalled(groups, text).length === 1;
  return texts.find(isExact) ?? `${ID_PREFIX}${group.id}`;
}
