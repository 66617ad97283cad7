import { setImmediate } from 'node:timers/promises';

/** Runs work by key: one run per key at a time, and all who ask before a run has begun share it. */
export interface Coalescer {
  /** Resolves when a run that began after this call has ended. */
  run(key: string): Promise<void>;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

interface Runs {
  current: Promise<void>;
  hasBegun: boolean;
  next: Promise<void> | null;
}

/**
 * For work that brings everything up to date whatever has changed: after a thousand changes at once it need not be done a
 * thousand times.
 *
 * Before a run begins, the event loop turns once. With the embedded database everything between a request and its answer is one chain of
 * microtasks. Without the turn, each of a thousand waiting requests would be carried out to its end, with a run of its own, before the
 * next.
 *
 * @param work must not reject
 */
export function createCoalescer(work: (key: string) => Promise<void>): Coalescer {
  const byKey = new Map<string, Runs>();

  function begin(key: string): Promise<void> {
    const runs: Runs = { current: Promise.resolve(), hasBegun: false, next: null };
    byKey.set(key, runs);
    runs.current = turnAndWork(key, runs);
    return runs.current;
  }

  async function turnAndWork(key: string, runs: Runs): Promise<void> {
    await setImmediate();
    runs.hasBegun = true;
    await work(key);
    if (runs.next === null) byKey.delete(key);
  }

  return {
    run(key) {
      const runs = byKey.get(key);
      if (runs === undefined) return begin(key);
      if (!runs.hasBegun) return runs.current;
      runs.next ??= runs.current.then(() => begin(key));
      return runs.next;
    },
    async idle() {
      while (byKey.size > 0) await Promise.all([...byKey.values()].map((runs) => runs.next ?? runs.current));
    },
  };
}
