/** Whether a key that is limited to some applications chooses hosts for a group that are not its own. Pure. */
import type { HostTag, KeyScope } from '../../protocol/management/key-scope.ts';
import type { Input } from './context.ts';
import { readList, readObject } from './input.ts';

/** Filters of which one suffices, and lists of filters of which one of each must fit. */
const FLAT = ['ec2TagFilters', 'onPremisesInstanceTagFilters', 'tagFilters'] as const;
const SETS = [
  ['ec2TagSet', 'ec2TagSetList'],
  ['onPremisesTagSet', 'onPremisesTagSetList'],
] as const;
/** Members that choose machines by names. A name is nobody's tag, so a limited key may not use them. */
const NEVER = ['autoScalingGroups', 'loadBalancerInfo'] as const;
/** The replacement hosts of a blue/green deployment, whose own members choose them in the same ways. */
const NESTED = 'targetInstances';

/**
 * Whether hosts without one of the key's own tags could come to a group.
 *
 * @returns the member that chooses them; null: none does
 */
export function foreignHostChoice(scope: Pick<KeyScope, 'hostTags'>, input: Input): string | null {
  const nested = readObject(input, NESTED);
  if (nested !== null && foreignMember(scope, nested) !== null) return NESTED;
  return foreignMember(scope, input);
}

function foreignMember({ hostTags }: Pick<KeyScope, 'hostTags'>, input: Input): string | null {
  const never = NEVER.find((member) => (input[member] ?? null) !== null);
  if (never !== undefined) return never;
  const flat = FLAT.find((member) => !(readList(input, member) ?? []).every((filter) => isOwn(hostTags, filter)));
  if (flat !== undefined) return flat;
  const set = SETS.find(([member, list]) => {
    const lists = readList(readObject(input, member) ?? {}, list) ?? [];
    // One list of nothing but own tags is enough, since a host has to fit each.
    return lists.length > 0 && !lists.some((filters) => isOwnList(hostTags, filters));
  });
  return set?.[0] ?? null;
}

function isOwnList(hostTags: readonly HostTag[], filters: unknown): boolean {
  return Array.isArray(filters) && filters.length > 0 && filters.every((filter) => isOwn(hostTags, filter));
}

function isOwn(hostTags: readonly HostTag[], filter: unknown): boolean {
  const { Key, Value, Type = null } = (filter ?? {}) as Input;
  if (Type !== null && Type !== 'KEY_AND_VALUE') return false;
  return hostTags.some((tag) => tag.Key === Key && tag.Value === Value);
}
