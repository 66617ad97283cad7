/** Rows of the table: deployments. */
import { NO_REVISION } from './applications.ts';
import {
  NO_APPLICATION,
  NO_DEPLOYMENT,
  NO_GROUP,
  NO_PAGE,
  NO_ROLES,
  NO_THROTTLE,
  type Operations,
  tooMany,
} from './operation.ts';
import { S3, type World } from './world.ts';

const FILTER = { Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' };
const IDLE = { applicationName: 'site', deploymentGroupName: 'idle' };
const running = ({ running: deploymentId }: World) => ({ deploymentId });
const completed = ({ completed: deploymentId }: World) => ({ deploymentId });

const APPSPEC = JSON.stringify({
  version: 0.0,
  Resources: [
    {
      fn: {
        Type: 'AWS::Lambda::Function',
        Properties: { Name: 'fn', Alias: 'live', CurrentVersion: '1', TargetVersion: '2' },
      },
    },
  ],
});
const LAMBDA = {
  ...{ applicationName: 'fn', deploymentGroupName: 'live', ec2DeploymentOptions: null },
  revision: { revisionType: 'AppSpecContent', appSpecContent: { content: APPSPEC } },
};
const hooked = ({ hooked: deploymentId }: World) => ({ deploymentId });

const CREATE_NEVER = {
  RevisionDoesNotExistException: 'A revision that is not registered is registered by its deployment.',
  InvalidRoleException: NO_ROLES,
  InvalidTrafficRoutingConfigurationException:
    'Only for a group of ECS behind a Network Load Balancer (test/server/shifting/ecs.test.ts).',
  InvalidECSServiceException: 'Whether the service is there is seen when the deployment begins.',
  InvalidLoadBalancerInfoException:
    'Only once the server has lost a load balancer that a group names (test/server/api/load-balancers.test.ts).',
  InvalidAutoScalingGroupException: 'Auto Scaling groups are looked up when they are given to a group.',
  InvalidGitHubAccountTokenException: 'Whether a token opens a repository is seen by the host that fetches from it.',
  ThrottlingException: NO_THROTTLE,
} as const;

export const DEPLOYMENTS: Operations<
  | 'CreateDeployment'
  | 'GetDeployment'
  | 'BatchGetDeployments'
  | 'ListDeployments'
  | 'StopDeployment'
  | 'ContinueDeployment'
  | 'SkipWaitTimeForInstanceTermination'
  | 'PutLifecycleEventHookExecutionStatus'
  | 'DeleteResourcesByExternalId'
> = {
  CreateDeployment: {
    does: 'deploys a revision to the function or the service of a group of [Lambda or ECS](platforms.md), or to the hosts of a group, to the replacement hosts that `targetInstances` of a blue/green group match by their tags or Auto Scaling groups, or restarts what they have (`deploymentMode` RESTART); processes that `ec2DeploymentOptions` names rest meanwhile, where the group has Auto Scaling groups',
    refuses:
      '`autoScalingGroups` in `targetInstances` where the server asks no AWS; for blue/green `updateOutdatedInstancesOnly`, RESTART and configurations with zones; alarms that the server’s file does not have; revisions as RegisterApplicationRevision',
    good: {
      ...{ ...IDLE, revision: S3, description: '\u{1F6A2}'.repeat(256) },
      ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: ['Terminate', 'AZRebalance'] },
    },
    refused: {
      ...NO_APPLICATION,
      ...NO_GROUP,
      ...NO_REVISION,
      RevisionRequiredException: [{ revision: null }, { revision: null, deploymentMode: 'RESTART' }],
      InvalidRevisionException: [...NO_REVISION.InvalidRevisionException, { deploymentMode: 'RESTART' }],
      InvalidDeploymentConfigNameException: [
        { deploymentConfigName: 'a b' },
        { deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes' },
      ],
      DeploymentConfigDoesNotExistException: { deploymentConfigName: 'nobody' },
      DescriptionTooLongException: [{ description: 'x'.repeat(257) }, { description: '\u{1F6A2}'.repeat(257) }],
      DeploymentLimitExceededException: { deploymentGroupName: 'web' },
      InvalidComputePlatformException: LAMBDA,
      InvalidIgnoreApplicationStopFailuresValueException: { ...LAMBDA, ignoreApplicationStopFailures: true },
      InvalidTargetInstancesException: [
        { ...LAMBDA, targetInstances: { autoScalingGroups: ['fleet'] } },
        { targetInstances: { autoScalingGroups: ['fleet'] } },
        { targetInstances: { tagFilters: [FILTER] } },
        { targetInstances: { tagFilters: tooMany(10, () => FILTER) } },
        { targetInstances: { ec2TagSet: { ec2TagSetList: tooMany(3, () => [FILTER]) } } },
        { targetInstances: { tagFilters: [FILTER], ec2TagSet: { ec2TagSetList: [[FILTER]] } } },
        { targetInstances: { tagFilters: [{ Value: 'web' }] } },
      ],
      InvalidAlarmConfigException: { overrideAlarmConfiguration: { enabled: true, alarms: [{ name: 'load' }] } },
      AlarmsLimitExceededException: {
        overrideAlarmConfiguration: { enabled: false, alarms: tooMany(10, (n) => ({ name: `alarm-${n}` })) },
      },
      InvalidAutoRollbackConfigException: [
        { autoRollbackConfiguration: { enabled: true, events: [] } },
        { autoRollbackConfiguration: { enabled: false, events: ['deployment_failure'] } },
      ],
      InvalidAutoScalingGroupProcessToSuspendException: [
        ['Launch'],
        ['terminate'],
        [''],
        tooMany(4, () => 'Terminate'),
      ].map((processes) => ({ ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: processes } })),
      InvalidFileExistsBehaviorException: [{ fileExistsBehavior: 'REPLACE' }, { fileExistsBehavior: '' }],
      InvalidUpdateOutdatedInstancesOnlyValueException: [
        { revision: null, updateOutdatedInstancesOnly: true, deploymentMode: 'RESTART' },
        { ...LAMBDA, updateOutdatedInstancesOnly: true },
      ],
      InvalidInputException: [
        { deploymentMode: 'REDEPLOY' },
        { deploymentMode: '' },
        { revision: null, deploymentMode: 'OTHER' },
      ],
    },
    never: CREATE_NEVER,
  },
  GetDeployment: {
    does: 'shows a deployment with what is in force for it, the rollback of its group included',
    refuses: null,
    good: running,
    refused: NO_DEPLOYMENT,
    never: {},
  },
  BatchGetDeployments: {
    does: 'shows up to 25 deployments; those that do not exist are left out',
    refuses: null,
    good: { deploymentIds: ['d-000000000'] },
    refused: {
      DeploymentIdRequiredException: [{ deploymentIds: null }, { deploymentIds: [] }],
      InvalidDeploymentIdException: [{ deploymentIds: ['d-000000000', 'd-1'] }, { deploymentIds: [''] }],
      BatchLimitExceededException: { deploymentIds: tooMany(25, () => 'd-000000000') },
    },
    never: {},
  },
  ListDeployments: {
    does: 'lists the ids of deployments, newest first, 100 a page; with an `externalId` none, since nothing here has one',
    refuses: null,
    good: { ...IDLE, includeOnlyStatuses: ['Failed', 'Baking'], createTimeRange: { start: 1, end: 2 } },
    refused: {
      ...NO_APPLICATION,
      ...NO_GROUP,
      ...NO_PAGE,
      InvalidDeploymentStatusException: [{ includeOnlyStatuses: ['Failed', 'failed'] }, { includeOnlyStatuses: [''] }],
      InvalidTimeRangeException: [
        { createTimeRange: { start: 2, end: 1 } },
        { createTimeRange: { start: 'yesterday' } },
        { createTimeRange: { end: 1e300 } },
      ],
      InvalidExternalIdException: { externalId: '' },
    },
    never: { InvalidInputException: 'Each member has an exception of its own.' },
  },
  StopDeployment: {
    does: 'stops a deployment: no more events begin, and those that run are waited for',
    refuses: null,
    good: ({ orphaned: deploymentId }) => ({ deploymentId }),
    refused: {
      ...NO_DEPLOYMENT,
      DeploymentAlreadyCompletedException: completed,
      DeploymentGroupDoesNotExistException: { autoRollbackEnabled: true },
    },
    never: {
      UnsupportedActionForDeploymentTypeException: 'A deployment can be stopped until it has ended.',
    },
  },
  ContinueDeployment: {
    does: 'ends a wait of a blue/green deployment: `READY_WAIT`, the default, so that traffic is rerouted now, or `TERMINATION_WAIT`',
    refuses: null,
    good: ({ ready: deploymentId }) => ({ deploymentId }),
    refused: {
      ...NO_DEPLOYMENT,
      InvalidDeploymentWaitTypeException: [{ deploymentWaitType: 'WAIT' }, { deploymentWaitType: '' }],
      DeploymentAlreadyCompletedException: completed,
      UnsupportedActionForDeploymentTypeException: [
        running,
        (world) => ({ ...running(world), deploymentWaitType: 'TERMINATION_WAIT' }),
      ],
      DeploymentIsNotInReadyStateException: ({ ending: deploymentId }) => ({ deploymentId }),
      InvalidDeploymentStatusException: ({ ready: deploymentId }) => ({
        ...{ deploymentId, deploymentWaitType: 'TERMINATION_WAIT' },
      }),
    },
    never: {},
  },
  SkipWaitTimeForInstanceTermination: {
    does: 'does what ContinueDeployment with `TERMINATION_WAIT` does',
    refuses: null,
    good: ({ ending: deploymentId }) => ({ deploymentId }),
    refused: {
      ...NO_DEPLOYMENT,
      DeploymentAlreadyCompletedException: completed,
      DeploymentNotStartedException: ({ unstarted }) => ({ deploymentId: unstarted }),
      UnsupportedActionForDeploymentTypeException: [running, ({ ready: deploymentId }) => ({ deploymentId })],
    },
    never: {},
  },
  PutLifecycleEventHookExecutionStatus: {
    does: 'takes the answer of a hook, `Succeeded` or `Failed`, by the id that the hook was called with; the first one counts',
    refuses: null,
    good: (world) => ({ ...hooked(world), lifecycleEventHookExecutionId: 'hook-1', status: 'Succeeded' }),
    refused: {
      ...NO_DEPLOYMENT,
      InvalidLifecycleEventHookExecutionIdException: [
        { lifecycleEventHookExecutionId: null },
        { lifecycleEventHookExecutionId: '' },
        { lifecycleEventHookExecutionId: 'hook-2' },
      ],
      InvalidLifecycleEventHookExecutionStatusException: [
        { status: 'Pending' },
        { status: null },
        { status: 'failed' },
      ],
      UnsupportedActionForDeploymentTypeException: running,
      LifecycleEventAlreadyCompletedException: { lifecycleEventHookExecutionId: 'hook-0' },
    },
    never: {},
  },
  DeleteResourcesByExternalId: {
    does: 'does nothing: what CloudFormation makes has an external id, and nothing here has one',
    refuses: null,
    good: { externalId: 'stack-1' },
    refused: {},
    never: {},
  },
};
