/** Compares what a revision brings with what is on the host, while the plan is still being made. */
import { type CompareBatch, type Comparison, createGatherer } from './batches.ts';
import type { Crew } from './crew.ts';

export interface Comparisons {
  /** Compares two files of equal size, now or beside. @throws SlipwayError INSTALL_… for a file that cannot be read */
  add(comparison: Comparison): void;
  /**
   * Waits until all are compared.
   *
   * @returns the paths at which the very content is there already
   * @throws SlipwayError INSTALL_… for a file that cannot be read
   */
  same(): Promise<ReadonlySet<string>>;
}

export function createComparisons(crew: Crew): Comparisons {
  const gatherer = createGatherer<Comparison>(({ path }) => path);
  const batches: CompareBatch[] = [];
  const compare = (items: readonly Comparison[]) => {
    const same = new Uint8Array(new SharedArrayBuffer(items.length));
    const batch = { work: 'compare', items, same } as const;
    batches.push(batch);
    crew.work(batch);
  };
  return {
    add(comparison) {
      const full = gatherer.add(comparison);
      if (full !== null) compare(full);
    },
    async same() {
      compare(gatherer.rest());
      await crew.settled();
      return new Set(batches.flatMap(({ items, same }) => items.flatMap(({ path }, n) => (same[n] === 1 ? path : []))));
    },
  };
}
