/** The hosts of a deployment group as AWS has them: instances by their tags, and members of Auto Scaling groups. */
import type { AutoScalingGroup, Instance } from '@aws-sdk/client-auto-scaling';
import type { AwsClients } from './aws.ts';
import { AwsFault, callAws } from './aws-fault.ts';
import { type Ec2Instance, findInstances } from './ec2.ts';
import type { Ec2TagFilter } from './instance-filters.ts';

export interface FleetRequest {
  /** An instance matches one filter of each list; no lists: none does. */
  readonly filterLists: readonly (readonly Ec2TagFilter[])[];
  readonly autoScalingGroups: readonly string[];
}

/**
 * Whether a host is in service as far as Auto Scaling goes, or waits for an answer before it comes or goes. A `warming` one waits before it
 * goes to a warm pool.
 */
export type FleetStage = 'in-service' | 'launching' | 'warming' | 'terminating';

export interface FleetInstance extends Ec2Instance {
  readonly autoScalingGroup: string | null;
  readonly stage: FleetStage;
}

const STAGES: Readonly<Record<string, FleetStage>> = {
  InService: 'in-service',
  'Pending:Wait': 'launching',
  'Warmed:Pending:Wait': 'warming',
  'Terminating:Wait': 'terminating',
};

/** Reads a fleet. @throws AwsFault; `missing` for an Auto Scaling group that does not exist */
export type FleetReader = (request: FleetRequest, signal: AbortSignal) => Promise<readonly FleetInstance[]>;

export function createFleetReader(clients: AwsClients): FleetReader {
  return async ({ filterLists, autoScalingGroups }, signal) => {
    const fleet = new Map<string, FleetInstance>();
    for (const instance of filterLists.length === 0 ? [] : await findInstances(clients, filterLists, signal)) {
      fleet.set(instance.id, { ...instance, autoScalingGroup: null, stage: 'in-service' });
    }
    if (autoScalingGroups.length === 0) return [...fleet.values()];
    for (const group of await describeGroups(clients, autoScalingGroups, signal)) {
      const instances = [...(group.Instances ?? []), ...(await warmInstancesOf(clients, group, signal))];
      // What Auto Scaling says of an instance comes before its tags.
      for (const { InstanceId = '' } of instances) fleet.delete(InstanceId);
      for (const member of membersOf({ ...group, Instances: instances }, clients.region)) fleet.set(member.id, member);
    }
    return [...fleet.values()];
  };
}

const LOOKUP_LIMIT_MS = 3_000;

/**
 * Looks Auto Scaling groups up for a caller who waits. Never rejects. AWS that is down says nothing against a name: deployments ask again.
 */
export function createGroupFinder(clients: Pick<AwsClients, 'autoScaling'>) {
  return async (names: readonly string[]) => {
    try {
      const found = await findGroups(clients, names, AbortSignal.timeout(LOOKUP_LIMIT_MS));
      return { missing: missingOf(names, found), fault: null };
    } catch (error) {
      const isAway = error instanceof AwsFault && ['away', 'nowhere', 'throttled'].includes(error.trouble);
      if (isAway) return { missing: [], fault: null };
      return { missing: [], fault: error instanceof Error ? error.message : String(error) };
    }
  };
}

/** @throws AwsFault also when one of them does not exist */
export async function describeGroups(
  clients: Pick<AwsClients, 'autoScaling'>,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly AutoScalingGroup[]> {
  const found = await findGroups(clients, names, signal);
  const missing = missingOf(names, found);
  if (missing.length === 0) return found;
  const answer = `there is no Auto Scaling group ${missing.join(', ')}`;
  throw new AwsFault(callFor(names), { trouble: 'missing', code: '', answer });
}

function callFor(names: readonly string[]): string {
  return `DescribeAutoScalingGroups ${names.join(' ')}`;
}

function missingOf(names: readonly string[], found: readonly AutoScalingGroup[]): readonly string[] {
  return names.filter((name) => !found.some(({ AutoScalingGroupName }) => AutoScalingGroupName === name));
}

/** @throws AwsFault */
async function findGroups(
  clients: Pick<AwsClients, 'autoScaling'>,
  names: readonly string[],
  abortSignal: AbortSignal,
): Promise<readonly AutoScalingGroup[]> {
  const call = callFor(names);
  const found: AutoScalingGroup[] = [];
  for (let NextToken: string | undefined; ; ) {
    const request = { AutoScalingGroupNames: [...names], ...(NextToken === undefined ? {} : { NextToken }) };
    const answer = await callAws(call, async () =>
      (await clients.autoScaling()).describeAutoScalingGroups(request, { abortSignal }),
    );
    found.push(...(answer.AutoScalingGroups ?? []));
    NextToken = answer.NextToken;
    if (!NextToken) break;
  }
  return found;
}

/** Instances in the warm pool of a group, which AWS does not list with the group's own. @throws AwsFault */
async function warmInstancesOf(
  clients: Pick<AwsClients, 'autoScaling'>,
  { AutoScalingGroupName, WarmPoolConfiguration }: AutoScalingGroup,
  abortSignal: AbortSignal,
): Promise<readonly Instance[]> {
  if (WarmPoolConfiguration === undefined) return [];
  const found: Instance[] = [];
  for (let NextToken: string | undefined; ; ) {
    const request = { AutoScalingGroupName, ...(NextToken === undefined ? {} : { NextToken }) };
    const answer = await callAws(`DescribeWarmPool ${AutoScalingGroupName}`, async () =>
      (await clients.autoScaling()).describeWarmPool(request, { abortSignal }),
    );
    found.push(...(answer.Instances ?? []));
    NextToken = answer.NextToken;
    if (!NextToken) return found;
  }
}

/** Instances that come, go or stand by without waiting for an answer are left out. */
function membersOf(group: AutoScalingGroup, region: string): readonly FleetInstance[] {
  const [, partition = 'aws', , , account = ''] = (group.AutoScalingGroupARN ?? '').split(':');
  return (group.Instances ?? []).flatMap(({ InstanceId: id, AvailabilityZone, LifecycleState }) => {
    const stage = STAGES[LifecycleState ?? ''];
    if (id === undefined || stage === undefined) return [];
    const arn = `arn:${partition}:ec2:${region}:${account}:instance/${id}`;
    const autoScalingGroup = group.AutoScalingGroupName ?? null;
    return [{ id, arn, zone: AvailabilityZone ?? null, autoScalingGroup, stage }];
  });
}
