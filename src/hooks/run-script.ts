import { constants } from 'node:os';
import { execa } from 'execa';
import { messageOf } from '../errors.ts';
import type { Clock } from '../system/clock.ts';
import { commandLineOf, type ProcessFacts, processesHolding } from '../system/processes.ts';
import type { CommandLine } from './command-line.ts';
import { MARKER_VARIABLE } from './environment.ts';
import { endHook, processesOfHook } from './hook-processes.ts';
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
  let pipes: Readonly<Record<OutputStream, OutputPipe>>;
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

async function startAndWait(
  clock: Clock,
  request: RunScriptRequest,
  pipes: Readonly<Record<OutputStream, OutputPipe>>,
): Promise<ScriptEnding> {
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
  const outputs = OUTPUTS.map((stream) => ({
    stream,
    ...followOutput(pipes[stream], (line) => request.onLine(stream, line)),
  }));
  const hook = { marker: request.environment[MARKER_VARIABLE] ?? '', groupId: pid };
  const over = new AbortController();
  const deadline = clock
    .sleep(Math.min(request.timeoutMs, MAX_TIMER_MS), over.signal)
    .then(() => ({ ending: 'deadline' as const }));
  const killed = new Promise<{ ending: 'killed' }>((resolve) => {
    killSignal?.addEventListener('abort', () => resolve({ ending: 'killed' }), { once: true, signal: over.signal });
  });
  const exited = child.then(({ exitCode, signal }) => ({
    ending: 'exited' as const,
    exitCode: exitCode ?? (signal === undefined ? 1 : 128 + constants.signals[signal]),
    signal: signal ?? null,
  }));
  const lastWords = () => Promise.race([Promise.all(outputs.map(({ closed }) => closed)), clock.sleep(LAST_WORDS_MS)]);
  try {
    const first = await Promise.race([exited, deadline, killed]);
    if (first.ending === 'deadline') {
      const survivors = await endHook(clock, hook, request.graceMs);
      await lastWords();
      return { ending: 'timed-out', survivors: survivors.map(factsOf) };
    }
    if (first.ending === 'exited') {
      for (const { stream, closed } of outputs) {
        const holders = () => holdersOf(pipes[stream], hook);
        void Promise.race([closed, clock.sleep(HELD_NOTICE_MS, over.signal).then(() => 'held' as const)]).then((is) => {
          if (is === 'held' && !over.signal.aborted) request.onOutputHeld?.(stream, holders());
        });
        const next = await Promise.race([closed, deadline, killed]);
        if (next === 'closed') continue;
        if (next.ending === 'deadline') return { ending: 'output-held', stream, holders: holders() };
        await endHook(clock, hook, 0);
        return next;
      }
      return first;
    }
    await endHook(clock, hook, 0);
    await lastWords();
    return first;
  } finally {
    over.abort();
    for (const { finish } of outputs) finish();
  }
}

/** execa takes any descriptor; its types know those up to 9. */
function descriptor(pipe: OutputPipe): 9 {
  return pipe.writeEnd as 9;
}

/** Who keeps an output open. Another user's open files only root can see; all that is left of the hook is named then. */
function holdersOf(pipe: OutputPipe, hook: { readonly marker: string; readonly groupId: number }): ProcessFacts[] {
  const holders = processesHolding(pipe.nameEnd);
  return holders.length > 0 ? holders : processesOfHook(hook).map(factsOf);
}

function factsOf(pid: number): ProcessFacts {
  return { pid, commandLine: commandLineOf(pid) };
}

interface FollowedOutput {
  readonly closed: Promise<'closed'>;
  /** Takes what is there of an unfinished last line, and no more. */
  finish(): void;
}

function followOutput({ stream }: OutputPipe, onLine: (line: string) => void): FollowedOutput {
  const lines = createLineSplitter(onLine);
  let finished = false;
  const finish = () => {
    if (finished) return;
    finished = true;
    lines.end();
  };
  stream.on('data', (chunk: Buffer) => {
    if (!finished) lines.write(chunk);
  });
  const closed = new Promise<'closed'>((resolve) => {
    const done = () => {
      finish();
      resolve('closed');
    };
    for (const event of ['end', 'close', 'error']) stream.once(event, done);
  });
  return { closed, finish };
}
