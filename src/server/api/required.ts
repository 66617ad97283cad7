/**
 * The members that an operation cannot do without. They are checked before anything else, in the order of the table. So a caller learns
 * first that a member is missing, and then what else is wrong. Pure.
 */
import { ApiError } from '../../protocol/errors.ts';
import type { ExceptionName } from '../../protocol/management/modelled-exceptions.ts';
import type { ManagementOperation } from '../../protocol/management/shapes.ts';
import type { Input } from './context.ts';

interface Requirement {
  readonly member: string;
  readonly exception: ExceptionName;
  /** Whether this request can do without; absent: none can. */
  mayLack?(input: Input): boolean;
}

const APPLICATION = need('applicationName', 'ApplicationNameRequiredException');
const GROUP = need('deploymentGroupName', 'DeploymentGroupNameRequiredException');
const CONFIG = need('deploymentConfigName', 'DeploymentConfigNameRequiredException');
const DEPLOYMENT = need('deploymentId', 'DeploymentIdRequiredException');
const INSTANCE = need('instanceName', 'InstanceNameRequiredException');
const INSTANCES = need('instanceNames', 'InstanceNameRequiredException');
const REVISION = need('revision', 'RevisionRequiredException');
const RESOURCE = need('ResourceArn', 'ResourceArnRequiredException');

const REQUIRED: { readonly [Op in ManagementOperation]?: readonly Requirement[] } = {
  CreateApplication: [APPLICATION],
  GetApplication: [APPLICATION],
  BatchGetApplications: [need('applicationNames', 'ApplicationNameRequiredException')],
  UpdateApplication: [APPLICATION],
  DeleteApplication: [APPLICATION],

  RegisterApplicationRevision: [APPLICATION, REVISION],
  GetApplicationRevision: [APPLICATION, REVISION],
  BatchGetApplicationRevisions: [APPLICATION, need('revisions', 'RevisionRequiredException')],
  DescribeRevisionContent: [APPLICATION, REVISION],
  ListApplicationRevisions: [
    APPLICATION,
    need('s3Bucket', 'BucketNameFilterRequiredException', (input) => (input['s3KeyPrefix'] ?? null) === null),
  ],

  CreateDeploymentConfig: [CONFIG],
  GetDeploymentConfig: [CONFIG],
  DeleteDeploymentConfig: [CONFIG],

  CreateDeploymentGroup: [APPLICATION, GROUP, need('serviceRoleArn', 'RoleRequiredException')],
  GetDeploymentGroup: [APPLICATION, GROUP],
  BatchGetDeploymentGroups: [APPLICATION, need('deploymentGroupNames', 'DeploymentGroupNameRequiredException')],
  ListDeploymentGroups: [APPLICATION],
  UpdateDeploymentGroup: [APPLICATION, need('currentDeploymentGroupName', 'DeploymentGroupNameRequiredException')],
  DeleteDeploymentGroup: [APPLICATION, GROUP],

  CreateDeployment: [APPLICATION, GROUP, { ...REVISION, mayLack: takesRevisionOfGroup }],
  GetDeployment: [DEPLOYMENT],
  BatchGetDeployments: [need('deploymentIds', 'DeploymentIdRequiredException')],
  // Both names or neither.
  ListDeployments: [
    { ...APPLICATION, mayLack: (input) => isMissing(input['deploymentGroupName']) },
    { ...GROUP, mayLack: (input) => isMissing(input['applicationName']) },
  ],
  StopDeployment: [DEPLOYMENT],
  StopDeploymentNow: [DEPLOYMENT],
  DescribeDeploymentWaits: [DEPLOYMENT],
  PlanDeployment: [APPLICATION, GROUP, REVISION],
  DescribeDeploymentProgress: [DEPLOYMENT],
  PutDeploymentGroupHooks: [APPLICATION, GROUP],
  DescribeDeploymentGroupHooks: [APPLICATION, GROUP],
  ListEventLogs: [DEPLOYMENT],
  GetEventLog: [DEPLOYMENT, need('targetId', 'DeploymentTargetIdRequiredException')],
  ContinueDeployment: [DEPLOYMENT],
  SkipWaitTimeForInstanceTermination: [DEPLOYMENT],
  PutLifecycleEventHookExecutionStatus: [DEPLOYMENT],

  ListDeploymentTargets: [DEPLOYMENT],
  GetDeploymentTarget: [DEPLOYMENT, need('targetId', 'DeploymentTargetIdRequiredException')],
  BatchGetDeploymentTargets: [DEPLOYMENT, need('targetIds', 'DeploymentTargetIdRequiredException')],
  ListDeploymentInstances: [DEPLOYMENT],
  GetDeploymentInstance: [DEPLOYMENT, need('instanceId', 'InstanceIdRequiredException')],
  BatchGetDeploymentInstances: [DEPLOYMENT, need('instanceIds', 'InstanceIdRequiredException')],

  RegisterOnPremisesInstance: [
    INSTANCE,
    need('iamUserArn', 'IamUserArnRequiredException', (input) => input['iamUserArn'] !== ''),
    need('iamUserArn or iamSessionArn', 'IamArnRequiredException', hasArn),
  ],
  DeregisterOnPremisesInstance: [INSTANCE],
  GetOnPremisesInstance: [INSTANCE],
  BatchGetOnPremisesInstances: [INSTANCES],
  AddTagsToOnPremisesInstances: [need('tags', 'TagRequiredException'), INSTANCES],
  RemoveTagsFromOnPremisesInstances: [need('tags', 'TagRequiredException'), INSTANCES],

  TagResource: [RESOURCE, need('Tags', 'TagRequiredException')],
  UntagResource: [RESOURCE, need('TagKeys', 'TagRequiredException')],
  ListTagsForResource: [RESOURCE],
  DeleteGitHubAccountToken: [need('tokenName', 'GitHubAccountTokenNameRequiredException')],
};

function need(member: string, exception: ExceptionName, mayLack?: Requirement['mayLack']): Requirement {
  return { member, exception, ...(mayLack === undefined ? {} : { mayLack }) };
}

/**
 * A restart, and a deployment to outdated hosts alone, take the group's revision. So does an unknown mode here, because nobody can say what
 * it needs.
 */
function takesRevisionOfGroup(input: Input): boolean {
  return (input['deploymentMode'] ?? 'STANDARD') !== 'STANDARD' || input['updateOutdatedInstancesOnly'] === true;
}

function hasArn(input: Input): boolean {
  return !isMissing(input['iamUserArn']) || !isMissing(input['iamSessionArn']);
}

/** Empty texts and lists name nothing. */
function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

/** @param input what `checkMembers` has let pass @throws ApiError the exception of the first member that is missing */
export function requireMembers(operation: ManagementOperation, input: Input): void {
  for (const { member, exception, mayLack } of REQUIRED[operation] ?? []) {
    if (!isMissing(input[member]) || mayLack?.(input)) continue;
    throw new ApiError(exception, `${operation} needs ${member}, which is missing or empty.`);
  }
}
