/** An executor process: carries out the commands that the daemon sends over the channel, and ends when the channel closes. */
import type { CommandRequest, DeploymentContext } from '../../deployment/context.ts';
import { createDeploymentContext } from '../../deployment/create-context.ts';
import { AGENT_WAIT_MS, withGroupLock } from '../../deployment/group-lock.ts';
import { pipesFolder, reservedIds } from '../../deployment/layout.ts';
import { isCommandNoop, recoverHost, runCommand } from '../../deployment/run-command.ts';
import { isSlipwayError, messageOf, SlipwayError } from '../../errors.ts';
import { createLiveOutput, type LiveOutput } from '../../hooks/live-output.ts';
import { createPipeSupply } from '../../hooks/pipe-supply.ts';
import type { Logger } from '../../logging/logger.ts';
import { plainFields } from '../../logging/plain-fields.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import { openEnvelope } from '../../protocol/envelope/open.ts';
import { requireOrder } from '../../protocol/order.ts';
import type { CredentialProvider, Credentials } from '../../protocol/sigv4/credentials.ts';
import { parseOrderedSpecification } from '../../protocol/specification.ts';
import { systemClock } from '../../system/clock.ts';
import { forgetVariablesForWork } from '../../system/compiled-code.ts';
import { endOnUncaughtFaults } from '../../system/last-words.ts';
import type { ExecutorSettings, FromExecutor, OpenedSpecification, ToExecutor } from './messages.ts';

/** Killing a hook takes up to five seconds. */
const LEAVE_MS = 8_000;

const ending = new AbortController();
const underWay = new Set<Promise<void>>();
let handledObjects = 0;
let given: { readonly settings: ExecutorSettings; readonly context: DeploymentContext } | null = null;
const credentials = askDaemonForCredentials();
/** Live outputs by the commands that are watched. */
const outputs = new Map<string, LiveOutput>();

forgetVariablesForWork();

// What scripts make is for whoever runs the application, whatever the shell that the agent was started from would let others do.
// @see the official agent 2.x, whose worker has the same
process.umask(0o022);

// The daemon decides when it is over; a terminal's Ctrl-C and a service manager's SIGTERM reach this process as well.
endOnUncaughtFaults(1);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const) process.on(signal, () => {});

process.on('message', (message: ToExecutor) => {
  switch (message.type) {
    case 'settings':
      given = { settings: message.settings, context: contextOf(message.settings) };
      return;
    case 'credentials':
    case 'no-credentials':
      credentials.answer(message);
      return;
    case 'output-taken':
      outputs.get(message.hostCommandIdentifier)?.taken();
      return;
    default:
      track(answer(message));
  }
});

process.on('disconnect', () => {
  // Nobody will hear how this ends: kill what runs, and go.
  ending.abort();
  credentials.close();
  void Promise.allSettled([...underWay]).then(() => process.exit(0));
  // What does not heed the order in time holds the group's lock, and with it the next command.
  setTimeout(() => process.exit(1), LEAVE_MS);
});

function contextOf({ config, region, hookEnvironment }: ExecutorSettings): DeploymentContext {
  const context = createDeploymentContext(config, {
    region,
    credentials: credentials.provider,
    baseEnvironment: hookEnvironment,
    proxyEnvironment: process.env,
    clock: systemClock,
    log: daemonLogger(),
    ...(config.logAwsWire ? { onWire: (text: string) => say({ type: 'wire', text }) } : {}),
  });
  const onObjects = (count: number) => {
    handledObjects += count;
  };
  // They go with the process.
  return { ...context, onObjects, hookPipes: createPipeSupply(pipesFolder(config.rootDir)) };
}

type Question = Extract<ToExecutor, { call: number }>;

async function answer(question: Question): Promise<void> {
  const { call } = question;
  try {
    if (given === null) throw new SlipwayError('INTERNAL', 'the executor was given work before its settings');
    const { settings, context: ctx } = given;
    switch (question.type) {
      case 'open':
        say({ type: 'specification', call, ...(await open(settings, question)) });
        return;
      case 'run': {
        const outcome = await runAlone(question.isWatched ? { ...ctx, liveOutput } : ctx, question.request);
        say({ type: 'outcome', call, outcome, residentBytes: process.memoryUsage.rss(), handledObjects });
        await ctx.hookPipes?.refill();
        return;
      }
      case 'is-noop':
        say({ type: 'noop', call, isNoop: isCommandNoop(ctx, question.request) });
        return;
      case 'recover':
        await recoverHost(ctx, question.interruptedCommands);
        say({ type: 'recovered', call });
        return;
    }
  } catch (error) {
    const { code, message, remedy } = isSlipwayError(error)
      ? error
      : new SlipwayError('INTERNAL', messageOf(error), { cause: error });
    say({ type: 'fault', call, code, message, remedy });
  }
}

async function open(
  { config, hostIdentifier, caCertificatePem }: ExecutorSettings,
  { envelope, command }: Extract<ToExecutor, { type: 'open' }>,
): Promise<OpenedSpecification> {
  const nowMs = systemClock.now();
  const opened = parseOrderedSpecification(await openEnvelope(envelope, { caCertificatePem, nowMs }), {
    reservedIds: reservedIds(config),
  });
  const isOrderDemanded = config.demandSignedOrders;
  requireOrder({ command, hostIdentifier, isOrderDemanded, nowMs }, opened.specification, opened.order);
  return opened;
}

/** The daemon gives a group one command at a time; a person's local deployment in the same group is another process. */
function runAlone(ctx: DeploymentContext, request: CommandRequest): Promise<CommandOutcome> {
  const { deploymentGroupId } = request.specification;
  return withGroupLock(ctx, deploymentGroupId, AGENT_WAIT_MS, () => runCommand(ctx, request, ending.signal));
}

function liveOutput(hostCommandIdentifier: string): LiveOutput {
  const output = createLiveOutput({
    clock: systemClock,
    send: (batch) => say({ type: 'output', hostCommandIdentifier, ...batch }),
  });
  outputs.set(hostCommandIdentifier, output);
  const end = () => {
    outputs.delete(hostCommandIdentifier);
    output.end();
  };
  return { ...output, end };
}

/** Lines go through the daemon: two processes must not rotate one file. */
function daemonLogger(): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: Parameters<Logger['info']>[1] = {}) => {
      say({ type: 'log', level, message, fields: plainFields(fields) });
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

interface CredentialsChannel {
  readonly provider: CredentialProvider;
  /** Nobody answers any more. */
  close(): void;
  answer(message: Extract<ToExecutor, { question: number }>): void;
}

/** The daemon keeps the credentials fresh; asking each time gets the ones that are good now. */
function askDaemonForCredentials(): CredentialsChannel {
  const waiting = new Map<number, { resolve(credentials: Credentials): void; reject(error: Error): void }>();
  let questions = 0;
  return {
    provider: () =>
      new Promise((resolve, reject) => {
        if (ending.signal.aborted) throw gone();
        questions += 1;
        waiting.set(questions, { resolve, reject });
        say({ type: 'need-credentials', question: questions });
      }),
    close() {
      for (const { reject } of waiting.values()) reject(gone());
      waiting.clear();
    },
    answer(message) {
      const asker = waiting.get(message.question);
      waiting.delete(message.question);
      if (message.type === 'credentials') asker?.resolve(message.credentials);
      else asker?.reject(new SlipwayError('AGENT_NO_CREDENTIALS', message.why));
    },
  };
}

function gone(): SlipwayError {
  return new SlipwayError('AGENT_NO_CREDENTIALS', 'the agent’s daemon, which has the credentials, has ended', {
    remedy: 'Find out why it ended: `journalctl -u slipway-agent`, or dmesg (out of memory?). Then deploy again.',
  });
}

function say(message: FromExecutor): void {
  // A daemon that is gone while this is sent is told by `disconnect`, which ends what runs in good order.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function track(work: Promise<void>): void {
  underWay.add(work);
  void work.finally(() => underWay.delete(work));
}
