/** Every operation of the management API that this server carries out. */
import { ApiError } from '../../protocol/errors.ts';
import type { ManagementOperation } from '../../protocol/management/shapes.ts';
import { type AuditedCall, auditEntryOf, madeBy } from '../audit/audited-call.ts';
import { insertAuditEntry } from '../store/audit-entries.ts';
import { lockPower } from '../store/powers.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import { applicationHandlers } from './applications.ts';
import { auditHandlers } from './audit.ts';
import { checkMembers } from './check-members.ts';
import type { ApiContext, Caller, Handlers, Input } from './context.ts';
import { continueHandlers } from './continue-deployment.ts';
import { controlHandlers } from './control.ts';
import { deploymentConfigHandlers } from './deployment-configs.ts';
import { deploymentGroupHandlers } from './deployment-groups.ts';
import { deploymentHandlers } from './deployments.ts';
import { enrolmentTokenHandlers } from './enrolment-tokens.ts';
import { eventHookHandlers } from './event-hooks.ts';
import { eventLogHandlers } from './event-logs.ts';
import { gitTokenHandlers } from './git-tokens.ts';
import { historyHandlers } from './history.ts';
import { hostHandlers } from './hosts.ts';
import { instanceHandlers } from './instances.ts';
import { refuseNotDone } from './not-done.ts';
import { notInPlaceHandlers } from './not-in-place.ts';
import { noticeHandlers } from './notices.ts';
import { permissionFor, requireRole } from './permissions.ts';
import { planHandlers } from './plan-deployment.ts';
import { progressHandlers } from './progress.ts';
import { requireMembers } from './required.ts';
import { revisionContentHandlers } from './revision-content.ts';
import { revisionHandlers } from './revisions.ts';
import { requireWithinScope } from './scopes.ts';
import { searchHandlers } from './search.ts';
import { serverSettingsHandlers } from './server-settings.ts';
import { tagHandlers } from './tags.ts';
import { targetHandlers } from './targets.ts';
import { waitHandlers } from './waits.ts';

const HANDLERS: Handlers<ManagementOperation> = {
  ...applicationHandlers,
  ...revisionHandlers,
  ...revisionContentHandlers,
  ...deploymentConfigHandlers,
  ...deploymentGroupHandlers,
  ...deploymentHandlers,
  ...targetHandlers,
  ...instanceHandlers,
  ...tagHandlers,
  ...controlHandlers,
  ...hostHandlers,
  ...enrolmentTokenHandlers,
  ...auditHandlers,
  ...historyHandlers,
  ...noticeHandlers,
  ...waitHandlers,
  ...planHandlers,
  ...eventHookHandlers,
  ...progressHandlers,
  ...gitTokenHandlers,
  ...continueHandlers,
  ...searchHandlers,
  ...eventLogHandlers,
  ...serverSettingsHandlers,
  ...notInPlaceHandlers,
};

type AnyHandler = (ctx: ApiContext, input: Input, caller: Caller) => Promise<object>;

/**
 * The one way in. A request is read in full before its handler begins: no member is passed over.
 *
 * A request with several faults gets the error of the first in this order:
 *
 * 1. A role or scope does not reach.
 * 2. A member is unknown or has a wrong type.
 * 3. A member is missing.
 * 4. A member is not acted upon here.
 * 5. A member is not well formed.
 * 6. A thing does not exist.
 * 7. A limit or a state forbids it.
 *
 * @param requestId that the answer carries; the audit log has it, too
 * @throws ApiError UnknownOperationException, ValidationException for a member that the operation does not have, or one of the operation's
 *   own exceptions
 */
export async function callOperation(
  ctx: ApiContext,
  operation: string,
  input: Input,
  caller: Caller,
  requestId: string,
): Promise<object> {
  requireRole(caller.role, operation);
  if (!isHandled(operation)) throw new ApiError('UnknownOperationException', `There is no operation ${operation}.`);
  checkMembers(operation, input);
  requireMembers(operation, input);
  await requireWithinScope(ctx.store.db, ctx, operation, input, caller);
  refuseNotDone(operation, input, ctx.asksAws);
  const handler: AnyHandler = HANDLERS[operation];
  const { accessKeyId: actor, role } = caller;
  const changes = permissionFor(operation)?.changes === true;
  const audited = changes ? { requestId, actor, role, operation, members: input } : null;
  const stillWithin = (tx: StoreTransaction) => requireWithinScope(tx, ctx, operation, input, caller);
  return handler(withPowerOf(ctx, caller, stillWithin, audited), input, caller);
}

function isHandled(operation: string): operation is ManagementOperation {
  return Object.hasOwn(HANDLERS, operation);
}

/**
 * The context of one call. Every transaction of it holds the caller's power. So nothing is changed with a key that was disabled after the
 * request had been let in. Handlers change things in transactions only. A call that changes something also writes its entry of the audit
 * log in each transaction. So no change lacks an entry, and a change that is rolled back leaves none.
 *
 * @param stillWithin throws when the call is not within the key's scope any more
 * @param audited null: the call changes nothing
 */
function withPowerOf(
  ctx: ApiContext,
  caller: Caller,
  stillWithin: (tx: StoreTransaction) => Promise<void>,
  audited: AuditedCall | null,
): ApiContext {
  const { store, clock } = ctx;
  const transaction: Store['transaction'] = (work) =>
    store.transaction(async (tx) => {
      await lockPower(tx, caller);
      // A group may have been renamed since the request was let in.
      await stillWithin(tx);
      const result = await work(tx);
      if (audited !== null) await insertAuditEntry(tx, auditEntryOf(audited, madeBy(result), clock.now()));
      return result;
    });
  return { ...ctx, store: { ...store, transaction } };
}
