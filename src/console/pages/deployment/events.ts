/** Where a target is in its lifecycle. Pure. */
import type { LifecycleEvent, Target } from './read-targets.ts';

/** The event that matters now: the one that failed, else the one that runs, else the next one. */
export function currentEvent({ lifecycleEvents: events = [] }: Target): string {
  const found =
    events.find(({ status }) => status === 'Failed') ??
    events.find(({ status }) => status === 'InProgress') ??
    events.find(({ status }) => status === 'Pending') ??
    events.at(-1);
  return found?.lifecycleEventName ?? '–';
}

export function doneText({ lifecycleEvents: events = [] }: Target): string {
  const done = events.filter(({ status }) => status !== 'Pending' && status !== 'InProgress').length;
  return `${done} of ${events.length}`;
}

/** When a target began and ended, in epoch seconds; no end while it is at work. */
export function spanOf({ lifecycleEvents: events = [] }: Target): { from: number | undefined; to: number | undefined } {
  const starts = events.flatMap(({ startTime }) => startTime ?? []);
  const ends = events.flatMap(({ endTime }) => endTime ?? []);
  const isAtWork = events.some(({ status }) => status === 'InProgress' || status === 'Pending');
  return {
    from: starts.length === 0 ? undefined : Math.min(...starts),
    to: isAtWork || ends.length === 0 ? undefined : Math.max(...ends),
  };
}

/** The event whose words are shown first. */
export function tellingEvent({ lifecycleEvents: events = [] }: Target): LifecycleEvent | null {
  return (
    events.find(({ status }) => status === 'Failed') ??
    events.find(({ status }) => status === 'InProgress') ??
    events.findLast(({ diagnostics }) => (diagnostics?.logTail ?? '') !== '') ??
    null
  );
}
