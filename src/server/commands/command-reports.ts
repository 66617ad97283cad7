/** What hosts say about their commands: who may say it, and what it means for the event behind the command. */
import { decodeDiagnostics } from '../../protocol/diagnostics.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { CommandStatus, Envelope } from '../../protocol/host-command/shapes.ts';
import { isHookEvent } from '../../protocol/lifecycle-events.ts';
import { beginEvent, endEvent, type ReportContext, reportOn } from '../engine/event-reports.ts';
import { findDeployment } from '../store/deployments.ts';
import { lockEventByCommand } from '../store/lifecycle-events.ts';
import { type HostActor, lockPower } from '../store/powers.ts';
import type { LifecycleEventRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';

/**
 * A host is about to begin, or has nothing to do for this event.
 *
 * @returns `InProgress`: go on; `Succeeded`: leave it, it counts as done; `Failed`: it is not wanted any more
 * @throws ApiError ClientException for another host's command; of `lockPower` when the key has lost its power, and nothing is changed
 */
export async function acknowledge(
  ctx: ReportContext,
  hostCommandId: string,
  isNoop: boolean,
  caller: HostActor,
): Promise<CommandStatus> {
  const find = (tx: StoreTransaction) => findOwn(tx, hostCommandId, caller);
  // Lazy, unless it is the event's end: after a power cut the command is handed out again, and its agent knows it by its identifier.
  const asked = { find, answerForUnknown: 'Failed', durability: isNoop ? 'synced' : 'lazy' } as const;
  return reportOn<CommandStatus>(ctx, asked, async (tx, event) => {
    if (event.status !== 'Pending') return { answer: statusOf(event), changed: false };
    const deployment = await findDeployment(tx, event.deployment_id);
    if (deployment === null || deployment.stop_requested_at_ms !== null) return { answer: 'Failed', changed: false };
    const nowMs = ctx.clock.now();
    // What the agent does itself is never nothing, whatever it says.
    if (isNoop && isHookEvent(event.event_name)) {
      return { answer: 'Succeeded', changed: await endEvent(tx, event, 'Succeeded', null, nowMs) };
    }
    await beginEvent(tx, event, nowMs);
    return { answer: 'InProgress', changed: false };
  });
}

/**
 * How a command has ended.
 *
 * @throws ApiError ClientException for another host's command; of `lockPower` when the key has lost its power, and nothing is changed
 */
export async function complete(
  ctx: ReportContext,
  hostCommandId: string,
  status: 'Succeeded' | 'Failed',
  diagnostics: Envelope | undefined,
  caller: HostActor,
): Promise<void> {
  const find = (tx: StoreTransaction) => findOwn(tx, hostCommandId, caller);
  await reportOn(ctx, { find, answerForUnknown: undefined, durability: 'synced' }, async (tx, event) => ({
    answer: undefined,
    changed: await endEvent(tx, event, status, decodeDiagnostics(diagnostics), ctx.clock.now()),
  }));
}

/** The state of a command, for a host that says it is still at it: it has been heard of, as by a poll. */
export async function commandStatus(
  ctx: ReportContext,
  hostCommandId: string,
  caller: HostActor,
): Promise<CommandStatus> {
  return ctx.store.transaction(async (tx) => {
    const event = await findOwn(tx, hostCommandId, caller);
    return event === null ? 'Failed' : statusOf(event);
  });
}

/** As hosts understand it: what was skipped is not wanted. */
function statusOf({ status }: LifecycleEventRow): CommandStatus {
  return status === 'Skipped' || status === 'Unknown' ? 'Failed' : status;
}

/** The event behind a command of the host that calls; it is held, and the caller's power. */
async function findOwn(
  tx: StoreTransaction,
  hostCommandId: string,
  caller: HostActor,
): Promise<LifecycleEventRow | null> {
  await lockPower(tx, caller);
  const event = await lockEventByCommand(tx, hostCommandId);
  if (event === null || event.host_arn === caller.hostArn) return event;
  throw new ApiError('ClientException', `The command ${event.host_command_id} is not one of this host.`);
}
