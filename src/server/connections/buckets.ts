/** Token buckets by name: so many requests at once, so many a second in the long run. Pure but for what it counts itself. */

export interface Rate {
  /** In the long run. */
  readonly perSecond: number;
  /** At once, after a rest. */
  readonly burst: number;
}

export interface Buckets {
  /** Takes one of a name. @returns 0: it was there; else milliseconds until there is one */
  take(name: string): number;
  /** Answers the same question, and takes nothing. */
  waitMs(name: string): number;
  /** How many are remembered: those that are not full. */
  readonly size: number;
}

interface Bucket {
  readonly left: number;
  readonly atMs: number;
}

/**
 * @param most buckets that are remembered. When there are more, the bucket used longest ago is forgotten, and so is full again. So names
 * that strangers choose take a bounded place
 * @param nowMs a clock that never goes back; milliseconds
 */
export function createBuckets({ perSecond, burst }: Rate, most: number, nowMs: () => number): Buckets {
  const buckets = new Map<string, Bucket>();
  const look = (name: string, atMs: number): number => {
    const bucket = buckets.get(name);
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.left + ((atMs - bucket.atMs) / 1000) * perSecond);
  };
  const missingMs = (left: number) => (left >= 1 ? 0 : Math.ceil(((1 - left) / perSecond) * 1000));
  return {
    take(name) {
      const atMs = nowMs();
      const left = look(name, atMs);
      const waitMs = missingMs(left);
      // Behind all others: a map is walked through in the order in which its entries came.
      buckets.delete(name);
      buckets.set(name, { left: waitMs === 0 ? left - 1 : left, atMs });
      if (buckets.size > most) buckets.delete(buckets.keys().next().value ?? '');
      return waitMs;
    },
    waitMs: (name) => missingMs(look(name, nowMs())),
    get size() {
      return buckets.size;
    },
  };
}
