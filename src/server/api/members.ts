/**
 * The members of every operation's input, nested ones included: what this server may be asked with. A request with any other member is
 * refused, so that nobody is told of success about something that was not read. The compiler and a test hold the table against the SDK's
 * model. Pure.
 */
import type { ManagementOperation, ManagementOperations } from '../../protocol/management/shapes.ts';

/** Type of a member: `[M]` is a list of M; the names in a `map` are values, not members. */
export type MemberKind =
  | 'text'
  | 'flag'
  | 'number'
  | 'map'
  | readonly [MemberKind]
  | { readonly [name: string]: MemberKind };

type KindOf<T> = [T] extends [string]
  ? 'text'
  : [T] extends [number]
    ? 'number'
    : [T] extends [boolean]
      ? 'flag'
      : [T] extends [readonly (infer Member)[]]
        ? readonly [KindOf<Member>]
        : 'map' | MembersOf<T>;

type MembersOf<T> = { readonly [Name in keyof T]-?: KindOf<NonNullable<T[Name]>> };

const TAGS = [{ Key: 'text', Value: 'text' }] as const;
const FILTERS = [{ Key: 'text', Value: 'text', Type: 'text' }] as const;
const EC2_TAG_SET = { ec2TagSetList: [FILTERS] } as const;
const ALARMS = { enabled: 'flag', ignorePollAlarmFailure: 'flag', alarms: [{ name: 'text' }] } as const;
const ROLLBACK = { enabled: 'flag', events: ['text'] } as const;
const CONTENT = { content: 'text', sha256: 'text' } as const;
const MINIMUM = { type: 'text', value: 'number' } as const;
const SUSPENDED = { autoScalingGroupProcessesToSuspend: ['text'] } as const;
const ROUTE = { listenerArns: ['text'] } as const;

const REVISION = {
  revisionType: 'text',
  s3Location: { bucket: 'text', key: 'text', bundleType: 'text', version: 'text', eTag: 'text' },
  gitHubLocation: { repository: 'text', commitId: 'text' },
  string: CONTENT,
  appSpecContent: CONTENT,
} as const;

/** The settings of a deployment group that can be made and changed. */
const GROUP_SETTINGS = {
  serviceRoleArn: 'text',
  deploymentConfigName: 'text',
  ec2TagFilters: FILTERS,
  ec2TagSet: EC2_TAG_SET,
  onPremisesInstanceTagFilters: FILTERS,
  onPremisesTagSet: { onPremisesTagSetList: [FILTERS] },
  autoScalingGroups: ['text'],
  triggerConfigurations: [{ triggerName: 'text', triggerTargetArn: 'text', triggerEvents: ['text'] }],
  alarmConfiguration: ALARMS,
  autoRollbackConfiguration: ROLLBACK,
  outdatedInstancesStrategy: 'text',
  deploymentStyle: { deploymentType: 'text', deploymentOption: 'text' },
  blueGreenDeploymentConfiguration: {
    terminateBlueInstancesOnDeploymentSuccess: { action: 'text', terminationWaitTimeInMinutes: 'number' },
    deploymentReadyOption: { actionOnTimeout: 'text', waitTimeInMinutes: 'number' },
    greenFleetProvisioningOption: { action: 'text' },
  },
  loadBalancerInfo: {
    elbInfoList: [{ name: 'text' }],
    targetGroupInfoList: [{ name: 'text' }],
    targetGroupPairInfoList: [{ targetGroups: [{ name: 'text' }], prodTrafficRoute: ROUTE, testTrafficRoute: ROUTE }],
  },
  ecsServices: [{ serviceName: 'text', clusterName: 'text' }],
  terminationHookEnabled: 'flag',
  ec2DeploymentOptions: SUSPENDED,
} as const;

const APPLICATION = { applicationName: 'text' } as const;
const GROUP = { applicationName: 'text', deploymentGroupName: 'text' } as const;
const DEPLOYMENT = { deploymentId: 'text' } as const;
const INSTANCE = { instanceName: 'text' } as const;
const EVENT = { targetId: 'text', lifecycleEventName: 'text' } as const;
const HISTORY = { timeRange: { start: 'number', end: 'number' }, nextToken: 'text' } as const;

export const INPUT_MEMBERS: { readonly [Op in ManagementOperation]: MembersOf<ManagementOperations[Op]['input']> } = {
  CreateApplication: { ...APPLICATION, computePlatform: 'text', tags: TAGS },
  GetApplication: APPLICATION,
  BatchGetApplications: { applicationNames: ['text'] },
  ListApplications: { nextToken: 'text' },
  UpdateApplication: { ...APPLICATION, newApplicationName: 'text' },
  DeleteApplication: APPLICATION,

  RegisterApplicationRevision: { ...APPLICATION, revision: REVISION, description: 'text' },
  GetApplicationRevision: { ...APPLICATION, revision: REVISION },
  BatchGetApplicationRevisions: { ...APPLICATION, revisions: [REVISION] },
  ListApplicationRevisions: {
    ...APPLICATION,
    sortBy: 'text',
    sortOrder: 'text',
    s3Bucket: 'text',
    s3KeyPrefix: 'text',
    deployed: 'text',
    nextToken: 'text',
  },

  CreateDeploymentConfig: {
    deploymentConfigName: 'text',
    minimumHealthyHosts: MINIMUM,
    trafficRoutingConfig: {
      type: 'text',
      timeBasedCanary: { canaryPercentage: 'number', canaryInterval: 'number' },
      timeBasedLinear: { linearPercentage: 'number', linearInterval: 'number' },
    },
    computePlatform: 'text',
    zonalConfig: {
      firstZoneMonitorDurationInSeconds: 'number',
      monitorDurationInSeconds: 'number',
      minimumHealthyHostsPerZone: MINIMUM,
    },
  },
  GetDeploymentConfig: { deploymentConfigName: 'text' },
  ListDeploymentConfigs: { nextToken: 'text' },
  DeleteDeploymentConfig: { deploymentConfigName: 'text' },

  CreateDeploymentGroup: { ...GROUP, ...GROUP_SETTINGS, tags: TAGS },
  GetDeploymentGroup: GROUP,
  BatchGetDeploymentGroups: { ...APPLICATION, deploymentGroupNames: ['text'] },
  ListDeploymentGroups: { ...APPLICATION, nextToken: 'text' },
  UpdateDeploymentGroup: {
    ...APPLICATION,
    ...GROUP_SETTINGS,
    currentDeploymentGroupName: 'text',
    newDeploymentGroupName: 'text',
  },
  DeleteDeploymentGroup: GROUP,

  CreateDeployment: {
    ...GROUP,
    revision: REVISION,
    deploymentConfigName: 'text',
    description: 'text',
    ignoreApplicationStopFailures: 'flag',
    targetInstances: { tagFilters: FILTERS, autoScalingGroups: ['text'], ec2TagSet: EC2_TAG_SET },
    autoRollbackConfiguration: ROLLBACK,
    updateOutdatedInstancesOnly: 'flag',
    fileExistsBehavior: 'text',
    deploymentMode: 'text',
    overrideAlarmConfiguration: ALARMS,
    ec2DeploymentOptions: SUSPENDED,
  },
  GetDeployment: DEPLOYMENT,
  BatchGetDeployments: { deploymentIds: ['text'] },
  ListDeployments: {
    ...GROUP,
    externalId: 'text',
    includeOnlyStatuses: ['text'],
    createTimeRange: { start: 'number', end: 'number' },
    nextToken: 'text',
  },
  StopDeployment: { ...DEPLOYMENT, autoRollbackEnabled: 'flag' },
  ContinueDeployment: { ...DEPLOYMENT, deploymentWaitType: 'text' },
  SkipWaitTimeForInstanceTermination: DEPLOYMENT,
  PutLifecycleEventHookExecutionStatus: { ...DEPLOYMENT, lifecycleEventHookExecutionId: 'text', status: 'text' },
  DeleteResourcesByExternalId: { externalId: 'text' },

  ListDeploymentTargets: { ...DEPLOYMENT, nextToken: 'text', targetFilters: 'map' },
  GetDeploymentTarget: { ...DEPLOYMENT, targetId: 'text' },
  BatchGetDeploymentTargets: { ...DEPLOYMENT, targetIds: ['text'] },
  ListDeploymentInstances: {
    ...DEPLOYMENT,
    nextToken: 'text',
    instanceStatusFilter: ['text'],
    instanceTypeFilter: ['text'],
  },
  GetDeploymentInstance: { ...DEPLOYMENT, instanceId: 'text' },
  BatchGetDeploymentInstances: { ...DEPLOYMENT, instanceIds: ['text'] },

  RegisterOnPremisesInstance: { ...INSTANCE, iamSessionArn: 'text', iamUserArn: 'text' },
  DeregisterOnPremisesInstance: INSTANCE,
  GetOnPremisesInstance: INSTANCE,
  BatchGetOnPremisesInstances: { instanceNames: ['text'] },
  ListOnPremisesInstances: { registrationStatus: 'text', tagFilters: FILTERS, nextToken: 'text' },
  AddTagsToOnPremisesInstances: { tags: TAGS, instanceNames: ['text'] },
  RemoveTagsFromOnPremisesInstances: { tags: TAGS, instanceNames: ['text'] },

  TagResource: { ResourceArn: 'text', Tags: TAGS },
  UntagResource: { ResourceArn: 'text', TagKeys: ['text'] },
  ListTagsForResource: { ResourceArn: 'text', NextToken: 'text' },
  ListGitHubAccountTokenNames: { nextToken: 'text' },
  DeleteGitHubAccountToken: { tokenName: 'text' },

  CreateAccessKey: {
    role: 'text',
    hostArn: 'text',
    instanceName: 'text',
    description: 'text',
    scope: { applications: ['text'], groups: ['text'], hostTags: TAGS },
  },
  ListAccessKeys: { nextToken: 'text' },
  CreateEnrolmentToken: {
    ...{ description: 'text', uses: 'number', lifetimeSeconds: 'number' },
    ...{ tags: TAGS, instanceName: 'text', takeOver: 'flag' },
  },
  PutGitToken: { tokenName: 'text', url: 'text', token: 'text', userName: 'text', applications: ['text'] },
  ListGitTokens: {},
  ListEnrolmentTokens: { nextToken: 'text' },
  RevokeEnrolmentToken: { tokenId: 'text' },
  DisableAccessKey: { accessKeyId: 'text' },
  EnableAccessKey: { accessKeyId: 'text' },
  ListAuditEntries: {
    ...{ actor: 'text', operation: 'text', applicationName: 'text', deploymentGroupName: 'text' },
    timeRange: { start: 'number', end: 'number' },
    nextToken: 'text',
  },
  ListRevisionHistory: { ...GROUP, ...HISTORY },
  ListHostHistory: { ...GROUP, ...HISTORY, ...INSTANCE },
  SearchResources: { text: 'text' },
  ListHostRevisions: { ...GROUP, ...INSTANCE, nextToken: 'text' },
  ListNotices: { deploymentId: 'text', state: 'text', nextToken: 'text' },
  DescribeRevisionContent: { ...GROUP, revision: REVISION },
  DescribeServer: {},
  DescribeServerSettings: {},
  DescribeHosts: { ...INSTANCE, registered: 'flag', text: 'text', needsAttention: 'flag', nextToken: 'text' },
  ListEventLogs: { ...DEPLOYMENT, ...EVENT, writtenSince: 'number', nextToken: 'text' },
  GetEventLog: { ...DEPLOYMENT, ...EVENT, firstByte: 'number' },
  StopDeploymentNow: { ...DEPLOYMENT, autoRollbackEnabled: 'flag' },
  DescribeDeploymentWaits: DEPLOYMENT,
  PlanDeployment: {
    ...{ ...GROUP, deploymentConfigName: 'text' },
    revision: { revisionType: 'text', appSpecContent: CONTENT },
  },
  DescribeDeploymentProgress: DEPLOYMENT,
  PutDeploymentGroupHooks: {
    ...GROUP,
    hooks: [{ lifecycleEventName: 'text', hook: 'text' }],
    parameters: [{ name: 'text', value: 'text' }],
    payload: 'text',
  },
  DescribeDeploymentGroupHooks: GROUP,
};
