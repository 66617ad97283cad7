/** When a notice that was not taken is sent again, and when it is given up. Pure. */

/** Notices that were not taken within this time of what they are about are given up. */
export const NOTICE_LIMIT_MS = 24 * 60 * 60_000;
/** A notice that its receiver refuses for what it is holds up those behind it no longer than this. */
export const MAX_REFUSALS = 5;

const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 15 * 60_000;

/** @param failures in a row, this one counted; 1 or more @returns milliseconds: 5 s, 10 s, 20 s … 15 min */
export function noticePauseMs(failures: number): number {
  return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(20, failures - 1));
}

/** @param tries of this notice, this one counted */
export function isGivenUp(
  ending: 'failed' | 'refused',
  { madeAtMs, tries }: { readonly madeAtMs: number; readonly tries: number },
  nowMs: number,
): boolean {
  return nowMs - madeAtMs >= NOTICE_LIMIT_MS || (ending === 'refused' && tries >= MAX_REFUSALS);
}
