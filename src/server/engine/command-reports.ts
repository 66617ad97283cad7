/** What hosts say about their commands, and what that makes of the events. */
import { type CommandDiagnostics, decodeDiagnostics } from '../../protocol/diagnostics.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { CommandStatus, Envelope } from '../../protocol/host-command/shapes.ts';
import { isHookEvent } from '../../protocol/lifecycle-events.ts';
import type { Clock } from '../../system/clock.ts';
import { lockDeployment, updateDeployment } from '../store/deployments.ts';
import { findEventByCommand, keyOf, updateEvent } from '../store/lifecycle-events.ts';
import { type HostActor, lockPower } from '../store/powers.ts';
import type { DeploymentRow, LifecycleEventRow } from '../store/schema.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import { diagnosticsOf, eventDiagnostics, lateDiagnosticsOf } from './diagnostics.ts';
import type { Engine } from './engine.ts';

export interface ReportContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly engine: Pick<Engine, 'step'>;
}

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
  return withCommand(ctx, hostCommandId, caller, 'Failed', async (tx, event, deployment) => {
    if (event.status !== 'Pending') return { answer: statusOf(event), changed: false };
    if (deployment.stop_requested_at_ms !== null) return { answer: 'Failed', changed: false };
    const nowMs = ctx.clock.now();
    // What the agent does itself is never nothing, whatever it says.
    if (!isNoop || !isHookEvent(event.event_name)) {
      await updateEvent(tx, keyOf(event), { status: 'InProgress', started_at_ms: nowMs });
      return { answer: 'InProgress', changed: false };
    }
    await updateEvent(tx, keyOf(event), {
      status: 'Succeeded',
      started_at_ms: nowMs,
      ended_at_ms: nowMs,
      reported_at_ms: nowMs,
      diagnostics_json: JSON.stringify(eventDiagnostics('Success', { message: 'Succeeded' })),
    });
    return { answer: 'Succeeded', changed: true };
  });
}

/**
 * How a command has ended. The first report counts, and the same one again changes nothing. One for an event that was given up
 * meanwhile is kept with it, for people to read; its result stays.
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
  await withCommand(ctx, hostCommandId, caller, undefined, async (tx, event) => {
    if (event.reported_at_ms !== null) return { answer: undefined, changed: false };
    const nowMs = ctx.clock.now();
    const reported: CommandDiagnostics | null = decodeDiagnostics(diagnostics);
    if (event.ended_at_ms !== null) {
      const diagnostics_json = JSON.stringify(lateDiagnosticsOf(event.diagnostics_json, status, reported));
      await updateEvent(tx, keyOf(event), { reported_at_ms: nowMs, diagnostics_json });
      return { answer: undefined, changed: false };
    }
    await updateEvent(tx, keyOf(event), {
      status,
      // An agent that fails before it could acknowledge reports that without having begun.
      started_at_ms: event.started_at_ms ?? nowMs,
      ended_at_ms: nowMs,
      reported_at_ms: nowMs,
      diagnostics_json: JSON.stringify(diagnosticsOf(status, reported)),
    });
    return { answer: undefined, changed: true };
  });
}

/** The state of a command, for a host that says it is still at it: it has been heard of, as by a poll. */
export async function commandStatus(
  ctx: ReportContext,
  hostCommandId: string,
  caller: HostActor,
): Promise<CommandStatus> {
  return ctx.store.transaction(async (tx) => {
    await lockPower(tx, caller);
    const event = await findEventByCommand(tx, hostCommandId);
    if (event === null) return 'Failed';
    requireOwn(event, caller.hostArn);
    return statusOf(event);
  });
}

/** As hosts understand it: what was skipped is not wanted. */
function statusOf({ status }: LifecycleEventRow): CommandStatus {
  return status === 'Skipped' || status === 'Unknown' ? 'Failed' : status;
}

interface Reported<Answer> {
  readonly answer: Answer;
  /** Whether the deployment can go on now. */
  readonly changed: boolean;
}

/** Does `work` with the command's event while its deployment is held, and drives the deployment on if that changed anything. */
async function withCommand<Answer>(
  ctx: ReportContext,
  hostCommandId: string,
  caller: HostActor,
  answerForUnknown: Answer,
  work: (tx: StoreTransaction, event: LifecycleEventRow, deployment: DeploymentRow) => Promise<Reported<Answer>>,
): Promise<Answer> {
  const { answer, changedId } = await ctx.store.transaction(async (tx) => {
    await lockPower(tx, caller);
    const found = await findEventByCommand(tx, hostCommandId);
    // Its application may have been deleted: for the host that is the end of it, and nothing to worry about.
    if (found === null) return { answer: answerForUnknown, changedId: null };
    requireOwn(found, caller.hostArn);
    const deployment = await lockDeployment(tx, found.deployment_id);
    // Read again: only what is read while the deployment is held stays as it is.
    const event = await findEventByCommand(tx, hostCommandId);
    if (deployment === null || event === null) return { answer: answerForUnknown, changedId: null };
    const reported = await work(tx, event, deployment);
    if (!reported.changed) return { answer: reported.answer, changedId: null };
    await updateDeployment(tx, deployment.deployment_id, { wake_at_ms: ctx.clock.now() });
    return { answer: reported.answer, changedId: deployment.deployment_id };
  });
  if (changedId !== null) await ctx.engine.step(changedId);
  return answer;
}

function requireOwn(event: LifecycleEventRow, hostArn: string): void {
  if (event.host_arn === hostArn) return;
  throw new ApiError('ClientException', `The command ${event.host_command_id} is not one of this host.`);
}
