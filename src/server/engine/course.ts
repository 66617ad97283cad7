/**
 * The table of contents of deployments: which lifecycle events each kind has, in which order, and who carries them out. Pure.
 *
 * Every list of events stands here and nowhere else. `resolve-targets` makes a row of each event, and `decide` makes one after another
 * ready, whoever its doer is.
 */

/** Party that carries an event out: a host, told by a command; the server itself; a hook, which answers by itself. */
export type Doer = 'host' | 'server' | 'hook';

export interface CourseEvent {
  readonly name: string;
  readonly doer: Doer;
}

/** A part of a deployment that some of its targets pass together. */
export interface Phase {
  /** Which targets: all of them, those that take the new revision, or those that had the old one. */
  readonly label: 'all' | 'green' | 'blue';
  readonly events: readonly CourseEvent[];
}

export type Scenario =
  | 'in-place'
  | 'in-place-with-traffic'
  | 'blue-green'
  | 'blue-green-rollback'
  | 'instance-launch'
  | 'instance-termination'
  | 'lambda'
  | 'ecs';

/** Events of a host that gets a revision. */
export const IN_PLACE_EVENTS = [
  'ApplicationStop',
  'DownloadBundle',
  'BeforeInstall',
  'Install',
  'AfterInstall',
  'ApplicationStart',
  'ValidateService',
] as const;

/** How a host leaves its load balancers, and how it comes back. */
const BLOCK = ['BeforeBlockTraffic', 'BlockTraffic', 'AfterBlockTraffic'] as const;
const ALLOW = ['BeforeAllowTraffic', 'AllowTraffic', 'AfterAllowTraffic'] as const;

/** Events of hosts that a host is never told of: no agent has a command for them. */
const BY_SERVER: readonly string[] = ['BlockTraffic', 'AllowTraffic'];

/** Whether an event of a host is the server's: it begins at once, and no host is waited for. */
export function isDoneByServer(eventName: string): boolean {
  return BY_SERVER.includes(eventName);
}

function onHosts(...names: readonly string[]): readonly CourseEvent[] {
  return names.map((name) => ({ name, doer: isDoneByServer(name) ? 'server' : 'host' }));
}

/** Events without a host: what is before and after the server's own ones are hooks. */
function withoutHosts(own: readonly string[], names: readonly string[]): readonly CourseEvent[] {
  return names.map((name) => ({ name, doer: own.includes(name) ? 'server' : 'hook' }));
}

const LAMBDA_EVENTS = withoutHosts(['AllowTraffic'], ALLOW);
const ECS_EVENTS = withoutHosts(
  ['Install', 'AllowTestTraffic', 'AllowTraffic'],
  ['BeforeInstall', 'Install', 'AfterInstall', 'AllowTestTraffic', 'AfterAllowTestTraffic', ...ALLOW],
);

/** @see the AWS CodeDeploy user guide, "AppSpec hooks section", for names and order */
const COURSES: Readonly<Record<Scenario, readonly Phase[]>> = {
  'in-place': [{ label: 'all', events: onHosts(...IN_PLACE_EVENTS) }],
  'in-place-with-traffic': [{ label: 'all', events: onHosts(...BLOCK, ...IN_PLACE_EVENTS, ...ALLOW) }],
  'blue-green': [
    { label: 'green', events: onHosts(...IN_PLACE_EVENTS) },
    { label: 'green', events: onHosts(...ALLOW) },
    { label: 'blue', events: onHosts(...BLOCK) },
  ],
  'blue-green-rollback': [
    { label: 'blue', events: onHosts(...ALLOW) },
    { label: 'green', events: onHosts(...BLOCK) },
  ],
  'instance-launch': [{ label: 'all', events: onHosts(...IN_PLACE_EVENTS, ...ALLOW) }],
  'instance-termination': [{ label: 'all', events: onHosts(...BLOCK, 'ApplicationStop') }],
  lambda: [{ label: 'all', events: LAMBDA_EVENTS }],
  ecs: [{ label: 'all', events: ECS_EVENTS }],
};

export function courseOf(scenario: Scenario): readonly Phase[] {
  return COURSES[scenario];
}

export type Label = Phase['label'];

/** All events of the targets with one label, in order. */
export function eventsOfLabel(scenario: Scenario, label: Label): readonly CourseEvent[] {
  return courseOf(scenario).flatMap((phase) => (phase.label === label ? phase.events : []));
}

/** How many events a target has before it waits for the other ones of its label; null: it waits for none. */
export function eventsBeforeGate(scenario: Scenario, label: Label): number | null {
  const [first, ...later] = courseOf(scenario).filter((phase) => phase.label === label);
  return first === undefined || later.length === 0 ? null : first.events.length;
}

/** Events that run the old revision's scripts: `ignoreApplicationStopFailures` forgives them. */
const OF_OLD_REVISION: readonly string[] = ['ApplicationStop', 'BeforeBlockTraffic', 'AfterBlockTraffic'];

export function runsOldScripts(eventName: string): boolean {
  return OF_OLD_REVISION.includes(eventName);
}
