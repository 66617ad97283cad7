/** Rows of the table: deployment groups. */
import {
  LONG_NAME,
  NO_APPLICATION,
  NO_GROUP,
  NO_PAGE,
  NO_ROLES,
  NO_THROTTLE,
  type Operations,
  omit,
  tooMany,
} from './operation.ts';
import { ROLE } from './world.ts';

const FILTER = { Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' };
const SITE = { applicationName: 'site' };
const NO_GROUP_NAME = omit(NO_GROUP, 'DeploymentGroupDoesNotExistException');
const NO_CONFIG_READ = 'A group shows the name of its configuration, which cannot be deleted meanwhile.';

const REFUSED_SETTINGS =
  'Auto Scaling groups, their copies and hooks where the server asks no AWS, processes where there are no Auto Scaling groups, and alarms and targets of triggers that the server’s files do not have: nothing here acts upon them. Values that ask for nothing are taken';

const TRIGGER = { triggerName: 't', triggerTargetArn: 'arn:x', triggerEvents: ['DeploymentStart'] };
const omitted = (member: keyof typeof TRIGGER) => ({ ...TRIGGER, [member]: undefined });

const SETTINGS_REFUSED = {
  InvalidDeploymentConfigNameException: [
    { deploymentConfigName: 'a b' },
    { deploymentConfigName: LONG_NAME },
    { deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce' },
    { deploymentConfigName: 'CodeDeployDefault.ECSAllAtOnce' },
  ],
  DeploymentConfigDoesNotExistException: { deploymentConfigName: 'nobody' },
  InvalidRoleException: [{ serviceRoleArn: 'deployer' }, { serviceRoleArn: 'role/any' }],
  InvalidEC2TagException: [
    { ec2TagFilters: [{ ...FILTER, Type: 'VALUES' }] },
    { ec2TagFilters: [{ Value: 'web', Type: 'KEY_AND_VALUE' }] },
    { ec2TagSet: { ec2TagSetList: [[FILTER], [{ Key: '' }]] } },
  ],
  InvalidEC2TagCombinationException: { ec2TagFilters: [FILTER], ec2TagSet: { ec2TagSetList: [[FILTER]] } },
  InvalidTagException: [
    { onPremisesInstanceTagFilters: [{ ...FILTER, Type: 'VALUES' }] },
    { onPremisesInstanceTagFilters: [FILTER, { Value: 'web', Type: 'KEY_AND_VALUE' }] },
    { onPremisesInstanceTagFilters: [{ Key: 'Role', Type: 'VALUE_ONLY' }] },
    { onPremisesInstanceTagFilters: null, onPremisesTagSet: { onPremisesTagSetList: [[FILTER], [{ Key: '' }]] } },
  ],
  InvalidOnPremisesTagCombinationException: {
    onPremisesInstanceTagFilters: [FILTER],
    onPremisesTagSet: { onPremisesTagSetList: [[FILTER]] },
  },
  TagSetListLimitExceededException: [
    { onPremisesInstanceTagFilters: tooMany(10, () => FILTER) },
    { onPremisesInstanceTagFilters: null, onPremisesTagSet: { onPremisesTagSetList: tooMany(3, () => [FILTER]) } },
    { onPremisesInstanceTagFilters: null, onPremisesTagSet: { onPremisesTagSetList: [tooMany(10, () => FILTER)] } },
  ],
  InvalidAutoScalingGroupException: { autoScalingGroups: ['fleet'] },
  InvalidAutoScalingGroupProcessToSuspendException: [['terminate'], ['Launch'], ['Terminate', 'x']].map(
    (processes) => ({
      ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: processes },
    }),
  ),
  InvalidTriggerConfigException: [
    { triggerConfigurations: [TRIGGER] },
    { triggerConfigurations: [omitted('triggerTargetArn')] },
    { triggerConfigurations: [omitted('triggerName')] },
    { triggerConfigurations: [{ ...TRIGGER, triggerName: '' }] },
    { triggerConfigurations: [{ ...TRIGGER, triggerName: 'x'.repeat(101) }] },
    { triggerConfigurations: [omitted('triggerEvents')] },
    { triggerConfigurations: [{ ...TRIGGER, triggerEvents: [] }] },
    { triggerConfigurations: [{ ...TRIGGER, triggerEvents: ['DeploymentStart', 'deploymentstart'] }] },
    { triggerConfigurations: [{}] },
  ],
  TriggerTargetsLimitExceededException: {
    triggerConfigurations: tooMany(10, (n) => ({ ...TRIGGER, triggerName: `trigger-${n}` })),
  },
  InvalidAlarmConfigException: [
    { alarmConfiguration: { enabled: true, alarms: [{ name: 'load' }] } },
    { alarmConfiguration: { enabled: true, alarms: [] } },
    { alarmConfiguration: { enabled: false, alarms: [{ name: '' }] } },
    { alarmConfiguration: { enabled: false, alarms: [{ name: 'x'.repeat(256) }] } },
    { alarmConfiguration: { enabled: false, alarms: [{ name: 'a' }, { name: 'a' }] } },
  ],
  AlarmsLimitExceededException: {
    alarmConfiguration: { enabled: false, alarms: tooMany(10, (n) => ({ name: `alarm-${n}` })) },
  },
  InvalidAutoRollbackConfigException: [
    { autoRollbackConfiguration: { enabled: true } },
    { autoRollbackConfiguration: { enabled: true, events: ['FAILURE'] } },
  ],
  InvalidInputException: [{ outdatedInstancesStrategy: 'LATER' }, { terminationHookEnabled: true }],
  InvalidBlueGreenDeploymentConfigurationException: [
    { greenFleetProvisioningOption: { action: 'MAKE' } },
    { greenFleetProvisioningOption: { action: 'DISCOVER_EXISTING' } },
    { terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 2881 } },
    { terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 0.5 } },
    { terminateBlueInstancesOnDeploymentSuccess: { action: 'terminate' } },
    { deploymentReadyOption: { actionOnTimeout: 'CONTINUE_DEPLOYMENT', waitTimeInMinutes: 5 } },
    { deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: -1 } },
  ].map((blueGreenDeploymentConfiguration) => ({ blueGreenDeploymentConfiguration })),
  InvalidDeploymentStyleException: [
    { deploymentStyle: { deploymentType: 'BLUE_GREEN' } },
    { deploymentStyle: { deploymentType: 'in_place' } },
    { deploymentStyle: { deploymentOption: 'NONE' } },
  ],
  InvalidLoadBalancerInfoException: [
    { loadBalancerInfo: { elbInfoList: [{ name: 'front' }] } },
    { loadBalancerInfo: { targetGroupInfoList: [{ name: 'front' }] } },
    { deploymentStyle: { deploymentOption: 'WITH_TRAFFIC_CONTROL' } },
    { loadBalancerInfo: { elbInfoList: tooMany(10, (n) => ({ name: `front-${n}` })) } },
  ],
  InvalidTargetGroupPairException: {
    loadBalancerInfo: { targetGroupPairInfoList: [{ targetGroups: [{ name: 'blue' }, { name: 'green' }] }] },
  },
  InvalidECSServiceException: { ecsServices: [{ serviceName: 's', clusterName: 'c' }] },
} as const;

const SETTINGS_NEVER = {
  InvalidTrafficRoutingConfigurationException: 'A group names a configuration, which was checked when it was made.',
  LifecycleHookLimitExceededException:
    'Hooks are put on after the answer. The server’s log names an Auto Scaling group that takes no more.',
  ThrottlingException: NO_THROTTLE,
} as const;

export const DEPLOYMENT_GROUPS: Operations<
  | 'CreateDeploymentGroup'
  | 'GetDeploymentGroup'
  | 'BatchGetDeploymentGroups'
  | 'ListDeploymentGroups'
  | 'UpdateDeploymentGroup'
  | 'DeleteDeploymentGroup'
> = {
  CreateDeploymentGroup: {
    does: 'makes a group of the hosts that tags choose, or of a function or a service of ECS, with its configuration, rollback and up to 50 tags',
    refuses: REFUSED_SETTINGS,
    good: {
      ...{ ...SITE, deploymentGroupName: 'new', serviceRoleArn: ROLE, onPremisesInstanceTagFilters: [FILTER] },
      ...{ tags: [{ Key: 'Team', Value: 'a' }], ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: [] } },
    },
    refused: {
      ...NO_APPLICATION,
      ...NO_GROUP_NAME,
      ...SETTINGS_REFUSED,
      RoleRequiredException: [{ serviceRoleArn: null }, { serviceRoleArn: '' }],
      DeploymentGroupAlreadyExistsException: { deploymentGroupName: 'web' },
      InvalidTagsToAddException: [
        { tags: [{ Key: '' }] },
        { tags: [{ Key: 'aws:x' }] },
        { tags: tooMany(50, (n) => ({ Key: `k${n}` })) },
      ],
    },
    full: ['DeploymentGroupLimitExceededException', 'ECSServiceMappingLimitExceededException'],
    never: SETTINGS_NEVER,
  },
  GetDeploymentGroup: {
    does: 'shows a group with its last deployments',
    refuses: null,
    good: { ...SITE, deploymentGroupName: 'web' },
    refused: { ...NO_APPLICATION, ...NO_GROUP },
    never: { DeploymentConfigDoesNotExistException: NO_CONFIG_READ },
  },
  BatchGetDeploymentGroups: {
    does: 'shows up to 100 groups; `errorMessage` names those that do not exist',
    refuses: null,
    good: { ...SITE, deploymentGroupNames: ['web', 'nobody'] },
    refused: {
      ...NO_APPLICATION,
      DeploymentGroupNameRequiredException: [{ deploymentGroupNames: null }, { deploymentGroupNames: [] }],
      InvalidDeploymentGroupNameException: [{ deploymentGroupNames: ['web', 'a b'] }, { deploymentGroupNames: [''] }],
      BatchLimitExceededException: { deploymentGroupNames: tooMany(100, (n) => `group-${n}`) },
    },
    never: { DeploymentConfigDoesNotExistException: NO_CONFIG_READ },
  },
  ListDeploymentGroups: {
    does: 'lists the names of an application’s groups, 100 a page',
    refuses: null,
    good: SITE,
    refused: { ...NO_APPLICATION, ...NO_PAGE },
    never: {},
  },
  UpdateDeploymentGroup: {
    does: 'changes what it is given, and the name: an empty list clears, an absent member stays; nothing that runs is changed; `hooksNotCleanedUp` as DeleteDeploymentGroup',
    refuses: REFUSED_SETTINGS,
    good: { ...SITE, currentDeploymentGroupName: 'spare', newDeploymentGroupName: 'renamed' },
    refused: {
      ...NO_APPLICATION,
      ...SETTINGS_REFUSED,
      DeploymentGroupNameRequiredException: [{ currentDeploymentGroupName: null }, { currentDeploymentGroupName: '' }],
      InvalidDeploymentGroupNameException: [
        { currentDeploymentGroupName: 'a b' },
        { newDeploymentGroupName: LONG_NAME },
      ],
      DeploymentGroupDoesNotExistException: { currentDeploymentGroupName: 'nobody' },
      DeploymentGroupAlreadyExistsException: { currentDeploymentGroupName: 'idle', newDeploymentGroupName: 'web' },
    },
    full: ['ECSServiceMappingLimitExceededException'],
    never: SETTINGS_NEVER,
  },
  DeleteDeploymentGroup: {
    does: 'deletes a group, or does nothing if there is none; what is installed on its hosts stays; `hooksNotCleanedUp` has the hooks of Auto Scaling groups that AWS did not remove in three seconds',
    refuses: null,
    good: { ...SITE, deploymentGroupName: 'renamed' },
    refused: { ...omit(NO_APPLICATION, 'ApplicationDoesNotExistException'), ...NO_GROUP_NAME },
    never: { InvalidRoleException: NO_ROLES },
  },
};
