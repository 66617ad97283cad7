/** The member of a request that a refusal is about, so that a form shows the refusal at the field. Pure. */
import type { ExceptionName } from '../../protocol/management/modelled-exceptions.ts';
import type { Refusal } from '../api/call.ts';

export interface Fault {
  /** Place in the request, such as `onPremisesInstanceTagFilters[1].Key`; null: the refusal is about no member. */
  readonly path: string | null;
  readonly message: string;
}

/** Members that forms send. A message may also hold words of the person, and those stand in quotes. */
const MEMBERS: ReadonlySet<string> = new Set([
  'applicationName',
  'newApplicationName',
  'computePlatform',
  'tags',
  'Tags',
  'TagKeys',
  'deploymentGroupName',
  'newDeploymentGroupName',
  'deploymentConfigName',
  'serviceRoleArn',
  'ec2TagFilters',
  'ec2TagSet',
  'onPremisesInstanceTagFilters',
  'onPremisesTagSet',
  'autoScalingGroups',
  'triggerConfigurations',
  'alarmConfiguration',
  'autoRollbackConfiguration',
  'outdatedInstancesStrategy',
  'deploymentStyle',
  'blueGreenDeploymentConfiguration',
  'loadBalancerInfo',
  'ecsServices',
  'terminationHookEnabled',
  'ec2DeploymentOptions',
  'minimumHealthyHosts',
  'trafficRoutingConfig',
  'zonalConfig',
]);

/** Exceptions whose messages need not name the member. */
const MEMBER_OF: { readonly [Name in ExceptionName]?: string } = {
  AlarmsLimitExceededException: 'alarmConfiguration.alarms',
  ApplicationAlreadyExistsException: 'applicationName',
  ApplicationNameRequiredException: 'applicationName',
  DeploymentConfigAlreadyExistsException: 'deploymentConfigName',
  DeploymentConfigDoesNotExistException: 'deploymentConfigName',
  DeploymentConfigNameRequiredException: 'deploymentConfigName',
  DeploymentGroupAlreadyExistsException: 'deploymentGroupName',
  DeploymentGroupNameRequiredException: 'deploymentGroupName',
  ECSServiceMappingLimitExceededException: 'ecsServices',
  InvalidAlarmConfigException: 'alarmConfiguration',
  InvalidApplicationNameException: 'applicationName',
  InvalidAutoRollbackConfigException: 'autoRollbackConfiguration',
  InvalidAutoScalingGroupException: 'autoScalingGroups',
  InvalidAutoScalingGroupProcessToSuspendException: 'ec2DeploymentOptions',
  InvalidBlueGreenDeploymentConfigurationException: 'blueGreenDeploymentConfiguration',
  InvalidComputePlatformException: 'computePlatform',
  InvalidDeploymentConfigNameException: 'deploymentConfigName',
  InvalidDeploymentGroupNameException: 'deploymentGroupName',
  InvalidDeploymentStyleException: 'deploymentStyle',
  InvalidEC2TagCombinationException: 'ec2TagFilters',
  InvalidEC2TagException: 'ec2TagFilters',
  InvalidECSServiceException: 'ecsServices',
  InvalidLoadBalancerInfoException: 'loadBalancerInfo',
  InvalidMinimumHealthyHostValueException: 'minimumHealthyHosts',
  InvalidOnPremisesTagCombinationException: 'onPremisesInstanceTagFilters',
  InvalidRoleException: 'serviceRoleArn',
  InvalidTagException: 'onPremisesInstanceTagFilters',
  InvalidTagsToAddException: 'tags',
  InvalidTargetGroupPairException: 'loadBalancerInfo.targetGroupPairInfoList',
  InvalidTrafficRoutingConfigurationException: 'trafficRoutingConfig',
  InvalidTriggerConfigException: 'triggerConfigurations',
  InvalidZonalDeploymentConfigurationException: 'zonalConfig',
  LifecycleHookLimitExceededException: 'autoScalingGroups',
  RoleRequiredException: 'serviceRoleArn',
  TagSetListLimitExceededException: 'onPremisesTagSet',
  TriggerTargetsLimitExceededException: 'triggerConfigurations',
};

/** A word that may be a member, and the way into it. */
const PATH = /(?<![\w.])([A-Za-z][A-Za-z0-9]*)(?:\[\d+\]|\.[A-Za-z][A-Za-z0-9]*)*(?!\w)/g;
const QUOTED = /'[^']*'/g;

export function faultOf({ type, message }: Pick<Refusal, 'type' | 'message'>): Fault {
  const words = [...message.replaceAll(QUOTED, "''").matchAll(PATH)];
  const named = words.find(([, member = '']) => MEMBERS.has(member))?.[0];
  return { path: named ?? MEMBER_OF[type as ExceptionName] ?? null, message };
}

/** @param field place of a field in the request @returns whether the fault belongs to the field */
export function isWithin(path: string | null, field: string): boolean {
  return path !== null && (path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`));
}
