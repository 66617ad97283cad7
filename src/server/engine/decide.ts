/**
 * What a deployment does next. Pure: everything is decided from the rows as they are and the time, so it does not matter who asks, how
 * often, or what happened in between.
 *
 * Deployment   Created → InProgress (targets resolved, outside of here) → Succeeded | Failed | Stopped
 * Target       Pending → InProgress → Succeeded | Failed;  Pending → Skipped
 * Event        Pending → (ready: may be handed out) → InProgress (acknowledged) → Succeeded | Failed;  Pending → Skipped
 *
 * A target that is started has its events made ready one after another. A failed event fails its target and skips what would follow. When
 * the minimum of healthy hosts cannot be kept, or a stop was requested, nothing new begins: what runs ends, what is only ready is taken back,
 * and then the deployment ends.
 */
import type { DeploymentStatus, LifecycleEventStatus, TargetStatus } from '../store/schema.ts';
import { budget, hasSucceeded, isLost, type MinimumHealthyHosts, mayStart, requiredHealthyHosts } from './health.ts';

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
  readonly events: readonly EventSnapshot[];
}

export interface DeploymentSnapshot {
  readonly createdAtMs: number;
  readonly stopRequestedAtMs: number | null;
  readonly minimum: MinimumHealthyHosts;
  readonly deploymentConfigName: string;
  readonly ignoreApplicationStopFailures: boolean;
  /** In the order of attempt. Those that were skipped from the beginning are not among them. */
  readonly targets: readonly TargetSnapshot[];
}

export type Action =
  | { readonly action: 'start-target'; readonly instanceId: string }
  | { readonly action: 'ready-event'; readonly instanceId: string; readonly position: number }
  | { readonly action: 'fail-event'; readonly instanceId: string; readonly position: number; readonly message: string }
  | { readonly action: 'skip-event'; readonly instanceId: string; readonly position: number }
  | { readonly action: 'end-target'; readonly instanceId: string; readonly status: 'Succeeded' | 'Failed' | 'Skipped' }
  | {
      readonly action: 'finish';
      readonly status: Extract<DeploymentStatus, 'Succeeded' | 'Failed' | 'Stopped'>;
      readonly errorCode: string | null;
      readonly errorMessage: string | null;
    }
  | { readonly action: 'wake-at'; readonly atMs: number };

const MINUTE_MS = 60_000;
/** A host that has not begun an event by then is taken to be gone. */
export const EVENT_START_LIMIT_MS = 5 * MINUTE_MS;
/** What an event may take, and a moment for its report to arrive. */
export const EVENT_LIMIT_MS = 60 * MINUTE_MS + MINUTE_MS;
export const DEPLOYMENT_LIMIT_MS = 12 * 60 * MINUTE_MS;

/** Events that `ignoreApplicationStopFailures` forgives: those that run the old revision's scripts. */
const FORGIVABLE: readonly string[] = ['ApplicationStop', 'BeforeBlockTraffic', 'AfterBlockTraffic'];

/** @returns actions in the order in which they are to be applied; a last `wake-at`, unless the deployment is finished */
export function decide(deployment: DeploymentSnapshot, nowMs: number): readonly Action[] {
  const actions: Action[] = [];
  const targets = deployment.targets.map((target) => new Target(target, deployment, actions));
  const isOverdue = nowMs >= deployment.createdAtMs + DEPLOYMENT_LIMIT_MS;
  const required = requiredHealthyHosts(targets.length, deployment.minimum, deployment.deploymentConfigName);
  const allowed = budget(targets.length, required);

  for (const target of targets) target.settle(nowMs);
  const isInvalid = allowed < 1 && targets.every((target) => target.status === 'Pending');
  const endsEarly = isInvalid || isOverdue || deployment.stopRequestedAtMs !== null || isLost(count(targets), allowed);
  if (endsEarly) {
    for (const target of targets) target.takeBack(isOverdue);
  } else {
    const pending = targets.filter((target) => target.status === 'Pending');
    for (const target of pending.slice(0, mayStart(count(targets), allowed))) target.start();
    for (const target of targets) target.goOn(nowMs);
  }
  const counts = count(targets);
  if (counts.pending === 0 && counts.inProgress === 0) {
    actions.push(finish(deployment, counts, { isInvalid, isOverdue, required, hosts: targets.length }));
  } else {
    const times = targets.flatMap((target) => target.nextTimeMs() ?? []);
    actions.push({
      action: 'wake-at',
      atMs: Math.min(deployment.createdAtMs + DEPLOYMENT_LIMIT_MS, ...times, nowMs + EVENT_LIMIT_MS),
    });
  }
  return actions;
}

interface Ending {
  readonly isInvalid: boolean;
  readonly isOverdue: boolean;
  readonly required: number;
  readonly hosts: number;
}

function finish(deployment: DeploymentSnapshot, counts: ReturnType<typeof count>, ending: Ending): Action {
  const failed = (errorCode: string, errorMessage: string): Action => ({
    action: 'finish',
    status: 'Failed',
    errorCode,
    errorMessage,
  });
  if (ending.isInvalid) {
    return failed(
      'HEALTH_CONSTRAINTS_INVALID',
      `The deployment configuration asks for ${ending.required} healthy hosts of ${ending.hosts}, which leaves none to deploy to.`,
    );
  }
  if (counts.skipped === 0 && hasSucceeded(counts, ending.required)) {
    return { action: 'finish', status: 'Succeeded', errorCode: null, errorMessage: null };
  }
  if (deployment.stopRequestedAtMs !== null) {
    return {
      action: 'finish',
      status: 'Stopped',
      errorCode: 'MANUAL_STOP',
      errorMessage: 'The deployment was stopped on request.',
    };
  }
  if (ending.isOverdue) return failed('TIMEOUT', 'The deployment took longer than 12 hours.');
  return failed(
    'HEALTH_CONSTRAINTS',
    `The overall deployment failed because too many individual instances failed deployment or too few healthy instances are available: ` +
      `${counts.failed} of ${ending.hosts} failed, ${ending.required} must stay healthy.`,
  );
}

function count(targets: readonly Target[]) {
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
  readonly #events: {
    position: number;
    name: string;
    status: LifecycleEventStatus;
    readyAtMs: number | null;
    startedAtMs: number | null;
  }[];
  readonly #forgives: boolean;
  readonly #actions: Action[];

  constructor(snapshot: TargetSnapshot, deployment: DeploymentSnapshot, actions: Action[]) {
    this.status = snapshot.status;
    this.#instanceId = snapshot.instanceId;
    this.#events = snapshot.events.map((event) => ({ ...event }));
    this.#forgives = deployment.ignoreApplicationStopFailures;
    this.#actions = actions;
  }

  /** Notices what has ended, or should have by now. */
  settle(nowMs: number): void {
    if (this.status !== 'InProgress') return;
    for (const event of this.#events) {
      if (event.status === 'InProgress' && nowMs >= (event.startedAtMs ?? nowMs) + EVENT_LIMIT_MS) {
        const { position } = event;
        const message = 'The host did not report an outcome within an hour.';
        this.#actions.push({ action: 'fail-event', instanceId: this.#instanceId, position, message });
        event.status = 'Failed';
      }
      if (event.status === 'Pending' && event.readyAtMs !== null && nowMs >= event.readyAtMs + EVENT_START_LIMIT_MS) {
        this.#end('Failed');
        return;
      }
    }
    if (this.#events.some((event) => event.status === 'Failed' && !this.#isForgiven(event.name))) this.#end('Failed');
    else if (this.#events.every((event) => isOver(event.status))) this.#end('Succeeded');
  }

  start(): void {
    this.#actions.push({ action: 'start-target', instanceId: this.#instanceId });
    this.status = 'InProgress';
  }

  /** Makes the next event ready when everything before it is over. */
  goOn(nowMs: number): void {
    if (this.status !== 'InProgress') return;
    const next = this.#events.find((event) => !isOver(event.status));
    if (next === undefined || next.status !== 'Pending' || next.readyAtMs !== null) return;
    this.#actions.push({ action: 'ready-event', instanceId: this.#instanceId, position: next.position });
    next.readyAtMs = nowMs;
  }

  /** Lets nothing begin any more; what runs may end, unless the time for that is over as well. */
  takeBack(isOverdue: boolean): void {
    if (this.status === 'Pending') this.#end('Skipped');
    if (this.status !== 'InProgress') return;
    const runs = this.#events.some((event) => event.status === 'InProgress');
    if (runs && !isOverdue) return;
    // A host on which something has been done already is neither on the old revision nor on the new one.
    const hasBegun = this.#events.some((event) => event.status !== 'Pending');
    this.#end(hasBegun ? 'Failed' : 'Skipped');
  }

  /** When something has to be noticed even if nobody says anything. */
  nextTimeMs(): number | null {
    if (this.status !== 'InProgress') return null;
    const current = this.#events.find((event) => !isOver(event.status));
    if (current?.status === 'InProgress' && current.startedAtMs !== null) return current.startedAtMs + EVENT_LIMIT_MS;
    return current?.readyAtMs === null || current === undefined ? null : current.readyAtMs + EVENT_START_LIMIT_MS;
  }

  #end(status: 'Succeeded' | 'Failed' | 'Skipped'): void {
    for (const event of this.#events) {
      if (isOver(event.status)) continue;
      this.#actions.push({ action: 'skip-event', instanceId: this.#instanceId, position: event.position });
      event.status = 'Skipped';
    }
    this.#actions.push({ action: 'end-target', instanceId: this.#instanceId, status });
    this.status = status;
  }

  #isForgiven(event: string): boolean {
    return this.#forgives && FORGIVABLE.includes(event);
  }
}

function isOver(status: LifecycleEventStatus): boolean {
  return status === 'Succeeded' || status === 'Failed' || status === 'Skipped';
}
