/** Which lifecycle events a local deployment has, and in which order. Pure. */
import { AGENT_EVENTS, HOOK_EVENTS } from '../protocol/lifecycle-events.ts';

/** All events, as they run when the person names none. @see the official agent 1.8.1, `deployer.rb` */
export const DEFAULT_LOCAL_EVENTS: readonly string[] = [
  'BeforeBlockTraffic',
  'AfterBlockTraffic',
  'ApplicationStop',
  'DownloadBundle',
  'BeforeInstall',
  'Install',
  'AfterInstall',
  'ApplicationStart',
  'ValidateService',
  'BeforeAllowTraffic',
  'AfterAllowTraffic',
];

/** They need the new revision's files in place. */
const NEW_REVISION_EVENTS: readonly string[] = [
  'AfterInstall',
  'ApplicationStart',
  'ValidateService',
  'BeforeAllowTraffic',
  'AfterAllowTraffic',
];

/** @returns what is wrong with a list of events that a person has given; empty: nothing */
export function problemsOfEvents(events: readonly string[]): string[] {
  const names = events.flatMap((event) => {
    if (isKnown(event) || /^[A-Z][a-z0-9][A-Za-z0-9]*$/.test(event)) return [];
    return `'${event}' is no lifecycle event, nor a name that a custom one can have, such as MyOwnEvent`;
  });
  return [
    ...names,
    ...misplaced(events, 'DownloadBundle', [...NEW_REVISION_EVENTS, 'Install']),
    ...misplaced(events, 'Install', NEW_REVISION_EVENTS),
  ];
}

/**
 * The order in which the events run. DownloadBundle and Install always do: where the person does not name them, before all else, and never
 * the other way round.
 */
export function orderEvents(given: readonly string[] | null): readonly string[] {
  if (given === null) return DEFAULT_LOCAL_EVENTS;
  const events = [...AGENT_EVENTS.filter((event) => !given.includes(event)), ...given];
  const download = events.indexOf('DownloadBundle');
  const install = events.indexOf('Install');
  if (install < download) {
    events[install] = 'DownloadBundle';
    events[download] = 'Install';
  }
  return events;
}

/** Every event that the deployment may have scripts for: a name in the AppSpec file that is none of them is a mistake in it. */
export function possibleEvents(events: readonly string[]): readonly string[] {
  return [...new Set([...DEFAULT_LOCAL_EVENTS, ...events])];
}

function misplaced(events: readonly string[], event: string, notBefore: readonly string[]): string[] {
  const early = events.slice(0, Math.max(0, events.indexOf(event))).filter((name) => notBefore.includes(name));
  return early.length === 0 ? [] : [`${[...new Set(early)].join(', ')} cannot come before ${event}`];
}

function isKnown(event: string): boolean {
  return [...HOOK_EVENTS, ...AGENT_EVENTS].some((name) => name === event);
}
