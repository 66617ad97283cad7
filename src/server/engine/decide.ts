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
 * - a stop: nothing begins any more; an event that runs is waited for, and its target ends with it. The deployment ends as Stopped,
 *   whatever that event's outcome is
 * - the time limit: everything ends at once, as failed where something had begun
 *
 * Nothing waits for what can never come: a host that was deregistered, and one that owes a report and is not heard of any more, has failed.
 */
import type { LifecycleEventStatus, TargetStatus } from '../store/schema.ts';
import { endingOf, type FinishAction, finish } from './ending.ts';
import { budget, type MinimumHealthyHosts, mayStart, requiredHealthyHosts, type TargetCounts } from './health.ts';
import { DEPLOYMENT_LIMIT_MS, EVENT_LIMIT_MS, EVENT_START_LIMIT_MS, SILENCE_LIMIT_MS } from './limits.ts';

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
  readonly host: HostSnapshot;
  /** In order, at least one; those of a target that is over are not looked at. */
  readonly events: readonly EventSnapshot[];
}

/** What is known of a target's host now. */
export interface HostSnapshot {
  /** null: it is registered. */
  readonly deregisteredAtMs: number | null;
  /** When it last polled, or said that it is at work; null: never. */
  readonly heardOfAtMs: number | null;
}

/** A deployment that is InProgress. */
export interface DeploymentSnapshot {
  readonly createdAtMs: number;
  readonly stopRequestedAtMs: number | null;
  /** Since when hosts could be heard of: silence from before says nothing about them. */
  readonly listeningSinceMs: number;
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
  const isOverdue = nowMs >= deadlineMs;
  const isStopped = deployment.stopRequestedAtMs !== null;
  const ending = endingOf({ counts: countTargets(targets), allowed, isOverdue, isStopped });
  for (const target of targets) {
    if (ending !== null) target.skip();
    if (ending === 'stopped') target.stop();
    if (isOverdue) target.giveUp();
  }
  const startable = mayStart(countTargets(targets), allowed);
  for (const target of targets.filter(({ status }) => status === 'Pending').slice(0, startable)) target.start();
  for (const target of targets) target.goOn();

  const counts = countTargets(targets);
  if (counts.pending === 0 && counts.inProgress === 0) {
    actions.push(finish(counts, { ending, required, hosts }));
  } else {
    const limits = targets.flatMap((target) => target.waitsFor()?.giveUpAtMs ?? []);
    actions.push({ action: 'wake-at', atMs: Math.min(deadlineMs, ...limits) });
  }
  return actions;
}

/** An event that a deployment waits for, and when it is given up. */
export interface Wait {
  readonly position: number;
  /** Since when: it was made ready, or the host began it. */
  readonly sinceMs: number;
  /** When the host was last heard of, at the latest when it began. */
  readonly heardOfAtMs: number;
  readonly giveUpAtMs: number;
  /** Why it is given up then: it was not begun, its host was not heard of, or it took too long. */
  readonly reason: 'not-started' | 'silence' | 'too-long';
}

/** What a deployment waits for now, by instance. */
export function waitsOf(deployment: DeploymentSnapshot, nowMs: number): ReadonlyMap<string, Wait> {
  const waits = new Map<string, Wait>();
  for (const snapshot of deployment.targets) {
    const wait = new Target(snapshot, deployment, nowMs, []).waitsFor();
    if (wait !== null) waits.set(snapshot.instanceId, wait);
  }
  return waits;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
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
  readonly #host: HostSnapshot;
  readonly #listeningSinceMs: number;
  readonly #forgives: boolean;
  readonly #nowMs: number;
  readonly #actions: Action[];

  constructor(snapshot: TargetSnapshot, deployment: DeploymentSnapshot, nowMs: number, actions: Action[]) {
    this.status = snapshot.status;
    this.#instanceId = snapshot.instanceId;
    this.#events = snapshot.events.map((event) => ({ ...event }));
    this.#host = snapshot.host;
    this.#listeningSinceMs = deployment.listeningSinceMs;
    this.#forgives = deployment.ignoreApplicationStopFailures;
    this.#nowMs = nowMs;
    this.#actions = actions;
  }

  /** Notices what has ended, or should have by now. */
  settle(): void {
    const { deregisteredAtMs } = this.#host;
    if (deregisteredAtMs !== null && (this.status === 'Pending' || this.status === 'InProgress')) {
      this.#failCurrent(`The instance was deregistered on ${dateOf(deregisteredAtMs)}, so nothing more comes from it.`);
      this.#end('Failed');
      return;
    }
    if (this.status !== 'InProgress') return;
    const wait = this.waitsFor();
    if (wait !== null && wait.giveUpAtMs <= this.#nowMs) {
      if (wait.reason === 'not-started') {
        this.#end('Failed');
        return;
      }
      this.#failCurrent(
        wait.reason === 'silence'
          ? `The instance was not heard of since ${dateOf(wait.heardOfAtMs)}, while it was to report this event: its agent, or the instance, is gone.`
          : 'The instance did not report an outcome within an hour.',
      );
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
    if (this.#current()?.status === 'InProgress') {
      this.#failCurrent('The deployment has reached its time limit of 12 hours.');
    }
    this.stop();
  }

  /** What is waited for, and until when. */
  waitsFor(): Wait | null {
    if (this.status !== 'InProgress') return null;
    const current = this.#current();
    if (current === undefined) return null;
    const { position } = current;
    if (current.status !== 'InProgress') {
      const { readyAtMs } = current;
      if (readyAtMs === null) return null;
      const giveUpAtMs = readyAtMs + EVENT_START_LIMIT_MS;
      return { position, sinceMs: readyAtMs, heardOfAtMs: readyAtMs, giveUpAtMs, reason: 'not-started' };
    }
    const sinceMs = current.startedAtMs ?? this.#nowMs;
    // It was heard of when it began the event; and nobody could be heard of while no server was there.
    const heardOfAtMs = Math.max(sinceMs, this.#host.heardOfAtMs ?? 0);
    const silenceEndsMs = Math.max(heardOfAtMs, this.#listeningSinceMs) + SILENCE_LIMIT_MS;
    const eventEndsMs = sinceMs + EVENT_LIMIT_MS;
    return silenceEndsMs < eventEndsMs
      ? { position, sinceMs, heardOfAtMs, giveUpAtMs: silenceEndsMs, reason: 'silence' }
      : { position, sinceMs, heardOfAtMs, giveUpAtMs: eventEndsMs, reason: 'too-long' };
  }

  /** The first event that is not over. */
  #current() {
    return this.#events.find(({ status }) => status === 'Pending' || status === 'InProgress');
  }

  #failCurrent(message: string): void {
    const current = this.#current();
    if (current === undefined) return;
    this.#actions.push({ action: 'fail-event', instanceId: this.#instanceId, position: current.position, message });
    current.status = 'Failed';
  }

  #end(status: TargetEnding): void {
    this.#actions.push({ action: 'end-target', instanceId: this.#instanceId, status });
    this.status = status;
  }

  #isForgiven(event: string): boolean {
    return this.#forgives && FORGIVABLE.includes(event);
  }
}
