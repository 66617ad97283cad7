/** Runs a program of the operator's for an order, and knows afterwards whether it may be run again. */
import { messageOf } from '../../errors.ts';
import type { Clock } from '../../system/clock.ts';
import type { Program } from '../outside/fleet-programs.ts';
import { BalancerFault } from '../outside/load-balancer.ts';
import { runProgram } from '../outside/run-program.ts';
import type { DeploymentRow, OrderRow } from '../store/schema.ts';
import type { OrderCall, Progress } from './order.ts';
import { afterRun, beforeRun, type ProgramMemory, type ProgramRun } from './program-progress.ts';

/** Between SIGTERM and SIGKILL for a program that takes too long, or whose server stops. */
const GRACE_MS = 5_000;
const MAX_SAID = 2_000;

export interface OrderedRun {
  readonly order: OrderRow;
  readonly deployment: DeploymentRow;
  /** The same in each run. */
  readonly requestId: string;
  readonly program: Program;
  readonly memory: ProgramMemory;
  readonly environment: Readonly<Record<string, string>>;
  readonly call: OrderCall;
}

/** The program is done; or, without a run, nobody knows what a run has done whose server was killed. */
export type Ran = { readonly memory: ProgramMemory } & (
  | { readonly run: ProgramRun; readonly why: '' }
  | { readonly run: null; readonly why: string }
);

/**
 * Runs the program, unless it must not run again.
 *
 * @returns what the order comes to when the program is not done, or has failed
 */
export async function runOnce(clock: Pick<Clock, 'now'>, running: OrderedRun): Promise<Ran | Progress> {
  const { order, deployment, program, memory, call } = running;
  const nowMs = clock.now();
  const lastCall = program.command.join(' ');
  const before = beforeRun(memory, program, nowMs);
  if (before.may === 'not') {
    if (memory.isRunning) return { memory: { ...memory, isRunning: false }, run: null, why: before.why };
    return {
      memory,
      lastCall,
      lastAnswer: order.last_answer,
      ending: 'Failed',
      message: failure(lastCall, before.why),
    };
  }
  const begun = { ...memory, begunAtMs: memory.begunAtMs ?? nowMs, runs: memory.runs + 1 };
  await call.remember({ ...begun, isRunning: true }, lastCall);
  const run = await runOf(program, AbortSignal.any([call.signal, AbortSignal.timeout(before.leftMs)]), {
    ...running.environment,
    SLIPWAY_REQUEST_ID: running.requestId,
    SLIPWAY_DEPLOYMENT_ID: deployment.deployment_id,
    SLIPWAY_APPLICATION: deployment.application_name,
    SLIPWAY_DEPLOYMENT_GROUP: deployment.deployment_group_name,
  });
  const after = { ...begun, isRunning: false };
  const next = afterRun(run, after.runs);
  const standing = { memory: after, lastCall, lastAnswer: run.said };
  if (next.is === 'not-yet') return { ...standing, ending: 'later', inMs: next.inMs };
  if (next.is === 'failed') return { ...standing, ending: 'Failed', message: failure(lastCall, run.said) };
  return { memory: after, run, why: '' };
}

async function runOf(
  { command }: Program,
  signal: AbortSignal,
  environment: Readonly<Record<string, string>>,
): Promise<ProgramRun> {
  try {
    const { exitCode, stdout, stderr } = await runProgram(command, signal, environment, GRACE_MS);
    const output = [stdout, stderr].map((text) => text.trim()).filter((text) => text !== '');
    return { exitCode, stdout, said: [`exit ${exitCode}`, output.join('\n').slice(-MAX_SAID)].join('\n').trimEnd() };
  } catch (error) {
    const said = error instanceof BalancerFault ? error.record.answer : messageOf(error);
    return { exitCode: null, stdout: '', said };
  }
}

function failure(call: string, why: string): string {
  return `The program ${call} failed: ${why}`;
}
