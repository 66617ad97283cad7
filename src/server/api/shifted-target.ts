/** Targets that are no hosts, as the API shows them. Pure. */
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import type { LambdaDetails } from '../engine/shifting/plan.ts';
import type { TargetRow } from '../store/schema.ts';

type DeploymentTarget = NonNullable<ManagementOperations['GetDeploymentTarget']['output']['deploymentTarget']>;
type LambdaTarget = NonNullable<DeploymentTarget['lambdaTarget']>;
/** Members that every kind of target has. */
type Summary = Pick<LambdaTarget, 'deploymentId' | 'status' | 'lastUpdatedAt' | 'lifecycleEvents'>;

/** @param detailsJson what the target's platform has noted of it */
export function shiftedTarget(target: TargetRow, summary: object, detailsJson: string): DeploymentTarget {
  const common = { ...(summary as Summary), targetId: target.target_id, targetArn: target.target_arn };
  const lambdaFunctionInfo = JSON.parse(detailsJson) as LambdaDetails;
  return { deploymentTargetType: 'LambdaTarget', lambdaTarget: { ...common, lambdaFunctionInfo } };
}
