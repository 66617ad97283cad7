/** Which hosts belong to a deployment group. Pure. */

export interface TagFilter {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
  readonly Type?: string | undefined;
}

/** The part of a group's settings that says who belongs to it. */
export interface MembershipSettings {
  /** Any one suffices. */
  readonly onPremisesInstanceTagFilters?: readonly TagFilter[] | undefined;
  /** One of each list. */
  readonly onPremisesTagSet?:
    | { readonly onPremisesTagSetList?: readonly (readonly TagFilter[])[] | undefined }
    | undefined;
}

export interface TaggedHost {
  readonly tags: ReadonlyMap<string, string>;
}

/** Comparison is exact; a group without filters has no members. */
export function isMember(host: TaggedHost, settings: MembershipSettings): boolean {
  const lists = settings.onPremisesTagSet?.onPremisesTagSetList ?? [];
  const flat = settings.onPremisesInstanceTagFilters ?? [];
  if (lists.length > 0) return lists.every((filters) => filters.some((filter) => matchesFilter(host, filter)));
  return flat.some((filter) => matchesFilter(host, filter));
}

export function matchesFilter(host: TaggedHost, filter: TagFilter): boolean {
  const { Key = '', Value = '' } = filter;
  switch (filter.Type ?? 'KEY_AND_VALUE') {
    case 'KEY_ONLY':
      return host.tags.has(Key);
    case 'VALUE_ONLY':
      return [...host.tags.values()].includes(Value);
    default:
      return host.tags.get(Key) === Value;
  }
}
