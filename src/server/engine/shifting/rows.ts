/** The target of a deployment that moves traffic, and its events, as rows that have not begun. Pure. */
import type { LifecycleEventRow } from '../../store/schema.ts';
import type { NewTarget } from '../../store/targets.ts';
import type { CourseEvent } from '../course.ts';
import type { ShiftedTarget } from './plan.ts';

/** No host is told of the events: no host has an empty ARN. */
const NO_HOST = '';

export function shiftedRows(about: {
  readonly deploymentId: string;
  readonly target: ShiftedTarget;
  readonly course: readonly CourseEvent[];
  readonly nowMs: number;
}): { readonly targets: NewTarget[]; readonly events: LifecycleEventRow[] } {
  const { deploymentId, target, course, nowMs } = about;
  const common = { deployment_id: deploymentId, instance_id: target.subjectId, host_arn: NO_HOST };
  return {
    targets: [
      {
        ...common,
        target_id: target.targetId,
        target_arn: target.targetArn,
        ...{ position: 0, was_current: 0, status: 'Pending', updated_at_ms: nowMs },
        details_json: JSON.stringify(target.details),
      },
    ],
    events: course.map(({ name: event_name }, position) => ({
      ...common,
      ...{ position, event_name, status: 'Pending', host_command_id: null },
      ...{ ready_at_ms: null, handed_out_at_ms: null, started_at_ms: null, ended_at_ms: null },
      ...{ reported_at_ms: null, diagnostics_json: null },
    })),
  };
}
