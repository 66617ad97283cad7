/**
 * The parts of the management API's answers that are shown. Members that the server always sends are made certain here: one place where
 * absent members of the wire become values.
 */
import type { ManagementOperations } from '../../protocol/management/shapes.ts';

export type DeploymentInfo = NonNullable<ManagementOperations['GetDeployment']['output']['deploymentInfo']>;
type WireTarget = NonNullable<ManagementOperations['BatchGetDeploymentTargets']['output']['deploymentTargets']>[number];
type WireEvent = NonNullable<NonNullable<WireTarget['instanceTarget']>['lifecycleEvents']>[number];

export interface LifecycleEvent {
  readonly lifecycleEventName: string;
  readonly status: string;
  readonly startTime?: number | undefined;
  readonly endTime?: number | undefined;
  readonly diagnostics?: WireEvent['diagnostics'];
}

export interface TargetRecord {
  readonly targetId: string;
  readonly status: string;
  /** `Blue` or `Green`; absent: the deployment is in place. */
  readonly instanceLabel?: string;
  /** How the traffic is divided, in words; absent: it is a host. */
  readonly traffic?: string;
  readonly lifecycleEvents: readonly LifecycleEvent[];
}

export function targetRecord(target: WireTarget): TargetRecord {
  const { instanceTarget: instance, lambdaTarget, ecsTarget } = target;
  const any = instance ?? lambdaTarget ?? ecsTarget;
  const traffic = trafficOf(lambdaTarget) ?? trafficOfService(ecsTarget);
  return {
    targetId: any?.targetId ?? '?',
    status: any?.status ?? 'Unknown',
    ...(instance?.instanceLabel === undefined ? {} : { instanceLabel: instance.instanceLabel }),
    ...(traffic === null ? {} : { traffic }),
    lifecycleEvents: (any?.lifecycleEvents ?? []).map((event) => ({
      lifecycleEventName: event.lifecycleEventName ?? '?',
      status: event.status ?? 'Unknown',
      startTime: event.startTime,
      endTime: event.endTime,
      diagnostics: event.diagnostics,
    })),
  };
}

function trafficOf(target: WireTarget['lambdaTarget']): string | null {
  const { targetVersion, targetVersionWeight } = target?.lambdaFunctionInfo ?? {};
  if (targetVersion === undefined || targetVersionWeight === undefined) return null;
  return `${targetVersionWeight}% to version ${targetVersion}`;
}

function trafficOfService(target: WireTarget['ecsTarget']): string | null {
  const green = target?.taskSetsInfo?.find(({ taskSetLabel }) => taskSetLabel === 'Green');
  if (green === undefined) return null;
  const { trafficWeight = 0, targetGroup, runningCount = 0, desiredCount = 0 } = green;
  return `${trafficWeight}% to ${targetGroup?.name ?? '?'} (${runningCount} of ${desiredCount} new tasks run)`;
}
