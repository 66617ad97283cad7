/**
 * The agent's log as the journal of systemd takes it.
 *
 * Each line that a service writes to standard error becomes a record. A `<N>` at its beginning names its priority. Fields cannot be sent
 * that way, and the socket that takes them is of a kind that Node cannot open. So records of a deployment, which people look for by its id,
 * go through `logger --journald` (util-linux): one process each, a few milliseconds. All others go the plain way, and all records do while
 * that program fails. Nothing is lost and nothing said twice.
 */
import { spawn } from 'node:child_process';
import { fstatSync } from 'node:fs';
import { printable } from '../system/printable.ts';
import { programEnvironment } from '../system/program-environment.ts';

/** A record: what the line says for people and machines, and its fields by their names in the log. */
export interface JournalRecord {
  readonly level: string;
  /** One line of JSON. */
  readonly line: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Journal {
  write(record: JournalRecord): void;
  /** Waits for what is on its way, but not for long. */
  close(): Promise<void>;
}

export interface JournalContext {
  /** Takes a plain line. */
  writeLine(line: string): void;
  /** Program that sends a record's fields; other than `logger` in tests. */
  readonly program?: string;
  readonly identifier: string;
  readonly pid: number;
}

/** As syslog counts them. */
const PRIORITIES: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7 };
/** Names in the log → fields of the journal, for those by which somebody would look for a record. */
const FIELDS: Readonly<Record<string, string>> = {
  deploymentId: 'SLIPWAY_DEPLOYMENT_ID',
  deploymentGroupId: 'SLIPWAY_DEPLOYMENT_GROUP_ID',
  hostCommandIdentifier: 'SLIPWAY_HOST_COMMAND_ID',
  commandName: 'SLIPWAY_COMMAND',
  event: 'SLIPWAY_EVENT',
  script: 'SLIPWAY_SCRIPT',
  errorCode: 'SLIPWAY_DIAGNOSTIC_CODE',
};
/** `logger` writes to a socket of this machine; one that hangs must not hold up the log. */
const SEND_MS = 5_000;
/** More than that waiting, and the plain way is the better one. */
const MAX_WAITING = 200;
const CLOSE_MS = 1_000;

/** @returns whether a descriptor leads to the journal, as systemd says in JOURNAL_STREAM */
export function isJournal(environment: Readonly<Record<string, string | undefined>>, descriptor: number): boolean {
  const stream = environment['JOURNAL_STREAM'];
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(descriptor);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

export function plainLine({ level, line }: JournalRecord): string {
  return `<${PRIORITIES[level] ?? 6}>${line}\n`;
}

/**
 * A record in the form that `logger --journald` reads: a field a line. null: it has none that anybody would look for.
 *
 * OBJECT_PID makes the journal file it under the service's own unit, though another process sends it: `journalctl -u` shows it.
 */
export function encodeRecord(
  { level, line, fields }: JournalRecord,
  { identifier, pid }: Pick<JournalContext, 'identifier' | 'pid'>,
): string | null {
  const own = Object.entries(FIELDS).flatMap(([name, field]) => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? [[field, String(value)] as const] : [];
  });
  if (own.length === 0) return null;
  const error = (fields['error'] as { readonly code?: unknown } | undefined)?.code;
  const all = [
    ['MESSAGE', line],
    ['PRIORITY', String(PRIORITIES[level] ?? 6)],
    ['SYSLOG_IDENTIFIER', identifier],
    ['OBJECT_PID', String(pid)],
    ...own,
    ...(typeof error === 'string' ? [['SLIPWAY_ERROR_CODE', error]] : []),
  ];
  // A line break would begin another field.
  return all.map(([field, value]) => `${field}=${printable(value ?? '')}\n`).join('');
}

export function createJournal(ctx: JournalContext): Journal {
  /** Aborts when nobody waits for the other way any more: what is left goes the plain one. */
  const late = new AbortController();
  const waiting: { readonly text: string; readonly record: JournalRecord }[] = [];
  let isBroken = false;
  let sending: Promise<void> = Promise.resolve();
  let isSending = false;

  const sendAll = async () => {
    isSending = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const isSent = !isBroken && (await send(ctx.program ?? 'logger', next.text, late.signal));
      if (isSent) continue;
      isBroken = true;
      ctx.writeLine(plainLine(next.record));
    }
    isSending = false;
  };
  return {
    write(record) {
      const text = isBroken || waiting.length >= MAX_WAITING ? null : encodeRecord(record, ctx);
      if (text === null) {
        ctx.writeLine(plainLine(record));
        return;
      }
      waiting.push({ text, record });
      if (!isSending) sending = sendAll();
    },
    async close() {
      const timer = setTimeout(() => late.abort(), CLOSE_MS);
      await sending;
      clearTimeout(timer);
    },
  };
}

/** @returns whether it has been taken */
function send(program: string, text: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, ['--journald'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: programEnvironment(),
      timeout: SEND_MS,
      killSignal: 'SIGKILL',
      signal,
    });
    child.on('error', () => resolve(false));
    child.on('close', (status) => resolve(status === 0));
    child.stdin.on('error', () => undefined).end(text);
  });
}
