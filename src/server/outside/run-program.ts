/** A program of the operator's or of a balancer's, run to its end. */
import { execa } from 'execa';
import { programEnvironment } from '../../system/program-environment.ts';
import { BalancerFault } from './load-balancer.ts';

export interface ProgramEnd {
  /** The command as it was run. */
  readonly call: string;
  readonly exitCode: number;
  readonly stdout: string;
  /** What it said, the end of it: standard error, else standard output. */
  readonly said: string;
}

/** What is kept of its output, in characters. */
const MAX_OUTPUT = 64 * 1024;
const MAX_SAID = 500;

/**
 * Runs a program; it gets no more of this process's environment than where programs are.
 *
 * @throws BalancerFault when it cannot be started, or does not end before the signal, which ends it
 */
export async function runProgram(
  command: readonly string[],
  signal: AbortSignal,
  environment: Readonly<Record<string, string>> = {},
): Promise<ProgramEnd> {
  const [program = '', ...args] = command;
  const call = command.join(' ');
  const end = await execa(program, args, {
    stdin: 'ignore',
    env: { ...programEnvironment(), ...environment },
    extendEnv: false,
    cancelSignal: signal,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT,
    reject: false,
  });
  if (end.exitCode === undefined) {
    const answer = end.isCanceled ? 'it did not end in time' : (end.shortMessage ?? 'it could not be run');
    throw new BalancerFault({ call, answer }, { cause: end });
  }
  const said = (end.stderr || end.stdout).trim().slice(-MAX_SAID) || `exit ${end.exitCode}`;
  return { call, exitCode: end.exitCode, stdout: end.stdout, said };
}
