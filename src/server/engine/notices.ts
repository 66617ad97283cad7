/**
 * Which notices follow from a change of a deployment and of its targets, and what they say. Pure.
 *
 * A notice's id follows from the change and from the trigger, and each event comes once in the life of a deployment or a target. So
 * deciding twice makes one row, and a receiver can tell a repetition by the id.
 */

import type { TriggerEvent } from '../../protocol/management/trigger-events.ts';
import type { DeploymentRow, LifecycleEventRow, TargetRow, TargetStatus } from '../store/schema.ts';
import type { DeploymentOptions } from './settings.ts';
import type { Trigger } from './triggers.ts';

export interface WantedNotice {
  readonly id: string;
  readonly event: TriggerEvent;
  readonly trigger: Trigger;
  /** null: it is about the deployment. */
  readonly instanceId: string | null;
}

type DeploymentState = Pick<DeploymentRow, 'status' | 'started_at_ms' | 'ready_at_ms' | 'creator'>;
type TargetState = Pick<TargetRow, 'instance_id' | 'status' | 'installed_at_ms'>;

/** A row as it was and as it is. */
export interface Change<Row> {
  readonly before: Row;
  readonly after: Row;
}

/** The notices of one step, in the order in which things have happened. */
export function wantedNotices(
  deploymentId: string,
  deployment: Change<DeploymentState>,
  targets: readonly Change<TargetState>[],
  triggers: readonly Trigger[],
): readonly WantedNotice[] {
  const happened: readonly { readonly event: TriggerEvent; readonly instanceId: string | null }[] = [
    ...beginnings(deployment).map((event) => ({ event, instanceId: null })),
    ...targets.flatMap((target) =>
      instanceEvents(target).map((event) => ({ event, instanceId: target.after.instance_id })),
    ),
    ...turns(deployment).map((event) => ({ event, instanceId: null })),
  ];
  return happened.flatMap(({ event, instanceId }) =>
    triggers
      .filter(({ events }) => events.includes(event))
      .map((trigger) => ({
        id: [deploymentId, instanceId ?? '', event, trigger.name].join('/'),
        ...{ event, trigger, instanceId },
      })),
  );
}

/** A step may begin a deployment and end it, too: nothing but its start time tells that it has begun. */
function beginnings({ before, after }: Change<DeploymentState>): readonly TriggerEvent[] {
  if (before.started_at_ms !== null || after.started_at_ms === null) return [];
  // The hosted service, too, sends this one about the deployment that brings the old revision back.
  return after.creator === 'codeDeployRollback' ? ['DeploymentStart', 'DeploymentRollback'] : ['DeploymentStart'];
}

const TURNS: Readonly<Partial<Record<DeploymentRow['status'], TriggerEvent>>> = {
  Succeeded: 'DeploymentSuccess',
  Failed: 'DeploymentFailure',
  Stopped: 'DeploymentStop',
};

/** The step in which enough replacement hosts are installed may have them take traffic, too: nothing but the time tells that it was Ready. */
function turns({ before, after }: Change<DeploymentState>): readonly TriggerEvent[] {
  const ready: readonly TriggerEvent[] =
    before.ready_at_ms === null && after.ready_at_ms !== null ? ['DeploymentReady'] : [];
  const event = TURNS[after.status];
  return before.status === after.status || event === undefined ? ready : [...ready, event];
}

const OF_TARGETS: Readonly<Partial<Record<TargetStatus, TriggerEvent>>> = {
  Succeeded: 'InstanceSuccess',
  Failed: 'InstanceFailure',
};

/** The step in which the last replacement host is installed may have it take traffic, too: nothing but the time tells that it was Ready. */
function instanceEvents({ before, after }: Change<TargetState>): readonly TriggerEvent[] {
  const ready: readonly TriggerEvent[] =
    before.installed_at_ms === null && after.installed_at_ms !== null ? ['InstanceReady'] : [];
  if (before.status === after.status) return ready;
  if (after.status === 'InProgress' && before.status === 'Pending') return ['InstanceStart'];
  const event = OF_TARGETS[after.status];
  return event === undefined ? ready : [...ready, event];
}

export interface NoticeText {
  /** One line of at most 100 characters, as SNS takes. */
  readonly subject: string;
  /** The documented payload without region and account, which its sender adds. Every scalar is a text. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** @see the hosted service's guide, "JSON data formats for CodeDeploy triggers" */
export function deploymentNotice(
  { name }: Pick<Trigger, 'name'>,
  deployment: DeploymentRow,
  targetsByStatus: Readonly<Record<string, number>>,
): NoticeText {
  const { deployment_id: deploymentId, deployment_group_name: group, completed_at_ms } = deployment;
  const { rollbackInfo } = JSON.parse(deployment.options_json) as DeploymentOptions;
  return {
    subject: subjectOf(`${deployment.status}: CodeDeploy ${deploymentId} to ${group}`),
    payload: {
      eventTriggerName: name,
      applicationName: deployment.application_name,
      deploymentId,
      deploymentGroupName: group,
      createTime: seconds(deployment.created_at_ms),
      ...(completed_at_ms === null ? {} : { completeTime: seconds(completed_at_ms) }),
      deploymentOverview: overviewOf(targetsByStatus),
      status: deployment.status,
      ...(deployment.error_code === null
        ? {}
        : { errorInformation: { ErrorCode: deployment.error_code, ErrorMessage: deployment.error_message ?? '' } }),
      // Not documented, and yet what the hosted service sends.
      ...(rollbackInfo === undefined ? {} : { rollbackInformation: rollbackMembers(rollbackInfo) }),
    },
  };
}

/** @see `deploymentNotice` @param events of this target, in order */
export function instanceNotice(
  { name }: Pick<Trigger, 'name'>,
  deployment: Pick<DeploymentRow, 'deployment_id' | 'deployment_group_name'>,
  target: TargetRow,
  events: readonly Pick<LifecycleEventRow, 'event_name' | 'status' | 'started_at_ms' | 'ended_at_ms'>[],
): NoticeText {
  const { deployment_id: deploymentId, deployment_group_name: group } = deployment;
  return {
    subject: subjectOf(`${target.status}: ${target.target_id} in CodeDeploy ${deploymentId} to ${group}`),
    payload: {
      eventTriggerName: name,
      deploymentId,
      instanceId: target.target_arn,
      lastUpdatedAt: seconds(target.updated_at_ms),
      instanceStatus: target.status,
      lifecycleEvents: events.map(({ event_name, status, started_at_ms, ended_at_ms }) => ({
        LifecycleEvent: event_name,
        LifecycleEventStatus: status,
        ...(started_at_ms === null ? {} : { StartTime: seconds(started_at_ms) }),
        ...(ended_at_ms === null ? {} : { EndTime: seconds(ended_at_ms) }),
      })),
    },
  };
}

/** Five counts are documented. A target that is Ready is not over, so it is counted as under way, and the sum stays the number of targets. */
function overviewOf(count: Readonly<Record<string, number>>): Readonly<Record<string, string>> {
  const of = (...statuses: readonly TargetStatus[]) =>
    String(statuses.reduce((sum, status) => sum + (count[status] ?? 0), 0));
  return {
    Failed: of('Failed', 'Unknown'),
    InProgress: of('InProgress', 'Ready'),
    Pending: of('Pending'),
    Skipped: of('Skipped'),
    Succeeded: of('Succeeded'),
  };
}

function rollbackMembers(info: NonNullable<DeploymentOptions['rollbackInfo']>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(info).map(([name, value]) => [`${name.charAt(0).toUpperCase()}${name.slice(1)}`, value]),
  );
}

/** Milliseconds as the payload has times: seconds with three decimals, as a text. */
function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

const MAX_SUBJECT = 100;

function subjectOf(text: string): string {
  return text.length <= MAX_SUBJECT ? text : `${text.slice(0, MAX_SUBJECT - 3)}...`;
}
