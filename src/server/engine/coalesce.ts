/** Runs work by key: one run per key at a time, and whoever asks meanwhile shares the one that comes after it. */
export interface Coalescer {
  /** Resolves when a run that began after this call has ended. */
  run(key: string): Promise<void>;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

interface Runs {
  current: Promise<void>;
  next: Promise<void> | null;
}

/**
 * For work that brings everything up to date whatever has changed: after a thousand changes at once it need not be done a
 * thousand times.
 *
 * @param work must not reject
 */
export function createCoalescer(work: (key: string) => Promise<void>): Coalescer {
  const byKey = new Map<string, Runs>();

  function begin(key: string): Promise<void> {
    const runs: Runs = { current: Promise.resolve(), next: null };
    byKey.set(key, runs);
    runs.current = work(key).then(() => {
      if (runs.next === null) byKey.delete(key);
    });
    return runs.current;
  }

  return {
    run(key) {
      const runs = byKey.get(key);
      if (runs === undefined) return begin(key);
      runs.next ??= runs.current.then(() => begin(key));
      return runs.next;
    },
    async idle() {
      while (byKey.size > 0) await Promise.all([...byKey.values()].map((runs) => runs.next ?? runs.current));
    },
  };
}
