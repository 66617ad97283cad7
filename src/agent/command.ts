/** One host command, from the poll's answer to the outcome in the outbox. */
import { failedBy } from '../deployment/outcomes.ts';
import { SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { CommandOutcome } from '../protocol/diagnostics.ts';
import { RemoteApiError } from '../protocol/errors.ts';
import type { HostCommandClient } from '../protocol/host-command/client.ts';
import type { HostCommand } from '../protocol/host-command/shapes.ts';
import { isHookEvent } from '../protocol/lifecycle-events.ts';
import { type Order, requireValidNow } from '../protocol/order.ts';
import type { Clock } from '../system/clock.ts';
import { NOOP_OUTCOME } from './diagnostics.ts';
import type { EnterPlace } from './dispatch.ts';
import type { CommandRequest, Executors } from './executor/executors.ts';
import type { OpenedSpecification } from './executor/messages.ts';
import type { CommandRecord, Ledger } from './ledger.ts';
import type { Outbox } from './outbox.ts';
import type { CommandEnding, TakenCommand } from './pace.ts';
import type { RetryGate } from './retry-gate.ts';

export interface CommandContext {
  readonly client: Pick<HostCommandClient, 'getDeploymentSpecification' | 'acknowledge'>;
  readonly executors: Executors;
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Logger;
  readonly gate: Pick<RetryGate, 'ask'>;
  /** Aborts when no new work is taken any more. */
  readonly stopping: AbortSignal;
  /** Waits until the command may begin. */
  readonly enter: EnterPlace;
}

/** Commands that are not events with scripts. */
const OTHER_COMMANDS: readonly string[] = ['DownloadBundle', 'Install', 'UpdateDeploymentAgent'];

/**
 * Carries out one command: specification → verify and parse → acknowledge → execute → outcome. Never throws; whatever goes wrong before
 * the command itself is reported as its failure, because a server that hears nothing waits for an hour.
 *
 * @param taken told when the specification is genuine and meant for this command, and what the endpoint says of the report
 */
export async function processCommand(
  ctx: CommandContext,
  command: HostCommand,
  taken: Pick<TakenCommand, 'proven' | 'reported'>,
): Promise<CommandEnding> {
  const { HostCommandIdentifier: hostCommandIdentifier, CommandName: commandName } = command;
  const fields = { hostCommandIdentifier, commandName };
  let opened: OpenedSpecification;
  try {
    ctx.executors.prepare();
    opened = await fetchSpecification(ctx, command);
  } catch (error) {
    // The next start is handed the command again.
    if (ctx.stopping.aborted) return 'left';
    ctx.log.error('a host command cannot be carried out', { ...fields, error });
    reject(ctx, { hostCommandIdentifier, commandName }, failedBy(error));
    return 'useless';
  }
  taken.proven();
  const { specification, order } = opened;
  const request: CommandRequest = { hostCommandIdentifier, commandName, specification };
  const { deploymentId, deploymentGroupId, applicationName } = specification;
  const place = await ctx.enter({ deploymentGroupId, applicationName });
  if (place === null) {
    ctx.log.info('a command stays with the control endpoint for now: too many wait', { ...fields, deploymentId });
    return 'left';
  }
  try {
    const isRepeated = hasEnded(ctx.ledger, request);
    const isUseful = !isRepeated && isKnown(request);
    const ended = await acknowledgeAndRun(ctx, request, order, isUseful ? taken.reported : undefined);
    return isUseful ? ended : 'useless';
  } finally {
    place.leave();
  }
}

/** A server that sends an event of a deployment again under another identifier gets it done again, but not at any rate. */
function hasEnded(ledger: Ledger, { commandName, specification: { deploymentId } }: CommandRequest): boolean {
  const isSame = (record: CommandRecord) => record.deploymentId === deploymentId && record.commandName === commandName;
  return ledger.inState('settled').some(isSame) || ledger.inState('finished').some(isSame);
}

function isKnown({ commandName, specification }: CommandRequest): boolean {
  const isListed = specification.allPossibleLifecycleEvents?.includes(commandName) === true;
  return isListed || isHookEvent(commandName) || OTHER_COMMANDS.includes(commandName);
}

async function fetchSpecification(ctx: CommandContext, command: HostCommand): Promise<OpenedSpecification> {
  const { DeploymentExecutionId: about } = command;
  const answer = await ctx.gate.ask({
    ...{ ...A_FEW_TIMES, operation: 'specification', about, signal: ctx.stopping },
    ask: () => ctx.client.getDeploymentSpecification(about, ctx.stopping),
  });
  if (answer.DeploymentSystem !== 'CodeDeploy') {
    throw new SlipwayError(
      'SPECIFICATION_INVALID',
      `the deployment system is '${answer.DeploymentSystem}', not CodeDeploy`,
    );
  }
  return ctx.executors.openSpecification(answer.DeploymentSpecification?.GenericEnvelope, command);
}

async function acknowledgeAndRun(
  ctx: CommandContext,
  request: CommandRequest,
  order: Order | null,
  onReported: TakenCommand['reported'] | undefined,
): Promise<CommandEnding> {
  const { hostCommandIdentifier, commandName, specification } = request;
  const { deploymentId } = specification;
  const fields = { hostCommandIdentifier, commandName, deploymentId };
  try {
    // The executor looks, which changes nothing, while the command is noted down here.
    const looking = ctx.executors.isCommandNoop(request);
    looking.catch(() => undefined);
    // On disk before the acknowledgement: from then on the server counts on an outcome.
    ctx.ledger.begin({ hostCommandIdentifier, deploymentId, commandName });
    // The turn may have come long after the order was read.
    if (order !== null) requireValidNow(order, ctx.clock.now());
    const isNoop = await looking;
    const status = await ctx.gate.ask({
      ...{ ...A_FEW_TIMES, operation: 'acknowledgement', about: hostCommandIdentifier },
      ask: () => ctx.client.acknowledge(hostCommandIdentifier, isNoop),
    });
    if (status === 'Succeeded' || (status === 'Failed' && !isNoop)) {
      ctx.log.info('the control endpoint does not want this command run', { ...fields, status });
      ctx.ledger.withdraw(hostCommandIdentifier);
      // Slipway's server ends an event without scripts by this answer.
      return status === 'Succeeded' && isNoop ? 'noop' : 'useless';
    }
    if (status === 'Failed') {
      conclude(ctx, hostCommandIdentifier, NOOP_OUTCOME);
      return 'noop';
    }
    ctx.log.info(`${commandName} begins`, fields);
    const outcome = await ctx.executors.run(request);
    sayEnding(ctx, fields, outcome);
    conclude(ctx, hostCommandIdentifier, outcome, onReported);
    return 'ran';
  } catch (error) {
    ctx.log.error(`${commandName} could not be carried out`, { ...fields, error });
    conclude(ctx, hostCommandIdentifier, failedBy(error));
    return 'useless';
  }
}

function sayEnding(
  ctx: CommandContext,
  fields: Readonly<Record<'hostCommandIdentifier' | 'commandName' | 'deploymentId', string>>,
  { status, diagnostics }: CommandOutcome,
): void {
  const { errorCode, message: diagnosis } = diagnostics;
  if (status === 'Succeeded') ctx.log.info(`${fields.commandName} succeeded`, { ...fields, diagnosis });
  else ctx.log.warn(`${fields.commandName} failed`, { ...fields, errorCode, diagnosis });
}

/** A request that is lost on the way, or meets a server that restarts (with its database, or its machine), must not cost the deployment. */
const A_FEW_TIMES = {
  tries: 3,
  awayMs: 60_000,
  isFinal: (error: unknown) => error instanceof RemoteApiError && error.isRefusal,
};

/** Gives an outcome to a command that never began. */
function reject(
  ctx: CommandContext,
  command: { readonly hostCommandIdentifier: string; readonly commandName: string },
  outcome: CommandOutcome,
): void {
  try {
    ctx.ledger.begin({ ...command, deploymentId: `rejected-${ctx.clock.now()}` });
  } catch (error) {
    ctx.log.error('a host command cannot be noted down', { ...command, error });
  }
  conclude(ctx, command.hostCommandIdentifier, outcome);
}

function conclude(
  ctx: CommandContext,
  hostCommandIdentifier: string,
  outcome: CommandOutcome,
  onReported?: TakenCommand['reported'],
): void {
  ctx.ledger.finish(hostCommandIdentifier, outcome);
  ctx.outbox.send(hostCommandIdentifier, onReported);
}
