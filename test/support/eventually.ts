import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until a condition holds, looking again and again, and fails when it does not hold in time. For what other processes do:
 * it ends as soon as the condition holds, so the limit may be generous.
 */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  options: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<void> {
  // Less than a test has, so that the failure names the condition.
  const { withinMs = 110_000, everyMs = 20 } = options;
  const giveUpAt = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`still not so after ${withinMs} ms: ${condition.toString()}`);
    await delay(everyMs);
  }
}
