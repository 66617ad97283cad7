/** Instances that AWS has in a deployment group, and that no enrolled host is: nobody there takes a command, so they have failed. Pure. */
import type { DeploymentRow, FleetMemberRow, LifecycleEventRow } from '../../store/schema.ts';
import type { NewTarget } from '../../store/targets.ts';
import type { CourseEvent } from '../course.ts';
import { eventDiagnostics } from '../diagnostics.ts';
import { INSTANCE_TAG } from './ec2-identity.ts';

export interface UnknownHosts {
  readonly deployment: Pick<DeploymentRow, 'deployment_id'>;
  readonly members: readonly FleetMemberRow[];
  readonly course: readonly CourseEvent[];
  /** The place of the first one in the order of attempt. */
  readonly firstPosition: number;
  readonly hasZones: boolean;
  readonly nowMs: number;
}

/** Targets that have failed at their first event, which says what to do. */
export function rowsOfUnknown({ deployment, members, course, firstPosition, hasZones, nowMs }: UnknownHosts): {
  readonly targets: readonly NewTarget[];
  readonly events: readonly LifecycleEventRow[];
} {
  const targets: NewTarget[] = [];
  const events: LifecycleEventRow[] = [];
  for (const [index, { ec2_instance_id: id, instance_arn, availability_zone }] of members.entries()) {
    const common = { deployment_id: deployment.deployment_id, instance_id: id, host_arn: instance_arn };
    const message =
      `No enrolled host is the EC2 instance ${id}. Give its host the tag ${INSTANCE_TAG}=${id} when slipway register enrols it, ` +
      'or take it out of the deployment group.';
    targets.push({
      ...{ ...common, target_id: id, target_arn: instance_arn, position: firstPosition + index, was_current: 0 },
      ...{ zone: hasZones ? availability_zone : null, status: 'Failed', updated_at_ms: nowMs },
    });
    for (const [position, { name: event_name }] of course.entries()) {
      const isFirst = position === 0;
      events.push({
        ...{ ...common, position, event_name, status: isFirst ? 'Failed' : 'Skipped' },
        ...{ host_command_id: null, ready_at_ms: null, handed_out_at_ms: null },
        ...{ started_at_ms: isFirst ? nowMs : null, ended_at_ms: nowMs, reported_at_ms: null },
        diagnostics_json: isFirst ? JSON.stringify(eventDiagnostics('UnknownError', { message })) : null,
      });
    }
  }
  return { targets, events };
}
