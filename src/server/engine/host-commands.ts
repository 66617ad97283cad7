/** The server's side of the host command API. */

import { decodeDiagnostics } from '../../protocol/diagnostics.ts';
import type { Signer } from '../../protocol/envelope/authority.ts';
import { sealSpecification } from '../../protocol/envelope/seal.ts';
import { ApiError } from '../../protocol/errors.ts';
import type {
  Envelope,
  HostCommand,
  HostCommandOperation,
  HostCommandOperations,
} from '../../protocol/host-command/shapes.ts';
import { encodeSpecification } from '../../protocol/specification.ts';
import { FINAL_STATUSES, findDeployment } from '../store/deployments.ts';
import { findEventByCommand, handOut, nextReadyEvent, updateEvent } from '../store/lifecycle-events.ts';
import type { LifecycleEventRow } from '../store/schema.ts';
import { diagnosticsOf, eventDiagnostics } from './diagnostics.ts';
import type { Engine, EngineContext } from './engine.ts';
import { specificationOf } from './specification.ts';

export interface HostCommandCaller {
  /** The host identifier that the caller has proved to be. */
  readonly hostArn: string;
  readonly agentVersion: string | null;
  /** Aborts when the client hangs up or the server stops. */
  readonly signal: AbortSignal;
}

export type HostCommandService = {
  readonly [Op in HostCommandOperation]: (
    input: HostCommandOperations[Op]['input'],
    caller: HostCommandCaller,
  ) => Promise<HostCommandOperations[Op]['output']>;
};

export interface HostCommandContext extends EngineContext {
  readonly engine: Pick<Engine, 'step'>;
  readonly accountId: string;
  /** Asked for each specification, so that it can be renewed. */
  signer(): Promise<Signer>;
  readonly pollHoldMs?: number;
}

/** Below the minute that agents and proxies allow. */
const POLL_HOLD_MS = 50_000;
/** With several servers on one database, work that another one has made ready is found by looking. */
const SHARED_LOOK_MS = 1_000;
/** A command that was taken and not acknowledged is handed out again: the poll's answer was lost. An agent acknowledges within seconds. */
const REDELIVERY_MS = 2 * 60_000;

export function createHostCommandService(ctx: HostCommandContext): HostCommandService {
  return {
    PollHostCommand: async (_input, caller) => {
      await notePoll(ctx, caller);
      const command = await waitForCommand(ctx, caller);
      return command === null ? {} : { HostCommand: command };
    },
    GetDeploymentSpecification: async (input, caller) => ({
      DeploymentSystem: 'CodeDeploy',
      DeploymentSpecification: {
        GenericEnvelope: await specificationFor(ctx, input.DeploymentExecutionId, caller.hostArn),
      },
    }),
    PutHostCommandAcknowledgement: async (input, caller) => ({
      CommandStatus: await acknowledge(ctx, input.HostCommandIdentifier, isNoop(input.Diagnostics), caller.hostArn),
    }),
    PostHostCommandUpdate: async (input, caller) => {
      const event = await ownEvent(ctx, input.HostCommandIdentifier, caller.hostArn);
      return { CommandStatus: event.ended_at_ms === null ? 'InProgress' : 'Failed' };
    },
    PutHostCommandComplete: async (input, caller) => {
      if (input.CommandStatus !== 'Succeeded' && input.CommandStatus !== 'Failed') {
        throw new ApiError(
          'ClientException',
          `CommandStatus must be Succeeded or Failed, but is ${input.CommandStatus}.`,
        );
      }
      await complete(ctx, input.HostCommandIdentifier, input.CommandStatus, input.Diagnostics, caller.hostArn);
      return {};
    },
  };
}

async function notePoll(ctx: HostCommandContext, { hostArn, agentVersion }: HostCommandCaller): Promise<void> {
  await ctx.store.db
    .updateTable('instances')
    .set({ last_polled_at_ms: ctx.clock.now(), agent_version: agentVersion })
    .where('host_arn', '=', hostArn)
    .where('deregistered_at_ms', 'is', null)
    .execute();
}

async function waitForCommand(ctx: HostCommandContext, caller: HostCommandCaller): Promise<HostCommand | null> {
  const giveUpAtMs = ctx.clock.now() + (ctx.pollHoldMs ?? POLL_HOLD_MS);
  const watch = ctx.waiters.watch(caller.hostArn);
  try {
    while (!caller.signal.aborted) {
      const command = await takeCommand(ctx, caller.hostArn);
      if (command !== null) return command;
      const leftMs = giveUpAtMs - ctx.clock.now();
      if (leftMs <= 0) return null;
      await watch.wait(ctx.store.dialect === 'postgres' ? Math.min(leftMs, SHARED_LOOK_MS) : leftMs, caller.signal);
    }
    return null;
  } finally {
    watch.release();
  }
}

async function takeCommand(ctx: HostCommandContext, hostArn: string): Promise<HostCommand | null> {
  const nowMs = ctx.clock.now();
  // Looked for without a transaction first: most looks find nothing, and nothing is what an idle host must cost.
  const event = await nextReadyEvent(ctx.store.db, hostArn, nowMs - REDELIVERY_MS);
  if (event === null || event.host_command_id === null) return null;
  const isTaken = await ctx.store.transaction((tx) => handOut(tx, event, nowMs));
  if (!isTaken) return takeCommand(ctx, hostArn);
  return {
    HostCommandIdentifier: event.host_command_id,
    HostIdentifier: hostArn,
    DeploymentExecutionId: executionId(ctx, event),
    CommandName: event.event_name,
    Nonce: 1,
  };
}

/** Four parts with slashes between them, at most 129 characters, as agents demand. */
function executionId(ctx: HostCommandContext, event: LifecycleEventRow): string {
  return `${ctx.accountId}/${event.deployment_id}/${event.instance_id}/1`;
}

async function specificationFor(
  ctx: HostCommandContext,
  deploymentExecutionId: string,
  hostArn: string,
): Promise<Envelope> {
  const [, deploymentId = '', instanceId = ''] = (deploymentExecutionId ?? '').split('/');
  const target = await ctx.store.db
    .selectFrom('targets')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .where('instance_id', '=', instanceId)
    .where('host_arn', '=', hostArn)
    .executeTakeFirst();
  const deployment = target === undefined ? null : await findDeployment(ctx.store.db, deploymentId);
  if (deployment === null) {
    throw new ApiError('ClientException', `This host has no deployment execution ${deploymentExecutionId}.`);
  }
  return sealSpecification(encodeSpecification(specificationOf(deployment)), await ctx.signer());
}

/** The event of a command, which must be the caller's own: to others it does not exist. */
async function ownEvent(ctx: HostCommandContext, hostCommandId: string, hostArn: string): Promise<LifecycleEventRow> {
  const event = await findEventByCommand(ctx.store.db, hostCommandId ?? '');
  if (event === null || event.host_arn !== hostArn) {
    throw new ApiError('ClientException', `This host has no command ${hostCommandId}.`);
  }
  return event;
}

/** @returns `InProgress`: go on; `Succeeded`: nothing to do; `Failed`: it is not wanted any more */
async function acknowledge(
  ctx: HostCommandContext,
  hostCommandId: string,
  noop: boolean,
  hostArn: string,
): Promise<'InProgress' | 'Succeeded' | 'Failed'> {
  const { deployment_id: deploymentId } = await ownEvent(ctx, hostCommandId, hostArn);
  const answer = await ctx.store.transaction(async (tx) => {
    const event = await findEventByCommand(tx, hostCommandId);
    if (event === null || event.status !== 'Pending') return event?.status === 'InProgress' ? 'InProgress' : 'Failed';
    const deployment = await findDeployment(tx, deploymentId);
    if (deployment === null || FINAL_STATUSES.includes(deployment.status) || deployment.stop_requested_at_ms !== null)
      return 'Failed';
    const key = { deploymentId, instanceId: event.instance_id, position: event.position };
    const nowMs = ctx.clock.now();
    if (noop) {
      const diagnostics_json = JSON.stringify(eventDiagnostics('Success', { message: 'Succeeded' }));
      await updateEvent(tx, key, { status: 'Succeeded', started_at_ms: nowMs, ended_at_ms: nowMs, diagnostics_json });
      return 'Succeeded';
    }
    await updateEvent(tx, key, { status: 'InProgress', started_at_ms: nowMs });
    return 'InProgress';
  });
  if (answer === 'Succeeded') await ctx.engine.step(deploymentId);
  return answer;
}

/** The first outcome counts. One for a command that was given up meanwhile is taken and changes nothing. */
async function complete(
  ctx: HostCommandContext,
  hostCommandId: string,
  status: 'Succeeded' | 'Failed',
  diagnostics: Envelope | undefined,
  hostArn: string,
): Promise<void> {
  const { deployment_id: deploymentId } = await ownEvent(ctx, hostCommandId, hostArn);
  await ctx.store.transaction(async (tx) => {
    const event = await findEventByCommand(tx, hostCommandId);
    if (event === null || event.ended_at_ms !== null) return;
    const nowMs = ctx.clock.now();
    await updateEvent(
      tx,
      { deploymentId, instanceId: event.instance_id, position: event.position },
      {
        status,
        started_at_ms: event.started_at_ms ?? nowMs,
        ended_at_ms: nowMs,
        diagnostics_json: JSON.stringify(diagnosticsOf(status, decodeDiagnostics(diagnostics))),
      },
    );
  });
  await ctx.engine.step(deploymentId);
}

function isNoop(diagnostics: Envelope | undefined): boolean {
  try {
    const payload = JSON.parse(diagnostics?.Payload ?? '{}') as { IsCommandNoop?: unknown };
    return payload.IsCommandNoop === true;
  } catch {
    return false;
  }
}
