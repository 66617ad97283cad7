/** A program of the operator's or of a balancer's, run to its end. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { messageOf } from '../../errors.ts';
import { signalProcess } from '../../system/processes.ts';
import { programEnvironment } from '../../system/program-environment.ts';
import { BalancerFault } from './load-balancer.ts';

export interface ProgramEnd {
  /** The command as it was run. */
  readonly call: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** End of what the program said: standard error, else standard output. */
  readonly said: string;
}

/** Limit on the output that is kept, in characters: its end is kept. */
const MAX_OUTPUT = 64 * 1024;
const MAX_SAID = 500;
/** Time for the program's own output to arrive, in ms. Processes that it has left running may hold its output for ever. */
const OUTPUT_GRACE_MS = 200;

/**
 * Runs a program; it gets no more of this process's environment than where programs are.
 *
 * @param graceMs between SIGTERM and SIGKILL for one that does not end before the signal
 * @throws BalancerFault when it cannot be started, or does not end before the signal, which ends it with all that it has started
 */
export async function runProgram(
  command: readonly string[],
  signal: AbortSignal,
  environment: Readonly<Record<string, string>> = {},
  graceMs = 0,
): Promise<ProgramEnd> {
  const call = command.join(' ');
  try {
    signal.throwIfAborted();
    const { exitCode, stdout, stderr } = await run(
      command,
      signal,
      { ...programEnvironment(), ...environment },
      graceMs,
    );
    const said = (stderr || stdout).trim().slice(-MAX_SAID) || `exit ${exitCode}`;
    return { call, exitCode, stdout, stderr, said };
  } catch (cause) {
    const wrote = cause instanceof CutOff && cause.output !== '' ? `; it had written: ${cause.output}` : '';
    const answer = signal.aborted ? `it did not end in time${wrote}` : messageOf(cause);
    throw new BalancerFault({ call, answer }, { cause });
  }
}

/** A program that was ended by the signal. */
class CutOff extends Error {
  /** The end of what it wrote until then. */
  readonly output: string;

  constructor(cause: unknown, output: string) {
    super('it was ended', { cause });
    this.output = output;
  }
}

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  command: readonly string[],
  signal: AbortSignal,
  env: Record<string, string>,
  graceMs: number,
): Promise<Outcome> {
  const [program = '', ...args] = command;
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  // A process group of its own: what a script waits for would outlive it, and hold its output.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
  const [stdout, stderr] = [endOf(child.stdout), endOf(child.stderr)];
  const letGo = () => {
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const kill = () => {
    if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
    letGo();
    reject(new CutOff(signal.reason, (stderr() || stdout()).trim().slice(-MAX_SAID)));
  };
  const abort = () => {
    if (graceMs === 0 || child.pid === undefined) {
      kill();
      return;
    }
    signalProcess(-child.pid, 'SIGTERM');
    const timer = setTimeout(kill, graceMs);
    child.on('exit', () => {
      clearTimeout(timer);
      kill();
    });
  };
  signal.addEventListener('abort', abort, { once: true });
  child.on('error', reject);
  child.on('exit', () => setTimeout(letGo, OUTPUT_GRACE_MS).unref());
  child.on('close', (exitCode, killedBy) => {
    signal.removeEventListener('abort', abort);
    if (exitCode === null) reject(new Error(`it was ended by ${killedBy ?? 'a signal'}`));
    else resolve({ exitCode, stdout: stdout(), stderr: stderr() });
  });
  return promise;
}

/** Keeps the end of what a stream brings. */
function endOf(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (piece: string) => {
    text = (text + piece).slice(-MAX_OUTPUT);
  });
  return () => text;
}
