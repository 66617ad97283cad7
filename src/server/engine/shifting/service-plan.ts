/**
 * Plan of a deployment to an ECS service: the service, its target groups and listeners, and both waits. Beside it stands what was found when
 * the deployment was prepared. Pure.
 */
import type { BlueGreenConfiguration } from '../hosts/blue-green-plan.ts';
import { LONGEST_WAIT_MS } from '../limits.ts';

/** The part of a deployment group that a deployment to ECS goes by, as it was when the deployment was created. */
export interface ServicePlan {
  /** Names or ARNs, as the group has them. */
  readonly cluster: string;
  readonly service: string;
  /** Names of the pair, in the order of the group. */
  readonly targetGroups: readonly [string, string];
  /** ARNs. */
  readonly productionListener: string;
  /** null: there is none, and nothing is tested before production. */
  readonly testListener: string | null;
  /** How long ContinueDeployment is waited for before the deployment stops, in milliseconds; null: traffic is rerouted at once. */
  readonly readyWaitMs: number | null;
  /** Wait before the original task set is deleted, in milliseconds; null: it is kept. */
  readonly terminationWaitMs: number | null;
}

/** Members of the API's shapes: what a group of ECS has. */
export interface ServiceSettings {
  readonly ecsServices?:
    | readonly { readonly serviceName?: string | undefined; readonly clusterName?: string | undefined }[]
    | undefined;
  readonly loadBalancerInfo?: { readonly targetGroupPairInfoList?: readonly PairSettings[] | undefined } | undefined;
  readonly blueGreenDeploymentConfiguration?: BlueGreenConfiguration | undefined;
}

interface PairSettings {
  readonly targetGroups?: readonly { readonly name?: string | undefined }[] | undefined;
  readonly prodTrafficRoute?: { readonly listenerArns?: readonly string[] | undefined } | undefined;
  readonly testTrafficRoute?: { readonly listenerArns?: readonly string[] | undefined } | undefined;
}

const MINUTE_MS = 60_000;

/** @returns null: the group is not whole; one that was made here always is */
export function servicePlanOf(settings: ServiceSettings): ServicePlan | null {
  const [named] = settings.ecsServices ?? [];
  const [pair] = settings.loadBalancerInfo?.targetGroupPairInfoList ?? [];
  const [first, second] = (pair?.targetGroups ?? []).map(({ name }) => name);
  const [productionListener] = pair?.prodTrafficRoute?.listenerArns ?? [];
  if (named?.serviceName === undefined || !first || !second || productionListener === undefined) return null;
  const [, clusterOfArn] = /:service\/([^/]+)\/[^/]+$/.exec(named.serviceName) ?? [];
  return {
    cluster: named.clusterName ?? clusterOfArn ?? 'default',
    service: named.serviceName,
    targetGroups: [first, second],
    productionListener,
    testListener: pair?.testTrafficRoute?.listenerArns?.[0] ?? null,
    ...waitsOf(settings.blueGreenDeploymentConfiguration ?? {}),
  };
}

/** Without a setting the original task set is deleted at once, and traffic is rerouted without a wait. */
function waitsOf({ deploymentReadyOption, terminateBlueInstancesOnDeploymentSuccess }: BlueGreenConfiguration) {
  const { actionOnTimeout, waitTimeInMinutes } = deploymentReadyOption ?? {};
  const { action = 'TERMINATE', terminationWaitTimeInMinutes = 0 } = terminateBlueInstancesOnDeploymentSuccess ?? {};
  // A wait that nobody gave an end ends when every wait does.
  const readyWaitMs = waitTimeInMinutes ? waitTimeInMinutes * MINUTE_MS : LONGEST_WAIT_MS;
  return {
    readyWaitMs: actionOnTimeout === 'STOP_DEPLOYMENT' ? readyWaitMs : null,
    terminationWaitMs: action === 'TERMINATE' ? terminationWaitTimeInMinutes * MINUTE_MS : null,
  };
}

/** A target group by its name and its ARN. */
export interface TargetGroup {
  readonly name: string;
  readonly arn: string;
}

/** Facts that were found when the deployment was prepared, and what the API shows of the target. */
export interface ServiceDetails {
  readonly cluster: string;
  readonly service: string;
  readonly blueGroup: TargetGroup;
  readonly greenGroup: TargetGroup;
  readonly productionListener: string;
  readonly testListener: string | null;
  /** Id of the task set that served when the deployment began; null: none did. */
  readonly blueId: string | null;
  /** The deployment whose task set is green: a rollback has that of the deployment that it rolls back. */
  readonly greenOf: string;
  readonly taskSets: readonly TaskSetDetails[];
}

/** A task set as the API shows it. */
export interface TaskSetDetails {
  readonly id: string;
  readonly label: 'Blue' | 'Green';
  readonly status: string;
  readonly desired: number;
  readonly pending: number;
  readonly running: number;
  /** Percent of the production traffic. */
  readonly trafficWeight: number;
  readonly targetGroup: string;
}
