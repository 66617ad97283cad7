/** Diagnostics of a completed host command: a JSON text of exactly four members in an envelope of format `JSON`. Pure. */
import { withoutTerminalSequences } from '../system/printable.ts';
import type { Envelope } from './host-command/shapes.ts';

/**
 * Number of the outcome, as the protocol has it. 0: success. 1: script missing. 2: script not executable. 3: timed out. 4: script failed.
 * 5: any other fault. 6: output left open. 7: failed because the agent restarted.
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

/** Limit of the service on a payload, in characters. */
const MAX_PAYLOAD_CHARACTERS = 8192;
/** Characters that a message keeps before the log is cut: its beginning says what happened, its end often why. */
const KEPT_MESSAGE_CHARACTERS = 1024;
/** Longer than any location that a script is likely to have. */
const MAX_SCRIPT_NAME_CHARACTERS = 512;

/**
 * The completion's envelope. The service would reject a payload over its limit, and the outcome would be lost. So text is cut in this
 * order: the middle of the message, the oldest lines of the log, the rest of the message. Terminal sequences are removed, and bytes that
 * are no character replaced.
 */
export function encodeDiagnostics(diagnostics: CommandDiagnostics): Envelope {
  const scriptName = shortenMiddle(plainText(diagnostics.scriptName), MAX_SCRIPT_NAME_CHARACTERS);
  const message = plainText(diagnostics.message);
  const log = plainText(diagnostics.log);
  const payload = (shortMessage: string, shortLog: string) =>
    JSON.stringify({
      error_code: diagnostics.errorCode,
      script_name: scriptName,
      message: shortMessage,
      log: shortLog,
    });
  const fits = (text: string) => text.length <= MAX_PAYLOAD_CHARACTERS;

  const kept = Math.min(message.length, KEPT_MESSAGE_CHARACTERS);
  const shortMessage = longest(message, kept, shortenMiddle, (text) => fits(payload(text, log)));
  const shortLog = longest(log, 0, newestLines, (text) => fits(payload(shortMessage, text)));
  const finalMessage = longest(shortMessage, 0, shortenMiddle, (text) => fits(payload(text, shortLog)));
  return { Format: 'JSON', Payload: payload(finalMessage, shortLog) };
}

/**
 * Reads a completion's envelope; null when there is none or it is none of ours: an outcome without details is still one. Texts are cut to
 * the service's limits, whatever the host sent: a message in its middle, a log at its oldest lines.
 */
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
    scriptName: shortenMiddle(reportedText(script_name), MAX_SCRIPT_NAME_CHARACTERS),
    message: shortenMiddle(reportedText(message), MAX_PAYLOAD_CHARACTERS),
    log: newestLines(reportedText(log), MAX_PAYLOAD_CHARACTERS),
  };
}

function reportedText(value: unknown): string {
  return typeof value === 'string' ? value.toWellFormed() : '';
}

/** The longest shortening of a text that is accepted, but never one below `leastLength`. */
function longest(
  text: string,
  leastLength: number,
  shorten: (text: string, length: number) => string,
  isAccepted: (shortened: string) => boolean,
): string {
  if (isAccepted(text)) return text;
  let [least, beyond] = [leastLength, text.length];
  while (beyond - least > 1) {
    const middle = Math.floor((least + beyond) / 2);
    if (isAccepted(shorten(text, middle))) least = middle;
    else beyond = middle;
  }
  return shorten(text, least);
}

function shortenMiddle(text: string, length: number): string {
  if (text.length <= length) return text;
  const half = Math.floor(Math.max(0, length - 3) / 2);
  const head = text.slice(0, half).replace(/[\uD800-\uDBFF]$/, '');
  return `${head}...${lastCharacters(text, half)}`;
}

/** The end of a log, beginning with a whole line if there is one. */
function newestLines(log: string, length: number): string {
  const end = lastCharacters(log, length);
  const lineBreak = end.indexOf('\n');
  const startsWithLine = end.length === log.length || log.at(-end.length - 1) === '\n';
  return startsWithLine || lineBreak < 0 || lineBreak === end.length - 1 ? end : end.slice(lineBreak + 1);
}

/** The last characters of a text, not beginning in the middle of one. */
function lastCharacters(text: string, length: number): string {
  return length === 0 ? '' : text.slice(-length).replace(/^[\uDC00-\uDFFF]/, '');
}

function plainText(text: string): string {
  return withoutTerminalSequences(text).toWellFormed();
}

function isDiagnosticCode(value: unknown): value is DiagnosticCode {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 7;
}
