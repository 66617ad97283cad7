/** The server's side of the host command API. */
import type { Logger } from '../../logging/logger.ts';
import type { Signer } from '../../protocol/envelope/authority.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { Envelope, HostCommandOperation, HostCommandOperations } from '../../protocol/host-command/shapes.ts';
import { createDeadlines } from '../../system/deadlines.ts';
import { gathered } from '../../system/gathered.ts';
import { type AgentRuns, isShared, notePoll } from '../engine/agent-runs.ts';
import type { ReportContext } from '../engine/event-reports.ts';
import type { SecretSealer } from '../store/access-keys.ts';
import { type HeardHost, noteAgentRuns } from '../store/instances.ts';
import { findAllPowerless, type HostActor, powerlessError } from '../store/powers.ts';
import { TOGETHER } from '../store/store.ts';
import { type Asker, answerPoll, type DeliveryContext } from './command-delivery.ts';
import { createCommandReports } from './command-reports.ts';
import { createHandOuts } from './hand-outs.ts';
import { type HeardOf, hostOf } from './heard-of.ts';
import { createSpecificationDesk, type SpecificationDesk } from './specification-desk.ts';

/** The key that signed the request, and the host identifier that it speaks for. */
export interface HostCommandCaller extends HostActor {
  /** Its host as it was read with the key, null when it is not registered; left out: it is read. */
  readonly host?: HeardHost | null;
  readonly agentVersion: string | null;
  /** Id of this start of its agent; null: official agents have none. */
  readonly runId?: string | null;
  /** False: a poll is answered at once, also with nothing. */
  readonly mayHold?: boolean;
  readonly asker: Asker;
}

export type HostCommandService = {
  readonly [Op in HostCommandOperation]: (
    input: HostCommandOperations[Op]['input'],
    caller: HostCommandCaller,
  ) => Promise<HostCommandOperations[Op]['output']>;
};

/** Operations that ask the database themselves whether the caller's key has power, whatever was known of it before. */
const LOOKING_AT_POWER: ReadonlySet<string> = new Set<HostCommandOperation>([
  'GetDeploymentSpecification',
  'PutHostCommandAcknowledgement',
  'PutHostCommandComplete',
]);

export const looksAtPower = (operation: string): boolean => LOOKING_AT_POWER.has(operation);

export interface HostCommandContext extends Omit<DeliveryContext, 'handOuts' | 'deadlines'>, ReportContext {
  readonly log: Pick<Logger, 'warn'>;
  readonly heardOf: HeardOf;
  /** Whether agents are asked for what scripts write while they run. */
  readonly liveLogs?: boolean;
  /** Opens tokens for git repositories. */
  readonly sealer: Pick<SecretSealer, 'open'>;
  /** Asked for each specification that is sealed, so that it can be renewed. */
  signer(): Promise<Signer>;
}

export function createHostCommandService(ctx: HostCommandContext): HostCommandService {
  const desk: SpecificationDesk = createSpecificationDesk(ctx);
  const reports = createCommandReports(ctx);
  const powerlessOf = gathered({
    ...TOGETHER,
    work: (accessKeyIds: readonly string[]) => findAllPowerless(ctx.store.db, accessKeyIds),
  });
  const delivery: DeliveryContext = { ...ctx, handOuts: createHandOuts(ctx), deadlines: createDeadlines(ctx.clock) };
  return {
    async PollHostCommand(input, caller) {
      requireText(input, 'HostIdentifier');
      ctx.answers?.polls(caller.hostArn);
      const isSharedNow = await heard(ctx, caller);
      const { asker, mayHold = true, runId = null } = caller;
      const besides = {
        ...(isSharedNow ? { IdentityIsShared: true } : {}),
        // Only our own agent says which of its starts it is. Official agents get nothing that they do not know.
        ...(runId !== null && ctx.liveLogs === true ? { LiveLogs: true } : {}),
      };
      // Not waited for here: a poll that is held would keep all that it came with.
      return answerPoll(delivery, caller, { asker, mayHold, besides });
    },
    async GetDeploymentSpecification(input, caller) {
      requireText(input, 'HostIdentifier');
      const deploymentExecutionId = requireText(input, 'DeploymentExecutionId');
      // Both at once: a host waits for each way to the database and back.
      const [powerless, sealed] = await Promise.all([
        powerlessOf(caller.accessKeyId),
        desk.sealedFor(deploymentExecutionId, caller.hostArn),
      ]);
      if (powerless !== null) throw powerlessError(powerless);
      if (sealed === null) {
        throw new ApiError(
          'ClientException',
          `This host has no command to carry out in a deployment execution '${deploymentExecutionId}'.`,
        );
      }
      return { DeploymentSystem: 'CodeDeploy', DeploymentSpecification: { GenericEnvelope: sealed } };
    },
    async PutHostCommandAcknowledgement(input, caller) {
      const hostCommandId = requireText(input, 'HostCommandIdentifier');
      const isNoop = saysNoop(readEnvelope(input));
      return { CommandStatus: await reports.acknowledge(hostCommandId, isNoop, caller) };
    },
    async PostHostCommandUpdate(input, caller) {
      const status = await reports.status(requireText(input, 'HostCommandIdentifier'), caller);
      await heard(ctx, { ...caller, runId: null });
      return { CommandStatus: status };
    },
    async PutHostCommandComplete(input, caller) {
      const hostCommandId = requireText(input, 'HostCommandIdentifier');
      const status = requireText(input, 'CommandStatus');
      if (status !== 'Succeeded' && status !== 'Failed') {
        throw new ApiError('ClientException', `CommandStatus must be Succeeded or Failed, but is '${status}'.`);
      }
      await reports.complete(hostCommandId, status, readEnvelope(input), caller);
      await ctx.answers?.turn(caller.hostArn);
      return {};
    },
  };
}

/**
 * Notes that the host has been heard of: by a poll, or by the word that it is still at a command.
 *
 * @returns whether two agents use its identity
 */
async function heard(ctx: HostCommandContext, caller: HostCommandCaller): Promise<boolean> {
  const host = await hostOf(ctx.store, caller);
  if (host === null) return false;
  await ctx.heardOf.note(host, caller.agentVersion);
  return noteRun(ctx, caller, host);
}

/**
 * Notes which of its agents polls for a host.
 *
 * Two polls at once may each miss the other's note; they poll again. @returns whether two agents use its identity
 */
async function noteRun(
  ctx: HostCommandContext,
  { hostArn, runId }: HostCommandCaller,
  row: HeardHost,
): Promise<boolean> {
  if (runId === undefined || runId === null) return false;
  const nowMs = ctx.clock.now();
  const known: AgentRuns = {
    ids: row.agent_runs_json === null ? [] : (JSON.parse(row.agent_runs_json) as string[]),
    sharedAtMs: row.identity_shared_at_ms,
  };
  const runs = notePoll(known, runId, nowMs);
  const isSharedNow = isShared(runs.sharedAtMs, nowMs);
  if (runs === known) return isSharedNow;
  const noted = { agent_runs_json: JSON.stringify(runs.ids), identity_shared_at_ms: runs.sharedAtMs };
  await noteAgentRuns(ctx.store.db, row.instance_id, noted);
  if (isSharedNow && !isShared(known.sharedAtMs, nowMs)) {
    ctx.log.warn('two agents use the identity of one host: each deployment gets to only one of them', {
      host: row.instance_name,
      hostArn,
      remedy: 'give one of the machines an identity of its own: slipway register --force --instance-name NAME',
    });
  }
  return isSharedNow;
}

/** A member that must be there. Requests come as they were sent: nothing about their types is certain. */
function requireText(input: object, member: string): string {
  const value: unknown = (input as Record<string, unknown>)[member];
  if (typeof value === 'string' && value !== '') {
    // No database finds what it cannot keep: with NUL, or with half of a surrogate pair.
    if (!value.includes('\0') && value.isWellFormed()) return value;
    throw new ApiError('ClientException', `${member} has a character in it that no identifier has.`);
  }
  const what = value === undefined || value === null ? 'is missing' : 'must be a text that is not empty';
  throw new ApiError('ClientException', `${member} ${what}.`);
}

function readEnvelope(input: { readonly Diagnostics?: unknown }): Envelope | undefined {
  const envelope: unknown = input.Diagnostics;
  if (envelope === undefined || envelope === null) return undefined;
  const { Format, Payload } = envelope as Record<string, unknown>;
  if (typeof Format !== 'string' || typeof Payload !== 'string') {
    throw new ApiError('ClientException', 'Diagnostics must have a Format and a Payload, both texts.');
  }
  return { Format, Payload };
}

/** Whether an acknowledgement says that there is nothing to do for this event. */
function saysNoop(diagnostics: Envelope | undefined): boolean {
  if (diagnostics === undefined) return false;
  try {
    const payload: unknown = JSON.parse(diagnostics.Payload);
    return (payload as { readonly IsCommandNoop?: unknown } | null)?.IsCommandNoop === true;
  } catch {
    return false;
  }
}
