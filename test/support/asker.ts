import type { Asker } from '../../src/server/commands/command-delivery.ts';

/** A host's client that is there until the signal aborts. */
export function askerOf(signal: AbortSignal = new AbortController().signal): Asker {
  let waiting: { end(): void } | null = null;
  signal.addEventListener('abort', () => waiting?.end());
  return {
    get isGone() {
      return signal.aborted;
    },
    tell(next) {
      waiting = next;
      if (signal.aborted) next?.end();
    },
  };
}
