import { SlipwayError } from '../../errors.ts';
import type { Clock } from '../../system/clock.ts';
import { type Random, systemRandom } from '../../system/random.ts';
import { createAwsJsonClient } from '../aws-json-client.ts';
import { type CommandOutcome, encodeDiagnostics } from '../diagnostics.ts';
import type { ProxyEnvironment } from '../proxy.ts';
import type { CredentialProvider } from '../sigv4/credentials.ts';
import type { WireLog } from '../wire-log.ts';
import { COMMAND_ID_BYTES, problemOfText } from '../wire-text.ts';
import {
  HOST_LOG_TARGET,
  type LogBatch,
  PUT_LOGS,
  type PutHostCommandLogsInput,
  type PutHostCommandLogsOutput,
  type WithLiveLogs,
} from './logs.ts';
import {
  type CommandStatus,
  type GetDeploymentSpecificationOutput,
  HOST_COMMAND_SECURE_SIGNING_NAME,
  HOST_COMMAND_SECURE_TARGET,
  HOST_COMMAND_SIGNING_NAME,
  HOST_COMMAND_TARGET,
  type HostCommand,
  type HostCommandOperation,
  type HostCommandOperations,
  POLL_ANSWER_NOW,
  POLL_HEADER,
  RUN_HEADER,
} from './shapes.ts';
import { createThrottleGate } from './throttle-gate.ts';

/** The agent's side of the host command API. Every call throws what `AwsJsonClient.call` throws. */
export interface HostCommandClient {
  /**
   * The next command for this host, or null. Held open by a server that long-polls.
   *
   * @param mayHold false: asks the service to answer at once, also with nothing
   * @param onStep told before each request, and before each wait that a throttle asks for
   */
  pollHostCommand(signal?: AbortSignal, mayHold?: boolean, onStep?: () => void): Promise<HostCommand | null>;
  getDeploymentSpecification(
    deploymentExecutionId: string,
    signal?: AbortSignal,
  ): Promise<GetDeploymentSpecificationOutput>;
  /** null: the service did not say, which means go on. */
  acknowledge(
    hostCommandIdentifier: string,
    isCommandNoop: boolean,
    signal?: AbortSignal,
  ): Promise<CommandStatus | null>;
  /** Says that the command is still being run. @returns null: the service did not say what it thinks of it */
  update(hostCommandIdentifier: string, signal?: AbortSignal): Promise<CommandStatus | null>;
  complete(hostCommandIdentifier: string, outcome: CommandOutcome, signal?: AbortSignal): Promise<void>;
  /**
   * Sends what scripts have written, to a service that has asked for it. A throttle of it holds up nothing else.
   *
   * @returns how long the service wants to be left alone with it; milliseconds
   */
  putLogs(batches: readonly LogBatch[], signal: AbortSignal): Promise<number>;
  /** While the service throttles, polling again at once is pointless. */
  readonly isThrottled: boolean;
}

export interface HostCommandClientOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly hostIdentifier: string;
  readonly credentials: CredentialProvider;
  /** Sent with each call as `x-amz-codedeploy-agent-version`. */
  readonly agentVersion: string;
  /** Names this start of the agent; none: nobody need tell it from others. */
  readonly runId?: string;
  /** Told with each poll that was answered whether another agent polls with the same identity. */
  onIdentity?(isShared: boolean): void;
  /** Told with each poll that was answered whether the service asks for what scripts write while they run. */
  onLiveLogs?(areWanted: boolean): void;
  readonly enableAuthPolicy: boolean;
  /** How long a call may take; more than the minute for which the service may hold a poll. */
  readonly readTimeoutMs: number;
  /** null: what the usual variables of the environment say. */
  readonly proxyUri: string | null;
  readonly proxyEnvironment?: ProxyEnvironment;
  readonly wireLog?: WireLog;
  readonly clock: Clock;
  readonly random?: Pick<Random, 'fraction'>;
}

/** @throws SlipwayError SERVER_ADDRESS_INVALID when endpoint or proxy is no address to talk to */
export function createHostCommandClient(options: HostCommandClientOptions): HostCommandClient {
  const { hostIdentifier, enableAuthPolicy } = options;
  const target = enableAuthPolicy ? HOST_COMMAND_SECURE_TARGET : HOST_COMMAND_TARGET;
  const gate = createThrottleGate(options.clock, options.random ?? systemRandom);
  const client = createAwsJsonClient({
    endpoint: options.endpoint,
    region: options.region,
    signingName: enableAuthPolicy ? HOST_COMMAND_SECURE_SIGNING_NAME : HOST_COMMAND_SIGNING_NAME,
    credentials: options.credentials,
    clock: options.clock,
    readTimeoutMs: options.readTimeoutMs,
    proxyUri: options.proxyUri,
    proxyEnvironment: options.proxyEnvironment ?? process.env,
    headers: {
      'x-amz-codedeploy-agent-version': options.agentVersion,
      ...(options.runId === undefined ? {} : { [RUN_HEADER]: options.runId }),
    },
    ...(options.wireLog === undefined ? {} : { wireLog: options.wireLog }),
  });

  async function call<Op extends HostCommandOperation>(
    operation: Op,
    input: HostCommandOperations[Op]['input'],
    signal?: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
    onStep?: () => void,
  ): Promise<HostCommandOperations[Op]['output']> {
    return gate.run(() => client.call(`${target}.${operation}`, input, signal, headers), signal, onStep) as Promise<
      HostCommandOperations[Op]['output']
    >;
  }

  return {
    get isThrottled() {
      return gate.isClosed;
    },
    async pollHostCommand(signal, mayHold = true, onStep) {
      const headers = mayHold ? {} : { [POLL_HEADER]: POLL_ANSWER_NOW };
      const input = { HostIdentifier: hostIdentifier };
      const answer: WithLiveLogs = await call('PollHostCommand', input, signal, headers, onStep);
      const { HostCommand, IdentityIsShared, LiveLogs } = answer;
      options.onLiveLogs?.(LiveLogs === true);
      options.onIdentity?.(IdentityIsShared === true);
      return readHostCommand(HostCommand);
    },
    async putLogs(batches, signal) {
      const input: PutHostCommandLogsInput = { HostIdentifier: hostIdentifier, Batches: batches };
      const { WaitMs } = (await client.call(
        `${HOST_LOG_TARGET}.${PUT_LOGS}`,
        input,
        signal,
      )) as PutHostCommandLogsOutput;
      return typeof WaitMs === 'number' && WaitMs > 0 ? WaitMs : 0;
    },
    getDeploymentSpecification: (deploymentExecutionId, signal) =>
      call(
        'GetDeploymentSpecification',
        { DeploymentExecutionId: deploymentExecutionId, HostIdentifier: hostIdentifier },
        signal,
      ),
    async acknowledge(hostCommandIdentifier, isCommandNoop, signal) {
      const { CommandStatus } = await call(
        'PutHostCommandAcknowledgement',
        {
          HostCommandIdentifier: hostCommandIdentifier,
          Diagnostics: { Format: 'JSON', Payload: JSON.stringify({ IsCommandNoop: isCommandNoop }) },
        },
        signal,
      );
      return CommandStatus ?? null;
    },
    async update(hostCommandIdentifier, signal) {
      const input = { HostCommandIdentifier: hostCommandIdentifier };
      const { CommandStatus } = await call('PostHostCommandUpdate', input, signal);
      return CommandStatus ?? null;
    },
    async complete(hostCommandIdentifier, outcome, signal) {
      await call(
        'PutHostCommandComplete',
        {
          HostCommandIdentifier: hostCommandIdentifier,
          CommandStatus: outcome.status,
          Diagnostics: encodeDiagnostics(outcome.diagnostics),
        },
        signal,
      );
    },
  };
}

/** Each with its limit in bytes. */
const COMMAND_MEMBERS = {
  HostCommandIdentifier: COMMAND_ID_BYTES,
  HostIdentifier: COMMAND_ID_BYTES,
  DeploymentExecutionId: COMMAND_ID_BYTES,
  CommandName: 256,
} as const satisfies Partial<Record<keyof HostCommand, number>>;

/**
 * A command without its members could be neither executed nor reported. Its texts become variables of scripts and lines of logs.
 *
 * @throws SlipwayError SERVER_ANSWER_INVALID naming the member at fault
 */
function readHostCommand(command: unknown): HostCommand | null {
  if (command === undefined || command === null) return null;
  const given = new Map(typeof command === 'object' ? Object.entries(command) : []);
  const read = (member: keyof typeof COMMAND_MEMBERS): string => {
    const value: unknown = given.get(member);
    const problem =
      typeof value === 'string' && value !== '' ? problemOfText(value, COMMAND_MEMBERS[member]) : 'is missing';
    if (typeof value === 'string' && problem === null) return value;
    throw new SlipwayError(
      'SERVER_ANSWER_INVALID',
      `PollHostCommand was answered with a HostCommand whose ${member} ${problem}`,
    );
  };
  return {
    HostCommandIdentifier: read('HostCommandIdentifier'),
    HostIdentifier: read('HostIdentifier'),
    DeploymentExecutionId: read('DeploymentExecutionId'),
    CommandName: read('CommandName'),
  };
}
