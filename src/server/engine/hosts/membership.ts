/** Which hosts belong to a deployment group. Pure. */
import type { TagFilter } from '../../store/tag.ts';

/** The part of a group's settings that says who belongs to it: hosts that its on-premises filters match, and hosts that its EC2 filters match. */
export interface MembershipSettings {
  /** Any one suffices. */
  readonly onPremisesInstanceTagFilters?: readonly TagFilter[] | undefined;
  /** Lists of filters: a host must match one filter of each. */
  readonly onPremisesTagSet?:
    | { readonly onPremisesTagSetList?: readonly (readonly TagFilter[])[] | undefined }
    | undefined;
  readonly ec2TagFilters?: readonly TagFilter[] | undefined;
  readonly ec2TagSet?: { readonly ec2TagSetList?: readonly (readonly TagFilter[])[] | undefined } | undefined;
}

/** Lists of filters: a host matches them when it matches one filter of each list. No lists: no host does. */
export type FilterLists = readonly (readonly TagFilter[])[];

export function filterListsOf(settings: MembershipSettings): FilterLists {
  return listsOf(settings.onPremisesInstanceTagFilters, settings.onPremisesTagSet?.onPremisesTagSetList);
}

/** Returns the lists of EC2 filters, which match tags of enrolled hosts. */
export function ec2FilterListsOf(settings: MembershipSettings): FilterLists {
  return listsOf(settings.ec2TagFilters, settings.ec2TagSet?.ec2TagSetList);
}

function listsOf(flat: readonly TagFilter[] = [], lists: FilterLists = []): FilterLists {
  if (lists.length > 0) return lists;
  return flat.length > 0 ? [flat] : [];
}

/** Tags with which a host matches filters, by their keys: those of the first filter of each list. */
export function tagsThatMatch(lists: FilterLists): Readonly<Record<string, string>> {
  return Object.fromEntries(lists.flatMap(([first]) => (first === undefined ? [] : [tagOf(first)])));
}

/** A filter that leaves key or value open is matched by any text there. */
function tagOf({ Key, Value, Type }: TagFilter): readonly [string, string] {
  return [(Type === 'VALUE_ONLY' ? undefined : Key) || 'fleet', (Type === 'KEY_ONLY' ? undefined : Value) ?? ''];
}
