/** Rows or ids for one statement: it takes a limited number of values, and all of one length are prepared once. */
const CHUNK = 100;

/** The list in parts that fit into one statement each. */
export function* inChunks<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let first = 0; first < list.length; first += CHUNK) yield list.slice(first, first + CHUNK);
}
