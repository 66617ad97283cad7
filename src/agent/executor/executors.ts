/**
 * The processes that open specifications and carry out commands, one for each deployment group that is active.
 *
 * An executor is forked when a command arrives, while its specification is fetched. It is kept while more commands may come, and ends soon
 * after. With it goes the memory that unpacking, the S3 client and the libraries of the signature take. An executor that has grown ends as
 * soon as its command has ended. The group of an envelope's specification is known only once the envelope is open. An idle executor opens
 * it, or a spare one, which then becomes the group's own. If one dies, the command that it ran fails, and nothing else does. If the daemon
 * dies, the channel closes, and the executor kills the scripts that it runs and ends.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandRequest } from '../../deployment/context.ts';
import { isSlipwayError, messageOf, SlipwayError } from '../../errors.ts';
import { killProcessesOf } from '../../hooks/hook-processes.ts';
import { withoutSecretVariables } from '../../hooks/inherited-environment.ts';
import type { OutputBatch } from '../../hooks/live-output.ts';
import type { Logger } from '../../logging/logger.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import type { Envelope, HostCommand } from '../../protocol/host-command/shapes.ts';
import type { CredentialProvider } from '../../protocol/sigv4/credentials.ts';
import { systemClock } from '../../system/clock.ts';
import { variablesForWork } from '../../system/compiled-code.ts';
import { optionsForWork } from '../../system/node-options.ts';
import type { ExecutorSettings, FromExecutor, OpenedSpecification, ToExecutor } from './messages.ts';

export type { CommandRequest };

export interface Executors {
  /** A command has come: has a process ready by the time that its specification is here. */
  prepare(): void;
  /**
   * Opens, verifies and reads what the wire brought for a command, and demands that it belongs to that command.
   *
   * @throws SlipwayError ENVELOPE_… or SPECIFICATION_INVALID
   */
  openSpecification(envelope: Envelope | undefined, command: HostCommand): Promise<OpenedSpecification>;
  run(request: CommandRequest): Promise<CommandOutcome>;
  isCommandNoop(request: CommandRequest): Promise<boolean>;
  /** Puts right what a crash left, in a process of its own. */
  recover(interruptedCommands: readonly string[]): Promise<void>;
  /** Ends all: those that are idle at once, those that run a script by killing it. */
  close(): Promise<void>;
}

export interface ExecutorsContext {
  readonly settings: ExecutorSettings;
  readonly credentials: CredentialProvider;
  readonly log: Logger;
  /** Is given requests to S3 and their answers, as text. */
  readonly onWire?: (text: string) => void;
  /** Takes what scripts write while they run; absent: nobody watches. */
  readonly watcher?: OutputWatcher;
  /** Is told when there is no executor any more. */
  readonly onAllGone?: () => void;
  /** How long an executor without work is kept. */
  readonly idleMs?: number;
  /** How much memory an executor may hold when its command has ended, and be kept. */
  readonly grownBytes?: number;
}

export interface OutputWatcher {
  /** Asked when a command begins. */
  readonly isWatching: boolean;
  /** @param taken must be called once the batch has arrived, or is given up */
  take(hostCommandIdentifier: string, batch: OutputBatch, taken: () => void): void;
}

/** Between two events of one deployment less than a second goes by; waiting for the slowest server costs a little memory. */
const IDLE_MS = 15_000;
/**
 * More than this is what a large bundle has left behind. An executor that runs from the sources and has loaded the S3 client holds up to
 * 150 MB itself. A lower bound would fork one for every command, and a small deployment would take ten times as long.
 */
const GROWN_BYTES = 170e6;
/**
 * Number of objects after which an executor ends with its command. Installing as many files in the same process would take as much memory
 * again as unpacking them has left behind, and a fork takes far less time.
 */
const MANY_OBJECTS = 2000;
/** A heap that is kept tight: with twenty thousand files Install takes a third less memory, for no time that could be measured. */
export const HEAP_FLAGS: readonly string[] = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=20',
  '--no-opt', // the first optimising compiler is all that pays here, and the second takes 8 MB
  '--expose-gc', // for `system/spent-buffers.ts`
];
/** Killing a script takes a moment; a process that does not go after this is killed itself. */
const END_MS = 10_000;

export function createExecutors(ctx: ExecutorsContext): Executors {
  const alive = new Set<Executor>();
  const ofGroup = new Map<string, Executor>();
  let spare: Executor | null = null;
  const start = (): Executor => {
    const executor = startExecutor(ctx, {
      onRetired() {
        if (spare === executor) spare = null;
        for (const [groupId, other] of ofGroup) if (other === executor) ofGroup.delete(groupId);
      },
      onGone() {
        alive.delete(executor);
        if (alive.size === 0) ctx.onAllGone?.();
      },
    });
    alive.add(executor);
    return executor;
  };
  const forGroup = (groupId: string): Executor => {
    const existing = ofGroup.get(groupId);
    if (existing !== undefined) return existing;
    const executor = spare ?? start();
    spare = null;
    ofGroup.set(groupId, executor);
    return executor;
  };
  /** Finds an executor that runs nothing, else the spare one: unpacking and installing hold up everything else in their process. */
  const forOpening = (): Executor => {
    for (const executor of ofGroup.values()) if (executor.isIdle()) return executor;
    spare ??= start();
    return spare;
  };
  return {
    prepare: () => void forOpening(),
    async openSpecification(envelope, command) {
      const answer = await forOpening().call({ type: 'open', envelope, command });
      if (answer.type !== 'specification') throw unexpected(answer);
      return { specification: answer.specification, order: answer.order };
    },
    async run(request) {
      try {
        const answer = await forGroup(request.specification.deploymentGroupId).call({
          type: 'run',
          request,
          isWatched: ctx.watcher?.isWatching === true,
        });
        if (answer.type !== 'outcome') throw unexpected(answer);
        return answer.outcome;
      } catch (error) {
        // Nobody waits for its scripts any more; a half-done Install is put right by the next one of the group, or at the next start.
        if (isSlipwayError(error, 'AGENT_EXECUTOR_DIED'))
          await killProcessesOf(systemClock, request.hostCommandIdentifier);
        throw error;
      }
    },
    async isCommandNoop(request) {
      const answer = await forGroup(request.specification.deploymentGroupId).call({ type: 'is-noop', request });
      if (answer.type !== 'noop') throw unexpected(answer);
      return answer.isNoop;
    },
    async recover(interruptedCommands) {
      const executor = start();
      try {
        const answer = await executor.call({ type: 'recover', interruptedCommands });
        if (answer.type !== 'recovered') throw unexpected(answer);
      } finally {
        await executor.end();
      }
    },
    async close() {
      await Promise.all([...alive].map((executor) => executor.end()));
    },
  };
}

type Call =
  | { type: 'open'; envelope: Envelope | undefined; command: HostCommand }
  | { type: 'run'; request: CommandRequest; isWatched: boolean }
  | { type: 'is-noop'; request: CommandRequest }
  | { type: 'recover'; interruptedCommands: readonly string[] };
type Answer = Extract<FromExecutor, { call: number }>;

interface Executor {
  isIdle(): boolean;
  call(question: Call): Promise<Answer>;
  end(): Promise<void>;
}

interface ExecutorEvents {
  /** Is called when the executor must be given no more work: it goes, or is gone. */
  onRetired(): void;
  onGone(): void;
}

/** An agent that runs on after its Node was updated or removed can start nothing with it any more. */
function noExecutor(cause: Error): SlipwayError {
  const message = `the executor process could not be started: ${cause.message}`;
  if (existsSync(process.execPath)) return new SlipwayError('AGENT_EXECUTOR_DIED', message, { cause });
  return new SlipwayError('AGENT_EXECUTOR_DIED', `${message}; ${process.execPath}, the Node of this agent, is gone`, {
    cause,
    remedy:
      'Start the agent anew with the Node that is there now; its unit names one, which `slipway agent install` corrects.',
  });
}

function startExecutor(ctx: ExecutorsContext, events: ExecutorEvents): Executor {
  const { file, variables } = program();
  const child = fork(file, [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [...optionsForWork(), ...HEAP_FLAGS],
    // Credentials come over the channel. Addresses of proxies it needs as they are, and what it starts gets less.
    env: { ...withoutSecretVariables(process.env), ...variables },
  });
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  let calls = 0;
  let isEnding = false;
  let idleTimer: NodeJS.Timeout | undefined;
  // Without descriptors for it a process has no channel, not even the means to send; `error` tells of that.
  const send = (message: ToExecutor) => void (child.connected && child.send(message, () => undefined));
  const retire = () => {
    events.onRetired();
    disconnect(child);
  };
  const settle = (answer: Answer) => {
    const asker = waiting.get(answer.call);
    waiting.delete(answer.call);
    const isIdle = waiting.size === 0;
    if (isIdle && answer.type === 'outcome' && hasGrown(answer, ctx.grownBytes ?? GROWN_BYTES)) {
      retire();
      // The next command may come at once: what this one holds is given back before another takes as much.
      void gone.then(() => asker?.resolve(answer));
      return;
    }
    asker?.resolve(answer);
    if (isIdle) retireWhenIdle();
  };

  child.on('message', (message: FromExecutor) => {
    switch (message.type) {
      case 'log':
        ctx.log[message.level](message.message, message.fields);
        return;
      case 'wire':
        ctx.onWire?.(message.text);
        return;
      case 'output': {
        const { hostCommandIdentifier, firstByte, text } = message;
        const taken = () => send({ type: 'output-taken', hostCommandIdentifier });
        ctx.watcher?.take(hostCommandIdentifier, { firstByte, text }, taken);
        return;
      }
      case 'need-credentials':
        void answerCredentials(ctx.credentials, message.question, send);
        return;
      default:
        settle(message);
    }
  });
  const gone = new Promise<void>((resolve) => {
    const end = (fault: SlipwayError) => {
      clearTimeout(idleTimer);
      events.onRetired();
      events.onGone();
      resolve();
      // Ended on purpose: the commands that ran stay open in the ledger, and the next start reports them.
      if (isEnding) return;
      for (const { reject } of waiting.values()) reject(fault);
      waiting.clear();
    };
    child.once('exit', (code, signal) => {
      const how = String(signal ?? `exit status ${code}`);
      end(new SlipwayError('AGENT_EXECUTOR_DIED', `the executor process ended (${how}) while the command ran`));
    });
    child.on('error', (error) => {
      ctx.log.error('an executor process could not be started or reached', { error });
      // One that was never there does not exit.
      if (child.pid === undefined) end(noExecutor(error));
    });
  });
  const retireWhenIdle = () => {
    idleTimer = setTimeout(retire, ctx.idleMs ?? IDLE_MS);
    idleTimer.unref();
  };
  send({ type: 'settings', settings: ctx.settings });
  // It may have been made ready for a command that does not come.
  retireWhenIdle();

  return {
    isIdle: () => waiting.size === 0,
    call(question) {
      clearTimeout(idleTimer);
      calls += 1;
      const call = calls;
      return new Promise<Answer>((resolve, reject) => {
        waiting.set(call, { resolve, reject });
        send({ ...question, call });
      });
    },
    async end() {
      isEnding = true;
      const killer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      disconnect(child);
      await gone;
      clearTimeout(killer);
    },
  };
}

function hasGrown(outcome: Extract<FromExecutor, { type: 'outcome' }>, grownBytes: number): boolean {
  return outcome.residentBytes > grownBytes || outcome.handledObjects > MANY_OBJECTS;
}

async function answerCredentials(
  credentials: CredentialProvider,
  question: number,
  send: (message: ToExecutor) => void,
): Promise<void> {
  try {
    send({ type: 'credentials', question, credentials: await credentials() });
  } catch (error) {
    send({ type: 'no-credentials', question, why: messageOf(error) });
  }
}

function disconnect(child: ChildProcess): void {
  if (child.connected) child.disconnect();
}

/** The source in a checkout, the bundle in a package: both lie beside this file. */
function program(): { readonly file: string; readonly variables: Readonly<Record<string, string>> } {
  const source = fileURLToPath(new URL('./main.ts', import.meta.url));
  if (existsSync(source)) return { file: source, variables: {} };
  const file = fileURLToPath(new URL('../agent/executor.js', import.meta.url));
  return { file, variables: variablesForWork(dirname(dirname(file))) };
}

function unexpected(answer: Answer): Error {
  return answer.type === 'fault'
    ? new SlipwayError(answer.code, answer.message, { remedy: answer.remedy })
    : new SlipwayError('INTERNAL', `an executor answered '${answer.type}' to another question`);
}
