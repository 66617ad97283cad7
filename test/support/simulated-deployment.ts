import { decide } from '../../src/server/engine/decide.ts';
import type { BlueGreenPlan } from '../../src/server/engine/hosts/blue-green-plan.ts';
import type { FinishAction } from '../../src/server/engine/hosts/ending.ts';
import type { ZonalSettings } from '../../src/server/engine/hosts/zones.ts';
import type {
  Action,
  BlueGreenSnapshot,
  DeploymentSnapshot,
  EventSnapshot,
  HostSnapshot,
  TargetSnapshot,
} from '../../src/server/engine/snapshot.ts';

type Mutable<T> = { -readonly [Member in keyof T]: T[Member] };
type SimulatedEvent = Mutable<EventSnapshot> & { handedOut: boolean };
type SimulatedTarget = Omit<Mutable<TargetSnapshot>, 'events' | 'host'> & {
  events: SimulatedEvent[];
  host: Mutable<HostSnapshot>;
};

/** Facts that do not change while a deployment goes on. */
/** A fleet of a blue/green deployment: its hosts, and what they pass. */
export interface SimulatedFleet {
  readonly label: 'blue' | 'green' | null;
  readonly hosts: number;
  readonly events: readonly string[];
}

export type SimulatedSettings = Omit<
  DeploymentSnapshot,
  'targets' | 'stopRequestedAtMs' | 'stoppedByAlarm' | 'createdAtMs' | 'listeningSinceMs' | 'blueGreen'
>;

function requiredOf({ minimumPerZone: { type, value } }: ZonalSettings, hosts: number): number {
  return type === 'FLEET_PERCENT' ? (hosts * value) / 100 : value;
}

/** Events that no host may be told of. */
const SERVERS_OWN = ['BlockTraffic', 'AllowTraffic'];
const OVER = ['Succeeded', 'Failed', 'Skipped'];

/** A deployment and its hosts in memory: carries out what `decide` says, and complains about what must never be said. */
export class SimulatedDeployment {
  nowMs = 1_000_000;
  finished: FinishAction | null = null;
  wakeAtMs = 0;
  /** The waits of a blue/green deployment; null: it is in place. */
  blueGreen: Mutable<BlueGreenSnapshot> | null = null;
  /** The most that were out of service at once: under way, or failed. */
  mostDown = 0;
  readonly targets: SimulatedTarget[];
  /** Instances of which an event has ended since the last step. */
  readonly changed = new Set<string>();
  #isStopNew = false;
  #stopRequestedAtMs: number | null = null;
  #alarm: string | null = null;
  readonly #settings: SimulatedSettings;
  readonly #createdAtMs = this.nowMs;
  readonly #everReady = new Set<SimulatedEvent>();

  /** @param zoneOf by host; hosts of one zone follow each other */
  constructor(
    hosts: number,
    events: readonly string[],
    settings: SimulatedSettings,
    zoneOf: (host: number) => string = () => '',
  ) {
    this.#settings = settings;
    this.targets = fleetOf({ label: null, hosts, events }).map((target, index) => ({ ...target, zone: zoneOf(index) }));
  }

  /** A blue/green deployment, or the rollback of one; its hosts are numbered through its fleets. */
  static ofFleets(
    fleets: readonly SimulatedFleet[],
    plan: BlueGreenPlan,
    settings: SimulatedSettings,
  ): SimulatedDeployment {
    const deployment = new SimulatedDeployment(0, [], settings);
    for (const fleet of fleets) deployment.targets.push(...fleetOf(fleet, deployment.targets.length));
    deployment.blueGreen = {
      ...{ plan, isReady: false, readyAtMs: null, continuedAtMs: null },
      ...{ terminationWaitAtMs: null, waitSkippedAtMs: null, orders: [] },
    };
    return deployment;
  }

  get ageMs(): number {
    return this.nowMs - this.#createdAtMs;
  }

  get isStopped(): boolean {
    return this.#stopRequestedAtMs !== null;
  }

  get stopCode(): 'ALARM_ACTIVE' | 'MANUAL_STOP' {
    return this.#alarm === null ? 'MANUAL_STOP' : 'ALARM_ACTIVE';
  }

  count(status: TargetSnapshot['status']): number {
    return this.targets.filter((target) => target.status === status).length;
  }

  snapshot(): DeploymentSnapshot {
    const { targets } = this;
    const listeningSinceMs = this.#createdAtMs;
    const times = {
      ...{ createdAtMs: this.#createdAtMs, stopRequestedAtMs: this.#stopRequestedAtMs, listeningSinceMs },
      stoppedByAlarm: this.#alarm,
    };
    return { ...this.#settings, ...times, blueGreen: this.blueGreen, targets };
  }

  /** Whether a step has to look at all targets: it is the first one, the time has come, or somebody has stopped it. */
  get needsWhole(): boolean {
    return this.nowMs >= this.wakeAtMs || this.#isStopNew;
  }

  /**
   * One step.
   *
   * @param crashes the decision is made and lost, as when the process dies before the commit
   * @param decideNow what decides; else `decide`
   */
  step(crashes = false, decideNow: typeof decide = decide): readonly Action[] {
    if (this.finished !== null) return [];
    const actions = decideNow(structuredClone(this.snapshot()), this.nowMs);
    if (!crashes) {
      for (const action of actions) this.#apply(action);
      this.changed.clear();
      this.#isStopNew = false;
    }
    this.mostDown = Math.max(this.mostDown, this.count('InProgress') + this.count('Failed'));
    return actions;
  }

  /** A host's poll, and if there is something to do, its acknowledgement, unless the answer gets lost. */
  poll(host: number, isLost: boolean, isNoop: boolean): void {
    const target = this.targets[host];
    const event = target?.events.find(
      ({ readyAtMs, status, handedOut }) => readyAtMs !== null && status === 'Pending' && !handedOut,
    );
    if (event === undefined) return;
    event.handedOut = true;
    if (isLost) return;
    if (this.finished !== null || this.#stopRequestedAtMs !== null) return;
    event.status = isNoop ? 'Succeeded' : 'InProgress';
    if (isNoop && target !== undefined) this.changed.add(target.instanceId);
    event.startedAtMs = this.nowMs;
  }

  /** A lost command counts as not handed out after a while. */
  redeliver(): void {
    for (const { events } of this.targets) {
      for (const event of events) if (event.status === 'Pending') event.handedOut = false;
    }
  }

  /** A host's report, or the server's about an order of its own; of an event that is not under way it changes nothing. */
  complete(host: number, isGood: boolean): void {
    const target = this.targets[host];
    const event = target?.events.find(({ status }) => status === 'InProgress');
    if (target === undefined || event === undefined) return;
    event.status = isGood ? 'Succeeded' : 'Failed';
    this.changed.add(target.instanceId);
  }

  /** The host says that it is there. */
  hear(host: number): void {
    const target = this.targets[host];
    if (target !== undefined) target.host.heardOfAtMs = this.nowMs;
  }

  deregister(host: number): void {
    const target = this.targets[host];
    if (target !== undefined) target.host.deregisteredAtMs ??= this.nowMs;
  }

  /** @param alarm why an alarm stops it; else somebody does. The first to come has stopped it. */
  requestStop(alarm: string | null = null): void {
    if (this.finished !== null || this.isStopped) return;
    this.#alarm = alarm;
    this.#stopRequestedAtMs = this.nowMs;
    this.#isStopNew = true;
  }

  #apply(action: Action): void {
    switch (action.action) {
      case 'finish':
        this.finished = action;
        return;
      case 'wake-at':
        if (action.atMs <= this.nowMs) throw new Error('the next look would be in the past');
        this.wakeAtMs = action.atMs;
        return;
      case 'begin-wait':
      case 'set-status':
        this.#goOnWithWaits(action);
        return;
      case 'give-deployment-order':
        this.#giveOwnOrder(action);
        return;
    }
    const target = this.targets.find(({ instanceId }) => instanceId === action.instanceId);
    if (target === undefined) throw new Error(`there is no target ${action.instanceId}`);
    if (OVER.includes(target.status)) throw new Error(`${action.action} for a target that is ${target.status}`);
    switch (action.action) {
      case 'start-target':
        if (target.status !== 'Pending' && target.status !== 'Ready') throw new Error('a target was started twice');
        this.#checkZones(target);
        target.status = 'InProgress';
        return;
      case 'ready-target':
        if (target.label !== 'green' || target.installedAtMs !== null) throw new Error('a target was ready twice');
        target.status = 'Ready';
        target.installedAtMs = this.nowMs;
        return;
      case 'ready-event': {
        const event = this.#event(target, action.position);
        if (SERVERS_OWN.includes(event.name)) throw new Error(`a host was told of ${event.name}`);
        this.#begin(target, event);
        return;
      }
      case 'give-order': {
        const event = this.#event(target, action.position);
        if (!SERVERS_OWN.includes(action.event) || event.name !== action.event)
          throw new Error(`an order for ${event.name}`);
        this.#begin(target, event);
        event.status = 'InProgress';
        event.startedAtMs = this.nowMs;
        return;
      }
      case 'fail-event': {
        const event = this.#event(target, action.position);
        if (event.status !== 'InProgress' && target.host.deregisteredAtMs === null)
          throw new Error('an event was given up that was not under way');
        event.status = 'Failed';
        return;
      }
      case 'end-target':
        target.status = action.status;
        target.endedAtMs = this.nowMs;
        for (const event of target.events) if (!OVER.includes(event.status)) event.status = 'Skipped';
    }
  }

  /** Whether as many succeeded in each zone as its minimum wants. */
  get isEveryZoneHealthy(): boolean {
    const { zonal } = this.#settings;
    if (zonal === null) return true;
    return [...Map.groupBy(this.targets, ({ zone }) => zone).values()].every(
      (own) => own.filter(({ status }) => status === 'Succeeded').length >= requiredOf(zonal, own.length),
    );
  }

  /** Complains about a target that begins before its zone has its turn, or where its zone cannot spare it. */
  #checkZones({ zone }: SimulatedTarget): void {
    const { zonal } = this.#settings;
    if (zonal === null) return;
    const own = this.targets.filter((target) => target.zone === zone);
    const earlier = this.targets.slice(
      0,
      this.targets.findIndex((target) => target.zone === zone),
    );
    if (earlier.some(({ endedAtMs }) => endedAtMs === null)) throw new Error('two zones at once');
    if (own.every(({ status }) => status === 'Pending')) {
      const waitMs = (before: SimulatedTarget) =>
        before.zone === this.targets[0]?.zone ? zonal.firstMonitorMs : zonal.monitorMs;
      if (earlier.some((before) => (before.endedAtMs ?? 0) + waitMs(before) > this.nowMs))
        throw new Error('a zone began during the wait before it');
    }
    const down = own.filter(({ status }) => status === 'InProgress' || status === 'Failed').length;
    if (own.length - down - 1 < requiredOf(zonal, own.length))
      throw new Error('a zone has fewer healthy hosts than its minimum');
  }

  #goOnWithWaits(action: Extract<Action, { action: 'begin-wait' | 'set-status' }>): void {
    const { blueGreen } = this;
    if (blueGreen === null) throw new Error('a deployment in place waits for nobody');
    if (action.action === 'set-status') {
      if (blueGreen.isReady === (action.status === 'Ready')) throw new Error('a status was set twice');
      blueGreen.isReady = action.status === 'Ready';
      return;
    }
    const member = action.wait === 'ready' ? 'readyAtMs' : 'terminationWaitAtMs';
    if (blueGreen[member] !== null) throw new Error('a wait began twice');
    blueGreen[member] = this.nowMs;
  }

  #giveOwnOrder({ kind, subjectId }: Extract<Action, { action: 'give-deployment-order' }>): void {
    const { blueGreen } = this;
    if (blueGreen === null) throw new Error('a deployment in place ends no hosts');
    if (blueGreen.orders.some((order) => order.subjectId === subjectId)) throw new Error('an order was given twice');
    if (this.isStopped) throw new Error('an order after the stop');
    const target = this.targets.find(({ instanceId }) => instanceId === subjectId);
    if (target?.label !== 'blue' || target.status !== 'Succeeded') throw new Error('a host would end that serves');
    blueGreen.orders = [...blueGreen.orders, { kind, subjectId, givenAtMs: this.nowMs, outcome: null, message: '' }];
  }

  /** A program has ended a host, or failed to. */
  endOwnOrder(at: number, outcome: 'Succeeded' | 'Failed', message = ''): void {
    if (this.blueGreen === null) return;
    this.blueGreen.orders = this.blueGreen.orders.map((order, index) =>
      index === at && order.outcome === null ? { ...order, outcome, message } : order,
    );
    this.wakeAtMs = this.nowMs;
  }

  #begin(target: SimulatedTarget, event: SimulatedEvent): void {
    if (this.#everReady.has(event)) throw new Error('a command was made ready twice');
    if (target.status !== 'InProgress') throw new Error('a command for a target that was not started');
    if (target.events.slice(0, event.position).some(({ status }) => !OVER.includes(status)))
      throw new Error('a command before the one before it was over');
    if (this.#stopRequestedAtMs !== null) throw new Error('a command after the stop');
    this.#everReady.add(event);
    event.readyAtMs = this.nowMs;
  }

  #event(target: SimulatedTarget, position: number): SimulatedEvent {
    const event = target.events[position];
    if (event === undefined || OVER.includes(event.status)) throw new Error('an action for an event that is over');
    return event;
  }
}

function fleetOf({ label, hosts, events }: SimulatedFleet, firstNumber = 0): SimulatedTarget[] {
  return Array.from({ length: hosts }, (_, index) => ({
    instanceId: `host-${firstNumber + index}`,
    status: 'Pending' as const,
    zone: '',
    label,
    installedAtMs: null,
    endedAtMs: null,
    host: { deregisteredAtMs: null, heardOfAtMs: null },
    events: events.map((name, position) => ({
      position,
      name,
      status: 'Pending' as const,
      readyAtMs: null,
      startedAtMs: null,
      handedOut: false,
    })),
  }));
}
