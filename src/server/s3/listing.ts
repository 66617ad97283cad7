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

/** The order of S3: by the bytes of UTF-8. JavaScript's own puts halves of surrogate pairs before what is behind them. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [unit, other] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (unit !== other) return rankOf(unit) - rankOf(other);
  }
  return a.length - b.length;
}

/** Where characters that begin with this half, or are this unit, stand among all others. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** A page that is being filled, by objects in the order of `compareKeys`. */
export interface OpenPage<T> {
  /** Whether an object of this key would change the page: only then it need be known. */
  needs(key: string): boolean;
  /** @param object of a key that is needed @returns false: the page is full, and this one is for the next */
  add(object: T): boolean;
  close(): ListPage<T>;
}

export function openPage<T extends { readonly key: string }>(request: ListRequest): OpenPage<T> {
  const { prefix, delimiter, after, limit } = request;
  const entries: ListEntry<T>[] = [];
  let last: string | null = null;
  let isTruncated = false;
  const endOfPrefix = (key: string) => (delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length));
  const nameOf = (key: string, end: number) => (end < 0 ? key : key.slice(0, end + delimiter.length));
  return {
    needs(key) {
      if (!key.startsWith(prefix) || (after !== '' && compareKeys(key, after) <= 0)) return false;
      const end = endOfPrefix(key);
      const name = nameOf(key, end);
      // A page that ended with a common prefix is followed by what is behind all of its keys.
      return end < 0 || (name !== last && name !== after);
    },
    add(object) {
      if (entries.length === limit) {
        isTruncated = limit > 0;
        return false;
      }
      const end = endOfPrefix(object.key);
      last = nameOf(object.key, end);
      entries.push(end < 0 ? { object } : { commonPrefix: last });
      return true;
    },
    close: () => ({ entries, isTruncated, last }),
  };
}

/** @param objects in the order of `compareKeys` */
export function listPage<T extends { readonly key: string }>(objects: readonly T[], request: ListRequest): ListPage<T> {
  const page = openPage<T>(request);
  for (const object of objects) if (page.needs(object.key) && !page.add(object)) break;
  return page.close();
}
