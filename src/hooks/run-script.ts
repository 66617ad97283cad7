import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { isSlipwayError, messageOf } from '../errors.ts';
import type { Clock } from '../system/clock.ts';
import { commandLineOf, controlGroupsOf, type ProcessFacts, processesHolding } from '../system/processes.ts';
import type { CommandLine } from './command-line.ts';
import { copyDetached, newOutputFile } from './detached-output.ts';
import { MARKER_VARIABLE } from './environment.ts';
import { endHook, type HookProcesses, processesOfHook } from './hook-processes.ts';
import { createLineSplitter } from './output.ts';
import { createOutputPipes, type OutputPipe } from './output-pipe.ts';
import type { PipeSupply, ScriptPipes } from './pipe-supply.ts';
import { type HookScope, inScope, SCOPE_READY_FD, scopeFolders, scopePrefix } from './scope.ts';
import { startProcess } from './start-process.ts';

/** How a script ended. */
export type ScriptEnding =
  | {
      readonly ending: 'exited';
      readonly exitCode: number;
      readonly signal: NodeJS.Signals | null;
      /** Outputs that a process started by the script still holds when the wait for them is over. */
      readonly held: readonly HeldOutput[];
    }
  /** `survivors` are processes that could not be ended. */
  | { readonly ending: 'timed-out'; readonly survivors: readonly ProcessFacts[] }
  | { readonly ending: 'cannot-start'; readonly why: string }
  /** systemd gave no scope; nothing has run. */
  | { readonly ending: 'no-scope'; readonly why: string }
  /** The agent was told to end at once. */
  | { readonly ending: 'killed' };

export type OutputStream = 'stdout' | 'stderr';

/** An output that outlives its script. */
export interface HeldOutput {
  readonly stream: OutputStream;
  readonly holders: readonly ProcessFacts[];
  /** File that takes all later output; null: no file could be made, and the output is thrown away. */
  readonly continuesIn: string | null;
}

export interface RunScriptRequest {
  readonly command: CommandLine;
  /** With the marker that tells the hook's processes from others. */
  readonly environment: Readonly<Record<string, string>>;
  /** null: it runs in the control group of this process. */
  readonly scope: HookScope | null;
  /** Where the pipes come from; else they are made for this script, where everybody may. */
  readonly pipes?: Pick<PipeSupply, 'take'>;
  /** One deadline for the script's exit and for both its outputs. */
  readonly timeoutMs: number;
  /** How long outputs may stay open after the script's exit, within the deadline. */
  readonly outputGraceMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  onLine(stream: OutputStream, line: string): void;
  /** The script has exited and its output is still held: said early, because the event may now wait for long. */
  onOutputHeld?(stream: OutputStream, holders: readonly ProcessFacts[]): void;
  /** Names the file, without its ending, for what is written to an output after nobody waits for it any more. */
  detachedOutput(stream: OutputStream): string;
  /** Aborting it kills the script and everything of it, at once. */
  readonly killSignal?: AbortSignal;
}

/** The official agents' working directory under systemd. */
const WORKING_DIRECTORY = '/';
/** Longest time that a timer of Node holds: 24 days. A longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How long an exited script's output may stay open before somebody is told. */
const HELD_NOTICE_MS = 2_000;
/** Time to read the last output of a script that was ended, in ms; its writers are dead by then. */
const LAST_WORDS_MS = 500;
const OUTPUTS = ['stdout', 'stderr'] as const;

/** Limit on the start of a scope, in ms. Systemd takes a few hundredths of a second; a bus that hangs must not hold up a deployment. */
const SCOPE_START_MS = 10_000;

/**
 * Runs one script in a process group of its own and waits for its exit and, for a while, for the end of its output.
 *
 * On the deadline everything of the hook gets SIGTERM and after the grace SIGKILL (`hook-processes.ts` says what that is). After a normal
 * exit nothing is killed. Further output goes into files: its writers must not die of a broken pipe.
 *
 * @see the official agent 1.8.1, `thread_joiner.rb`, for the one deadline shared by three waits
 */
export async function runScript(clock: Clock, request: RunScriptRequest): Promise<ScriptEnding> {
  if (request.killSignal?.aborted === true) return { ending: 'killed' };
  let pipes: ScriptPipes;
  try {
    pipes = await (request.pipes?.take() ?? createOutputPipes(OUTPUTS));
  } catch (error) {
    const toDo = isSlipwayError(error) ? `. ${error.remedy}` : '';
    return { ending: 'cannot-start', why: `${messageOf(error)}${toDo}` };
  }
  try {
    return await startAndWait(clock, request, pipes);
  } finally {
    for (const stream of OUTPUTS) pipes[stream].close();
  }
}

type Cut = { readonly ending: 'deadline' } | { readonly ending: 'killed' };

async function startAndWait(clock: Clock, request: RunScriptRequest, pipes: ScriptPipes): Promise<ScriptEnding> {
  const { scope, killSignal } = request;
  const command = scope === null ? request.command : inScope(scope, request.command);
  const streams = ['ignore' as const, pipes.stdout.writeEnd, pipes.stderr.writeEnd];
  const start = await startProcess(command, {
    cwd: WORKING_DIRECTORY,
    env: { ...request.environment },
    stdio: scope === null ? streams : [...streams, 'pipe'],
    detached: true,
  });
  for (const stream of OUTPUTS) pipes[stream].closeWriteEnd();
  if (!start.isStarted) return { ending: scope === null ? 'cannot-start' : 'no-scope', why: start.why };
  const { pid, stdio, exited: processExited } = start.started;
  const marker = request.environment[MARKER_VARIABLE] ?? '';
  const hook = { marker, groupId: pid, scope: scope?.unit ?? scopePrefix(marker) };
  const over = new AbortController();
  const ready = scope === null ? null : scopeReady(clock, stdio[SCOPE_READY_FD] as Readable, over.signal);
  const lines = linesAfter(ready, request.onLine);
  const outputs = OUTPUTS.map((stream) => followOutput(stream, pipes[stream], (line) => lines.add(stream, line)));
  const cut = Promise.race([
    clock.sleep(Math.min(request.timeoutMs, MAX_TIMER_MS), over.signal).then((): Cut => ({ ending: 'deadline' })),
    aborted(killSignal, over.signal).then((): Cut => ({ ending: 'killed' })),
  ]);
  const exited = processExited.then(({ exitCode, signal }) => ({
    ending: 'exited' as const,
    exitCode: exitCode ?? (signal === null ? 1 : 128 + constants.signals[signal]),
    signal,
  }));
  try {
    const isReady = await Promise.race([ready ?? true, cut]);
    if (isReady === false) {
      await endHook(clock, hook, 0);
      await Promise.race([allClosed(outputs), clock.sleep(LAST_WORDS_MS, over.signal)]);
      return { ending: 'no-scope', why: lines.held().join(' ') || 'systemd-run does not say why' };
    }
    const first = await Promise.race([exited, cut]);
    const end =
      first.ending === 'exited' ? await waitForOutputs(clock, request, outputs, hook, cut, over.signal) : first;
    if (end === 'closed' || end === 'held') {
      const held = outputs.filter(({ isClosed }) => !isClosed()).map((output) => detach(request, output, hook));
      return { ...(await exited), held };
    }
    const survivors = await endHook(clock, hook, end.ending === 'deadline' ? request.graceMs : 0);
    await Promise.race([allClosed(outputs), clock.sleep(LAST_WORDS_MS, over.signal)]);
    return end.ending === 'deadline' ? { ending: 'timed-out', survivors: survivors.map(factsOf) } : end;
  } finally {
    over.abort();
    for (const { finish } of outputs) finish();
    lines.release();
  }
}

/** Resolves with whether the scope is there: it says so, or `systemd-run` goes away or takes too long without. */
function scopeReady(clock: Clock, announcement: Readable, over: AbortSignal): Promise<boolean> {
  return Promise.race([
    new Promise<boolean>((resolve) => {
      announcement.once('data', () => resolve(true));
      for (const event of ['end', 'close', 'error']) announcement.once(event, () => resolve(false));
    }),
    clock.sleep(SCOPE_START_MS, over).then(() => false),
  ]);
}

/** Keeps lines back until it is known that they are the script's and not a complaint of `systemd-run`. */
function linesAfter(ready: Promise<boolean> | null, onLine: RunScriptRequest['onLine']) {
  let kept: [OutputStream, string][] | null = ready === null ? null : [];
  const release = () => {
    const lines = kept ?? [];
    kept = null;
    for (const [stream, line] of lines) onLine(stream, line);
  };
  void ready?.then((isReady) => {
    if (isReady) release();
  });
  return {
    add(stream: OutputStream, line: string) {
      if (kept === null) onLine(stream, line);
      else kept.push([stream, line]);
    },
    held: () => (kept ?? []).map(([, line]) => line),
    release,
  };
}

/** @returns whether all have closed, or what came first */
async function waitForOutputs(
  clock: Clock,
  request: RunScriptRequest,
  outputs: readonly FollowedOutput[],
  hook: HookProcesses,
  cut: Promise<Cut>,
  over: AbortSignal,
): Promise<'closed' | 'held' | Extract<Cut, { ending: 'killed' }>> {
  const closed = allClosed(outputs);
  const graceMs = Math.min(request.outputGraceMs, MAX_TIMER_MS);
  const noticeMs = Math.min(HELD_NOTICE_MS, graceMs);
  let next: 'closed' | 'held' | Cut = await Promise.race([closed, cut, held(clock, noticeMs, over)]);
  if (next === 'held' && graceMs > noticeMs) {
    for (const { stream, pipe, isClosed } of outputs) {
      if (!isClosed()) request.onOutputHeld?.(stream, holdersOf(pipe, hook));
    }
    next = await Promise.race([closed, cut, held(clock, graceMs - noticeMs, over)]);
  }
  if (next === 'closed' || next === 'held') return next;
  // The script itself was in time.
  return next.ending === 'killed' ? next : 'held';
}

function held(clock: Clock, ms: number, over: AbortSignal): Promise<'held'> {
  return clock.sleep(ms, over).then(() => 'held');
}

function allClosed(outputs: readonly FollowedOutput[]): Promise<'closed'> {
  return Promise.all(outputs.map(({ closed }) => closed)).then(() => 'closed');
}

/** Leaves an output to the processes that hold it. */
function detach(request: RunScriptRequest, { stream, pipe, finish }: FollowedOutput, hook: HookProcesses): HeldOutput {
  const holders = holdersOf(pipe, hook);
  const continuesIn = newOutputFile(request.detachedOutput(stream));
  const folders = new Set(holders.flatMap(({ pid }) => scopeFolders(controlGroupsOf(pid), hook.scope)));
  copyDetached(pipe.spareReadEnd, continuesIn, [...folders]);
  // No more is read here, so that nothing is lost between the two readers.
  finish();
  pipe.close();
  return { stream, holders, continuesIn };
}

/** Resolves when `signal` aborts, or has aborted already; not any more once it is `over`. */
function aborted(signal: AbortSignal | undefined, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true, signal: over });
  });
}

/** Returns the processes that keep an output open. Only root sees another user's open files; else all that is left of the hook is named. */
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
  isClosed(): boolean;
  /** Takes what is there of an unfinished last line, and no more. */
  finish(): void;
}

function followOutput(stream: OutputStream, pipe: OutputPipe, onLine: (line: string) => void): FollowedOutput {
  const lines = createLineSplitter(onLine);
  let isClosed = false;
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
      isClosed = true;
      finish();
      resolve('closed');
    };
    for (const event of ['end', 'close', 'error']) pipe.stream.once(event, done);
  });
  return { stream, pipe, closed, isClosed: () => isClosed, finish };
}
