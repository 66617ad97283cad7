/** Whether the server's database can be used, and what it tells of the server's clock. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { isSlipwayError, messageOf, systemErrorCode } from '../../../errors.ts';
import { isSqliteBusy, isSqliteDamaged } from '../../../server/store/database-faults.ts';
import { damageOf, type LookedAtStore, lookAtStore } from '../../../server/store/look.ts';
import { NEWEST_STEP } from '../../../server/store/migrations.ts';
import { remedyOfPostgres } from '../../../server/store/postgres-remedies.ts';
import { databaseFileOf } from '../../../server/store/store.ts';
import { shellCommand } from '../../../system/shell-word.ts';
import type { ServerOptions } from '../../server-options.ts';
import { type Finding, fail, ok, warn } from '../check.ts';
import { holderOfLock } from './locks.ts';
import { judgePostgres, shownAddress } from './postgres.ts';

export const CHECK = 'database';
/** A database that does not answer by then does not answer. */
const ANSWER_MS = 15_000;
/** Larger files take too long to be read as a whole; bytes. */
const READ_WHOLE = 1024 * 1024 * 1024;

export interface LookedAtDatabase {
  readonly findings: readonly Finding[];
  /** null: it cannot be read. The caller closes it. */
  readonly store: LookedAtStore | null;
  /** Whether its tables are those of this version. */
  readonly isCurrent: boolean;
}

/** @param pid of the running server; null: none runs */
export async function lookAtDatabase(options: ServerOptions, pid: number | null): Promise<LookedAtDatabase> {
  const url = options.database;
  const missing = url === undefined ? absent(options.dataDir, pid) : null;
  if (missing !== null) return { findings: [missing], store: null, isCurrent: false };
  let store: LookedAtStore | null = null;
  try {
    const location = url === undefined ? { dataDir: options.dataDir } : { databaseUrl: url };
    store = await within(lookAtStore(location));
    const findings =
      url === undefined ? await judgeSqlite(store, options.dataDir, pid) : await within(judgePostgres(store, url));
    const isFault = findings.some(({ status }) => status === 'fail');
    return {
      findings: [...findings, ...(isFault ? [] : [judgeStep(store, options, pid)])],
      store,
      isCurrent: store.step === NEWEST_STEP,
    };
  } catch (error) {
    await store?.close();
    const fault = url === undefined ? sqliteFault(error, options.dataDir) : postgresFault(error, url);
    return { findings: [fault], store: null, isCurrent: false };
  }
}

/** A database that never was, or that has gone from beside what belongs to it; null: it is there. */
function absent(dataDir: string, pid: number | null): Finding | null {
  const file = databaseFileOf(dataDir);
  if (existsSync(file) && statSync(file).size > 0) return null;
  const what = existsSync(file) ? `${file} is empty` : `${file} is not there`;
  if (existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0 && existsSync(file)) return null;
  if (existsSync(dataDir) && readdirSync(dataDir).includes('master.key')) {
    return fail(
      CHECK,
      `${what}, and a server has worked in ${dataDir} before: its hosts and keys are gone`,
      `${pid === null ? '' : 'Stop the server, '}${pid === null ? 'Restore' : 'restore'} slipway.db from a copy before the next start, which would begin with an empty one; or check the data folder and its mount.`,
    );
  }
  const remedy = 'It is made at the first start. If there was a server before, check the data folder and its mount.';
  return warn(CHECK, what, remedy);
}

async function judgeSqlite(store: LookedAtStore, dataDir: string, pid: number | null): Promise<readonly Finding[]> {
  const file = databaseFileOf(dataDir);
  const isSmall = statSync(file).size <= READ_WHOLE;
  const damage = isSmall ? await damageOf(store) : [];
  if (damage.length > 0) return [damaged(file, damage.join('; '))];
  const holder = await holderOfLock([file, `${file}-shm`], pid);
  if (holder !== null) return [lockedBy(file, holder)];
  const how = isSmall ? 'is sound' : 'can be read';
  return [ok(CHECK, `${file} ${how}`)];
}

function judgeStep({ step }: LookedAtStore, options: ServerOptions, pid: number | null): Finding {
  if (step !== null && step > NEWEST_STEP) {
    return fail(
      CHECK,
      `was made by a newer version of Slipway: it is at step ${step}, and this version knows ${NEWEST_STEP}`,
      'Install the newer version again and start it: a database does not go back. Else restore a copy from before.',
    );
  }
  if (step === NEWEST_STEP) return ok(CHECK, `is at step ${step}, which is this version’s`);
  const detail = step === null ? 'holds no tables of Slipway' : `is at step ${step} of ${NEWEST_STEP}`;
  if (pid === null) return ok(CHECK, `${detail}; the next start brings it up to date`);
  const remedy =
    options.database === undefined
      ? 'An older version runs: restart the server, so that the installed one does.'
      : 'An older version runs, or the server works on another database: check --database, and restart the server.';
  return warn(CHECK, detail, remedy);
}

function damaged(file: string, detail: string): Finding {
  return fail(
    CHECK,
    `${file} is damaged: ${detail}`,
    'Stop the server, keep the file and those beside it for a rescue, and restore a copy. Look at `dmesg` for faults of the disk. ' +
      'Without a copy, hosts and keys must be made anew; what is installed on hosts is not touched.',
  );
}

function lockedBy(file: string, { pid, name }: { readonly pid: number; readonly name: string }): Finding {
  return fail(
    CHECK,
    `${file} is locked by another process: ${name}, PID ${pid}`,
    `End its transaction or the process itself (\`kill ${pid}\`). Copy a database with \`sqlite3 FILE ".backup COPY"\`, which locks nobody out.`,
  );
}

function sqliteFault(error: unknown, dataDir: string): Finding {
  const file = databaseFileOf(dataDir);
  const cause = isSlipwayError(error, 'SERVER_DATABASE_AWAY') ? error.cause : error;
  if (isSqliteDamaged(cause)) return damaged(file, messageOf(cause));
  if (isSqliteBusy(cause)) {
    const remedy = `End whoever holds it: \`${shellCommand('fuser', '-v', file)}\` shows them. A program that reads it must not lock it.`;
    return fail(CHECK, `${file} is locked by another process`, remedy);
  }
  const isRefused = /EACCES|EPERM/.test(systemErrorCode(cause) ?? '') || process.getuid?.() !== 0;
  const remedy = isRefused
    ? 'Run the doctor as root, or as the server’s user. If that user cannot read it either, give it the file.'
    : 'Check that it is a file and its disk is sound (`dmesg`); else restore a copy.';
  return fail(CHECK, `${file} cannot be read: ${messageOf(cause)}`, remedy);
}

function postgresFault(error: unknown, url: string): Finding {
  const cause = isSlipwayError(error, 'SERVER_DATABASE_AWAY') ? error.cause : error;
  return fail(CHECK, `${shownAddress(url)} cannot be used: ${wordsOf(cause)}`, remedyOfPostgres(cause, url));
}

/** Returns the words of a fault. A connection tried at several addresses has one fault for each, and no words of its own. */
function wordsOf(cause: unknown): string {
  return cause instanceof AggregateError ? cause.errors.map(messageOf).join('; ') : messageOf(cause);
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS / 1000} seconds`)), ANSWER_MS);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
