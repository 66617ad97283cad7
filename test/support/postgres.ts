import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { scratchFolder } from './scratch.ts';

/** Where the packages of distributions put the server's programs, which are not in the PATH. */
const PACKAGED = '/usr/lib/postgresql';
/** PostgreSQL does not run as root; `nobody` exists everywhere. */
const NOBODY = 65534;
/** Characters of the server's log that are kept for the message of a failed start. */
const MAX_SAID = 100_000;

/** The folder of PostgreSQL's own programs on this machine; null: not installed. */
export const postgresPrograms: string | null = findPrograms();

function findPrograms(): string | null {
  const packaged = existsSync(PACKAGED)
    ? readdirSync(PACKAGED)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(PACKAGED, version, 'bin'))
    : [];
  const candidates = [...(process.env['PATH'] ?? '').split(':'), ...packaged];
  return (
    candidates.find((dir) => dir !== '' && existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'postgres'))) ?? null
  );
}

/** A client program of PostgreSQL, such as `psql`: the one beside the server, which knows what it speaks, else that on the PATH. */
export function postgresClient(name: string): string {
  const beside = join(postgresPrograms ?? '', name);
  return existsSync(beside) ? beside : name;
}

/** A PostgreSQL server of a test's own, reachable by a socket in a scratch folder only. */
export interface PostgresCluster extends AsyncDisposable {
  /** The address of the database that is there from the beginning. */
  readonly url: string;
  /** Makes an empty database. @returns its address */
  createDatabase(): Promise<string>;
  /** Breaks every connection to a database, as a restart of the server would. */
  breakConnections(databaseUrl: string): Promise<void>;
  /** Ends the server as `pg_ctl stop` does; its databases stay. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** Starts it again on the same socket. */
  start(): Promise<void>;
}

/** @param changed settings of `postgresql.conf` that a test needs otherwise */
export async function postgresCluster(
  changed: Readonly<Record<string, string | number>> = {},
): Promise<PostgresCluster> {
  if (postgresPrograms === null) throw new Error('PostgreSQL is not installed');
  const scratch = scratchFolder();
  const dataDir = scratch.at('data');
  const asUser = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (process.getuid?.() === 0) chownSync(scratch.path, NOBODY, NOBODY);
  chmodSync(scratch.path, 0o700);
  putNewCluster(postgresPrograms, dataDir, asUser);
  // Durability is not what is tested here, and waiting for disks is what takes the time.
  const settings = [
    'fsync=off',
    'full_page_writes=off',
    'listen_addresses=',
    `unix_socket_directories=${scratch.path}`,
    ...Object.entries(changed).map(([name, value]) => `${name}=${value}`),
  ];
  const programs = postgresPrograms;
  const launch = () => launchPostgres(join(programs, 'postgres'), dataDir, settings, asUser);
  let server = await launch();
  const urlOf = (database: string) =>
    `postgres://slipway@localhost/${database}?host=${encodeURIComponent(scratch.path)}`;
  let made = 0;
  return {
    url: urlOf('postgres'),
    async createDatabase() {
      made += 1;
      await runSql(urlOf('postgres'), `create database test_${made}`);
      return urlOf(`test_${made}`);
    },
    breakConnections,
    stop: (mode = 'fast') => server.end(mode),
    async start() {
      server = await launch();
    },
    async [Symbol.asyncDispose]() {
      // Immediate: there is nothing to keep.
      await server.end('immediate');
      scratch[Symbol.dispose]();
    },
  };
}

/** Clusters as `initdb` makes them, one for each version and user. */
const NEW_CLUSTERS = fileURLToPath(new URL('../../node_modules/.cache/slipway-tests-postgres', import.meta.url));

type AsUser = { readonly uid?: number; readonly gid?: number };

/** Copies a new cluster, which takes a tenth of the processor time that making one takes. The first one is made, and kept. */
function putNewCluster(programs: string, dataDir: string, asUser: AsUser): void {
  const version = execFileSync(join(programs, 'postgres'), ['--version'], { encoding: 'utf8' });
  const owner = asUser.uid ?? process.getuid?.();
  const kept = join(NEW_CLUSTERS, `${version.replace(/[^\w.]+/g, '-')}${owner}`);
  if (existsSync(kept)) {
    execFileSync('cp', ['-a', kept, dataDir]);
    return;
  }
  initDb(programs, dataDir, asUser);
  const unfinished = `${kept}.${process.pid}`;
  try {
    mkdirSync(NEW_CLUSTERS, { recursive: true });
    execFileSync('cp', ['-a', dataDir, unfinished]);
    renameSync(unfinished, kept);
  } catch {
    // Another process was faster, or this checkout cannot be written: the next cluster takes longer.
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function initDb(programs: string, dataDir: string, asUser: AsUser): void {
  const words = ['--pgdata', dataDir, '--username', 'slipway', '--auth', 'trust', '--no-sync'];
  const locale = ['--encoding', 'UTF8', '--locale', 'C.UTF-8'];
  execFileSync(join(programs, 'initdb'), [...words, ...locale], { ...asUser, stdio: 'pipe', cwd: '/' });
}

/** @see the signals of `pg_ctl stop` */
const STOP_SIGNAL = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

interface RunningPostgres {
  /** Resolves when it has ended; at once when it had. */
  end(mode: keyof typeof STOP_SIGNAL): Promise<void>;
}

async function launchPostgres(
  program: string,
  dataDir: string,
  settings: readonly string[],
  asUser: AsUser,
): Promise<RunningPostgres> {
  const server = spawn(program, ['-D', dataDir, ...settings.flatMap((setting) => ['-c', setting])], {
    ...asUser,
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    server.stderr.on('data', (chunk: Buffer) => {
      if (said.length < MAX_SAID) said += chunk.toString();
      if (said.includes('ready to accept connections')) resolve();
    });
    server.once('exit', (code) => reject(new Error(`postgres ended with ${code}: ${said}`)));
  });
  return {
    async end(mode) {
      if (server.exitCode === null && server.signalCode === null) server.kill(STOP_SIGNAL[mode]);
      await ended;
    },
  };
}

/** Breaks every connection to a database but the one that does it, as a restart of the server would. */
export async function breakConnections(databaseUrl: string): Promise<void> {
  await runSql(
    databaseUrl,
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
}

async function runSql(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
