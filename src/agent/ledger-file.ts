/**
 * Records of commands as files, one each, named by the command's identifier. Damaged files and those of strangers stop nothing: such a
 * thing is no file, or too large, or not what the agent wrote. The name still says which command such a file was about.
 *
 * A file has a line for each state that was noted down in it; the last one that is whole counts.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, rmSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { CommandOutcome } from '../protocol/diagnostics.ts';
import { COMMAND_ID_BYTES, problemOfText } from '../protocol/wire-text.ts';
import { writeFileDurably } from '../system/durable-file.ts';

export interface CommandRecord {
  readonly hostCommandIdentifier: string;
  readonly deploymentId: string;
  readonly commandName: string;
  readonly state: 'running' | 'finished' | 'settled';
  readonly outcome: CommandOutcome | null;
  readonly changedAtMs: number;
}

/** Larger than any record; bytes. */
const MAX_FILE_BYTES = 256 * 1024;
/** Characters that are kept of a message and of a script's last words; more than is ever reported. */
const MAX_TEXT_CHARACTERS = 16 * 1024;
const RECORD_NAME = /^[0-9a-f]{32}\.json$/;

/** Identifiers are the server's text and may hold anything; a file's name must not. */
export function recordName(hostCommandIdentifier: string): string {
  return `${createHash('sha256').update(hostCommandIdentifier).digest('hex').slice(0, 32)}.json`;
}

/** A whole line. */
export function encodeRecord(record: CommandRecord): string {
  return `${JSON.stringify({ ...record, check: checkOf(record) })}\n`;
}

/** As much of an outcome as a record may hold. */
export function keepable(outcome: CommandOutcome): CommandOutcome {
  const { message, log } = outcome.diagnostics;
  if (message.length <= MAX_TEXT_CHARACTERS && log.length <= MAX_TEXT_CHARACTERS) return outcome;
  const cut = { message: message.slice(0, MAX_TEXT_CHARACTERS), log: log.slice(-MAX_TEXT_CHARACTERS) };
  return { ...outcome, diagnostics: { ...outcome.diagnostics, ...cut } };
}

export interface FoundRecords {
  readonly records: ReadonlyMap<string, CommandRecord>;
  /** Names of files about commands that cannot be read; nothing but an empty file is left of them. */
  readonly unreadable: ReadonlySet<string>;
}

export interface ReadingRules {
  readonly nowMs: number;
  /** How many files are read at most: the newest. */
  readonly most: number;
  /** How long the empty file of a command whose record cannot be read is kept; milliseconds. */
  readonly marksKeptMs: number;
  onUnreadable(file: string, why: string): void;
}

/** Reads all that is there, and removes what is about no command, or too much. */
export function readRecords(folder: string, { nowMs, most, marksKeptMs, onUnreadable }: ReadingRules): FoundRecords {
  const records = new Map<string, CommandRecord>();
  const unreadable = new Set<string>();
  const files = recordFiles(folder);
  for (const [index, { name, stats }] of files.entries()) {
    const path = join(folder, name);
    const record = index < most ? readRecord(path, stats) : 'there are more than the agent keeps';
    if (typeof record !== 'string') {
      // A clock that was set back must not make a record immortal.
      const changedAtMs = Math.min(record.changedAtMs, nowMs);
      records.set(record.hostCommandIdentifier, { ...record, changedAtMs });
      continue;
    }
    const isMark = record === EMPTY;
    if (!isMark) onUnreadable(path, record);
    const isOld = isMark && nowMs - stats.mtimeMs > marksKeptMs;
    if (RECORD_NAME.test(name) && index < most && !isOld) unreadable.add(name);
    if (!isMark || !unreadable.has(name)) replace(path, unreadable.has(name));
  }
  return { records, unreadable };
}

/** How many of the records in a folder have an outcome that the endpoint does not have, without touching anything. */
export function countFinished(folder: string): number {
  const isFinished = (path: string, stats: Stats) => {
    const record = readRecord(path, stats);
    return typeof record !== 'string' && record.state === 'finished';
  };
  return recordFiles(folder).filter(({ name, stats }) => isFinished(join(folder, name), stats)).length;
}

const EMPTY = 'it is empty';

/** The newest first. */
function recordFiles(folder: string): { readonly name: string; readonly stats: Stats }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const stats = lstatSync(join(folder, name), { throwIfNoEntry: false });
      return stats === undefined ? [] : [{ name, stats }];
    })
    .sort((a, b) => b.stats.mtimeMs - a.stats.mtimeMs);
}

function replace(path: string, isAboutCommand: boolean): void {
  try {
    rmSync(path, { recursive: true, force: true });
    if (isAboutCommand) writeFileDurably(path, '');
  } catch {
    // A disk that takes nothing keeps what it has; it is known for as long as the agent runs.
  }
}

/** @returns a text: why it is none */
function readRecord(path: string, stats: Stats): CommandRecord | string {
  // A pipe would never end, and a device might not.
  if (!stats.isFile()) return 'it is no regular file';
  if (stats.size === 0) return EMPTY;
  if (stats.size > MAX_FILE_BYTES) return `it has ${stats.size} bytes`;
  try {
    const lines = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    const read = lines.reverse().map((line) => recordOf(line, path));
    return read.find((one) => typeof one !== 'string') ?? read[0] ?? EMPTY;
  } catch (error) {
    return messageOf(error);
  }
}

/** @returns a text: why it is none */
function recordOf(line: string, path: string): CommandRecord | string {
  try {
    const { check, ...record } = JSON.parse(line) as CommandRecord & { readonly check?: unknown };
    const problem = problemOf(record);
    if (problem !== null) return problem;
    if (!path.endsWith(`/${recordName(record.hostCommandIdentifier)}`)) return 'its name is not that of its command';
    // Records of older agents have none.
    if (check !== undefined && check !== checkOf(record)) return 'it was altered';
    return record;
  } catch (error) {
    return messageOf(error);
  }
}

function checkOf(record: CommandRecord): string {
  const { hostCommandIdentifier, deploymentId, commandName, state, outcome, changedAtMs } = record;
  const text = JSON.stringify([hostCommandIdentifier, deploymentId, commandName, state, outcome, changedAtMs]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function problemOf(record: CommandRecord): string | null {
  const { hostCommandIdentifier: id, deploymentId, commandName, state, outcome, changedAtMs } = record;
  const isText = (value: unknown, most: number) => typeof value === 'string' && problemOfText(value, most) === null;
  if (!isText(id, COMMAND_ID_BYTES) || id === '') return 'it has no command’s identifier';
  if (!isText(deploymentId, 255) || !isPlainName(deploymentId)) return 'it has no deployment’s id';
  if (!isText(commandName, 256)) return 'it has no command’s name';
  if (!['running', 'finished', 'settled'].includes(state)) return 'it has no state';
  if (outcome === null ? state === 'finished' : !isOutcome(outcome)) return 'it has no outcome';
  return Number.isFinite(changedAtMs) ? null : 'it has no time';
}

/** Whether a text can become the name of a file. */
function isPlainName(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !text.includes('/');
}

function isOutcome(outcome: CommandOutcome): boolean {
  const { status, diagnostics } = outcome;
  if (status !== 'Succeeded' && status !== 'Failed') return false;
  const { errorCode, scriptName, message, log } = diagnostics;
  return Number.isInteger(errorCode) && [scriptName, message, log].every((text) => typeof text === 'string');
}
