/** Answers of hooks, which come by the API. */
import { ApiError } from '../../protocol/errors.ts';

import { keyOf, lockEventByCommand } from '../store/lifecycle-events.ts';
import { closeHookOrder } from '../store/orders.ts';
import type { LifecycleEventRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { endEvent, type ReportContext, reportOn } from './event-reports.ts';

export interface HookAnswer {
  readonly deploymentId: string;
  /** The id that the hook was called with. */
  readonly executionId: string;
  readonly status: 'Succeeded' | 'Failed';
}

/**
 * Notes a hook's answer, and drives its deployment on. The first answer counts.
 *
 * @throws ApiError InvalidLifecycleEventHookExecutionIdException when the deployment has no such hook, and
 *   LifecycleEventAlreadyCompletedException when its event is over
 */
export async function answerHook(ctx: ReportContext, answer: HookAnswer): Promise<void> {
  await reportOn<void>(
    ctx,
    { find: (tx) => findHook(tx, answer), answerForUnknown: undefined, durability: 'synced' },
    async (tx, event) => {
      const { status } = answer;
      const message = `The hook of ${event.event_name} answered ${status}.`;
      const reported =
        status === 'Succeeded'
          ? ({ errorCode: 0, scriptName: '', message: '', log: message } as const)
          : ({ errorCode: 5, scriptName: '', message: `HOOK_EXECUTION_FAILURE: ${message}`, log: '' } as const);
      const changed = await endEvent(tx, { event, status, reported }, ctx.clock.now());
      await closeHookOrder(tx, keyOf(event));
      return { answer: undefined, changed };
    },
  );
}

/** Held. It throws in the transaction, so that nothing is kept of a call that is refused. */
async function findHook(tx: StoreTransaction, { deploymentId, executionId }: HookAnswer): Promise<LifecycleEventRow> {
  const event = await lockEventByCommand(tx, executionId);
  // Hosts' commands have ids of the same kind; theirs are not answered here.
  if (event?.deployment_id !== deploymentId || event.host_arn !== '') {
    throw new ApiError(
      'InvalidLifecycleEventHookExecutionIdException',
      `lifecycleEventHookExecutionId names no hook of the deployment ${deploymentId}: it is what the hook was called with.`,
    );
  }
  if (event.ended_at_ms === null) return event;
  throw new ApiError(
    'LifecycleEventAlreadyCompletedException',
    `The lifecycle event ${event.event_name} of this lifecycleEventHookExecutionId is over: a hook answers once, and is not waited for beyond ` +
      'its time or a stop.',
  );
}
