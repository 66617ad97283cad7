/** Every operation of the management API that this server carries out. */
import { ApiError } from '../../protocol/errors.ts';
import { lockPower } from '../store/powers.ts';
import type { Store } from '../store/store.ts';
import { applicationHandlers } from './applications.ts';
import { checkMembers } from './check-members.ts';
import type { ApiContext, Caller, Input } from './context.ts';
import { controlHandlers } from './control.ts';
import { deploymentConfigHandlers } from './deployment-configs.ts';
import { deploymentGroupHandlers } from './deployment-groups.ts';
import { deploymentHandlers } from './deployments.ts';
import { instanceHandlers } from './instances.ts';
import { refuseNotDone } from './not-done.ts';
import { readPageToken } from './paging.ts';
import { requireRole } from './permissions.ts';
import { revisionHandlers } from './revisions.ts';
import { tagHandlers } from './tags.ts';
import { targetHandlers } from './targets.ts';
import { waitHandlers } from './waits.ts';

const HANDLERS = {
  ...applicationHandlers,
  ...revisionHandlers,
  ...deploymentConfigHandlers,
  ...deploymentGroupHandlers,
  ...deploymentHandlers,
  ...targetHandlers,
  ...instanceHandlers,
  ...tagHandlers,
  ...controlHandlers,
  ...waitHandlers,
  /** There are no tokens: hosts get none from this server. */
  async ListGitHubAccountTokenNames(ctx: ApiContext, input: Input) {
    readPageToken(ctx, 'ListGitHubAccountTokenNames', input);
    return { tokenNameList: [] };
  },
};

type AnyHandler = (ctx: ApiContext, input: Input, caller: Caller) => Promise<object>;

/** Operations of CodeDeploy for what this server does not do: load balancers, blue/green, Lambda, ECS. */
const FOREIGN: readonly string[] = [
  'ContinueDeployment',
  'SkipWaitTimeForInstanceTermination',
  'PutLifecycleEventHookExecutionStatus',
  'DeleteResourcesByExternalId',
  'DeleteGitHubAccountToken',
];

/**
 * The one way in. What a request asks for is known in full before its handler begins: no member is passed over.
 *
 * @throws ApiError UnknownOperationException, ValidationException for a member that the operation does not have, the exception of a member
 *   that is not acted upon here, or what the handler throws
 */
export async function callOperation(ctx: ApiContext, operation: string, input: Input, caller: Caller): Promise<object> {
  requireRole(caller.role, operation);
  if (isHandled(operation)) {
    checkMembers(operation, input);
    refuseNotDone(operation, input);
    const handler: AnyHandler = HANDLERS[operation];
    return handler(withPowerOf(ctx, caller), input, caller);
  }
  if (FOREIGN.includes(operation)) {
    throw new ApiError(
      'UnsupportedActionForDeploymentTypeException',
      `${operation} is not for in-place deployments to hosts, which are all that this server has.`,
    );
  }
  throw new ApiError('UnknownOperationException', `There is no operation ${operation}.`);
}

function isHandled(operation: string): operation is keyof typeof HANDLERS {
  return Object.hasOwn(HANDLERS, operation);
}

/**
 * The context of one call: every transaction of it holds the caller's power, so that nothing is changed with a key that was disabled after
 * the request had been let in. Handlers change things in transactions only.
 */
function withPowerOf(ctx: ApiContext, caller: Caller): ApiContext {
  const { store } = ctx;
  const transaction: Store['transaction'] = (work) =>
    store.transaction(async (tx) => {
      await lockPower(tx, caller);
      return work(tx);
    });
  return { ...ctx, store: { ...store, transaction } };
}
