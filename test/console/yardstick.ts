/**
 * A time limit that a busy machine moves. A figure that is above its goal is compared with other work of the same kind, measured in the same
 * minutes. A console that is slow on a machine where all is slow has no fault.
 */
import { expect } from './expect.ts';

export interface Timed {
  /** Name of the work, as it stands in the message. */
  readonly what: string;
  readonly ms: number;
  /** The goal, on a machine that has nothing else to do. */
  readonly goalMs: number;
  /** The other work: what it is, how long it took, and how often it may fit into the time. */
  readonly beside: { readonly what: string; readonly ms: number; readonly times: number };
}

/** @throws Error for a time above its goal that the other work does not account for */
export function expectInTime({ what, ms, goalMs, beside }: Timed): void {
  const [mostMs, shown] = [Math.max(goalMs, beside.ms * beside.times), Math.round(ms)];
  expect(
    ms <= mostMs,
    `${what} takes ${shown} ms: more than ${goalMs} ms, and more than ${beside.times} times the ${Math.round(beside.ms)} ms of ${beside.what}`,
  );
}

/** Times two pieces of work in turn, so that the machine is as busy for one as for the other. @returns the best time of each, ms */
export async function bestInTurn(
  tries: number,
  one: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<readonly [number, number]> {
  const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let at = 0; at < tries; at += 1) {
    for (const [place, work] of [one, other].entries()) {
      const from = performance.now();
      await work();
      best[place as 0 | 1] = Math.min(best[place as 0 | 1], performance.now() - from);
    }
  }
  return best;
}
