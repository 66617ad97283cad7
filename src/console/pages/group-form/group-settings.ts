/** The settings of a deployment group as a form has them, and the members of the API that they become. Pure. */
import type { CodeDeployOperations } from '../../../protocol/management/shapes.ts';
import { numberOf } from '../../form/number.ts';
import type { Platform } from '../../view/platforms.ts';
import { carryOver } from './carry-over.ts';

/** Processes of Auto Scaling groups that rest meanwhile; newer than the shapes of the SDK. */
interface Resting {
  readonly ec2DeploymentOptions?: { readonly autoScalingGroupProcessesToSuspend?: readonly string[] };
}

export type GroupInfo = Resting &
  NonNullable<CodeDeployOperations['GetDeploymentGroup']['output']['deploymentGroupInfo']>;
type CreateInput = CodeDeployOperations['CreateDeploymentGroup']['input'];
/** Members that can be made and changed alike. */
export type GroupMembers = Resting &
  Omit<CreateInput, 'applicationName' | 'deploymentGroupName' | 'serviceRoleArn' | 'tags'>;

/** A group as a form begins with it: what the form shows, and all that the server has. */
export interface OpenedGroup {
  readonly settings: GroupSettings;
  readonly info: GroupInfo;
}

export type FilterType = 'KEY_AND_VALUE' | 'KEY_ONLY' | 'VALUE_ONLY';

export interface Filter {
  readonly type: FilterType;
  readonly key: string;
  readonly value: string;
}

export interface Trigger {
  readonly name: string;
  readonly target: string;
  readonly events: readonly string[];
}

/** Numbers are as they were typed. An empty text stands for a setting that the group does not have. */
export interface GroupSettings {
  readonly name: string;
  readonly config: string;
  /** A host must match a filter of each list. */
  readonly hostTags: readonly (readonly Filter[])[];
  readonly ec2Tags: readonly (readonly Filter[])[];
  readonly scalingGroups: readonly string[];
  readonly terminationHook: boolean;
  /** Processes of the Auto Scaling groups that rest while a deployment runs. */
  readonly resting: readonly string[];
  readonly outdated: string;
  readonly type: string;
  readonly option: string;
  readonly targetGroups: readonly string[];
  readonly classicBalancers: readonly string[];
  readonly ready: string;
  readonly readyMinutes: string;
  readonly terminate: string;
  readonly terminateMinutes: string;
  readonly fleet: string;
  readonly cluster: string;
  readonly service: string;
  readonly pairs: readonly string[];
  readonly prodListener: string;
  readonly testListener: string;
  readonly watchesAlarms: boolean;
  readonly ignoresUnread: boolean;
  readonly alarms: readonly string[];
  readonly rollsBack: boolean;
  readonly rollbackEvents: readonly string[];
  readonly triggers: readonly Trigger[];
}

const DEFAULT_CONFIGS = {
  Server: 'CodeDeployDefault.OneAtATime',
  Lambda: 'CodeDeployDefault.LambdaAllAtOnce',
  ECS: 'CodeDeployDefault.ECSAllAtOnce',
} as const;

/** Settings that the form of a new group begins with. */
export function freshSettings(platform: Platform): GroupSettings {
  const isServer = platform === 'Server';
  return {
    ...settingsOf({ deploymentConfigName: DEFAULT_CONFIGS[platform], computePlatform: platform }),
    hostTags: isServer ? [[{ type: 'KEY_AND_VALUE', key: '', value: '' }]] : [],
    ...{ ready: 'CONTINUE_DEPLOYMENT', terminate: 'TERMINATE', terminateMinutes: '60' },
    ...{ fleet: 'DISCOVER_EXISTING', pairs: platform === 'ECS' ? ['', ''] : [] },
  };
}

export function settingsOf(info: GroupInfo): GroupSettings {
  const { alarmConfiguration: alarms, autoRollbackConfiguration: rollback, loadBalancerInfo: balancers } = info;
  const {
    deploymentReadyOption: ready,
    terminateBlueInstancesOnDeploymentSuccess: terminate,
    ...fleet
  } = info.blueGreenDeploymentConfiguration ?? {};
  const pair = balancers?.targetGroupPairInfoList?.[0];
  const isServer = (info.computePlatform ?? 'Server') === 'Server';
  return {
    name: info.deploymentGroupName ?? '',
    config: info.deploymentConfigName ?? '',
    hostTags: tagLists(info.onPremisesInstanceTagFilters, info.onPremisesTagSet?.onPremisesTagSetList),
    ec2Tags: tagLists(info.ec2TagFilters, info.ec2TagSet?.ec2TagSetList),
    scalingGroups: (info.autoScalingGroups ?? []).map(({ name = '' }) => name),
    terminationHook: info.terminationHookEnabled ?? false,
    resting: info.ec2DeploymentOptions?.autoScalingGroupProcessesToSuspend ?? [],
    outdated: info.outdatedInstancesStrategy ?? 'UPDATE',
    type: info.deploymentStyle?.deploymentType ?? (isServer ? 'IN_PLACE' : 'BLUE_GREEN'),
    option: info.deploymentStyle?.deploymentOption ?? (isServer ? 'WITHOUT_TRAFFIC_CONTROL' : 'WITH_TRAFFIC_CONTROL'),
    targetGroups: (balancers?.targetGroupInfoList ?? []).map(({ name = '' }) => name),
    classicBalancers: (balancers?.elbInfoList ?? []).map(({ name = '' }) => name),
    ready: ready?.actionOnTimeout ?? '',
    readyMinutes: textOf(ready?.waitTimeInMinutes),
    terminate: terminate?.action ?? '',
    terminateMinutes: textOf(terminate?.terminationWaitTimeInMinutes),
    fleet: fleet.greenFleetProvisioningOption?.action ?? '',
    cluster: info.ecsServices?.[0]?.clusterName ?? '',
    service: info.ecsServices?.[0]?.serviceName ?? '',
    pairs: (pair?.targetGroups ?? []).map(({ name = '' }) => name),
    prodListener: pair?.prodTrafficRoute?.listenerArns?.[0] ?? '',
    testListener: pair?.testTrafficRoute?.listenerArns?.[0] ?? '',
    watchesAlarms: alarms?.enabled ?? false,
    ignoresUnread: alarms?.ignorePollAlarmFailure ?? false,
    alarms: (alarms?.alarms ?? []).map(({ name = '' }) => name),
    rollsBack: rollback?.enabled ?? false,
    rollbackEvents: rollback?.events ?? [],
    triggers: (info.triggerConfigurations ?? []).map(({ triggerName, triggerTargetArn, triggerEvents }) => ({
      ...{ name: triggerName ?? '', target: triggerTargetArn ?? '', events: triggerEvents ?? [] },
    })),
  };
}

interface WireFilter {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
  readonly Type?: string | undefined;
}

function tagLists(flat: readonly WireFilter[] = [], lists: readonly (readonly WireFilter[])[] = []): Filter[][] {
  const given = lists.length > 0 ? lists : flat.length > 0 ? [flat] : [];
  return given.map((list) =>
    list.map(({ Key = '', Value = '', Type = 'KEY_AND_VALUE' }) => ({
      type: Type as FilterType,
      key: Key,
      value: Value,
    })),
  );
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : String(value);
}

/** All members of the settings, as a request has them. */
export function membersOf(settings: GroupSettings, platform: Platform): GroupMembers {
  return {
    deploymentConfigName: settings.config,
    alarmConfiguration: {
      ...{ enabled: settings.watchesAlarms, ignorePollAlarmFailure: settings.ignoresUnread },
      alarms: settings.alarms.map((name) => ({ name })),
    },
    autoRollbackConfiguration: {
      enabled: settings.rollsBack,
      events: [...settings.rollbackEvents] as NonNullable<
        NonNullable<GroupMembers['autoRollbackConfiguration']>['events']
      >,
    },
    triggerConfigurations: settings.triggers.map(({ name, target, events }) => ({
      ...{ triggerName: name, triggerTargetArn: target },
      triggerEvents: [...events] as NonNullable<
        NonNullable<GroupMembers['triggerConfigurations']>[number]['triggerEvents']
      >,
    })),
    ...(platform === 'Server' ? membersOfHosts(settings) : {}),
    ...(platform === 'ECS' ? membersOfService(settings) : {}),
  };
}

function membersOfHosts(settings: GroupSettings): GroupMembers {
  const style = { deploymentType: settings.type, deploymentOption: settings.option };
  const [first = [], ...others] = settings.hostTags.map((list) => list.map(wireFilter));
  const [firstEc2 = [], ...otherEc2] = settings.ec2Tags.map((list) => list.map(wireFilter));
  return {
    ...(others.length === 0
      ? { onPremisesInstanceTagFilters: first }
      : { onPremisesTagSet: { onPremisesTagSetList: [first, ...others] } }),
    ...(otherEc2.length === 0
      ? { ec2TagFilters: firstEc2 }
      : { ec2TagSet: { ec2TagSetList: [firstEc2, ...otherEc2] } }),
    autoScalingGroups: [...settings.scalingGroups],
    terminationHookEnabled: settings.terminationHook,
    ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: [...settings.resting] },
    outdatedInstancesStrategy: settings.outdated as NonNullable<GroupMembers['outdatedInstancesStrategy']>,
    deploymentStyle: style as NonNullable<GroupMembers['deploymentStyle']>,
    loadBalancerInfo: {
      targetGroupInfoList: settings.targetGroups.map((name) => ({ name })),
      ...(settings.classicBalancers.length > 0 && { elbInfoList: settings.classicBalancers.map((name) => ({ name })) }),
    },
    ...(settings.type === 'BLUE_GREEN' && { blueGreenDeploymentConfiguration: blueGreenOf(settings) }),
  };
}

function membersOfService(settings: GroupSettings): GroupMembers {
  const routeOf = (listener: string) => ({ listenerArns: [listener] });
  return {
    ecsServices: [{ serviceName: settings.service, clusterName: settings.cluster }],
    loadBalancerInfo: {
      targetGroupPairInfoList: [
        {
          targetGroups: settings.pairs.map((name) => ({ name })),
          prodTrafficRoute: routeOf(settings.prodListener),
          ...(settings.testListener !== '' && { testTrafficRoute: routeOf(settings.testListener) }),
        },
      ],
    },
    blueGreenDeploymentConfiguration: blueGreenOf({ ...settings, fleet: '' }),
  };
}

function blueGreenOf(settings: GroupSettings): NonNullable<GroupMembers['blueGreenDeploymentConfiguration']> {
  const { ready, readyMinutes, terminate, terminateMinutes, fleet } = settings;
  const parts = {
    deploymentReadyOption: {
      ...(ready !== '' && { actionOnTimeout: ready }),
      ...(readyMinutes !== '' && { waitTimeInMinutes: numberOf(readyMinutes) }),
    },
    terminateBlueInstancesOnDeploymentSuccess: {
      ...(terminate !== '' && { action: terminate }),
      ...(terminateMinutes !== '' && { terminationWaitTimeInMinutes: numberOf(terminateMinutes) }),
    },
    greenFleetProvisioningOption: { ...(fleet !== '' && { action: fleet }) },
  };
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0));
}

function wireFilter({ type, key, value }: Filter) {
  return { Type: type, ...(type !== 'VALUE_ONLY' && { Key: key }), ...(type !== 'KEY_ONLY' && { Value: value }) };
}

/** Members of a new group: without those that ask for nothing. */
export function membersToCreate(settings: GroupSettings, platform: Platform): GroupMembers {
  const blank = membersOf(settingsOf({ computePlatform: platform }), platform);
  return changedMembers({}, blank, membersOf(settings, platform));
}

/**
 * Members that a save sends: those that the person has changed, with all that the form does not show of them. Absent members of the API stay
 * as they are.
 */
export function membersToUpdate(
  { settings: before, info }: OpenedGroup,
  now: GroupSettings,
  platform: Platform,
): GroupMembers {
  return changedMembers(info, membersOf(before, platform), membersOf(now, platform));
}

function changedMembers(info: GroupInfo, before: GroupMembers, now: GroupMembers): GroupMembers {
  const whole = info as Readonly<Record<string, unknown>>;
  const old = before as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(now)
      .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name]))
      .map(([name, value]) => [name, carryOver(whole[name], old[name], value)]),
  );
}

/** Parts of a group's service that a form does not show, in words; they stay as they are. */
export function notShown({ ecsServices = [], loadBalancerInfo }: GroupInfo): readonly string[] {
  const pairs = loadBalancerInfo?.targetGroupPairInfoList ?? [];
  const routes = pairs
    .slice(0, 1)
    .flatMap(({ prodTrafficRoute, testTrafficRoute }) => [prodTrafficRoute, testTrafficRoute]);
  const listeners = routes.map((route) => Math.max(0, (route?.listenerArns ?? []).length - 1));
  return [
    ...more(ecsServices.length - 1, 'service', 'services'),
    ...more(pairs.length - 1, 'pair of target groups', 'pairs of target groups'),
    ...more(
      listeners.reduce((sum, count) => sum + count, 0),
      'listener',
      'listeners',
    ),
  ];
}

function more(count: number, one: string, several: string): readonly string[] {
  return count <= 0 ? [] : [`${count} more ${count === 1 ? one : several}`];
}
