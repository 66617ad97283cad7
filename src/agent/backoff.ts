/** How long the agent waits before it asks again. Pure. */

const FACTOR = 1.2675;
const MAX_COUNTED = 10;
const LONGEST_SECONDS = 90;

/**
 * How long to wait before polling again after failures in a row.
 *
 * floor(1.2675^n × 90 / 1.2675^10) seconds, n = min(failures, 10): 10 s after the first failure, 90 s from the tenth on. The time that the
 * failed attempt took is taken off, rounded up to whole seconds, so that a slow time-out is not waited for twice.
 *
 * @param failures polls that failed since the last good one; integer ≥ 0, and 0 gives 0
 * @param elapsedMs how long the failed attempt took; milliseconds ≥ 0
 * @returns milliseconds, 0..90 000, a multiple of 1000
 * @throws RangeError if `failures` is negative or not an integer: the caller's fault, never the network's
 * @see the official agent 1.8.1, `lib/instance_agent/agent/base.rb`: same numbers, so that mixed fleets load a server evenly
 */
export function pollBackoffMs(failures: number, elapsedMs: number): number {
  if (!Number.isInteger(failures) || failures < 0) throw new RangeError(`failures is ${failures}`);
  if (failures === 0) return 0;
  const counted = Math.min(failures, MAX_COUNTED);
  const seconds = Math.floor((FACTOR ** counted * LONGEST_SECONDS) / FACTOR ** MAX_COUNTED);
  return Math.max(0, seconds - Math.ceil(elapsedMs / 1000)) * 1000;
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** How long to wait before the endpoint is asked again what it has failed to answer `failures` times; ≥ 1. Doubles, up to a minute. */
export function retryDelayMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10), LONGEST_RETRY_MS);
}
