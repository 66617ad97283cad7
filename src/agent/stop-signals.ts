/** The signals that end the agent: the first asks for a good end, the second for one at once. */
import type { Logger } from '../logging/logger.ts';

export interface StopSignals {
  /** The first signal: take no new work. */
  readonly requested: AbortSignal;
  /** The second: end at once. */
  readonly urgent: AbortSignal;
  release(): void;
}

/** @param interrupted whether such a signal came before this call: the command line hears them from its first line on */
export function watchSignals(log: Logger, interrupted: AbortSignal): StopSignals {
  const requested = new AbortController();
  const urgent = new AbortController();
  const names = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
  const onSignal = (name: NodeJS.Signals) => {
    if (requested.signal.aborted) {
      log.warn(`${name} again: ending at once`);
      urgent.abort();
    } else {
      log.info(`${name}: taking no new work; running commands finish`);
      requested.abort();
    }
  };
  for (const name of names) process.on(name, onSignal);
  if (interrupted.aborted) {
    log.info('told to end during the start: taking no work');
    requested.abort();
  }
  return {
    requested: requested.signal,
    urgent: urgent.signal,
    release: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
