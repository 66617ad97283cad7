/** Events of an agent as machines read them: for the events file and for the counters. Times are epoch milliseconds. */
import type { CommandRequest, Executors } from './executor/executors.ts';

export type AgentEvent =
  | { readonly type: 'agent-started' | 'agent-stopping' }
  | { readonly type: 'poll-failing'; readonly error: string }
  | { readonly type: 'poll-recovered'; readonly failures: number }
  | ({ readonly type: 'command-begun' } & CommandFacts)
  | ({
      readonly type: 'command-ended';
      readonly status: 'Succeeded' | 'Failed';
      readonly errorCode: number;
      readonly message: string;
      readonly durationMs: number;
    } & CommandFacts);

interface CommandFacts {
  readonly commandName: string;
  readonly hostCommandIdentifier: string;
  readonly deploymentId: string;
  readonly deploymentGroupId: string;
  readonly applicationName: string;
}

export type Tell = (event: AgentEvent) => void;

/** Executors that tell when a command begins and how it ends. */
export function tellingExecutors(executors: Executors, tell: Tell, now: () => number): Executors {
  return {
    ...executors,
    async run(request) {
      const begunMs = now();
      const facts = factsOf(request);
      tell({ type: 'command-begun', ...facts });
      const ended = (status: 'Succeeded' | 'Failed', errorCode: number, message: string) =>
        tell({ type: 'command-ended', ...facts, status, errorCode, message, durationMs: now() - begunMs });
      try {
        const outcome = await executors.run(request);
        ended(outcome.status, outcome.diagnostics.errorCode, outcome.diagnostics.message);
        return outcome;
      } catch (error) {
        ended('Failed', 5, error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
  };
}

function factsOf({ commandName, hostCommandIdentifier, specification }: CommandRequest): CommandFacts {
  const { deploymentId, deploymentGroupId, applicationName } = specification;
  return { commandName, hostCommandIdentifier, deploymentId, deploymentGroupId, applicationName };
}
