/** A deployment's targets and their events, as rows that have not begun. Pure. */
import type { DeploymentRow, InstanceRow, LifecycleEventRow } from '../../store/schema.ts';
import type { NewTarget } from '../../store/targets.ts';
import type { CourseEvent, Label } from '../course.ts';

/** Columns of a host that its target keeps. */
export type HostOfTarget = Pick<InstanceRow, 'instance_id' | 'instance_name' | 'instance_arn' | 'host_arn'>;

export interface RowsRequest {
  readonly deployment: Pick<DeploymentRow, 'deployment_id'>;
  /** In the order of attempt. */
  readonly hosts: readonly HostOfTarget[];
  readonly label: Label;
  readonly course: readonly CourseEvent[];
  /** The place of the first one in the order of attempt of the whole deployment. */
  readonly firstPosition: number;
  /** Instances that are left alone, because they run the revision already. */
  readonly upToDate: ReadonlySet<string>;
  readonly zoneOf: ((instanceId: string) => string) | null;
  readonly nowMs: number;
}

export interface Rows {
  readonly targets: NewTarget[];
  readonly events: LifecycleEventRow[];
}

export function targetRows({ deployment, hosts, label, course, upToDate, zoneOf, ...at }: RowsRequest): Rows {
  const rows: Rows = { targets: [], events: [] };
  for (const [index, host] of hosts.entries()) {
    const { instance_id, host_arn } = host;
    const isCurrent = upToDate.has(instance_id);
    const common = { deployment_id: deployment.deployment_id, instance_id, host_arn };
    rows.targets.push({
      ...common,
      target_id: host.instance_name,
      target_arn: host.instance_arn,
      position: at.firstPosition + index,
      was_current: isCurrent ? 1 : 0,
      zone: zoneOf?.(instance_id) || null,
      label: label === 'all' ? null : label,
      status: isCurrent ? 'Skipped' : 'Pending',
      updated_at_ms: at.nowMs,
    });
    for (const [position, { name: event_name }] of course.entries()) {
      rows.events.push({
        ...common,
        position,
        event_name,
        status: isCurrent ? 'Skipped' : 'Pending',
        host_command_id: null,
        ready_at_ms: null,
        handed_out_at_ms: null,
        started_at_ms: null,
        ended_at_ms: isCurrent ? at.nowMs : null,
        reported_at_ms: null,
        diagnostics_json: null,
      });
    }
  }
  return rows;
}
