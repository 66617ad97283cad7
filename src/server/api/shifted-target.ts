/** Targets that are no hosts, as the API shows them. Pure. */
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import { eventDiagnostics } from '../engine/diagnostics.ts';
import type { LambdaDetails } from '../engine/shifting/plan.ts';
import type { ServiceDetails } from '../engine/shifting/service-plan.ts';
import type { LifecycleEventRow, OrderRow, TargetRow } from '../store/schema.ts';

type DeploymentTarget = NonNullable<ManagementOperations['GetDeploymentTarget']['output']['deploymentTarget']>;
type LambdaTarget = NonNullable<DeploymentTarget['lambdaTarget']>;
/** Members that every kind of target has. */
type Summary = Pick<LambdaTarget, 'deploymentId' | 'status' | 'lastUpdatedAt' | 'lifecycleEvents'>;

/** @param detailsJson what the target's platform has noted of it */
export function shiftedTarget(target: TargetRow, summary: object, detailsJson: string): DeploymentTarget {
  const common = { ...(summary as Summary), targetId: target.target_id, targetArn: target.target_arn };
  const details = JSON.parse(detailsJson) as LambdaDetails | ServiceDetails;
  if ('taskSets' in details) {
    const ecsTarget = { ...common, taskSetsInfo: details.taskSets.map(taskSetInfo) };
    return { deploymentTargetType: 'ECSTarget', ecsTarget } as DeploymentTarget;
  }
  const lambdaFunctionInfo = details;
  return { deploymentTargetType: 'LambdaTarget', lambdaTarget: { ...common, lambdaFunctionInfo } };
}

/** `identifer` is the API's own spelling. */
function taskSetInfo({ id, label, status, targetGroup, ...set }: ServiceDetails['taskSets'][number]) {
  return {
    ...{ identifer: id, desiredCount: set.desired, pendingCount: set.pending, runningCount: set.running },
    ...{ status, trafficWeight: set.trafficWeight, targetGroup: { name: targetGroup }, taskSetLabel: label },
  };
}

/** The last call that an event waits for, in its diagnostics: nobody has to guess what a deployment waits for. */
export function callUnderWay(
  { status }: Pick<LifecycleEventRow, 'status'>,
  order: Pick<OrderRow, 'last_call' | 'last_answer'> | undefined,
) {
  if (status !== 'InProgress' || order?.last_call == null) return {};
  const message = `Under way. The last call: ${order.last_call}. Its answer: ${order.last_answer ?? 'none yet'}.`;
  return { diagnostics: eventDiagnostics('Success', { message }) };
}
