/**
 * What a deployment does next. Pure: everything follows from the rows as they are and the time, so it does not matter who asks,
 * how often, or what happened in between.
 *
 * Deployment   Created → InProgress (once its targets are resolved, outside of here) → Succeeded | Failed | Stopped
 * Target       Pending → InProgress → Succeeded | Failed          Pending → Skipped
 * Event        Pending → ready → InProgress → Succeeded | Failed   Pending, ready → Skipped
 *
 * A target is started when the minimum of healthy hosts allows one more to be out of service, and its events are made ready one
 * after another; ready: a poll of its host may take it. An event is InProgress once the host has acknowledged it. One that fails
 * fails its target, and what would follow is skipped.
 *
 * What ends a deployment before all targets had their turn:
 * - as many targets failed as may be out of service: the waiting ones are skipped
 * - a stop: nothing begins any more; an event that runs is waited for, and its target ends with it
 * - the time limit: everything ends at once, as failed where something had begun
 */
import type { LifecycleEventStatus, TargetStatus } from '../store/schema.ts';
import { endingOf, type FinishAction, finish } from './ending.ts';
import { budget, type MinimumHealthyHosts, mayStart, requiredHealthyHosts, type TargetCounts } from './health.ts';

export interface EventSnapshot {
  readonly position: number;
  readonly name: string;
  readonly status: LifecycleEventStatus;
  readonly readyAtMs: number | null;
  readonly startedAtMs: number | null;
}

export interface TargetSnapshot {
  readonly instanceId: string;
  readonly status: TargetStatus;
  /** In order, at least one; those of a target that is over are not looked at. */
  readonly events: readonly EventSnapshot[];
}

/** A deployment that is InProgress. */
export interface DeploymentSnapshot {
  readonly createdAtMs: number;
  readonly stopRequestedAtMs: number | null;
  readonly minimum: MinimumHealthyHosts;
  readonly deploymentConfigName: string;
  readonly ignoreApplicationStopFailures: boolean;
  /** In the order of attempt. Those that were left alone because they were up to date are not among them. */
  readonly targets: readonly TargetSnapshot[];
}

export type Action =
  | { readonly action: 'start-target'; readonly instanceId: string }
  | { readonly action: 'ready-event'; readonly instanceId: string; readonly position: number }
  | { readonly action: 'fail-event'; readonly instanceId: string; readonly position: number; readonly message: string }
  /** The target is over; its events that have not ended are Skipped. */
  | { readonly action: 'end-target'; readonly instanceId: string; readonly status: TargetEnding }
  | FinishAction
  | { readonly action: 'wake-at'; readonly atMs: number };

export type TargetEnding = Extract<TargetStatus, 'Succeeded' | 'Failed' | 'Skipped'>;

const MINUTE_MS = 60_000;
/** A host that has not begun an event by then is taken to be gone. */
export const EVENT_START_LIMIT_MS = 5 * MINUTE_MS;
/** What an event may take, and a moment for its report to arrive. */
export const EVENT_LIMIT_MS = 60 * MINUTE_MS + MINUTE_MS;
export const DEPLOYMENT_LIMIT_MS = 12 * 60 * MINUTE_MS;

/** Events that `ignoreApplicationStopFailures` forgives: those that run the old revision's scripts. */
const FORGIVABLE: readonly string[] = ['ApplicationStop', 'BeforeBlockTraffic', 'AfterBlockTraffic'];

/** @returns actions in the order in which they apply; the last one is a `finish`, or the `wake-at` of the next look */
export function decide(deployment: DeploymentSnapshot, nowMs: number): readonly Action[] {
  const actions: Action[] = [];
  const targets = deployment.targets.map((target) => new Target(target, deployment, nowMs, actions));
  const hosts = targets.length;
  const required = requiredHealthyHosts(hosts, deployment.minimum, deployment.deploymentConfigName);
  const allowed = budget(hosts, required);
  const deadlineMs = deployment.createdAtMs + DEPLOYMENT_LIMIT_MS;

  for (const target of targets) target.settle();
  const ending = endingOf({
    counts: countTargets(targets),
    allowed,
    isOverdue: nowMs >= deadlineMs,
    isStopped: deployment.stopRequestedAtMs !== null,
  });
  for (const target of targets) {
    if (ending !== null) target.skip();
    if (ending === 'stopped') target.stop();
    if (ending === 'overdue') target.giveUp();
  }
  const startable = mayStart(countTargets(targets), allowed);
  for (const target of targets.filter(({ status }) => status === 'Pending').slice(0, startable)) target.start();
  for (const target of targets) target.goOn();

  const counts = countTargets(targets);
  if (counts.pending === 0 && counts.inProgress === 0) {
    actions.push(finish(counts, { ending, required, hosts }));
  } else {
    const limits = targets.flatMap((target) => target.nextLimitMs() ?? []);
    actions.push({ action: 'wake-at', atMs: Math.min(deadlineMs, ...limits) });
  }
  return actions;
}

function countTargets(targets: readonly Target[]): TargetCounts {
  const of = (status: TargetStatus) => targets.filter((target) => target.status === status).length;
  return {
    pending: of('Pending'),
    inProgress: of('InProgress'),
    succeeded: of('Succeeded'),
    failed: of('Failed'),
    skipped: of('Skipped'),
  };
}

/** A target while it is decided about: its status and its events' follow the actions that have been decided so far. */
class Target {
  status: TargetStatus;
  readonly #instanceId: string;
  readonly #events: { -readonly [Member in keyof EventSnapshot]: EventSnapshot[Member] }[];
  readonly #forgives: boolean;
  readonly #nowMs: number;
  readonly #actions: Action[];

  constructor(snapshot: TargetSnapshot, deployment: DeploymentSnapshot, nowMs: number, actions: Action[]) {
    this.status = snapshot.status;
    this.#instanceId = snapshot.instanceId;
    this.#events = snapshot.events.map((event) => ({ ...event }));
    this.#forgives = deployment.ignoreApplicationStopFailures;
    this.#nowMs = nowMs;
    this.#actions = actions;
  }

  /** Notices what has ended, or should have by now. */
  settle(): void {
    if (this.status !== 'InProgress') return;
    const limitMs = this.nextLimitMs();
    if (limitMs !== null && limitMs <= this.#nowMs) {
      if (this.#current()?.status === 'Pending') {
        this.#end('Failed');
        return;
      }
      this.#failRunning('The instance did not report an outcome within an hour.');
    }
    if (this.#events.some((event) => event.status === 'Failed' && !this.#isForgiven(event.name))) this.#end('Failed');
    else if (this.#current() === undefined) this.#end('Succeeded');
  }

  start(): void {
    this.#actions.push({ action: 'start-target', instanceId: this.#instanceId });
    this.status = 'InProgress';
  }

  /** Makes the next event ready when everything before it is over. */
  goOn(): void {
    if (this.status !== 'InProgress') return;
    const next = this.#current();
    if (next === undefined || next.status !== 'Pending' || next.readyAtMs !== null) return;
    this.#actions.push({ action: 'ready-event', instanceId: this.#instanceId, position: next.position });
    next.readyAtMs = this.#nowMs;
  }

  /** It does not get its turn any more. */
  skip(): void {
    if (this.status === 'Pending') this.#end('Skipped');
  }

  /** Nothing begins any more; what runs is waited for. */
  stop(): void {
    if (this.status !== 'InProgress' || this.#current()?.status === 'InProgress') return;
    // A host on which something was done is neither on the old revision nor on the new one.
    this.#end(this.#events.every((event) => event.status === 'Pending') ? 'Skipped' : 'Failed');
  }

  giveUp(): void {
    if (this.status !== 'InProgress') return;
    this.#failRunning('The deployment has reached its time limit of 12 hours.');
    this.stop();
  }

  /** When the event under way is given up if nothing is heard of it. */
  nextLimitMs(): number | null {
    if (this.status !== 'InProgress') return null;
    const current = this.#current();
    if (current?.status === 'InProgress') return (current.startedAtMs ?? this.#nowMs) + EVENT_LIMIT_MS;
    return current === undefined || current.readyAtMs === null ? null : current.readyAtMs + EVENT_START_LIMIT_MS;
  }

  /** The first event that is not over. */
  #current() {
    return this.#events.find(({ status }) => status === 'Pending' || status === 'InProgress');
  }

  #failRunning(message: string): void {
    const running = this.#current();
    if (running?.status !== 'InProgress') return;
    const { position } = running;
    this.#actions.push({ action: 'fail-event', instanceId: this.#instanceId, position, message });
    running.status = 'Failed';
  }

  #end(status: TargetEnding): void {
    this.#actions.push({ action: 'end-target', instanceId: this.#instanceId, status });
    this.status = status;
  }

  #isForgiven(event: string): boolean {
    return this.#forgives && FORGIVABLE.includes(event);
  }
}
