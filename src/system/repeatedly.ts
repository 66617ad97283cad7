/** Work that is repeated for as long as a server runs. */
import type { Clock } from './clock.ts';

export interface Repeated {
  /** Does it no more, and waits for the time that is under way. */
  close(): Promise<void>;
}

export interface Repetition {
  /** From the end of one time to the beginning of the next; milliseconds. */
  readonly pauseMs: number;
  /** Whether the first time comes at once, or after a pause. */
  readonly isDueAtOnce: boolean;
}

/** @param work does it once; its faults are its own matter, and it ends early when the signal aborts */
export function repeatedly(
  clock: Pick<Clock, 'sleep'>,
  { pauseMs, isDueAtOnce }: Repetition,
  work: (signal: AbortSignal) => Promise<void>,
): Repeated {
  const closing = new AbortController();
  const { signal } = closing;
  const repeating = (async () => {
    if (!isDueAtOnce) await clock.sleep(pauseMs, signal);
    while (!signal.aborted) {
      await work(signal);
      await clock.sleep(pauseMs, signal);
    }
  })();
  return {
    async close() {
      closing.abort();
      await repeating;
    },
  };
}
