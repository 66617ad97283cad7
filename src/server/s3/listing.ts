/** Which keys one page of a list holds. Pure. */

export interface ListRequest {
  readonly prefix: string;
  /** Empty: keys are not put together by common prefixes. */
  readonly delimiter: string;
  /** The page begins behind this key, or behind all keys of this common prefix. */
  readonly after: string;
  /** Keys and common prefixes together; 0 or more. */
  readonly limit: number;
}

export type ListEntry<T> = { readonly object: T } | { readonly commonPrefix: string };

export interface ListPage<T> {
  readonly entries: readonly ListEntry<T>[];
  /** Whether more follow behind `last`. */
  readonly isTruncated: boolean;
  /** Where the next page begins: the last key or common prefix of this one; null for an empty page. */
  readonly last: string | null;
}

/** The order of S3: by the bytes of UTF-8. JavaScript's own compares halves of surrogate pairs. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** @param objects in the order of `compareKeys` */
export function listPage<T extends { readonly key: string }>(
  objects: readonly T[],
  { prefix, delimiter, after, limit }: ListRequest,
): ListPage<T> {
  const entries: ListEntry<T>[] = [];
  let last: string | null = null;
  for (const object of objects) {
    const { key } = object;
    if (!key.startsWith(prefix) || (after !== '' && compareKeys(key, after) <= 0)) continue;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = end < 0 ? key : key.slice(0, end + delimiter.length);
    // A page that ended with a common prefix is followed by what is behind all of its keys.
    if (end >= 0 && (name === last || name === after)) continue;
    if (entries.length === limit) return { entries, isTruncated: limit > 0, last };
    entries.push(end < 0 ? { object } : { commonPrefix: name });
    last = name;
  }
  return { entries, isTruncated: false, last };
}
