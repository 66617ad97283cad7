/** Copies of the embedded database, made beside the server that works on it. */
import { DatabaseSync } from 'node:sqlite';
import { messageOf, SlipwayError } from '../../errors.ts';
import { NEWEST_STEP } from './migrations.ts';
import { databaseFileOf } from './store.ts';

/** Another process may be at the end of a checkpoint. */
const BUSY_MS = 10_000;

/**
 * Writes the database as it is at one instant to a new file: all that was answered before the call is in it. The server goes on meanwhile,
 * because readers and writers do not wait for each other.
 *
 * @param file is not there, or empty
 * @throws SlipwayError SERVER_DATABASE_UNREACHABLE
 */
export function copyDatabase(dataDir: string, file: string): void {
  const source = databaseFileOf(dataDir);
  try {
    using database = new DatabaseSync(source, { timeout: BUSY_MS });
    database.prepare('vacuum into ?').run(file);
  } catch (cause) {
    throw new SlipwayError('SERVER_DATABASE_UNREACHABLE', `${source} cannot be copied: ${messageOf(cause)}`, { cause });
  }
}

/** Whether a copy is whole. @returns what is wrong with it; null: nothing */
export function problemOfCopy(file: string): string | null {
  try {
    using database = new DatabaseSync(file, { readOnly: true });
    const [first] = database.prepare('pragma quick_check(1)').all();
    if (first?.['quick_check'] !== 'ok') return `the database in it is damaged: ${String(first?.['quick_check'])}`;
    const step = Number(database.prepare('select max(step) as step from slipway_migrations').get()?.['step']);
    return step > NEWEST_STEP ? `the database in it is of a newer version: ${step} steps, ${NEWEST_STEP} known` : null;
  } catch (cause) {
    return `the database in it cannot be read: ${messageOf(cause)}`;
  }
}
