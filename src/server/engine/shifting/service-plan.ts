/**
 * Plan of a deployment to an ECS service: the service, its target groups and listeners, and both waits. Beside it stands what was found when
 * the deployment was prepared. Pure.
 */
import type { BlueGreenConfiguration } from '../hosts/blue-green-plan.ts';
import { LONGEST_WAIT_MS } from '../limits.ts';

/** The part of a deployment group that a deployment to ECS goes by, as it was when the deployment was created. */
export interface ServicePlan extends PairPlan {
  /** Names or ARNs, as the group has them. */
  readonly cluster: string;
  readonly service: string;
  /** Further pairs, which move together with the first; absent: there are none. */
  readonly others?: readonly PairPlan[];
  /** How long ContinueDeployment is waited for before the deployment stops, in milliseconds; null: traffic is rerouted at once. */
  readonly readyWaitMs: number | null;
  /** Wait before the original task set is deleted, in milliseconds; null: it is kept. */
  readonly terminationWaitMs: number | null;
}

/** Two target groups that take turns, and the listeners before them. */
export interface PairPlan {
  /** Names of the pair, in the order of the group. */
  readonly targetGroups: readonly [string, string];
  /** ARNs. */
  readonly productionListener: string;
  /** null: there is none, and nothing is tested before production. */
  readonly testListener: string | null;
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
  const [first = null, ...others] = (settings.loadBalancerInfo?.targetGroupPairInfoList ?? []).map(pairPlanOf);
  if (named?.serviceName === undefined || first === null || others.includes(null)) return null;
  const [, clusterOfArn] = /:service\/([^/]+)\/[^/]+$/.exec(named.serviceName) ?? [];
  return {
    cluster: named.clusterName ?? clusterOfArn ?? 'default',
    service: named.serviceName,
    ...first,
    ...(others.length === 0 ? {} : { others: others.filter((pair) => pair !== null) }),
    ...waitsOf(settings.blueGreenDeploymentConfiguration ?? {}),
  };
}

function pairPlanOf({ targetGroups = [], prodTrafficRoute, testTrafficRoute }: PairSettings): PairPlan | null {
  const [first, second] = targetGroups.map(({ name }) => name);
  const [productionListener] = prodTrafficRoute?.listenerArns ?? [];
  if (!first || !second || productionListener === undefined) return null;
  return {
    targetGroups: [first, second],
    productionListener,
    testListener: testTrafficRoute?.listenerArns?.[0] ?? null,
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

/** A pair as it was found: which of its groups serves, and which one is to. */
export interface PairDetails {
  readonly blueGroup: TargetGroup;
  readonly greenGroup: TargetGroup;
  readonly productionListener: string;
  readonly testListener: string | null;
}

/** All pairs of a service, the first one first. */
export function pairsOf<Pair>(service: Pair & { readonly others?: readonly Pair[] }): readonly [Pair, ...Pair[]] {
  return [service, ...(service.others ?? [])];
}

/** Names of the groups on one side of all pairs, for messages. */
export function groupNames(details: ServiceDetails, side: 'blueGroup' | 'greenGroup'): string {
  return pairsOf<PairDetails>(details)
    .map((pair) => pair[side].name)
    .join(' and ');
}

/** Facts that were found when the deployment was prepared, and what the API shows of the target. */
export interface ServiceDetails extends PairDetails {
  readonly cluster: string;
  readonly service: string;
  /** Further pairs, which move together with the first; absent: there are none. */
  readonly others?: readonly PairDetails[];
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
