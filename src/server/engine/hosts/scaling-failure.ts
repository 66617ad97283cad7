/** Calls to Auto Scaling that have failed one after another, and when the next one comes. Pure. */

export interface ScalingFailure {
  readonly call: string;
  readonly answer: string;
  /** Since when, and how many. */
  readonly sinceMs: number;
  readonly calls: number;
}

export function failureAfter(
  before: ScalingFailure | null,
  fault: { readonly call: string; readonly answer: string },
  nowMs: number,
): ScalingFailure {
  const { call, answer } = fault;
  return { call, answer, sinceMs: before?.sinceMs ?? nowMs, calls: (before?.calls ?? 0) + 1 };
}

export function failureOf(json: string | null): ScalingFailure | null {
  return json === null ? null : (JSON.parse(json) as ScalingFailure);
}

const LONGEST_PAUSE_MS = 5 * 60_000;

/** After 1 s, 2 s, 4 s and so on up to five minutes. @returns milliseconds */
export function pauseAfter({ calls }: Pick<ScalingFailure, 'calls'>): number {
  return Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(calls, 12));
}
