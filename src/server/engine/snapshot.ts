/** Input of a decision about a deployment, and its result. Types only. Pure. */
import type { DeploymentOrder } from '../store/deployment-orders.ts';
import type { LifecycleEventStatus, TargetStatus } from '../store/schema.ts';
import type { BlueGreenPlan } from './hosts/blue-green-plan.ts';
import type { FinishAction } from './hosts/ending.ts';
import type { MinimumHealthyHosts, TargetCounts } from './hosts/health.ts';
import type { ZonalSettings } from './hosts/zones.ts';
import type { ShiftPlan } from './shifting/plan.ts';

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
  /** The value of its zone tag when the deployment began; '': it had none, or no zones are asked for. */
  readonly zone: string;
  /** Its fleet; null: the deployment has one fleet only. */
  readonly label: 'blue' | 'green' | null;
  /** When it was installed and could take traffic; null: not yet, or it has no such moment. */
  readonly installedAtMs: number | null;
  /** null: it is not over. */
  readonly endedAtMs: number | null;
  readonly host: HostSnapshot;
  /** In order, at least one; those of a target that is over are not looked at. */
  readonly events: readonly EventSnapshot[];
}

/** Present state of a target's host. */
export interface HostSnapshot {
  /** null: it is registered. */
  readonly deregisteredAtMs: number | null;
  /** When it last polled, or said that it is at work; null: never. */
  readonly heardOfAtMs: number | null;
}

/** The targets of a deployment that a decision does not look at: the last step has seen to them, and they have not changed since. */
export interface OtherTargets {
  readonly hosts: number;
  readonly counts: TargetCounts;
  /** None of them reaches a time limit before. */
  readonly wakeAtMs: number;
}

/** How far a blue/green deployment has come, beside what its targets say. */
export interface BlueGreenSnapshot {
  readonly plan: BlueGreenPlan;
  /** Whether its status is Ready, and not InProgress. */
  readonly isReady: boolean;
  /** When enough replacement hosts were installed; null: not yet. */
  readonly readyAtMs: number | null;
  /** When somebody had traffic rerouted; null: nobody has. */
  readonly continuedAtMs: number | null;
  /** When the wait before the original hosts are terminated began; null: not yet. */
  readonly terminationWaitAtMs: number | null;
  /** When somebody ended that wait; null: nobody has. */
  readonly waitSkippedAtMs: number | null;
  /** Orders to the server for the deployment as a whole. */
  readonly orders: readonly OrderSnapshot[];
  /** Replacement hosts that AWS has ended; absent: none, or nobody asks AWS. */
  readonly goneInAws?: readonly string[];
}

/** Facts that a decision about traffic needs beside the target's events. */
export interface ShiftSnapshot {
  readonly plan: ShiftPlan;
  /** Whether a rollback follows if the deployment is stopped. */
  readonly isRolledBackWhenStopped: boolean;
  /** Message of the event that has failed; '': none has. */
  readonly failure: string;
  readonly waits: ShiftWaits;
}

/** How far a deployment to ECS has come in its waits, as in a blue/green deployment to hosts. */
export type ShiftWaits = Omit<BlueGreenSnapshot, 'plan'>;

/** An order of the deployment itself. */
export interface OrderSnapshot extends Pick<DeploymentOrder, 'kind' | 'subjectId'> {
  readonly givenAtMs: number;
  /** null: it is under way. */
  readonly outcome: 'Succeeded' | 'Failed' | null;
  /** Words about the outcome. */
  readonly message: string;
}

/** A deployment that is InProgress or Ready. */
export interface DeploymentSnapshot {
  readonly createdAtMs: number;
  readonly stopRequestedAtMs: number | null;
  /** Why an alarm has requested the stop; null: none has. */
  readonly stoppedByAlarm: string | null;
  /** Since when hosts could be heard of: silence from before says nothing about them. */
  readonly listeningSinceMs: number;
  readonly minimum: MinimumHealthyHosts;
  readonly deploymentConfigName: string;
  readonly ignoreApplicationStopFailures: boolean;
  /** null: the deployment does not go from zone to zone. */
  readonly zonal: ZonalSettings | null;
  /** null: the deployment is in place. */
  readonly blueGreen: BlueGreenSnapshot | null;
  /** Absent: it deploys to hosts. */
  readonly shift?: ShiftSnapshot;
  /** In the order of attempt. Those that were left alone because they were up to date are not among them. */
  readonly targets: readonly TargetSnapshot[];
}

export type Action =
  | { readonly action: 'start-target'; readonly instanceId: string }
  | { readonly action: 'ready-event'; readonly instanceId: string; readonly position: number }
  /** The event is the server's own: it is under way at once. */
  | { readonly action: 'give-order'; readonly instanceId: string; readonly position: number; readonly event: string }
  /** The event has nothing to do: it has succeeded. */
  | { readonly action: 'pass-event'; readonly instanceId: string; readonly position: number }
  /** The server has something to do for the deployment as a whole, or about one of its hosts when all events are over. */
  | ({ readonly action: 'give-deployment-order' } & Pick<DeploymentOrder, 'kind' | 'subjectId'>)
  | { readonly action: 'fail-event'; readonly instanceId: string; readonly position: number; readonly message: string }
  /** The target is over; its events that have not ended are Skipped. */
  | { readonly action: 'end-target'; readonly instanceId: string; readonly status: TargetEnding }
  /** The target is installed, and waits until all others are, too. */
  | { readonly action: 'ready-target'; readonly instanceId: string }
  /** The deployment has come to one of its waits. */
  | { readonly action: 'begin-wait'; readonly wait: 'ready' | 'termination' }
  | { readonly action: 'set-status'; readonly status: 'Ready' | 'InProgress' }
  | FinishAction
  | { readonly action: 'wake-at'; readonly atMs: number };

export type TargetEnding = Extract<TargetStatus, 'Succeeded' | 'Failed' | 'Skipped'>;

/** An event that a deployment waits for, and when it is given up. */
export interface Wait {
  readonly position: number;
  /** Since when: it was made ready, or the host began it. */
  readonly sinceMs: number;
  /** When the host was last heard of, at the latest when it began; of the server's own events, when they began. */
  readonly heardOfAtMs: number;
  readonly giveUpAtMs: number;
  /** Why it is given up then: it was not begun, its host was not heard of, or it took too long. */
  readonly reason: 'not-started' | 'silence' | 'too-long';
}
