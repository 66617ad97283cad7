/**
 * A hook that is a program of the operator's on the server's machine. Its environment says what the call is about. Exit status 0 means
 * Succeeded, and every other one Failed. A program that does not end within its limit is ended, with all that it has started.
 */
import type { HookRequest, KnownHook } from './hook-caller.ts';
import { BalancerFault } from './load-balancer.ts';
import { runProgram } from './run-program.ts';
import { inOneLine } from './signed-post.ts';

export interface HookProgram {
  readonly command: readonly string[];
  readonly limitMs: number;
  /** Whether a second run does no harm when nobody knows what became of the first. */
  readonly mayRunAgain: boolean;
}

/** Between SIGTERM and SIGKILL for a program that takes too long, or whose server stops. */
const GRACE_MS = 5_000;
const MAX_SAID = 500;

/** @param name as the file has it; the command stays with the server */
export function createProgramHook(name: string, { command, limitMs, mayRunAgain }: HookProgram): KnownHook {
  return {
    ...{ call: `run the program of the hook ${name}`, limitMs, mayRunAgain },
    // Its name is in the server's file, and more is found out only by a call.
    tryOut: async () => null,
    async invoke(request, signal) {
      const limit = AbortSignal.timeout(limitMs);
      try {
        const both = AbortSignal.any([signal, limit]);
        const { exitCode, said } = await runProgram(command, both, environmentOf(request), GRACE_MS);
        const answer = inOneLine(`exit ${exitCode}: ${said}`).slice(0, MAX_SAID);
        return { is: 'called', answer, status: exitCode === 0 ? 'Succeeded' : 'Failed' };
      } catch (error) {
        if (!(error instanceof BalancerFault)) throw error;
        const within = limit.aborted ? ` (${limitMs / 1000} seconds)` : '';
        return { is: 'failed', answer: inOneLine(`${error.record.answer}${within}`) };
      }
    },
  };
}

function environmentOf(request: HookRequest): Readonly<Record<string, string>> {
  const own = (request.parameters ?? []).map(({ name, value }): [string, string] => [
    `SLIPWAY_PARAMETER_${name}`,
    value,
  ]);
  return {
    ...Object.fromEntries(own),
    SLIPWAY_DEPLOYMENT_ID: request.deploymentId,
    SLIPWAY_HOOK_EXECUTION_ID: request.executionId,
    SLIPWAY_EVENT: request.event,
    SLIPWAY_APPLICATION: request.applicationName,
    SLIPWAY_DEPLOYMENT_GROUP: request.deploymentGroupName,
  };
}
