/**
 * Changes that AWS has taken and that no look shows. They are made again, further and further apart, and given up after some minutes: nobody wants to find
 * out after days that a deployment waits for nothing. Pure.
 */
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { Progress } from './order.ts';

/** Answer of a change that was taken; the next look must show it. */
export const TAKEN = 'done';
/** Listeners and services show a change within seconds. */
export const EFFECT_LIMIT_MS = 10 * 60_000;
const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

/** Part of an order's memory. */
export interface Repeating {
  /** Since when the same change is made again; absent: it is not. */
  readonly repeatedSinceMs?: number;
}

export interface RepeatContext {
  /** The call before this one; null: there was none. */
  readonly lastCall: string | null;
  readonly memory: Repeating;
  readonly nowMs: number;
  readonly limitMs: number;
}

/**
 * A call that is made again, because the last look has shown no result, is not made at once.
 *
 * @returns the fault when it was made in vain for too long
 */
export function unlessInVain(progress: Progress, context: RepeatContext): Progress | AwsFault {
  const { lastCall, memory, nowMs, limitMs } = context;
  if (progress.ending !== 'later') return progress;
  const { repeatedSinceMs: _, ...rest } = (progress.memory ?? {}) as Repeating;
  const isRepeated = progress.lastCall !== null && progress.lastCall === lastCall;
  if (!isRepeated) return { ...progress, memory: rest };
  if (progress.lastAnswer !== TAKEN) {
    return { ...progress, memory: rest, inMs: Math.max(progress.inMs, SHORTEST_PAUSE_MS) };
  }
  const repeatedSinceMs = memory.repeatedSinceMs ?? nowMs;
  const ageMs = nowMs - repeatedSinceMs;
  if (ageMs >= limitMs) {
    const answer = `${TAKEN}, and no look has shown its effect for ${Math.floor(ageMs / 60_000)} minutes`;
    return new AwsFault(progress.lastCall ?? '', { trouble: 'refused', code: '', answer });
  }
  const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, Math.floor(ageMs / 5)));
  return { ...progress, memory: { ...rest, repeatedSinceMs }, inMs: Math.max(progress.inMs, pauseMs) };
}
