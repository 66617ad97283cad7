import { setImmediate as nextTurn } from 'node:timers/promises';

/** How much is unpacked between two breaths: a hundredth of a second's work. */
export const BREATH_BYTES = 16 * 1024 * 1024;

/** Lets whatever waits have its turn, and stops when told to. @throws the reason of `signal` */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  signal?.throwIfAborted();
}
