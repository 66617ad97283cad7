/** The stages of a fleet in a blue/green deployment: how many hosts pass one at a time, and when it is lost. Pure. */
import type { Target } from './target.ts';

/** The targets of a deployment, all and by their fleets. */
export interface Fleets {
  readonly targets: readonly Target[];
  /** Replacement hosts. */
  readonly green: readonly Target[];
  /** Original hosts. */
  readonly blue: readonly Target[];
}

/**
 * `install`: replacement hosts get the revision; `take-traffic`: those that are installed come to their load balancers; `all`: the fleet has
 * one stage only.
 */
export type StageName = 'install' | 'take-traffic' | 'all';

/** Where the hosts of a fleet stand in one stage. */
export interface StageCounts {
  readonly waiting: number;
  readonly running: number;
  readonly passed: number;
  readonly failed: number;
}

export interface Pace {
  /** How many may be under way at once; those that failed in the stage are counted. */
  readonly allowed: number;
  /** How many have to pass. */
  readonly required: number;
}

/** For a fleet that nothing is kept from: all hosts begin at once. */
export const ALL_AT_ONCE: Pace = { allowed: Number.POSITIVE_INFINITY, required: 0 };

export function countsOf(fleet: readonly Target[], stage: StageName): StageCounts {
  const number = (is: (target: Target) => boolean) => fleet.filter(is).length;
  const isPassed = ({ status, isInstalled }: Target) => (stage === 'install' ? isInstalled : status === 'Succeeded');
  return {
    waiting: number((target) => isWaiting(target, stage)),
    running: number((target) => target.status === 'InProgress' && isIn(target, stage)),
    passed: number(isPassed),
    failed: number((target) => target.status === 'Failed' && isIn(target, stage)),
  };
}

/**
 * Moves a stage on: begins as many hosts as its pace allows, and skips those that wait once the stage is lost.
 *
 * @returns whether it is over
 */
export function moveOn(fleet: readonly Target[], stage: StageName, pace: Pace): boolean {
  const counts = countsOf(fleet, stage);
  const waiting = fleet.filter((target) => isWaiting(target, stage));
  if (isLost(counts, pace)) for (const target of waiting) target.skip();
  else for (const target of waiting.slice(0, mayBegin(counts, pace))) target.start();
  for (const target of fleet) target.goOn();
  const { waiting: left, running } = countsOf(fleet, stage);
  return left === 0 && running === 0;
}

function isWaiting({ status }: Target, stage: StageName): boolean {
  return status === (stage === 'take-traffic' ? 'Ready' : 'Pending');
}

function isIn({ isInstalled }: Target, stage: StageName): boolean {
  return stage === 'all' || isInstalled === (stage === 'take-traffic');
}

function mayBegin({ running, failed }: StageCounts, { allowed }: Pace): number {
  return Math.max(0, allowed - running - failed);
}

/** Whether too few can pass any more, or too many have failed while others wait. */
function isLost({ waiting, running, passed, failed }: StageCounts, { allowed, required }: Pace): boolean {
  return waiting > 0 && (failed >= allowed || passed + running + waiting < required);
}
