import { setImmediate } from 'node:timers/promises';

/** Others are served after this many milliseconds of a long walk; their own work takes a few more. */
const TURN_MS = 5;

/**
 * Does something for each item of a long list, and lets everybody else be served in between.
 *
 * @param visit returns false when the walk is over before its end
 * @throws the signal's reason when it aborts
 */
export async function servingOthers<T>(
  items: Iterable<T>,
  signal: AbortSignal,
  visit: (item: T) => unknown,
): Promise<void> {
  let turnEndsMs = performance.now() + TURN_MS;
  for (const item of items) {
    if (performance.now() >= turnEndsMs) {
      await setImmediate();
      signal.throwIfAborted();
      turnEndsMs = performance.now() + TURN_MS;
    }
    if (visit(item) === false) return;
  }
}
