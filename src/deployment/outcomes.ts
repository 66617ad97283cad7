/** Outcomes of host commands, as they are reported; the one place that words them and knows their numbers. */
import { messageOf, SlipwayError } from '../errors.ts';
import type { EventOutcome } from '../hooks/run-event.ts';
import type { CommandOutcome, DiagnosticCode } from '../protocol/diagnostics.ts';
import type { ProcessFacts } from '../system/processes.ts';

/** @param note what the service parses behind the colon, such as `BundleSource=downloaded` */
export function succeeded(note: string | null = null, log = ''): CommandOutcome {
  const message = note === null ? 'Succeeded' : `Succeeded: ${note}`;
  return { status: 'Succeeded', diagnostics: { errorCode: 0, scriptName: '', message, log } };
}

export function failed(
  errorCode: Exclude<DiagnosticCode, 0>,
  message: string,
  scriptName = '',
  log = '',
): CommandOutcome {
  return { status: 'Failed', diagnostics: { errorCode, scriptName, message, log } };
}

/** Any fault on the way: code 5, and what to do, if that is known. */
export function failedBy(fault: unknown, log = ''): CommandOutcome {
  if (fault instanceof SlipwayError) return failed(5, `${fault.message} [${fault.code}] ${fault.remedy}`, '', log);
  return failed(5, messageOf(fault), '', log);
}

export function outcomeOfEvent(outcome: EventOutcome, log: string): CommandOutcome {
  switch (outcome.outcome) {
    case 'succeeded':
      return succeeded(null, log);
    case 'missing': {
      const hint = outcome.near === undefined ? '' : `; the revision has ${outcome.near}`;
      return failed(1, `the script ${outcome.location} does not exist: ${outcome.path}${hint}`, outcome.location, log);
    }
    case 'outside':
      return failed(
        1,
        `the script ${outcome.location} is not part of the revision: ${outcome.path} leads to ${outcome.leadsTo}`,
        outcome.location,
        log,
      );
    case 'not-executable':
      return failed(
        2,
        `the script ${outcome.location} cannot be made executable: ${outcome.why}`,
        outcome.location,
        log,
      );
    case 'timed-out':
      return failed(
        3,
        `the script ${outcome.location} took longer than ${outcome.timeoutSeconds} seconds and was ended` +
          (outcome.survivors.length === 0 ? '' : `, but not process ${describe(outcome.survivors)}`) +
          '; if it needs longer, raise its timeout in the AppSpec file',
        outcome.location,
        log,
      );
    case 'failed': {
      const runas = outcome.runas === null ? '' : ` run as user ${outcome.runas}`;
      return failed(4, `the script ${outcome.location}${runas} failed: ${outcome.why}`, outcome.location, log);
    }
    case 'output-held': {
      const { location, held } = outcome;
      const streams = held.map(({ stream }) => stream).join(' and ');
      const holders = held.flatMap((one) => one.holders);
      const unique = holders.filter(({ pid }, index) => holders.findIndex((other) => other.pid === pid) === index);
      return failed(
        6,
        `the script ${location} ended, but something that it started still holds its ${streams}` +
          `${unique.length === 0 ? '' : `: process ${describe(unique)}`}; redirect the output of what goes on running, ` +
          'or set hook_output_policy: detach',
        location,
        log,
      );
    }
    case 'killed':
      return failed(5, `the script ${outcome.location} was killed because the agent had to end`, outcome.location, log);
  }
}

/** A few are enough to find the rest. */
function describe(processes: readonly ProcessFacts[]): string {
  const named = processes
    .slice(0, 3)
    .map(({ pid, commandLine }) => (commandLine === '' ? `${pid}` : `${pid} (${commandLine.slice(0, 200)})`));
  return `${named.join(', ')}${processes.length > 3 ? ` and ${processes.length - 3} more` : ''}`;
}
