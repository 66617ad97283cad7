/** A host's report of a command, as the management API shows it. Pure. */
import type { CommandDiagnostics, DiagnosticCode } from '../../protocol/diagnostics.ts';

export type EventErrorCode =
  | 'Success'
  | 'ScriptMissing'
  | 'ScriptNotExecutable'
  | 'ScriptTimedOut'
  | 'ScriptFailed'
  | 'UnknownError';

/** Diagnostics of a lifecycle event: all four members, always. */
export interface EventDiagnostics {
  readonly errorCode: EventErrorCode;
  readonly scriptName: string;
  readonly message: string;
  readonly logTail: string;
}

/** The API has no word for output that was left open (6) or for a restart (7). */
const ERROR_CODES: Readonly<Record<DiagnosticCode, EventErrorCode>> = {
  0: 'Success',
  1: 'ScriptMissing',
  2: 'ScriptNotExecutable',
  3: 'ScriptTimedOut',
  4: 'ScriptFailed',
  5: 'UnknownError',
  6: 'UnknownError',
  7: 'UnknownError',
};

export function eventDiagnostics(
  errorCode: EventErrorCode,
  rest: Partial<Omit<EventDiagnostics, 'errorCode'>> = {},
): EventDiagnostics {
  return { errorCode, scriptName: rest.scriptName ?? '', message: rest.message ?? '', logTail: rest.logTail ?? '' };
}

/** @param reported null: the host sent an outcome without details */
export function diagnosticsOf(status: 'Succeeded' | 'Failed', reported: CommandDiagnostics | null): EventDiagnostics {
  // What stands behind `Succeeded:` is for the service itself.
  if (status === 'Succeeded')
    return eventDiagnostics('Success', { message: 'Succeeded', logTail: reported?.log ?? '' });
  if (reported === null)
    return eventDiagnostics('UnknownError', { message: 'The host reported a failure without details.' });
  const { errorCode, scriptName, message, log } = reported;
  const code = errorCode === 0 ? 'UnknownError' : ERROR_CODES[errorCode];
  return eventDiagnostics(code, { scriptName, message, logTail: log });
}

/**
 * Diagnostics of an event that had been given up when its report came: its own, if it had any, and what the host said.
 *
 * @param diagnosticsJson the event's diagnostics so far
 */
export function lateDiagnosticsOf(
  diagnosticsJson: string | null,
  status: 'Succeeded' | 'Failed',
  reported: CommandDiagnostics | null,
): EventDiagnostics {
  const own = diagnosticsJson === null ? null : (JSON.parse(diagnosticsJson) as EventDiagnostics);
  const said = `Too late, the instance reported: ${status}${reported?.message ? ` (${reported.message})` : ''}`;
  return eventDiagnostics(own?.errorCode ?? (status === 'Succeeded' ? 'Success' : 'UnknownError'), {
    scriptName: reported?.scriptName ?? '',
    message: own === null || own.message === '' ? said : `${own.message} ${said}`,
    logTail: reported?.log ?? '',
  });
}
