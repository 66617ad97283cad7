/** How a deployment goes from one fleet to another, as it is stored with the deployment. Pure. */
import { LONGEST_WAIT_MS } from '../limits.ts';
import { ec2FilterListsOf, type FilterLists, filterListsOf, type MembershipSettings } from './membership.ts';

export type BlueGreenPlan = ReplacementPlan | WayBackPlan;

/** The replacement hosts (green) get the revision, and then the traffic of the original ones (blue). */
export interface ReplacementPlan {
  readonly course: 'blue-green';
  /** Lists of tag filters: a replacement host matches one of each list. */
  readonly greenFilterLists: FilterLists;
  /** AWS says which hosts they are: instances that the filters match, and members of these Auto Scaling groups; absent: the tags of enrolled hosts do. */
  readonly greenInAws?: { readonly autoScalingGroups: readonly string[] };
  /** How long ContinueDeployment is waited for before the deployment stops, in milliseconds; null: traffic is rerouted at once. */
  readonly readyWaitMs: number | null;
  /** Wait before the original hosts are terminated, in milliseconds; null: they are kept. */
  readonly terminationWaitMs: number | null;
  /** Maker of the replacement hosts, before anything else; absent: the hosts are there. */
  readonly provisionBy?: 'program' | 'copy';
  /** Thing that ends the original hosts after the wait; absent: they run on. */
  readonly terminateBy?: 'program' | 'copy' | 'ec2';
  /** The Auto Scaling group that is copied, and its copy, whose instances are the replacement; absent: nothing is copied. */
  readonly copiedGroup?: CopiedGroup;
}

/** Names of Auto Scaling groups. */
export interface CopiedGroup {
  readonly original: string;
  readonly copy: string;
}

/** A rollback: the original hosts get their traffic back, and then the replacement hosts lose it. */
export interface WayBackPlan {
  readonly course: 'blue-green-rollback';
  /** The deployment that is rolled back. */
  readonly deploymentId: string;
}

/** A member of the API's shapes; of a group that was let pass. */
export interface BlueGreenConfiguration {
  /** Absent: the original hosts are kept. */
  readonly terminateBlueInstancesOnDeploymentSuccess?:
    | { readonly action?: string | undefined; readonly terminationWaitTimeInMinutes?: number | undefined }
    | undefined;
  /** Absent: traffic is rerouted at once. */
  readonly deploymentReadyOption?:
    | { readonly actionOnTimeout?: string | undefined; readonly waitTimeInMinutes?: number | undefined }
    | undefined;
  /** Absent: replacement hosts are there already. */
  readonly greenFleetProvisioningOption?: { readonly action?: string | undefined } | undefined;
}

/** A member of CreateDeployment: which hosts are the replacement. */
export interface TargetInstances extends Pick<MembershipSettings, 'ec2TagSet'> {
  readonly tagFilters?: MembershipSettings['ec2TagFilters'];
  readonly autoScalingGroups?: readonly string[] | undefined;
}

/**
 * The replacement hosts of a deployment that names none, if a program makes them. It gives them this tag, whose value differs in each
 * deployment.
 */
export function madeFor(deploymentId: string): TargetInstances {
  return { tagFilters: [{ Key: 'slipway-deployment', Value: deploymentId, Type: 'KEY_AND_VALUE' }] };
}

const MINUTE_MS = 60_000;

export function replacementPlan(
  { deploymentReadyOption, terminateBlueInstancesOnDeploymentSuccess }: BlueGreenConfiguration,
  targetInstances: TargetInstances,
): ReplacementPlan {
  const { actionOnTimeout, waitTimeInMinutes } = deploymentReadyOption ?? {};
  const { action, terminationWaitTimeInMinutes = 0 } = terminateBlueInstancesOnDeploymentSuccess ?? {};
  // A wait that nobody gave an end ends when every wait does.
  const readyWaitMs = waitTimeInMinutes ? waitTimeInMinutes * MINUTE_MS : LONGEST_WAIT_MS;
  return {
    course: 'blue-green',
    greenFilterLists: ec2FilterListsOf({ ...targetInstances, ec2TagFilters: targetInstances.tagFilters }),
    readyWaitMs: actionOnTimeout === 'STOP_DEPLOYMENT' ? readyWaitMs : null,
    terminationWaitMs: action === 'TERMINATE' ? terminationWaitTimeInMinutes * MINUTE_MS : null,
  };
}

/** The same plan where AWS says which hosts are the replacement. */
export function withGreenInAws(plan: ReplacementPlan, { autoScalingGroups = [] }: TargetInstances): ReplacementPlan {
  return { ...plan, greenInAws: { autoScalingGroups } };
}

/** Whether there is something that makes replacement hosts for a group, and something that ends original ones. */
export interface Hands {
  readonly provision: boolean;
  readonly terminate: boolean;
}

/** Where nobody asks for the end of the original hosts, nothing ends them. */
export function withHands(plan: ReplacementPlan, hands: Hands): ReplacementPlan {
  return {
    ...plan,
    ...(hands.provision ? { provisionBy: 'program' } : {}),
    ...(hands.terminate && plan.terminationWaitMs !== null ? { terminateBy: 'program' } : {}),
  };
}

/** The same plan where the server asks AWS: original hosts that are instances of EC2 end there, if no program ends them. */
export function withEc2(plan: ReplacementPlan): ReplacementPlan {
  if (plan.terminationWaitMs === null || plan.terminateBy !== undefined) return plan;
  return { ...plan, terminateBy: 'ec2' };
}

/** The same plan where the replacement is a copy of the group's Auto Scaling group. The original ends where somebody asks for that. */
export function withCopy(plan: ReplacementPlan, copiedGroup: CopiedGroup): ReplacementPlan {
  return {
    ...withGreenInAws(plan, { autoScalingGroups: [copiedGroup.copy] }),
    ...{ copiedGroup, provisionBy: 'copy' },
    ...(plan.terminationWaitMs === null ? {} : { terminateBy: 'copy' }),
  };
}

/**
 * Returns the filters of a group that consists of the replacement hosts. Where AWS has said which they are, it says so from now on. Else
 * the filters are on-premises filters if the group had such before. Hosts of the same kind replace the old ones, and an editor of the
 * group's tags finds them where they were. They are on-premises filters, too, where AWS answers for a group's EC2 filters. The replacement
 * hosts were found by the tags with which they are enrolled, and AWS need not know those.
 */
export function membershipAfter(
  before: MembershipSettings,
  { tagFilters = [], ec2TagSet, autoScalingGroups = [] }: TargetInstances,
  { asksAws, plan }: { readonly asksAws: boolean; readonly plan: ReplacementPlan },
): MembershipSettings & Pick<TargetInstances, 'autoScalingGroups'> {
  if (plan.greenInAws !== undefined) {
    const filters = ec2TagSet === undefined ? { ec2TagFilters: tagFilters } : { ec2TagSet };
    return autoScalingGroups.length === 0 ? filters : { ...filters, autoScalingGroups };
  }
  const isOnPremises = asksAws || filterListsOf(before).length > 0;
  if (ec2TagSet === undefined) {
    return isOnPremises ? { onPremisesInstanceTagFilters: tagFilters } : { ec2TagFilters: tagFilters };
  }
  return isOnPremises ? { onPremisesTagSet: { onPremisesTagSetList: ec2TagSet.ec2TagSetList } } : { ec2TagSet };
}
