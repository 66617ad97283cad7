/** Facts about a deployment that is to come, read from the API. */
import { allPages, call, type Input } from '../../api/call.ts';
import type { Coming, GroupInfo } from './coming.ts';

type Filters = NonNullable<Input<'ListOnPremisesInstances'>['tagFilters']>;

/** @param mayListHosts a key for some applications only may not */
export async function readComing(
  applicationName: string,
  deploymentGroupName: string,
  mayListHosts: boolean,
  signal: AbortSignal,
): Promise<Coming> {
  const { deploymentGroupInfo: group = {} } = await call(
    'GetDeploymentGroup',
    { applicationName, deploymentGroupName },
    signal,
  );
  const deploymentConfigName = group.deploymentConfigName ?? 'CodeDeployDefault.OneAtATime';
  const { deploymentConfigInfo: config = {} } = await call('GetDeploymentConfig', { deploymentConfigName }, signal);
  const lists = filterLists(group);
  const isByTags = lists.length > 0 && (group.autoScalingGroups ?? []).length === 0;
  return { group, config, hosts: mayListHosts && isByTags ? await countHosts(lists, signal) : null };
}

/** Lists of filters: a host matches one filter of each list. */
function filterLists({
  onPremisesInstanceTagFilters,
  ec2TagFilters,
  onPremisesTagSet,
  ec2TagSet,
}: GroupInfo): Filters[] {
  const sets = [...(onPremisesTagSet?.onPremisesTagSetList ?? []), ...(ec2TagSet?.ec2TagSetList ?? [])];
  const flat = [...(onPremisesInstanceTagFilters ?? []), ...(ec2TagFilters ?? [])];
  return [...sets, ...(flat.length === 0 ? [] : [flat])] as Filters[];
}

async function countHosts(lists: readonly Filters[], signal: AbortSignal): Promise<number> {
  const found: ReadonlySet<string>[] = [];
  for (const tagFilters of lists) {
    const names = await allPages(
      (token) => call('ListOnPremisesInstances', { registrationStatus: 'Registered', tagFilters, ...token }, signal),
      ({ instanceNames }) => instanceNames ?? [],
    );
    found.push(new Set(names));
  }
  const [first, ...others] = found;
  return [...(first ?? [])].filter((name) => others.every((list) => list.has(name))).length;
}
