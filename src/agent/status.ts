/** Status of a running agent, and its troubles. Pure. */
import type { AgentConfig } from '../config/agent-config.ts';
import type { CommandRecord, Ledger } from './ledger.ts';

/** A command as the status shows it. */
export type ShownCommand = Pick<CommandRecord, 'commandName' | 'deploymentId' | 'hostCommandIdentifier'> & {
  readonly sinceMs: number;
};

/** Status of a running agent. Times are epoch milliseconds. */
export interface AgentStatus {
  readonly pid: number;
  readonly version: string;
  readonly startedAtMs: number;
  readonly hostIdentifier: string;
  readonly identityFrom: string;
  readonly endpoint: string;
  readonly lastPoll: LastPoll;
  /** Whether another agent polls with the same identity, as the server says. */
  readonly identityIsShared: boolean;
  /** Whether as many commands are under way as ever may be: no more are asked for until one has ended. */
  readonly isFull: boolean;
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

/** With the usual settings a poll takes a minute and a half at most; twice that, and the server is lost. */
const LEAST_SILENT_MS = 3 * 60_000;

/** How long an agent may go without an answered poll before that is trouble; milliseconds. */
export function silenceLimitMs(
  config: Pick<AgentConfig, 'waitBetweenRunsSeconds' | 'waitBetweenRunsActiveSeconds' | 'httpReadTimeoutSeconds'>,
): number {
  const pauseSeconds = Math.max(config.waitBetweenRunsSeconds, config.waitBetweenRunsActiveSeconds ?? 0);
  return Math.max(LEAST_SILENT_MS, 2 * (pauseSeconds + config.httpReadTimeoutSeconds) * 1000);
}

/**
 * Why a deployment would not get to this host just now; null: it would.
 *
 * It would not when no poll has been answered for longer than a healthy agent ever goes without. Polls may fail, one may hang, or commands
 * that do not end may have all places. A single failure, or a minute of sixteen deployments at once, is no trouble.
 *
 * @param silentMs how long is too long, longer than a poll may be held and the pause after it
 */
export function troubleOf(
  status: Pick<AgentStatus, 'lastPoll' | 'startedAtMs' | 'isFull' | 'running'>,
  nowMs: number,
  silentMs: number,
): string | null {
  const { lastPoll, startedAtMs, isFull, running } = status;
  const sinceMs = nowMs - (lastPoll.answeredAtMs ?? startedAtMs);
  if (sinceMs <= silentMs) return null;
  const silence = `no poll was answered for ${Math.round(sinceMs / 1000)} seconds`;
  if (isFull) {
    const oldest = running.toSorted((a, b) => a.sinceMs - b.sinceMs)[0];
    const example = oldest === undefined ? '' : `, the oldest by ${oldest.commandName} of ${oldest.deploymentId}`;
    return `${silence}: all places for commands are taken${example}`;
  }
  return lastPoll.failures > 0 ? `${silence}; polling fails: ${lastPoll.lastError}` : `${silence}: polling hangs`;
}
