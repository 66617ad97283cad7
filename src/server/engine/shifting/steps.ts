/**
 * Which step of a schedule is due. Pure.
 *
 * Each step is taken, one after another. The timer is absolute: step k is due at the first one's time and k intervals, so that short delays
 * do not add up. A step that is late by more than a tenth of the interval moves all later ones: a server that was down must not rush
 * through steps that are there to be watched.
 */
import type { Schedule } from './schedule.ts';

/** How far a schedule has come. */
export interface ShiftProgress {
  /** Index of the last step that was taken; -1: none. */
  readonly step: number;
  /** Time from which the steps are counted; null: the first one is not taken. */
  readonly startedAtMs: number | null;
}

export const NOT_SHIFTED: ShiftProgress = { step: -1, startedAtMs: null };

/** Part of an interval by which a step may be late and the later ones keep their times. */
const TOLERATED = 0.1;

export type NextStep =
  | { readonly is: 'due'; readonly percent: number; readonly after: ShiftProgress }
  | { readonly is: 'later'; readonly atMs: number; readonly until: ShiftProgress }
  | { readonly is: 'none' };

/** @returns the step to take now, and the progress once it is taken; or when to look again, and the progress to keep until then */
export function nextStep({ steps, intervalMs }: Schedule, progress: ShiftProgress, nowMs: number): NextStep {
  const index = progress.step + 1;
  const percent = steps[index];
  if (percent === undefined) return { is: 'none' };
  // The last step was taken by now. Where the times say that it was not, the clock was set back.
  const startedAtMs = Math.min(progress.startedAtMs ?? nowMs, nowMs - progress.step * intervalMs);
  const dueAtMs = startedAtMs + index * intervalMs;
  if (nowMs < dueAtMs) return { is: 'later', atMs: dueAtMs, until: { step: progress.step, startedAtMs } };
  const lateMs = nowMs - dueAtMs;
  const movedMs = lateMs > intervalMs * TOLERATED ? lateMs : 0;
  return { is: 'due', percent, after: { step: index, startedAtMs: startedAtMs + movedMs } };
}

/** Percent of the traffic that the new version has after a step. */
export function percentAfter({ steps }: Schedule, { step }: Pick<ShiftProgress, 'step'>): number {
  return step < 0 ? 0 : (steps[step] ?? 100);
}

/** Whether an order may have moved traffic. @param memory a call is noted in `writing` before it is made */
export function hasMoved({
  progress,
  writing,
}: {
  readonly progress: ShiftProgress;
  readonly writing: unknown;
}): boolean {
  return progress.step >= 0 || writing !== null;
}
