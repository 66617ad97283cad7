/** Tells a database that is down or full from a fault in what it was asked. */
import { messageOf, SlipwayError, systemErrorCode } from '../../errors.ts';

/** @returns the error for a database that does not answer or takes nothing now; its `cause` says why */
export function databaseAway(cause: unknown): SlipwayError {
  return new SlipwayError('SERVER_DATABASE_AWAY', `the database cannot be used just now: ${messageOf(cause)}`, {
    cause,
  });
}

/**
 * SQLSTATEs of a server that is not there for us, whatever it was asked. They mean failed connections, no disk, memory or connection left,
 * a shutdown or start, disk faults, an ended session, or a read-only standby.
 */
const AWAY_STATES = /^(08...|53...|57P0[1-5]|58...|25P0[34]|25006)$/;
/** Codes of the system for a connection that does not come about, or breaks. */
const AWAY_SYSTEM_CODES: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOENT', 'EACCES', 'EMFILE', 'ENFILE'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL'],
]);
/** Words of the client library that come without a code. */
const AWAY_TEXTS =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout|The server does not support SSL)/;

/** Whether an error of the PostgreSQL client means that the connection or the whole server is gone. */
export function isPostgresAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isPostgresAway);
  const code = systemErrorCode(error);
  if (code !== null && (AWAY_STATES.test(code) || AWAY_SYSTEM_CODES.has(code))) return true;
  return error instanceof Error && AWAY_TEXTS.test(error.message);
}

const FEATURE_NOT_SUPPORTED = '0A000';

/** Whether PostgreSQL refuses a prepared statement because a newer version of the server has changed its table. Nothing was done. */
export function isStalePlan(error: unknown): boolean {
  return systemErrorCode(error) === FEATURE_NOT_SUPPORTED && /cached plan/.test(messageOf(error));
}

/** SQLite's primary result codes for: locked by others, out of memory, read-only, disk faults, full, cannot be opened. */
const BUSY = 5;
const AWAY_RESULTS: readonly number[] = [BUSY, 6, 7, 8, 10, 13, 14];

/** Whether an error of SQLite means that it could not read or write, and not that it was asked for something wrong. */
export function isSqliteAway(error: unknown): boolean {
  return AWAY_RESULTS.includes(primaryResult(error));
}

/** Whether another process holds the lock that a statement needs. The statement has done nothing then. */
export function isSqliteBusy(error: unknown): boolean {
  return primaryResult(error) === BUSY;
}

/** SQLite's result codes for a file that is damaged, and for one that is no database. */
const DAMAGED_RESULTS: readonly number[] = [11, 26];

/** Whether the file of SQLite holds something that it cannot read: trying again does not help. */
export function isSqliteDamaged(error: unknown): boolean {
  return DAMAGED_RESULTS.includes(primaryResult(error));
}

const [OUT_OF_LOCKS, READ_ONLY, DISK_FAULT, FULL, CANNOT_OPEN] = [6, 8, 10, 13, 14] as const;

/** Returns the remedy for a file of SQLite that cannot be opened; null: no more is known. */
export function remedyOfSqlite(file: string, error: unknown): string | null {
  if (isSqliteDamaged(error)) {
    return (
      `The file is damaged. Stop the server, keep ${file} and the files beside it for a rescue, and restore a copy. ` +
      'Without one, hosts and keys must be made anew; what is installed on hosts is not touched.'
    );
  }
  const isRefused = /^(EACCES|EPERM|EROFS)$/.test(systemErrorCode(error) ?? '');
  const result = primaryResult(error);
  if (result === FULL || /^(ENOSPC|EDQUOT)$/.test(systemErrorCode(error) ?? '')) {
    return `The disk of ${file} is full: make room there.`;
  }
  if (result === BUSY || result === OUT_OF_LOCKS) {
    return 'Another process holds the file locked: `slipway server doctor` names it.';
  }
  if (result === DISK_FAULT) return 'The disk has faults: look at `dmesg`; save what is there, and replace it.';
  if (isRefused || result === READ_ONLY || result === CANNOT_OPEN) {
    return `Let the server’s own user write ${file} and its folder; if their mount is read-only, mount it for writing. \`slipway server doctor\` tells which.`;
  }
  return null;
}

function primaryResult(error: unknown): number {
  const extended = (error as { readonly errcode?: unknown } | null)?.errcode;
  return typeof extended === 'number' ? extended & 0xff : 0;
}

/** Whether this is PostgreSQL's answer to a statement of a transaction in which another one has failed. */
export function isAfterFault(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === '25P02';
}
