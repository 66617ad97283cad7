/** Plans the next change of production traffic, from how it is and what is remembered. Pure. */
import type { ScalingFailure } from '../engine/hosts/scaling-failure.ts';
import type { Schedule } from '../engine/shifting/schedule.ts';
import { NOT_SHIFTED, nextStep, percentAfter, type ShiftProgress } from '../engine/shifting/steps.ts';
import {
  changesFor,
  eachPair,
  type ForeignChange,
  foreignChanges,
  type GroupPair,
  type Place,
  type Route,
  sharesOf,
} from '../outside/aws/forwarding.ts';

/** Memory of an order from one call to the next. */
export interface TrafficShare {
  readonly progress: ShiftProgress;
  /** Changes whose outcome is not known: they were written down before the calls. */
  readonly writing: { readonly percent: number; readonly progress: ShiftProgress } | null;
  /** ARNs of the places that were written; null: none was, and all are as Install has left them. */
  readonly places: readonly string[] | null;
  /** Places that somebody else has changed, which are left alone. */
  readonly foreign: readonly string[];
  /** Why traffic goes back to blue; null: it goes to green. */
  readonly backBecause: string | null;
  readonly failing: ScalingFailure | null;
  /** Since when green has no healthy task; null: it has. */
  readonly unhealthySinceMs: number | null;
}

export const NO_SHARE: TrafficShare = {
  ...{ progress: NOT_SHIFTED, writing: null, places: null, foreign: [] },
  ...{ backBecause: null, failing: null, unhealthySinceMs: null },
};

export type TrafficStep =
  /** Somebody else has changed places. */
  | { readonly is: 'foreign'; readonly changes: readonly ForeignChange[] }
  | {
      readonly is: 'write';
      readonly percent: number;
      readonly changes: readonly Place[];
      readonly memory: TrafficShare;
    }
  | { readonly is: 'wait'; readonly untilMs: number; readonly memory: TrafficShare }
  | { readonly is: 'done'; readonly memory: TrafficShare };

interface Situation {
  readonly route: Route;
  readonly pair: GroupPair;
  readonly schedule: Schedule;
  /** Whether the service has no task set that served before: nothing is known then of the shares in the beginning. */
  readonly isFirst: boolean;
  readonly nowMs: number;
}

/** The next step forward. */
export function forward(memory: TrafficShare, { route, pair, schedule, isFirst, nowMs }: Situation): TrafficStep {
  const shares = sharesOf(route, pair);
  const all = shares.map(({ arn }) => arn);
  const { writing } = memory;
  const isWritten = writing !== null && shares.length > 0 && shares.every(({ green }) => green === writing.percent);
  const progress = isWritten ? writing.progress : memory.progress;
  const written = [percentAfter(schedule, memory.progress), ...(writing === null ? [] : [writing.percent])];
  const known = memory.places ?? (isFirst ? [] : all);
  const changes = foreignChanges(route, pair, { written, known });
  if (changes.length > 0) return { is: 'foreign', changes };
  const idle = eachPair(pair).find((one) => sharesOf(route, one).length === 0);
  if (idle !== undefined) return { is: 'foreign', changes: [noPlace(route, idle)] };
  const settled: TrafficShare = { ...memory, progress, writing: null };
  const next = nextStep(schedule, progress, nowMs);
  // A step that comes late counts from now, as its traffic has not moved before: it lasts as long as any other.
  if (writing !== null && !isWritten)
    return writeStep(memory, next.is === 'due' ? { percent: next.percent, progress: next.after } : writing);
  if (next.is === 'later') {
    return { is: 'wait', untilMs: next.atMs, memory: { ...settled, progress: next.until } };
  }
  // A place that has come meanwhile gets its share, too.
  if (next.is === 'none') {
    const rest = changesFor(route, pair, 100);
    return rest.length === 0 ? { is: 'done', memory: settled } : writeStep(settled, { percent: 100, progress });
  }
  return writeStep(settled, { percent: next.percent, progress: next.after });

  function writeStep(before: TrafficShare, wish: NonNullable<TrafficShare['writing']>): TrafficStep {
    const { percent } = wish;
    const after: TrafficShare = { ...before, writing: wish, places: [...new Set([...(before.places ?? []), ...all])] };
    return { is: 'write', percent, changes: changesFor(route, pair, percent), memory: after };
  }
}

/** A route that sends nothing to a pair: no traffic would move, and a deployment that went on would delete what served. */
function noPlace({ listenerArn }: Route, { blue, green }: GroupPair): ForeignChange {
  return {
    arn: listenerArn,
    words: `the listener ${listenerArn} and its rules forward to no target group of the pair ${blue}, ${green} any more`,
  };
}

/** The places to write so that blue has all traffic again. Places that somebody else has changed are left alone. */
export function backward(memory: TrafficShare, route: Route, pair: GroupPair): readonly Place[] {
  return changesFor(route, pair, 0).filter(({ arn }) => !memory.foreign.includes(arn));
}
