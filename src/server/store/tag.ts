/** A tag as the API has it. */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** A filter of the API: by key, by value, or by both, which is what no type means. Comparison is exact. */
export interface TagFilter {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
  readonly Type?: string | undefined;
}
