import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import { renderLocation } from '../revision-arguments.ts';
import { renderTagFilter } from '../tag-filters.ts';

type GroupInfo = NonNullable<ManagementOperations['GetDeploymentGroup']['output']['deploymentGroupInfo']>;

/** All settings of a deployment group, one a row. */
export function groupRows(
  info: GroupInfo,
  labels: readonly { readonly Key: string; readonly Value: string }[],
): string[][] {
  const { autoRollbackConfiguration: rollback } = info;
  const lastOf = (last: GroupInfo['lastAttemptedDeployment']) =>
    last === undefined ? '-' : `${last.deploymentId} ${last.status}`;
  return [
    ['group', `${info.applicationName}/${info.deploymentGroupName}`],
    ['id', info.deploymentGroupId ?? ''],
    ['configuration', info.deploymentConfigName ?? ''],
    ...targetRows(info),
    ['outdated hosts', info.outdatedInstancesStrategy === 'IGNORE' ? 'left alone' : 'updated by themselves'],
    ['automatic rollback', rollback?.enabled === true ? (rollback.events ?? []).map(causeOf).join(', ') : 'none'],
    ['load balancers', balancersOf(info)],
    ['blue/green', blueGreenOf(info)],
    ['alarms', alarmsOf(info)],
    ['triggers', triggersOf(info)],
    ['revision', info.targetRevision === undefined ? '-' : renderLocation(info.targetRevision)],
    ['last deployment', lastOf(info.lastAttemptedDeployment)],
    ['last successful', lastOf(info.lastSuccessfulDeployment)],
    ['labels', labels.length === 0 ? '-' : labels.map(({ Key, Value }) => `${Key}=${Value}`).join(' ')],
  ];
}

/** What the group deploys to. Rows about Auto Scaling groups stand there only where the group has some. */
function targetRows(info: GroupInfo): string[][] {
  const { computePlatform, ecsServices = [], autoScalingGroups = [], loadBalancerInfo } = info;
  if (computePlatform === 'Lambda') return [['platform', 'Lambda']];
  if (computePlatform === 'ECS') {
    const [pair] = loadBalancerInfo?.targetGroupPairInfoList ?? [];
    const services = ecsServices.map(({ clusterName = 'default', serviceName = '' }) =>
      serviceName.startsWith('arn:') ? serviceName : `${clusterName}/${serviceName}`,
    );
    return [
      ['service', services.join(', ') || '-'],
      ['target groups', (pair?.targetGroups ?? []).map(({ name = '' }) => name).join(', ') || '-'],
      ['listener', pair?.prodTrafficRoute?.listenerArns?.join(', ') || '-'],
      ['test listener', pair?.testTrafficRoute?.listenerArns?.join(', ') || '-'],
    ];
  }
  if (autoScalingGroups.length === 0) return [['hosts', hostsOf(info)]];
  const suspended = info.ec2DeploymentOptions?.autoScalingGroupProcessesToSuspend ?? [];
  return [
    ['hosts', hostsOf(info)],
    ['Auto Scaling groups', autoScalingGroups.map(({ name = '' }) => name).join(', ')],
    ['termination hook', info.terminationHookEnabled === true ? 'yes' : 'no'],
    ['suspended processes', suspended.join(', ') || 'none'],
  ];
}

function balancersOf({ deploymentStyle, loadBalancerInfo }: GroupInfo): string {
  if (deploymentStyle?.deploymentOption !== 'WITH_TRAFFIC_CONTROL') return 'none';
  const { elbInfoList = [], targetGroupInfoList = [] } = loadBalancerInfo ?? {};
  return [...elbInfoList, ...targetGroupInfoList].map(({ name }) => name ?? '').join(', ');
}

function blueGreenOf({ deploymentStyle, blueGreenDeploymentConfiguration }: GroupInfo): string {
  if (deploymentStyle?.deploymentType !== 'BLUE_GREEN') return 'no';
  const { deploymentReadyOption: ready, terminateBlueInstancesOnDeploymentSuccess: blue } =
    blueGreenDeploymentConfiguration ?? {};
  const traffic =
    ready?.actionOnTimeout === 'STOP_DEPLOYMENT'
      ? `traffic waits ${ready.waitTimeInMinutes || 2880} minutes to be continued`
      : 'traffic is rerouted at once';
  const originals =
    blue?.action === 'TERMINATE'
      ? `original hosts are terminated after ${blue.terminationWaitTimeInMinutes ?? 0} minutes`
      : 'original hosts are kept';
  const isCopied = blueGreenDeploymentConfiguration?.greenFleetProvisioningOption?.action === 'COPY_AUTO_SCALING_GROUP';
  return `${isCopied ? 'the Auto Scaling group is copied, ' : ''}${traffic}, ${originals}`;
}

function alarmsOf({ alarmConfiguration: watched }: GroupInfo): string {
  const names = (watched?.alarms ?? []).map(({ name }) => name).join(', ') || 'none';
  return watched?.enabled === true || names === 'none' ? names : `${names} (not watched)`;
}

function triggersOf({ triggerConfigurations = [] }: GroupInfo): string {
  const texts = triggerConfigurations.map(
    ({ triggerTargetArn = '', triggerEvents = [] }) => `${triggerTargetArn}=${triggerEvents.join(',')}`,
  );
  return texts.join(' ') || 'none';
}

function hostsOf(info: GroupInfo): string {
  const lists = [info.onPremisesTagSet?.onPremisesTagSetList ?? [], info.ec2TagSet?.ec2TagSetList ?? []];
  const filters = [...(info.onPremisesInstanceTagFilters ?? []), ...(info.ec2TagFilters ?? [])];
  const all = lists.map((set) => set.map((list) => `(${list.map(renderTagFilter).join(' or ')})`).join(' and '));
  return [...filters.map(renderTagFilter), ...all].filter((text) => text !== '').join(' or ') || 'none';
}

function causeOf(event: string): string {
  if (event === 'DEPLOYMENT_STOP_ON_REQUEST') return 'stop';
  return event === 'DEPLOYMENT_STOP_ON_ALARM' ? 'alarm' : 'failure';
}
