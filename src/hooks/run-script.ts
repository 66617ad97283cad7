import { constants } from 'node:os';
import { execa } from 'execa';
import { messageOf } from '../errors.ts';
import type { Clock } from '../system/clock.ts';
import { commandLineOf, type ProcessFacts, processesHolding } from '../system/processes.ts';
import type { CommandLine } from './command-line.ts';
import { MARKER_VARIABLE } from './environment.ts';
import { endHook, type HookProcesses, processesOfHook } from './hook-processes.ts';
import { createLineSplitter } from './output.ts';
import { createOutputPipes, type OutputPipe } from './output-pipe.ts';

/** How a script ended. */
export type ScriptEnding =
  | { readonly ending: 'exited'; readonly exitCode: number; readonly signal: NodeJS.Signals | null }
  /** `survivors` are processes that could not be ended. */
  | { readonly ending: 'timed-out'; readonly survivors: readonly ProcessFacts[] }
  /** It exited, but something that it started still writes to its output. */
  | { readonly ending: 'output-held'; readonly stream: OutputStream; readonly holders: readonly ProcessFacts[] }
  | { readonly ending: 'cannot-start'; readonly why: string }
  /** The agent was told to end at once. */
  | { readonly ending: 'killed' };

export type OutputStream = 'stdout' | 'stderr';

export interface RunScriptRequest {
  readonly command: CommandLine;
  /** With the marker that tells the hook's processes from others. */
  readonly environment: Readonly<Record<string, string>>;
  /** One deadline for the script's exit and for both its outputs. */
  readonly timeoutMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  onLine(stream: OutputStream, line: string): void;
  /** The script has exited and its output is still held: said early, because the event now lasts until its timeout. */
  onOutputHeld?(stream: OutputStream, holders: readonly ProcessFacts[]): void;
  /** Aborting it kills the script and everything of it, at once. */
  readonly killSignal?: AbortSignal;
}

/** The official agents' working directory under systemd. */
const WORKING_DIRECTORY = '/';
/** What Node's timers can hold: 24 days. A longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How long an exited script's output may stay open before somebody is told. */
const HELD_NOTICE_MS = 2_000;
/** What a script says when it is ended is read on for so long; its writers are dead by then. */
const LAST_WORDS_MS = 500;
const OUTPUTS = ['stdout', 'stderr'] as const;

/**
 * Runs one script in a process group of its own and waits for its exit and for the end of its output.
 *
 * On the deadline everything of the hook gets SIGTERM and after the grace SIGKILL (`hook-processes.ts` says what that is). After a normal
 * exit nothing is killed.
 *
 * @see the official agent 1.8.1, `thread_joiner.rb`, for the one deadline shared by three waits
 */
export async function runScript(clock: Clock, request: RunScriptRequest): Promise<ScriptEnding> {
  if (request.killSignal?.aborted === true) return { ending: 'killed' };
  let pipes: Pipes;
  try {
    pipes = await createOutputPipes(OUTPUTS);
  } catch (error) {
    return { ending: 'cannot-start', why: messageOf(error) };
  }
  try {
    return await startAndWait(clock, request, pipes);
  } finally {
    for (const stream of OUTPUTS) pipes[stream].close();
  }
}

type Pipes = Readonly<Record<OutputStream, OutputPipe>>;
type Cut = { readonly ending: 'deadline' } | { readonly ending: 'killed' };

async function startAndWait(clock: Clock, request: RunScriptRequest, pipes: Pipes): Promise<ScriptEnding> {
  const { command, killSignal } = request;
  // execa's own timeout and cleanup do not reach the group; its buffering would keep the whole output in memory.
  const child = execa(command.file, [...command.args], {
    cwd: WORKING_DIRECTORY,
    env: { ...request.environment },
    extendEnv: false,
    stdin: 'ignore',
    stdout: descriptor(pipes.stdout),
    stderr: descriptor(pipes.stderr),
    detached: true,
    buffer: false,
    cleanup: false,
    reject: false,
  });
  for (const stream of OUTPUTS) pipes[stream].closeWriteEnd();
  const { pid } = child;
  if (pid === undefined) {
    const { cause, shortMessage } = await child;
    return { ending: 'cannot-start', why: cause === undefined ? (shortMessage ?? 'unknown') : messageOf(cause) };
  }
  const hook = { marker: request.environment[MARKER_VARIABLE] ?? '', groupId: pid };
  const outputs = OUTPUTS.map((stream) => followOutput(stream, pipes[stream], (line) => request.onLine(stream, line)));
  const over = new AbortController();
  const cut = Promise.race([
    clock.sleep(Math.min(request.timeoutMs, MAX_TIMER_MS), over.signal).then((): Cut => ({ ending: 'deadline' })),
    aborted(killSignal, over.signal).then((): Cut => ({ ending: 'killed' })),
  ]);
  const exited = child.then(({ exitCode, signal }) => ({
    ending: 'exited' as const,
    exitCode: exitCode ?? (signal === undefined ? 1 : 128 + constants.signals[signal]),
    signal: signal ?? null,
  }));
  try {
    const first = await Promise.race([exited, cut]);
    const end =
      first.ending === 'exited'
        ? ((await waitForOutputs(clock, request, outputs, hook, cut, over.signal)) ?? first)
        : first;
    if (end.ending === 'exited' || end.ending === 'output-held') return end;
    const survivors = await endHook(clock, hook, end.ending === 'deadline' ? request.graceMs : 0);
    const allClosed = Promise.all(outputs.map(({ closed }) => closed));
    await Promise.race([allClosed, clock.sleep(LAST_WORDS_MS, over.signal)]);
    return end.ending === 'deadline' ? { ending: 'timed-out', survivors: survivors.map(factsOf) } : end;
  } finally {
    over.abort();
    for (const { finish } of outputs) finish();
  }
}

/** @returns null when all have closed */
async function waitForOutputs(
  clock: Clock,
  request: RunScriptRequest,
  outputs: readonly FollowedOutput[],
  hook: HookProcesses,
  cut: Promise<Cut>,
  over: AbortSignal,
): Promise<Extract<ScriptEnding, { ending: 'output-held' | 'killed' }> | null> {
  for (const { stream, pipe, closed } of outputs) {
    const notice = clock.sleep(HELD_NOTICE_MS, over).then(() => 'held' as const);
    let next: 'closed' | 'held' | Cut = await Promise.race([closed, cut, notice]);
    if (next === 'held') {
      request.onOutputHeld?.(stream, holdersOf(pipe, hook));
      next = await Promise.race([closed, cut]);
    }
    if (next === 'closed') continue;
    if (next.ending === 'killed') return next;
    return { ending: 'output-held', stream, holders: holdersOf(pipe, hook) };
  }
  return null;
}

/** Resolves when `signal` aborts, or has aborted already; not any more once it is `over`. */
function aborted(signal: AbortSignal | undefined, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true, signal: over });
  });
}

/** execa takes any descriptor; its types know those up to 9. */
function descriptor(pipe: OutputPipe): 9 {
  return pipe.writeEnd as 9;
}

/** Who keeps an output open. Another user's open files only root can see; all that is left of the hook is named then. */
function holdersOf(pipe: OutputPipe, hook: HookProcesses): ProcessFacts[] {
  const holders = processesHolding(pipe.nameEnd);
  return holders.length > 0 ? holders : processesOfHook(hook).map(factsOf);
}

function factsOf(pid: number): ProcessFacts {
  return { pid, commandLine: commandLineOf(pid) };
}

interface FollowedOutput {
  readonly stream: OutputStream;
  readonly pipe: OutputPipe;
  readonly closed: Promise<'closed'>;
  /** Takes what is there of an unfinished last line, and no more. */
  finish(): void;
}

function followOutput(stream: OutputStream, pipe: OutputPipe, onLine: (line: string) => void): FollowedOutput {
  const lines = createLineSplitter(onLine);
  let finished = false;
  const finish = () => {
    if (finished) return;
    finished = true;
    lines.end();
  };
  pipe.stream.on('data', (chunk: Buffer) => {
    if (!finished) lines.write(chunk);
  });
  const closed = new Promise<'closed'>((resolve) => {
    const done = () => {
      finish();
      resolve('closed');
    };
    for (const event of ['end', 'close', 'error']) pipe.stream.once(event, done);
  });
  return { stream, pipe, closed, finish };
}
