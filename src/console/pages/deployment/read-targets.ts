/** Targets of a deployment, read from the API. */
import type { CodeDeployOperations } from '../../../protocol/management/shapes.ts';
import { call, chunks } from '../../api/call.ts';
import type { ApiPage } from '../../api/page-walk.ts';

type AnyTarget = NonNullable<CodeDeployOperations['BatchGetDeploymentTargets']['output']['deploymentTargets']>[number];
type InstanceTarget = NonNullable<AnyTarget['instanceTarget']>;
/** A host, a function or a service: what all of them have. Hosts of blue/green deployments have a label, too. */
export type Target = Pick<InstanceTarget, 'targetId' | 'status' | 'lastUpdatedAt' | 'lifecycleEvents'> &
  Partial<Pick<InstanceTarget, 'instanceLabel'>> & {
    /** Lines about a function or a service; null: it is a host. */
    readonly about: readonly string[] | null;
  };
export type LifecycleEvent = NonNullable<Target['lifecycleEvents']>[number];

/** The API's limit. */
const MOST_AT_ONCE = 25;

/** A page of the names of targets. @param status null: targets in any status */
export async function idsOfTargets(
  deploymentId: string,
  status: string | null,
  nextToken: string | undefined,
  signal: AbortSignal,
): Promise<ApiPage<string>> {
  const filter = status === null ? {} : { targetFilters: { TargetStatus: [status] } };
  const token = nextToken === undefined ? {} : { nextToken };
  const answer = await call('ListDeploymentTargets', { deploymentId, ...filter, ...token }, signal);
  return { entries: answer.targetIds ?? [], nextToken: answer.nextToken };
}

export async function targetsOf(deploymentId: string, ids: readonly string[], signal: AbortSignal): Promise<Target[]> {
  const answers = await Promise.all(
    chunks(ids, MOST_AT_ONCE).map((some) =>
      call('BatchGetDeploymentTargets', { deploymentId, targetIds: some }, signal),
    ),
  );
  return answers
    .flatMap(({ deploymentTargets }) => deploymentTargets ?? [])
    .flatMap(({ instanceTarget, lambdaTarget, ecsTarget }): Target[] => {
      if (instanceTarget !== undefined) return [{ ...instanceTarget, about: null }];
      if (lambdaTarget !== undefined) return [{ ...lambdaTarget, about: linesOfFunction(lambdaTarget) }];
      return ecsTarget === undefined ? [] : [{ ...ecsTarget, about: linesOfService(ecsTarget) }];
    });
}

function linesOfFunction({ lambdaFunctionInfo: info }: NonNullable<AnyTarget['lambdaTarget']>): string[] {
  if (info === undefined) return [];
  return [
    `Function ${info.functionName}, alias ${info.functionAlias}: from version ${info.currentVersion} to ${info.targetVersion}`,
  ];
}

function linesOfService({ taskSetsInfo = [] }: NonNullable<AnyTarget['ecsTarget']>): string[] {
  return taskSetsInfo.map(({ taskSetLabel, identifer, status, runningCount, desiredCount, trafficWeight }) => {
    const tasks = `${runningCount ?? 0} of ${desiredCount ?? 0} tasks run`;
    return `${taskSetLabel} task set ${identifer}: ${status}, ${tasks}, ${trafficWeight ?? 0} % of the traffic`;
  });
}
