/** One host of a deployment, and what becomes of it. Pure. */
import type { TargetStatus } from '../../store/schema.ts';
import { eventsBeforeGate, isDoneByServer, runsOldScripts } from '../course.ts';
import { EVENT_LIMIT_MS, EVENT_START_LIMIT_MS, SILENCE_LIMIT_MS, STOPPED_TRAFFIC_LIMIT_MS } from '../limits.ts';
import type {
  Action,
  DeploymentSnapshot,
  EventSnapshot,
  HostSnapshot,
  TargetEnding,
  TargetSnapshot,
  Wait,
} from '../snapshot.ts';

/** A target while it is decided about: its status and its events' follow the actions that have been decided so far. */
export class Target {
  readonly instanceId: string;
  status: TargetStatus;
  /** '' where the deployment does not go from zone to zone. */
  readonly zone: string;
  /** null: it is not over. */
  endedAtMs: number | null;
  readonly label: TargetSnapshot['label'];
  /** Whether it was installed, and waits for traffic or has begun to take it. */
  isInstalled: boolean;
  /** Position of the first event that waits for the other targets; null: none does. */
  readonly #gateAt: number | null;
  readonly #events: { -readonly [Member in keyof EventSnapshot]: EventSnapshot[Member] }[];
  readonly #host: HostSnapshot;
  readonly #listeningSinceMs: number;
  readonly #stopRequestedAtMs: number | null;
  readonly #forgives: boolean;
  readonly #nowMs: number;
  readonly #actions: Action[];

  constructor(snapshot: TargetSnapshot, deployment: DeploymentSnapshot, nowMs: number, actions: Action[]) {
    this.status = snapshot.status;
    this.zone = snapshot.zone;
    this.endedAtMs = snapshot.endedAtMs;
    this.label = snapshot.label;
    this.isInstalled = snapshot.installedAtMs !== null;
    this.#gateAt =
      deployment.blueGreen === null || snapshot.label === null
        ? null
        : eventsBeforeGate(deployment.blueGreen.plan.course, snapshot.label);
    this.instanceId = snapshot.instanceId;
    this.#events = snapshot.events.map((event) => ({ ...event }));
    this.#host = snapshot.host;
    this.#listeningSinceMs = deployment.listeningSinceMs;
    this.#stopRequestedAtMs = deployment.stopRequestedAtMs;
    this.#forgives = deployment.ignoreApplicationStopFailures;
    this.#nowMs = nowMs;
    this.#actions = actions;
  }

  /** Nothing more is to happen to it. */
  get isOver(): boolean {
    return this.status !== 'Pending' && this.status !== 'InProgress' && this.status !== 'Ready';
  }

  /** Whether its host was deregistered. */
  get isGone(): boolean {
    return this.#host.deregisteredAtMs !== null;
  }

  /** Notices what has ended, or should have by now. */
  settle(): void {
    const { deregisteredAtMs } = this.#host;
    if (deregisteredAtMs !== null && !this.isOver) {
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
      this.#failCurrent(this.#whyGivenUp(wait));
    }
    if (this.#events.some((event) => event.status === 'Failed' && !this.#isForgiven(event.name))) this.#end('Failed');
    else if (this.#current() === undefined) this.#pass();
  }

  start(): void {
    this.#actions.push({ action: 'start-target', instanceId: this.instanceId });
    this.status = 'InProgress';
  }

  /** Makes the next event ready when everything before it is over. */
  goOn(): void {
    if (this.status !== 'InProgress') return;
    const next = this.#current();
    if (next === undefined || next.status !== 'Pending' || next.readyAtMs !== null) return;
    next.readyAtMs = this.#nowMs;
    if (!isDoneByServer(next.name)) {
      this.#actions.push({ action: 'ready-event', instanceId: this.instanceId, position: next.position });
      return;
    }
    const { position, name: event } = next;
    this.#actions.push({ action: 'give-order', instanceId: this.instanceId, position, event });
    next.status = 'InProgress';
    next.startedAtMs = this.#nowMs;
  }

  /** Skips a target that does not get its turn any more. */
  skip(): void {
    if (this.status === 'Pending' || this.status === 'Ready') this.#end('Skipped');
  }

  /** Nothing begins any more; what runs is waited for. */
  stop(): void {
    if (this.status !== 'InProgress' || this.#current()?.status === 'InProgress') return;
    // A host on which something was done is neither on the old revision nor on the new one.
    const own = this.isInstalled ? this.#events.slice(this.#gateAt ?? 0) : this.#events;
    this.#end(own.every((event) => event.status === 'Pending') ? 'Skipped' : 'Failed');
  }

  giveUp(): void {
    if (this.status !== 'InProgress') return;
    if (this.#current()?.status === 'InProgress') {
      this.#failCurrent('The deployment has reached its time limit.');
    }
    this.stop();
  }

  /** Returns the present wait and its limit; null: none. */
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
    const eventEndsMs = sinceMs + EVENT_LIMIT_MS;
    // The host's silence says nothing about what the server does itself.
    if (isDoneByServer(current.name)) {
      const stoppedAtMs = this.#stopRequestedAtMs;
      const stopEndsMs = stoppedAtMs === null ? eventEndsMs : Math.max(stoppedAtMs, sinceMs) + STOPPED_TRAFFIC_LIMIT_MS;
      const giveUpAtMs = Math.min(eventEndsMs, stopEndsMs);
      return { position, sinceMs, heardOfAtMs: sinceMs, giveUpAtMs, reason: 'too-long' };
    }
    // It was heard of when it began the event; and nobody could be heard of while no server was there.
    const heardOfAtMs = Math.max(sinceMs, this.#host.heardOfAtMs ?? 0);
    const silenceEndsMs = Math.max(heardOfAtMs, this.#listeningSinceMs) + SILENCE_LIMIT_MS;
    return silenceEndsMs < eventEndsMs
      ? { position, sinceMs, heardOfAtMs, giveUpAtMs: silenceEndsMs, reason: 'silence' }
      : { position, sinceMs, heardOfAtMs, giveUpAtMs: eventEndsMs, reason: 'too-long' };
  }

  /** The first event that is not over, as far as it may go now. */
  #current() {
    const reach = this.isInstalled ? this.#events : this.#events.slice(0, this.#gateAt ?? this.#events.length);
    return reach.find(({ status }) => status === 'Pending' || status === 'InProgress');
  }

  /** It has done all that it may do now. */
  #pass(): void {
    if (this.#gateAt === null || this.isInstalled) {
      this.#end('Succeeded');
      return;
    }
    this.#actions.push({ action: 'ready-target', instanceId: this.instanceId });
    this.status = 'Ready';
    this.isInstalled = true;
  }

  #whyGivenUp(wait: Wait): string {
    if (wait.reason === 'silence') {
      return `The instance was not heard of since ${dateOf(wait.heardOfAtMs)}, while it was to report this event: its agent, or the instance, is gone.`;
    }
    if (this.#stopRequestedAtMs !== null && isDoneByServer(this.#current()?.name ?? '')) {
      return 'The deployment was stopped, and the server did not get this event to an end within a minute.';
    }
    return isDoneByServer(this.#current()?.name ?? '')
      ? 'The server did not get this event done within an hour.'
      : 'The instance did not report an outcome within an hour.';
  }

  #failCurrent(message: string): void {
    const current = this.#current();
    if (current === undefined) return;
    this.#actions.push({ action: 'fail-event', instanceId: this.instanceId, position: current.position, message });
    current.status = 'Failed';
  }

  #end(status: TargetEnding): void {
    this.#actions.push({ action: 'end-target', instanceId: this.instanceId, status });
    this.status = status;
    this.endedAtMs = this.#nowMs;
  }

  #isForgiven(event: string): boolean {
    return this.#forgives && runsOldScripts(event);
  }
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}
