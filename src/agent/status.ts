import type { CommandRecord, Ledger } from './ledger.ts';

/** A command as the status shows it. */
export type ShownCommand = Pick<CommandRecord, 'commandName' | 'deploymentId' | 'hostCommandIdentifier'> & {
  readonly sinceMs: number;
};

/** What a running agent says of itself. Times are epoch milliseconds. */
export interface AgentStatus {
  readonly pid: number;
  readonly version: string;
  readonly startedAtMs: number;
  readonly hostIdentifier: string;
  readonly identityFrom: string;
  readonly endpoint: string;
  readonly lastPoll: LastPoll;
  readonly running: readonly ShownCommand[];
  /** Outcomes that the control endpoint does not have yet. */
  readonly undelivered: readonly ShownCommand[];
}

export interface LastPoll {
  /** The last one that was answered; null: none was. */
  readonly answeredAtMs: number | null;
  /** Failures in a row since then. */
  readonly failures: number;
  readonly lastError: string | null;
}

export function commandsOf(ledger: Pick<Ledger, 'inState'>): Pick<AgentStatus, 'running' | 'undelivered'> {
  const shown = (state: CommandRecord['state']) =>
    ledger.inState(state).map(({ commandName, deploymentId, hostCommandIdentifier, changedAtMs }) => ({
      commandName,
      deploymentId,
      hostCommandIdentifier,
      sinceMs: changedAtMs,
    }));
  return { running: shown('running'), undelivered: shown('finished') };
}
