/**
 * Settings of a deployment: those of its group and its own options, read once, when it is created, and stored with it. A group that is
 * changed afterwards changes nothing that runs. Pure.
 */
import type { DeploymentRow } from '../store/schema.ts';
import type { AlarmConfiguration } from './alarms.ts';
import {
  type BlueGreenConfiguration,
  type BlueGreenPlan,
  replacementPlan,
  type TargetInstances,
} from './hosts/blue-green-plan.ts';
import { ec2FilterListsOf, type FilterLists, filterListsOf, type MembershipSettings } from './hosts/membership.ts';
import type { ZonalSettings } from './hosts/zones.ts';
import type { GroupHooks } from './shifting/group-hooks.ts';
import type { ShiftPlan } from './shifting/plan.ts';
import { type Trigger, type TriggerConfig, triggersOf } from './triggers.ts';

export type RollbackEvent = 'DEPLOYMENT_FAILURE' | 'DEPLOYMENT_STOP_ON_ALARM' | 'DEPLOYMENT_STOP_ON_REQUEST';

/** A member of the API's shapes: balancers by the names that the server's file has, where both lists mean the same, or AWS. */
export interface LoadBalancerInfo {
  readonly elbInfoList?: readonly NamedBalancer[] | undefined;
  readonly targetGroupInfoList?: readonly NamedBalancer[] | undefined;
  /** Pairs of target groups, for ECS alone. */
  readonly targetGroupPairInfoList?: readonly TargetGroupPair[] | undefined;
}

/** Two target groups that take turns, and the listeners before them: production's, and that of tests. */
export interface TargetGroupPair {
  readonly targetGroups?: readonly NamedBalancer[] | undefined;
  readonly prodTrafficRoute?: TrafficRoute | undefined;
  readonly testTrafficRoute?: TrafficRoute | undefined;
}

interface TrafficRoute {
  readonly listenerArns?: readonly string[] | undefined;
}

/** A member of the API's shapes: names or ARNs, as given. */
export interface EcsService {
  readonly serviceName?: string | undefined;
  readonly clusterName?: string | undefined;
}

interface NamedBalancer {
  readonly name?: string | undefined;
}

export interface DeploymentSettings {
  /** A host of the group matches these, */
  readonly filterLists: FilterLists;
  /** or these. */
  readonly ec2FilterLists?: FilterLists;
  /** or AWS says that this deployment group has it; absent: AWS is not asked. */
  readonly fleetOf?: string;
  /** Instances of the fleet that it is limited to; absent: all. */
  readonly only?: readonly string[];
  /** Its hosts are going: their applications are stopped, and nothing is installed. */
  readonly isTermination?: true;
  /** Events after which the group is rolled back by itself; none: it never is. */
  readonly rollbackEvents: readonly RollbackEvent[];
  /** Absent: the deployment does not go from zone to zone. */
  readonly zonal?: ZonalSettings;
  /** Balancers that hosts leave and come back to; null: traffic is left alone, as in all deployments of older versions. */
  readonly loadBalancerInfo: LoadBalancerInfo | null;
  /** Absent: the deployment is in place. */
  readonly blueGreen?: BlueGreenPlan;
  /** How traffic moves to a new version; absent: it deploys to hosts. */
  readonly shifted?: ShiftPlan;
  /** Processes that are suspended while it runs; absent: none. */
  readonly suspends?: Suspends;
  /** Triggers whose targets are told of it; absent: none. */
  readonly triggers?: readonly Trigger[];
}

/** Processes of Auto Scaling groups, by their names there. */
export interface Suspends {
  readonly autoScalingGroups: readonly string[];
  readonly processes: readonly string[];
}

/** A member of the API's shapes. */
export interface Ec2Options {
  readonly autoScalingGroupProcessesToSuspend?: readonly string[] | undefined;
}

/** A member of the API's shapes: what happens after which event. */
interface AutoRollback {
  readonly enabled?: boolean | undefined;
  readonly events?: readonly RollbackEvent[] | undefined;
}

/** The part of a group's settings that its deployments go by. */
export interface SettingsOfGroup extends MembershipSettings {
  readonly autoRollbackConfiguration?: AutoRollback | undefined;
  readonly alarmConfiguration?: AlarmConfiguration | undefined;
  readonly deploymentStyle?:
    | { readonly deploymentType?: string | undefined; readonly deploymentOption?: string | undefined }
    | undefined;
  readonly blueGreenDeploymentConfiguration?: BlueGreenConfiguration | undefined;
  readonly loadBalancerInfo?: LoadBalancerInfo | undefined;
  readonly ecsServices?: readonly EcsService[] | undefined;
  /** Beyond CodeDeploy, for Lambda and ECS: no operation of CodeDeploy takes it or shows it. */
  readonly groupHooks?: GroupHooks | undefined;
  readonly triggerConfigurations?: readonly TriggerConfig[] | undefined;
  readonly autoScalingGroups?: readonly string[] | undefined;
  /** Whether instances that are terminated wait until their application has been stopped. */
  readonly terminationHookEnabled?: boolean | undefined;
  readonly ec2DeploymentOptions?: Ec2Options | undefined;
  /** Whether hosts that do not run the last good revision get it by themselves; absent: UPDATE. */
  readonly outdatedInstancesStrategy?: 'UPDATE' | 'IGNORE' | undefined;
}

/** Options in a deployment's own record, beside its columns: members of CreateDeployment, and facts about rollbacks. All are shown. */
export interface DeploymentOptions {
  /** Takes the place of the group's. */
  readonly autoRollbackConfiguration?: AutoRollback;
  /** Takes the place of the group's alarms. */
  readonly overrideAlarmConfiguration?: AlarmConfiguration;
  /** Blue/green: the group's, as it was; and the hosts that are the replacement. */
  readonly blueGreenDeploymentConfiguration?: BlueGreenConfiguration;
  readonly targetInstances?: TargetInstances;
  /** Takes the place of the group's. */
  readonly ec2DeploymentOptions?: Ec2Options;
  readonly relatedDeployments?: {
    readonly autoUpdateOutdatedInstancesRootDeploymentId?: string;
    readonly autoUpdateOutdatedInstancesDeploymentIds?: string[];
  };
  readonly rollbackInfo?: {
    readonly rollbackDeploymentId?: string;
    readonly rollbackTriggeringDeploymentId?: string;
    readonly rollbackMessage?: string;
  };
}

/** @param group null: it was deleted, so no host belongs to it */
export function settingsOf(group: SettingsOfGroup | null, options: DeploymentOptions): DeploymentSettings {
  const { targetInstances } = options;
  const { enabled, events } = options.autoRollbackConfiguration ?? group?.autoRollbackConfiguration ?? {};
  const triggers = triggersOf(group?.triggerConfigurations);
  return {
    filterLists: group === null ? [] : filterListsOf(group),
    ec2FilterLists: group === null ? [] : ec2FilterListsOf(group),
    rollbackEvents: enabled === true ? (events ?? []) : [],
    loadBalancerInfo: group !== null && controlsTraffic(group) ? (group.loadBalancerInfo ?? {}) : null,
    ...(triggers.length === 0 ? {} : { triggers }),
    // Automatic deployments of such a group have no replacement hosts: they are in place.
    ...(group !== null && isBlueGreen(group) && targetInstances !== undefined
      ? { blueGreen: replacementPlan(group.blueGreenDeploymentConfiguration ?? {}, targetInstances) }
      : {}),
  };
}

/** Whether a group's deployments take hosts out of their load balancers. */
export function controlsTraffic({ deploymentStyle }: Pick<SettingsOfGroup, 'deploymentStyle'>): boolean {
  return deploymentStyle?.deploymentOption === 'WITH_TRAFFIC_CONTROL';
}

/** Whether a group's deployments go from one fleet to another. */
export function isBlueGreen({ deploymentStyle }: Pick<SettingsOfGroup, 'deploymentStyle'>): boolean {
  return deploymentStyle?.deploymentType === 'BLUE_GREEN';
}

export function autoScalingGroupsOf({
  autoScalingGroups = [],
}: Pick<SettingsOfGroup, 'autoScalingGroups'>): readonly string[] {
  return autoScalingGroups;
}

/** Whether the replacement hosts of a group's deployments are a copy of its Auto Scaling group. */
export function copiesGroup(group: SettingsOfGroup): boolean {
  const { greenFleetProvisioningOption } = group.blueGreenDeploymentConfiguration ?? {};
  return isBlueGreen(group) && greenFleetProvisioningOption?.action === 'COPY_AUTO_SCALING_GROUP';
}

/** The balancers that are named, each once. */
export function balancerNames(info: LoadBalancerInfo | null | undefined): readonly string[] {
  return [...new Set(namedBalancers(info).map(({ name }) => name))];
}

/** A load balancer as a group names it. */
export interface BalancerRef {
  readonly name: string;
  /** Kind of the balancer in AWS. */
  readonly kind: 'classic-elb' | 'target-group';
}

/** Names of load balancers that the server can reach: those of its own file, and any at all where it asks AWS. */
export interface KnownBalancers extends Iterable<string> {
  has(name: string): boolean;
  /** Number of balancers in the file. */
  readonly size: number;
}

export function namedBalancers(info: LoadBalancerInfo | null | undefined): readonly BalancerRef[] {
  const refsOf = (list: readonly NamedBalancer[] = [], kind: BalancerRef['kind']) =>
    list.flatMap(({ name }) => (name === undefined ? [] : { name, kind }));
  return [...refsOf(info?.elbInfoList, 'classic-elb'), ...refsOf(info?.targetGroupInfoList, 'target-group')];
}

export function parseOptions({ options_json }: Pick<DeploymentRow, 'options_json'>): DeploymentOptions {
  return JSON.parse(options_json) as DeploymentOptions;
}

/** Returns the settings about zones, which need no look at the group. */
export function zonalSettingsOf(deployment: Pick<DeploymentRow, 'settings_json'>): ZonalSettings | null {
  return ownSettings(deployment)?.zonal ?? null;
}

/** How it goes from one fleet to the other; null: it is in place. */
export function blueGreenPlanOf(deployment: Pick<DeploymentRow, 'settings_json'>): BlueGreenPlan | null {
  return ownSettings(deployment)?.blueGreen ?? null;
}

/** How it moves traffic to a new version of a function or a service; null: it deploys to hosts. */
export function shiftPlanOf(deployment: Pick<DeploymentRow, 'settings_json'>): ShiftPlan | null {
  return ownSettings(deployment)?.shifted ?? null;
}

/** Processes that rest while it runs; null: none. */
export function suspendsOf(deployment: Pick<DeploymentRow, 'settings_json'>): Suspends | null {
  return ownSettings(deployment)?.suspends ?? null;
}

function ownSettings({ settings_json }: Pick<DeploymentRow, 'settings_json'>): DeploymentSettings | null {
  return settings_json === null ? null : (JSON.parse(settings_json) as DeploymentSettings);
}

/** Its triggers. A deployment that an older version has created has none. */
export function triggersOfDeployment({ settings_json }: Pick<DeploymentRow, 'settings_json'>): readonly Trigger[] {
  return settings_json === null ? [] : ((JSON.parse(settings_json) as DeploymentSettings).triggers ?? []);
}

/**
 * The settings of a deployment that exists. One that an older version has created has none stored, and goes by its group as it is now.
 *
 * @param groupSettingsJson null: the group was deleted
 */
export function storedSettings(
  deployment: Pick<DeploymentRow, 'settings_json' | 'options_json'>,
  groupSettingsJson: string | null,
): DeploymentSettings {
  if (deployment.settings_json !== null) {
    const stored = JSON.parse(deployment.settings_json) as Omit<DeploymentSettings, 'loadBalancerInfo'>;
    return { loadBalancerInfo: null, ...stored };
  }
  const group = groupSettingsJson === null ? null : (JSON.parse(groupSettingsJson) as SettingsOfGroup);
  return settingsOf(group, parseOptions(deployment));
}
