/** Which hosts belong to a deployment group. Pure. */
import type { TagFilter } from '../../store/tag.ts';

/** The part of a group's settings that says who belongs to it. */
export interface MembershipSettings {
  /** Any one suffices. */
  readonly onPremisesInstanceTagFilters?: readonly TagFilter[] | undefined;
  /** One of each list. */
  readonly onPremisesTagSet?:
    | { readonly onPremisesTagSetList?: readonly (readonly TagFilter[])[] | undefined }
    | undefined;
}

/** A member matches one filter of each of these lists. A group without filters has no lists, and no members. */
export function filterListsOf(settings: MembershipSettings): readonly (readonly TagFilter[])[] {
  const lists = settings.onPremisesTagSet?.onPremisesTagSetList ?? [];
  const flat = settings.onPremisesInstanceTagFilters ?? [];
  if (lists.length > 0) return lists;
  return flat.length > 0 ? [flat] : [];
}
