/** Every operation of IAM and STS that this server carries out, by the API that a request is signed for. */
import { ApiError } from '../../protocol/errors.ts';
import { describeScope } from '../../protocol/management/key-scope.ts';
import type { QueryOutput } from '../../protocol/query/answer.ts';
import type { Form } from '../../protocol/query/form.ts';
import { callerIdentityOperations } from './caller-identity.ts';
import type { IdentityCaller, IdentityContext, IdentityOperation, IdentityOperations } from './context.ts';
import { userKeyOperations } from './user-keys.ts';
import { userPolicyOperations } from './user-policies.ts';
import { userOperations } from './users.ts';

/** An API of the Query protocol. */
export interface IdentityApi {
  /** As the credential scope of its signatures has it. */
  readonly service: 'iam' | 'sts';
  readonly version: string;
  readonly namespace: string;
  readonly operations: IdentityOperations;
}

export const IDENTITY_APIS: readonly IdentityApi[] = [
  {
    service: 'iam',
    version: '2010-05-08',
    namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
    operations: { ...userOperations, ...userKeyOperations, ...userPolicyOperations },
  },
  {
    service: 'sts',
    version: '2011-06-15',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    operations: callerIdentityOperations,
  },
];

/** More of a foreign name is not repeated; characters. */
const MAX_SHOWN = 100;

/**
 * The one way in. A request is read in full before its operation begins: no parameter is passed over.
 *
 * @param requestId that the answer carries; the audit log has it, too
 * @throws ApiError MissingAction, InvalidAction, AccessDenied, ValidationError, or what the operation throws
 */
export async function callIdentityOperation(
  ctx: IdentityContext,
  api: IdentityApi,
  form: Form,
  caller: IdentityCaller,
  requestId: string,
): Promise<{ readonly action: string; readonly output: QueryOutput }> {
  const action = form.get('Action') ?? '';
  const operation = findOperation(api, action, form.get('Version'));
  requireRole(caller, operation, `${api.service}:${action}`);
  const known = ['Action', 'Version', ...operation.parameters];
  const unknown = [...form.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new ApiError('ValidationError', `${action} has no parameter ${shown(unknown)} here. Nothing was done.`);
  }
  const { Action: _action, Version: _version, ...members } = Object.fromEntries(form);
  const { accessKeyId: actor, role } = caller;
  const audited = { requestId, actor, role, operation: `${api.service}:${action}`, members };
  return { action, output: await operation.call(ctx, form, { ...caller, audited }) };
}

function findOperation(api: IdentityApi, action: string, version: string | undefined): IdentityOperation {
  if (action === '') throw new ApiError('MissingAction', 'The parameter Action is missing.');
  const operation = Object.hasOwn(api.operations, action) ? api.operations[action] : undefined;
  if (operation !== undefined && version === api.version) return operation;
  const asked = `${shown(action)} of ${api.service}, version ${shown(version ?? 'none')}`;
  const names = Object.keys(api.operations).sort().join(', ');
  throw new ApiError('InvalidAction', `There is no operation ${asked}. Version ${api.version} has ${names}.`);
}

/** Requires a role that may enrol hosts: only such a role decides whom a key is made for, and what becomes of it. */
function requireRole({ role, scope }: IdentityCaller, operation: IdentityOperation, name: string): void {
  if (operation.for === 'anyone') return;
  // A host's key opens the bundles of every deployment to the host, whose applications nobody can know beforehand.
  if (scope !== null) {
    const why = `it is limited to ${describeScope(scope)}, and users belong to no application`;
    throw new ApiError('AccessDenied', `The key may not call ${name}: ${why}.`, { status: 403 });
  }
  if (role === 'operator' || role === 'admin') return;
  throw new ApiError('AccessDenied', `A key of role ${role} may not call ${name}.`, { status: 403 });
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN));
}
