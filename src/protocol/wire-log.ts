/**
 * Requests to AWS and their answers as text, for the wire log (`log_aws_wire`). Pure.
 *
 * The log leaves out what would let a reader act as this host or as the owner of a token. These are signatures, session tokens, everything
 * called a secret, and the signed specification, which may hold a GitHub token. Bodies of objects are never here.
 */
import { isSecretName } from '../logging/plain-fields.ts';

export interface WireExchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** null: it is not for a log. */
  readonly body: string | null;
  readonly answer: WireAnswer | { readonly error: string };
  readonly tookMs: number;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string | null;
}

/** Is told of each exchange as it ends. */
export type WireLog = (exchange: WireExchange) => void;

/** A command with a long log in its diagnostics is a dozen kilobytes. */
const MAX_BODY = 32 * 1024;
const HIDDEN = '[hidden]';

/** @param endedMs when it ended, epoch milliseconds */
export function renderExchange({ method, url, headers, body, answer, tookMs }: WireExchange, endedMs: number): string {
  const lines = [`${new Date(endedMs).toISOString()} ${method} ${withoutSecrets(url)} (${Math.round(tookMs)} ms)`];
  lines.push(...headerLines('>', headers), ...bodyLines('>', body));
  if ('error' in answer) lines.push(`< no answer: ${oneLine(answer.error)}`);
  else lines.push(`< ${answer.status}`, ...headerLines('<', answer.headers), ...bodyLines('<', answer.body));
  return `${lines.join('\n')}\n\n`;
}

function headerLines(mark: string, headers: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(headers).map(
    ([name, value]) => `${mark} ${name}: ${oneLine(headerValue(name, String(value)))}`,
  );
}

/** Hides only the signature itself in an `Authorization` header: key, scope and covered headers help to find a mismatch. */
function headerValue(name: string, value: string): string {
  if (/^authorization$/i.test(name) && value.startsWith('AWS4-'))
    return value.replace(/Signature=\w+/, `Signature=${HIDDEN}`);
  return isSecretName(name) ? HIDDEN : value;
}

function bodyLines(mark: string, body: string | null): string[] {
  if (body === null || body === '') return [];
  const shown = withoutSecretMembers(body);
  return [
    `${mark} ${oneLine(shown.slice(0, MAX_BODY))}${shown.length > MAX_BODY ? ` … (${shown.length} characters)` : ''}`,
  ];
}

/** A body that is no JSON is an error page of something in between, and holds no secret. */
function withoutSecretMembers(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), (name, value: unknown) => {
      if (isSecretName(name)) return HIDDEN;
      return isSealed(value) ? { ...value, Payload: `[hidden: ${value.Payload.length} characters]` } : value;
    });
  } catch {
    return body;
  }
}

/** A deployment specification in its envelope; diagnostics, whose format is JSON, are this agent's own words. */
function isSealed(value: unknown): value is { readonly Format: string; readonly Payload: string } {
  if (typeof value !== 'object' || value === null) return false;
  const { Format, Payload } = value as Record<string, unknown>;
  return typeof Payload === 'string' && Format !== 'JSON' && !Payload.startsWith('[hidden');
}

function withoutSecrets(url: string): string {
  return url
    .replace(/\/\/[^/@]*@/, '//***@')
    .replace(/([?&])(X-Amz-Signature|X-Amz-Security-Token)=[^&]*/gi, `$1$2=${HIDDEN}`);
}

/** A value with a line break in it must not look like a line of its own. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
