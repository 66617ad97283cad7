/**
 * Which role may call which operation, what of the server's the call touches, and whether it changes anything: the one table of it.
 * `scopes.ts` reads of a request which applications and groups it touches. Pure.
 */
import { ApiError } from '../../protocol/errors.ts';
import type { ManagementOperation } from '../../protocol/management/shapes.ts';
import type { Role } from '../store/schema.ts';

/**
 * Things that a call touches, for keys that are limited to some applications and groups:
 *
 * - `nothing`: what belongs to nobody, and every key may know;
 * - `listed`: a list, which shows what the key may know and leaves out the rest;
 * - `part`: an application, looked into or given a revision; a key of one of its groups may do that;
 * - `application`: an application with everything in it;
 * - `group`, `deployment`: a group, named itself or by its deployments; `tagged`: what an ARN names;
 * - `server`: what belongs to no application, as hosts and keys. A limited key may not call it.
 */
export type Touched = 'nothing' | 'listed' | 'part' | 'application' | 'group' | 'deployment' | 'tagged' | 'server';

/** Roles of people and their programs: each may do what the one before may. */
type RankedRole = Exclude<Role, 'host' | 'hook'>;

interface Permission {
  /** The least of the ranked roles that may. */
  readonly role: RankedRole;
  /** Whether a key of the role `hook` may, too, which may do nothing else; absent: it may not. */
  readonly isForHooks?: true;
  readonly touches: Touched;
  /** false: the call is answered without changing anything. */
  readonly changes: boolean;
}

const look = (touches: Touched): Permission => ({ role: 'viewer', touches, changes: false });
const change = (touches: Touched): Permission => ({ role: 'operator', touches, changes: true });
/** A viewer need not know who else has a key. */
const LOOK_AT_KEYS: Permission = { role: 'operator', touches: 'server', changes: false };
/** An operator may end keys of hosts; only an admin gives a person power. */
const CHANGE_KEYS: Permission = { role: 'admin', touches: 'server', changes: true };
/** The AppSpec file names what is looked at: whoever may deploy it may also look. */
const LOOK_INTO_AWS: Permission = { role: 'operator', touches: 'group', changes: false };
/** Only an admin is told who has done what. */
const LOOK_AT_AUDIT: Permission = { role: 'admin', touches: 'server', changes: false };

const PERMISSIONS: Readonly<Record<ManagementOperation, Permission>> = {
  AddTagsToOnPremisesInstances: change('server'),
  BatchGetApplicationRevisions: look('part'),
  BatchGetApplications: look('part'),
  BatchGetDeploymentGroups: look('group'),
  BatchGetDeploymentInstances: look('deployment'),
  BatchGetDeploymentTargets: look('deployment'),
  BatchGetDeployments: look('deployment'),
  BatchGetOnPremisesInstances: look('server'),
  ContinueDeployment: change('deployment'),
  CreateAccessKey: change('server'),
  CreateApplication: change('application'),
  CreateDeployment: change('group'),
  CreateDeploymentConfig: change('server'),
  CreateEnrolmentToken: change('server'),
  CreateDeploymentGroup: change('group'),
  DeleteApplication: change('application'),
  DeleteDeploymentConfig: change('server'),
  DeleteDeploymentGroup: change('group'),
  DeleteGitHubAccountToken: change('server'),
  DeleteResourcesByExternalId: change('server'),
  DeregisterOnPremisesInstance: change('server'),
  DescribeDeploymentGroupHooks: look('group'),
  DescribeDeploymentProgress: look('deployment'),
  DescribeDeploymentWaits: look('deployment'),
  DescribeHosts: look('server'),
  DescribeRevisionContent: look('part'),
  DescribeServer: look('nothing'),
  DescribeServerSettings: look('server'),
  DisableAccessKey: change('server'),
  EnableAccessKey: CHANGE_KEYS,
  GetApplication: look('part'),
  GetApplicationRevision: look('part'),
  GetDeployment: look('deployment'),
  GetDeploymentConfig: look('nothing'),
  GetDeploymentGroup: look('group'),
  GetDeploymentInstance: look('deployment'),
  GetDeploymentTarget: look('deployment'),
  GetEventLog: look('deployment'),
  GetOnPremisesInstance: look('server'),
  ListAccessKeys: LOOK_AT_KEYS,
  ListApplicationRevisions: look('part'),
  ListApplications: look('listed'),
  ListAuditEntries: LOOK_AT_AUDIT,
  ListDeploymentConfigs: look('nothing'),
  ListDeploymentGroups: look('part'),
  ListDeploymentInstances: look('deployment'),
  ListDeploymentTargets: look('deployment'),
  ListDeployments: look('group'),
  ListEnrolmentTokens: LOOK_AT_KEYS,
  ListEventLogs: look('deployment'),
  ListGitTokens: LOOK_AT_KEYS,
  ListGitHubAccountTokenNames: look('server'),
  ListHostHistory: look('group'),
  ListHostRevisions: look('group'),
  ListNotices: look('deployment'),
  ListOnPremisesInstances: look('server'),
  ListRevisionHistory: look('group'),
  ListTagsForResource: look('tagged'),
  PlanDeployment: LOOK_INTO_AWS,
  PutDeploymentGroupHooks: change('group'),
  PutGitToken: change('server'),
  PutLifecycleEventHookExecutionStatus: { ...change('deployment'), isForHooks: true },
  RegisterApplicationRevision: change('part'),
  RegisterOnPremisesInstance: change('server'),
  RemoveTagsFromOnPremisesInstances: change('server'),
  RevokeEnrolmentToken: change('server'),
  SearchResources: look('listed'),
  SkipWaitTimeForInstanceTermination: change('deployment'),
  StopDeployment: change('deployment'),
  StopDeploymentNow: change('deployment'),
  TagResource: change('tagged'),
  UntagResource: change('tagged'),
  UpdateApplication: change('application'),
  UpdateDeploymentGroup: change('group'),
};

const RANKS: readonly RankedRole[] = ['viewer', 'operator', 'admin'];

/** Returns the rights that an operation needs; null: no such operation. */
export function permissionFor(operation: string): Permission | null {
  return Object.hasOwn(PERMISSIONS, operation) ? PERMISSIONS[operation as ManagementOperation] : null;
}

/** Lists the operations that a key may call at all; a limited key may call them on what its scope reaches. */
export function operationsFor(role: Role, isLimited: boolean): readonly string[] {
  return Object.entries(PERMISSIONS)
    .filter(([, permission]) => mayCall(role, permission))
    .filter(([, { touches }]) => !isLimited || touches !== 'server')
    .map(([operation]) => operation);
}

function mayCall(role: Role, permission: Permission): boolean {
  if (role === 'host') return false;
  return role === 'hook' ? permission.isForHooks === true : RANKS.indexOf(role) >= RANKS.indexOf(permission.role);
}

/** @throws ApiError AccessDeniedException; UnknownOperationException for the roles of people */
export function requireRole(role: Role, operation: string): void {
  const permission = permissionFor(operation);
  if (permission === null && role !== 'host' && role !== 'hook') {
    throw new ApiError('UnknownOperationException', `There is no operation ${operation}.`);
  }
  if (permission !== null && mayCall(role, permission)) return;
  throw new ApiError('AccessDeniedException', `A key of role ${role} may not call ${operation}.`, { status: 403 });
}
