/**
 * The database of servers that tests start without naming one: the embedded one, or, in `npm run test:postgres`, a database of PostgreSQL
 * for each data folder. So a test of a server is a test on PostgreSQL, too, and need not know it.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { StoreLocation } from '../../src/server/store/store.ts';
import { postgresClient } from './postgres.ts';

/** The variable with the address of the running PostgreSQL that the databases are made in. */
export const SUITE_POSTGRES = 'SLIPWAY_TEST_POSTGRES';

/** Makes a data folder's database unless there is one. @returns its address; null: the embedded database is meant */
export function suiteDatabase(dataDir: string): string | null {
  const cluster = process.env[SUITE_POSTGRES];
  if (cluster === undefined) return null;
  const name = `${prefix()}${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`;
  const [found] = query(cluster, `select datname from pg_database where datname = '${name}'`);
  if (found === undefined) query(cluster, `create database ${name}`);
  const url = new URL(cluster);
  url.pathname = `/${name}`;
  return url.href;
}

/** Where a server of a data folder has its data, for a test that looks at it or changes what no command does. */
export function suiteLocation(dataDir: string): StoreLocation {
  const databaseUrl = suiteDatabase(dataDir);
  return databaseUrl === null ? { dataDir } : { databaseUrl };
}

/** Variables by which a command on a data folder finds the database; none if its arguments or variables name one. */
export function suiteEnvironment(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Readonly<Record<string, string>> {
  const at = args.indexOf('--data-dir');
  const dataDir = at < 0 ? env['SLIPWAY_DATA_DIR'] : args[at + 1];
  if (!dataDir || args.includes('--database') || env['SLIPWAY_DATABASE'] !== undefined) return {};
  const database = suiteDatabase(dataDir);
  return database === null ? {} : { SLIPWAY_DATABASE: database };
}

/** Drops the databases that this process has made: each takes some MB of the disk. */
export function dropSuiteDatabases(): void {
  const cluster = process.env[SUITE_POSTGRES];
  if (cluster === undefined) return;
  for (const name of query(cluster, `select datname from pg_database where starts_with(datname, '${prefix()}')`)) {
    query(cluster, `drop database ${name} with (force)`);
  }
}

/** Processes of tests do not share databases. */
function prefix(): string {
  return `suite_${process.pid}_`;
}

/** Asks at once, since processes are started at once. @returns the first column */
function query(url: string, text: string): readonly string[] {
  const words = [
    '--no-psqlrc',
    '--quiet',
    '--tuples-only',
    '--no-align',
    '--set',
    'ON_ERROR_STOP=1',
    '--command',
    text,
  ];
  const said = execFileSync(postgresClient('psql'), [...words, url], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return said.split('\n').filter((line) => line !== '');
}
