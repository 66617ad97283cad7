/** Which role may call which operation, and whether a call changes anything: the one table of it. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { ManagementOperation } from '../../protocol/management/shapes.ts';
import type { Role } from '../store/schema.ts';

interface Permission {
  /** The least of the roles that may; each of `viewer`, `operator` and `admin` may do what the one before may. */
  readonly role: Exclude<Role, 'host'>;
  /** false: the call is answered without changing anything. */
  readonly changes: boolean;
}

const LOOK: Permission = { role: 'viewer', changes: false };
/** Whoever only looks need not know who else does. */
const LOOK_AT_KEYS: Permission = { role: 'operator', changes: false };
/** Who has done what is told to those alone who may do everything. */
const LOOK_AT_AUDIT: Permission = { role: 'admin', changes: false };
const CHANGE: Permission = { role: 'operator', changes: true };

const PERMISSIONS: Readonly<Record<ManagementOperation, Permission>> = {
  AddTagsToOnPremisesInstances: CHANGE,
  BatchGetApplicationRevisions: LOOK,
  BatchGetApplications: LOOK,
  BatchGetDeploymentGroups: LOOK,
  BatchGetDeploymentInstances: LOOK,
  BatchGetDeploymentTargets: LOOK,
  BatchGetDeployments: LOOK,
  BatchGetOnPremisesInstances: LOOK,
  ContinueDeployment: CHANGE,
  CreateAccessKey: CHANGE,
  CreateApplication: CHANGE,
  CreateDeployment: CHANGE,
  CreateDeploymentConfig: CHANGE,
  CreateDeploymentGroup: CHANGE,
  DeleteApplication: CHANGE,
  DeleteDeploymentConfig: CHANGE,
  DeleteDeploymentGroup: CHANGE,
  DeleteGitHubAccountToken: CHANGE,
  DeleteResourcesByExternalId: CHANGE,
  DeregisterOnPremisesInstance: CHANGE,
  DescribeDeploymentWaits: LOOK,
  DescribeHosts: LOOK,
  DescribeServer: LOOK,
  DisableAccessKey: CHANGE,
  GetApplication: LOOK,
  GetApplicationRevision: LOOK,
  GetDeployment: LOOK,
  GetDeploymentConfig: LOOK,
  GetDeploymentGroup: LOOK,
  GetDeploymentInstance: LOOK,
  GetDeploymentTarget: LOOK,
  GetOnPremisesInstance: LOOK,
  ListAccessKeys: LOOK_AT_KEYS,
  ListApplicationRevisions: LOOK,
  ListApplications: LOOK,
  ListAuditEntries: LOOK_AT_AUDIT,
  ListDeploymentConfigs: LOOK,
  ListDeploymentGroups: LOOK,
  ListDeploymentInstances: LOOK,
  ListDeploymentTargets: LOOK,
  ListDeployments: LOOK,
  ListGitHubAccountTokenNames: LOOK,
  ListOnPremisesInstances: LOOK,
  ListTagsForResource: LOOK,
  PutLifecycleEventHookExecutionStatus: CHANGE,
  RegisterApplicationRevision: CHANGE,
  RegisterOnPremisesInstance: CHANGE,
  RemoveTagsFromOnPremisesInstances: CHANGE,
  SkipWaitTimeForInstanceTermination: CHANGE,
  StopDeployment: CHANGE,
  StopDeploymentNow: CHANGE,
  TagResource: CHANGE,
  UntagResource: CHANGE,
  UpdateApplication: CHANGE,
  UpdateDeploymentGroup: CHANGE,
};

const RANKS: readonly Permission['role'][] = ['viewer', 'operator', 'admin'];

/** What is needed for an operation; null: there is no such operation. */
export function permissionFor(operation: string): Permission | null {
  return Object.hasOwn(PERMISSIONS, operation) ? PERMISSIONS[operation as ManagementOperation] : null;
}

/** @throws ApiError AccessDeniedException; UnknownOperationException for those who may call any operation at all */
export function requireRole(role: Role, operation: string): void {
  const permission = permissionFor(operation);
  if (role !== 'host') {
    if (permission === null) throw new ApiError('UnknownOperationException', `There is no operation ${operation}.`);
    if (RANKS.indexOf(role) >= RANKS.indexOf(permission.role)) return;
  }
  throw new ApiError('AccessDeniedException', `A key of role ${role} may not call ${operation}.`, { status: 403 });
}
