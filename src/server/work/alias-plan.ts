/** Next steps for an alias, by its state and by what is remembered. Pure. */
import type { ScalingFailure } from '../engine/hosts/scaling-failure.ts';
import type { Schedule } from '../engine/shifting/schedule.ts';
import { type NextStep, NOT_SHIFTED, nextStep, percentAfter, type ShiftProgress } from '../engine/shifting/steps.ts';
import type { AliasLook, AliasWish } from '../outside/aws/alias-look.ts';
import type { AwsTrouble } from '../outside/aws/aws-error.ts';

/** The versions that a deployment moves traffic between. */
export interface Versions {
  readonly currentVersion: string;
  readonly targetVersion: string;
}

/** Memory of an order from one call to the next. */
export interface AliasMemory {
  readonly progress: ShiftProgress;
  /** An update whose answer is not known: it was written down before the call. */
  readonly writing: { readonly percent: number; readonly progress: ShiftProgress } | null;
  /** Why traffic goes back to the old version; null: it goes to the new one. */
  readonly backBecause: string | null;
  readonly failing: ScalingFailure | null;
  /** Since when provisioned concurrency is waited for; null: it is not. */
  readonly provisionedSinceMs: number | null;
}

export const NO_ALIAS_MEMORY: AliasMemory = {
  ...{ progress: NOT_SHIFTED, writing: null, backBecause: null, failing: null, provisionedSinceMs: null },
};

/** Percent of the traffic that the target version has; null: the alias has other versions, or other shares than two. */
export function percentOf(look: Pick<AliasLook, 'functionVersion' | 'weights'>, versions: Versions): number | null {
  const { currentVersion, targetVersion } = versions;
  const others = Object.entries(look.weights).filter(([, percent]) => percent > 0);
  const [other, ...more] = others;
  if (more.length > 0) return null;
  const [version, percent] = other ?? ['', 0];
  if (look.functionVersion === targetVersion) {
    if (other === undefined) return 100;
    return version === currentVersion ? 100 - percent : null;
  }
  if (look.functionVersion !== currentVersion) return null;
  if (other === undefined) return 0;
  return version === targetVersion ? percent : null;
}

/** How the alias is to be, so that the target version has this percentage. */
export function wishFor(percent: number, versions: Versions, revisionId: string): AliasWish {
  const { currentVersion, targetVersion } = versions;
  if (percent >= 100) return { functionVersion: targetVersion, weights: {}, revisionId };
  const weights = percent <= 0 ? {} : { [targetVersion]: percent };
  return { functionVersion: currentVersion, weights, revisionId };
}

export type AliasStep =
  /** Somebody else has changed the alias, and it is left as it is. */
  | { readonly is: 'foreign' }
  | { readonly is: 'put'; readonly percent: number; readonly memory: AliasMemory }
  | { readonly is: 'wait'; readonly untilMs: number; readonly memory: AliasMemory }
  | { readonly is: 'done'; readonly memory: AliasMemory };

/** The next step forward. @param percent as `percentOf` has read it */
export function forward(memory: AliasMemory, percent: number | null, schedule: Schedule, nowMs: number): AliasStep {
  const { writing } = memory;
  const known = percentAfter(schedule, memory.progress);
  const isWritten = writing !== null && percent === writing.percent;
  if (!isWritten && percent !== known) return { is: 'foreign' };
  const progress = isWritten ? writing.progress : memory.progress;
  const settled: AliasMemory = { ...memory, progress, writing: null };
  const next: NextStep = nextStep(schedule, progress, nowMs);
  if (next.is === 'none') return { is: 'done', memory: settled };
  if (next.is === 'later') return { is: 'wait', untilMs: next.atMs, memory: { ...settled, progress: next.until } };
  const { percent: wanted, after } = next;
  return { is: 'put', percent: wanted, memory: { ...settled, writing: { percent: wanted, progress: after } } };
}

/** The next step back. An update that may still be on its way is made void by another one. */
export function backward(memory: AliasMemory, percent: number | null): AliasStep {
  if (percent === null) return { is: 'foreign' };
  if (percent === 0 && memory.writing === null) return { is: 'done', memory };
  return { is: 'put', percent: 0, memory: { ...memory, writing: { percent: 0, progress: memory.progress } } };
}

/**
 * The memory after a call that came to nothing. An update that AWS has refused has changed nothing, so nothing is to be put back for it; one
 * without an answer may have.
 *
 * @param before as it was before the call
 * @param noted as it was written down for the call
 */
export function afterCall(before: AliasMemory, noted: AliasMemory, trouble: AwsTrouble): AliasMemory {
  return trouble === 'away' ? noted : { ...noted, writing: before.writing };
}
