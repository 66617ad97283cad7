import { constants } from 'node:os';
import { execa } from 'execa';
import { messageOf } from '../errors.ts';
import type { Clock } from '../system/clock.ts';
import { commandLineOf, type ProcessFacts, processesWithEnvironment, signalProcess } from '../system/processes.ts';
import type { CommandLine } from './command-line.ts';
import { MARKER_VARIABLE } from './environment.ts';
import { createLineSplitter } from './output.ts';

/** How a script ended. */
export type ScriptEnding =
  | { readonly ending: 'exited'; readonly exitCode: number; readonly signal: NodeJS.Signals | null }
  | { readonly ending: 'timed-out' }
  /** It exited, but something that it started still writes to its output. */
  | { readonly ending: 'output-held'; readonly stream: 'stdout' | 'stderr'; readonly holders: readonly ProcessFacts[] }
  | { readonly ending: 'cannot-start'; readonly why: string }
  /** The agent was told to end at once. */
  | { readonly ending: 'killed' };

export interface RunScriptRequest {
  readonly command: CommandLine;
  readonly environment: Readonly<Record<string, string>>;
  /** One deadline for the script's exit and for both its outputs. */
  readonly timeoutMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  onLine(stream: 'stdout' | 'stderr', line: string): void;
  /** Aborting it kills the script and everything of it, at once. */
  readonly killSignal?: AbortSignal;
}

/** The official agents' working directory under systemd. */
const WORKING_DIRECTORY = '/';
/** After SIGKILL nothing lives on, but the kernel may need a moment. */
const REAP_MS = 5_000;

/**
 * Runs one script in a process group of its own and waits for its exit and for the end of its output.
 *
 * On the deadline the whole group gets SIGTERM, after the grace SIGKILL, and so does every process that carries the script's marker, in
 * whatever group or session it hides. After a normal exit nothing is killed: daemons that a script starts are meant to live.
 *
 * @see the official agent 1.8.1, `thread_joiner.rb`, for the one deadline shared by three waits
 */
export async function runScript(clock: Clock, request: RunScriptRequest): Promise<ScriptEnding> {
  const { command, killSignal } = request;
  if (killSignal?.aborted === true) return { ending: 'killed' };
  // execa's own timeout and cleanup do not reach the group; its buffering would keep the whole output in memory.
  const child = execa(command.file, [...command.args], {
    cwd: WORKING_DIRECTORY,
    env: { ...request.environment },
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
    buffer: false,
    cleanup: false,
    reject: false,
  });
  const { pid } = child;
  if (pid === undefined) {
    const { cause, shortMessage } = await child;
    return { ending: 'cannot-start', why: cause === undefined ? (shortMessage ?? 'unknown') : messageOf(cause) };
  }
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.nodeChildProcess.once('exit', (code, signal) => resolve({ code, signal }));
  });
  // Who waits for this promise waits for the pipes; nobody does, and a fault of theirs is no crash.
  child.catch(() => undefined);
  const outputs = (['stdout', 'stderr'] as const).map((stream) => ({
    stream,
    pipe: child[stream],
    ...followOutput(child[stream], (line) => request.onLine(stream, line)),
  }));
  const timer = new AbortController();
  const deadline = clock.sleep(request.timeoutMs, timer.signal).then(() => 'deadline' as const);
  const killed = new Promise<'killed'>((resolve) => {
    killSignal?.addEventListener('abort', () => resolve('killed'), { once: true });
  });
  try {
    const first = await Promise.race([exit, deadline, killed]);
    if (first === 'killed') {
      await endGroup(clock, pid, request, 0, exit);
      return { ending: 'killed' };
    }
    if (first === 'deadline') {
      await endGroup(clock, pid, request, request.graceMs, exit);
      return { ending: 'timed-out' };
    }
    for (const output of outputs) {
      const closed = await Promise.race([output.closed, deadline, killed]);
      if (closed === 'killed') return { ending: 'killed' };
      if (closed === 'deadline') {
        return { ending: 'output-held', stream: output.stream, holders: leftOver(request.environment) };
      }
    }
    return { ending: 'exited', exitCode: exitCodeOf(first), signal: first.signal };
  } finally {
    timer.abort();
    for (const { pipe, finish } of outputs) {
      finish();
      pipe.destroy();
    }
  }
}

/** Processes of the script that are still there, to name them to the operator. */
function leftOver(environment: Readonly<Record<string, string>>): ProcessFacts[] {
  const marker = environment[MARKER_VARIABLE];
  const pids = marker === undefined ? [] : processesWithEnvironment(MARKER_VARIABLE, marker);
  return pids.map((pid) => ({ pid, commandLine: commandLineOf(pid) }));
}

/** Kills every process of a hook that was left behind, wherever it hides. @returns how many there were */
export function killProcessesOf(marker: string): number {
  const pids = processesWithEnvironment(MARKER_VARIABLE, marker);
  for (const pid of pids) signalProcess(pid, 'SIGKILL');
  return pids.length;
}

async function endGroup(
  clock: Clock,
  pid: number,
  { environment }: RunScriptRequest,
  graceMs: number,
  exit: Promise<unknown>,
): Promise<void> {
  const marker = environment[MARKER_VARIABLE];
  if (graceMs > 0) {
    signalProcess(-pid, 'SIGTERM');
    await Promise.race([exit, clock.sleep(graceMs)]);
  }
  signalProcess(-pid, 'SIGKILL');
  // A process may fork while it is being looked for; the second look finds the child.
  if (marker !== undefined) while (killProcessesOf(marker) > 0) await clock.sleep(10);
  await Promise.race([exit, clock.sleep(REAP_MS)]);
}

interface FollowedOutput {
  readonly closed: Promise<'closed'>;
  /** Takes what is there of an unfinished last line. */
  finish(): void;
}

function followOutput(pipe: NodeJS.ReadableStream, onLine: (line: string) => void): FollowedOutput {
  const lines = createLineSplitter(onLine);
  let finished = false;
  const finish = () => {
    if (finished) return;
    finished = true;
    lines.end();
  };
  pipe.on('data', (chunk: Buffer) => {
    if (!finished) lines.write(chunk);
  });
  const closed = new Promise<'closed'>((resolve) => {
    const done = () => {
      finish();
      resolve('closed');
    };
    pipe.once('end', done);
    pipe.once('close', done);
    pipe.once('error', done);
  });
  return { closed, finish };
}

/** As a shell has it: 128 and the signal's number for a process that a signal ended. */
function exitCodeOf({
  code,
  signal,
}: {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}): number {
  return code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
}
