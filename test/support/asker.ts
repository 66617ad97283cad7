import type { Asker } from '../../src/server/commands/command-delivery.ts';

/**
 * A host's client that is there until the signal aborts.
 *
 * @param onHeld told when its poll begins to be held, and when it no longer is
 */
export function askerOf(
  signal: AbortSignal = new AbortController().signal,
  onHeld: (isHeld: boolean) => void = () => undefined,
): Asker {
  let waiting: { end(): void } | null = null;
  signal.addEventListener('abort', () => waiting?.end());
  return {
    get isGone() {
      return signal.aborted;
    },
    tell(next) {
      waiting = next;
      onHeld(next !== null);
      if (signal.aborted) next?.end();
    },
  };
}
