/** One server over SQLite, or several over one PostgreSQL, that can be killed and started again on the same addresses. */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { databaseFileOf, openStore, type Store, type StoreLocation } from '../../../src/server/store/store.ts';
import { type PostgresCluster, postgresCluster } from '../postgres.ts';
import { startServersTogether } from '../servers-together.ts';
import { type ControlServer, startControlServer } from '../slipway.ts';
import { suiteLocation } from '../suite-database.ts';
import { contradictionsIn } from './contradictions.ts';

export interface KillableServers extends AsyncDisposable {
  /** Each in its place. All have the same folder of revisions. */
  readonly servers: readonly ControlServer[];
  /** Ends one as a power cut would. */
  kill(place: number): Promise<void>;
  /** Starts it again, on the same data and addresses; tries again while its database is down, as a service manager does. */
  restart(place: number): Promise<void>;
  /** Ends PostgreSQL and starts it again. @param mode as `pg_ctl stop` has it @param awayMs how long it is down */
  restartDatabase(mode: 'fast' | 'immediate', awayMs: number): Promise<void>;
  /** Reads the database itself. */
  read<T>(question: (store: Store) => Promise<T>): Promise<T>;
  /** Faults in the database, in words. */
  examine(): Promise<readonly string[]>;
}

export type SweptDatabase = 'sqlite' | 'postgres';

const NAMES = ['one', 'two', 'three', 'four', 'five'] as const;
const START_TRIES = 30;
const START_AGAIN_MS = 200;

/**
 * @param folder a folder of their own @param count how many servers; one on SQLite, at most five on PostgreSQL
 * @param flags of `slipway server`, for those on PostgreSQL
 */
export async function killableServers(
  folder: string,
  on: SweptDatabase,
  count = 2,
  flags: readonly string[] = [],
): Promise<KillableServers> {
  const cluster: PostgresCluster | null = on === 'postgres' ? await postgresCluster() : null;
  const databaseUrl = cluster === null ? null : await cluster.createDatabase();
  const servers: ControlServer[] =
    databaseUrl === null
      ? [await startControlServer(`${folder}/server`)]
      : [...(await startServersTogether((name) => `${folder}/${name}`, namesFor(count), databaseUrl, flags))];
  const at = (place: number): ControlServer => {
    const server = servers[place];
    if (server === undefined) throw new Error(`there is no server ${place}`);
    return server;
  };
  const location = (): StoreLocation => (databaseUrl === null ? suiteLocation(at(0).dataDir) : { databaseUrl });
  const read: KillableServers['read'] = async (question) => {
    const store = await openStore(location());
    try {
      return await question(store);
    } finally {
      await store.close();
    }
  };
  return {
    servers,
    read,
    async kill(place) {
      const { daemon } = at(place);
      daemon.kill('SIGKILL');
      await daemon.exited;
    },
    async restart(place) {
      const args = databaseUrl === null ? [] : ['--database', databaseUrl, ...flags];
      servers[place] = await startPatiently(() => startControlServer(at(place).dataDir, at(place), args));
    },
    async restartDatabase(mode, awayMs) {
      if (cluster === null) throw new Error('SQLite has no server to restart');
      await cluster.stop(mode);
      await delay(awayMs);
      await cluster.start();
    },
    async examine() {
      const place = location();
      const unsound = 'dataDir' in place ? damageOf(databaseFileOf(place.dataDir)) : [];
      return [...unsound, ...(await read(contradictionsIn))];
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]();
      await cluster?.[Symbol.asyncDispose]();
    },
  };
}

function namesFor(count: number): readonly [string, ...string[]] {
  const [first, ...others] = NAMES;
  if (count < 1 || count > NAMES.length) throw new Error(`there are 1 to ${NAMES.length} servers, not ${count}`);
  return [first, ...others.slice(0, count - 1)];
}

async function startPatiently(start: () => Promise<ControlServer>): Promise<ControlServer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start();
    } catch (error) {
      if (tries === START_TRIES) throw error;
      await delay(START_AGAIN_MS);
    }
  }
}

function damageOf(file: string): string[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const checks = db
      .prepare('pragma integrity_check')
      .all()
      .map((row) => String(row['integrity_check']));
    const orphans = db
      .prepare('pragma foreign_key_check')
      .all()
      .map((row) => `an orphan: ${JSON.stringify(row)}`);
    return [...checks.filter((check) => check !== 'ok'), ...orphans];
  } finally {
    db.close();
  }
}
