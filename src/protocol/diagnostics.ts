/**
 * What a host command's completion says about its end: a JSON text of exactly four members in an envelope of format `JSON`.
 */
import type { Envelope } from './host-command/shapes.ts';

/**
 * 0 success, 1 script missing, 2 script not executable, 3 timed out, 4 script failed, 5 anything else, 6 output left open,
 * 7 failed because the agent restarted.
 */
export type DiagnosticCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

export interface CommandDiagnostics {
  readonly errorCode: DiagnosticCode;
  /** The AppSpec's location text of the script at fault; empty otherwise. */
  readonly scriptName: string;
  readonly message: string;
  /** The tail of the event's hook output, below 2048 bytes. */
  readonly log: string;
}

/** How one host command ended on this host. */
export interface CommandOutcome {
  readonly status: 'Succeeded' | 'Failed';
  readonly diagnostics: CommandDiagnostics;
}

/** What the service takes of a payload, in characters. */
const MAX_PAYLOAD_CHARACTERS = 8192;
/** What is kept of a message when it has to be shortened: the beginning says what happened, the end often why. */
const SHORT_MESSAGE_CHARACTERS = 1024;

/**
 * The completion's envelope. A payload over the service's limit would be rejected and the outcome lost, so the message is
 * shortened first, then the log, whose newest lines are the most telling.
 */
export function encodeDiagnostics(diagnostics: CommandDiagnostics): Envelope {
  let { message, log } = diagnostics;
  let payload = payloadOf(diagnostics, message, log);
  if (payload.length > MAX_PAYLOAD_CHARACTERS && message.length > SHORT_MESSAGE_CHARACTERS) {
    message = shortenMiddle(message, SHORT_MESSAGE_CHARACTERS);
    payload = payloadOf(diagnostics, message, log);
  }
  // JSON may spend six characters on one of the log's, so what is over is cut off and measured again until it fits.
  while (payload.length > MAX_PAYLOAD_CHARACTERS && log !== '') {
    log = wellFormedEnd(log, Math.floor(log.length / 2));
    payload = payloadOf(diagnostics, message, log);
  }
  while (payload.length > MAX_PAYLOAD_CHARACTERS) {
    message = shortenMiddle(message, Math.floor(message.length / 2));
    payload = payloadOf(diagnostics, message, log);
  }
  return { Format: 'JSON', Payload: payload };
}

/** Reads a completion's envelope; null when there is none or it is none of ours: an outcome without details is still one. */
export function decodeDiagnostics(envelope: Envelope | undefined): CommandDiagnostics | null {
  if (envelope === undefined) return null;
  let fields: unknown;
  try {
    fields = JSON.parse(envelope.Payload);
  } catch {
    return null;
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return null;
  const { error_code, script_name, message, log } = fields as Record<string, unknown>;
  return {
    errorCode: isDiagnosticCode(error_code) ? error_code : 5,
    scriptName: typeof script_name === 'string' ? script_name : '',
    message: typeof message === 'string' ? message : '',
    log: typeof log === 'string' ? log : '',
  };
}

function payloadOf(diagnostics: CommandDiagnostics, message: string, log: string): string {
  return JSON.stringify({
    error_code: diagnostics.errorCode,
    script_name: diagnostics.scriptName.slice(0, SHORT_MESSAGE_CHARACTERS),
    message,
    log,
  });
}

function shortenMiddle(text: string, length: number): string {
  const half = Math.max(0, Math.floor((length - 3) / 2));
  return `${text.slice(0, half)}...${wellFormedEnd(text, half)}`.toWellFormed();
}

/** The last characters of a text, not beginning in the middle of one. */
function wellFormedEnd(text: string, length: number): string {
  return length === 0 ? '' : text.slice(-length).replace(/^[\uDC00-\uDFFF]/, '');
}

function isDiagnosticCode(value: unknown): value is DiagnosticCode {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 7;
}
