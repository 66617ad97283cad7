/**
 * Remembers the results of a computation that gives the same for the same text, so that what is asked again and again costs one look.
 * Pure, but for what it remembers itself.
 */

/**
 * @param limit results that are kept at most; the one that was asked for longest ago goes first
 * @param compute must depend on its text alone; what it throws is not remembered
 */
export function remembered<T>(limit: number, compute: (text: string) => T): (text: string) => T {
  const results = new Map<string, T>();
  return (text) => {
    const known = results.get(text);
    const result = known ?? compute(text);
    if (known !== undefined) results.delete(text);
    results.set(text, result);
    if (results.size > limit) {
      const [oldest = ''] = results.keys();
      results.delete(oldest);
    }
    return result;
  };
}
