/** One server over SQLite, or two over one PostgreSQL, that can be killed and started again on the same addresses. */
import { DatabaseSync } from 'node:sqlite';
import { databaseFileOf, openStore } from '../../../src/server/store/store.ts';
import { type PostgresCluster, postgresCluster } from '../postgres.ts';
import { startServerPair } from '../server-pair.ts';
import { type ControlServer, startControlServer } from '../slipway.ts';
import { suiteLocation } from '../suite-database.ts';

export interface KillableServers extends AsyncDisposable {
  /** Each in its place; the first has the revision store. */
  readonly servers: readonly ControlServer[];
  /** Ends one as a power cut would. */
  kill(place: number): Promise<void>;
  /** Starts it again, on the same data and addresses. */
  restart(place: number): Promise<void>;
  /** What is wrong in the database, in words. */
  examine(): Promise<readonly string[]>;
}

/** @param folder a folder of their own */
export async function killableServers(folder: string, on: 'sqlite' | 'postgres'): Promise<KillableServers> {
  const cluster: PostgresCluster | null = on === 'postgres' ? await postgresCluster() : null;
  const databaseUrl = cluster === null ? null : await cluster.createDatabase();
  const servers: ControlServer[] =
    databaseUrl === null
      ? [await startControlServer(`${folder}/server`)]
      : [...(await startServerPair((name) => `${folder}/${name}`, databaseUrl))];
  const at = (place: number): ControlServer => {
    const server = servers[place];
    if (server === undefined) throw new Error(`there is no server ${place}`);
    return server;
  };
  const argsOf = (place: number) => [
    ...(databaseUrl === null ? [] : ['--database', databaseUrl]),
    ...(place === 0 ? [] : ['--public-s3-endpoint', at(0).s3Url]),
  ];
  return {
    servers,
    async kill(place) {
      const { daemon } = at(place);
      daemon.kill('SIGKILL');
      await daemon.exited;
    },
    async restart(place) {
      servers[place] = await startControlServer(at(place).dataDir, at(place), argsOf(place));
    },
    async examine() {
      const location = databaseUrl === null ? suiteLocation(at(0).dataDir) : { databaseUrl };
      const unsound = 'dataDir' in location ? damageOf(databaseFileOf(location.dataDir)) : [];
      return [...unsound, ...(await contradictions(location))];
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]();
      await cluster?.[Symbol.asyncDispose]();
    },
  };
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

/** Rows that no order of transactions may leave behind. */
async function contradictions(location: Parameters<typeof openStore>[0]): Promise<string[]> {
  const store = await openStore(location);
  try {
    const ofOver = store.db
      .selectFrom('targets')
      .innerJoin('deployments', 'deployments.deployment_id', 'targets.deployment_id')
      .where('deployments.completed_at_ms', 'is not', null);
    const open = await ofOver
      .select('targets.target_id')
      .where('targets.status', 'in', ['Pending', 'InProgress'])
      .execute();
    const due = await store.db
      .selectFrom('deployments')
      .select('deployment_id')
      .where('completed_at_ms', 'is not', null)
      .where('wake_at_ms', 'is not', null)
      .execute();
    const halfEnded = await store.db
      .selectFrom('lifecycle_events')
      .select(['deployment_id', 'event_name'])
      .where('status', 'in', ['Succeeded', 'Failed'])
      .where('ended_at_ms', 'is', null)
      .execute();
    return [
      ...open.map(({ target_id }) => `the target ${target_id} is open, and its deployment is over`),
      ...due.map(({ deployment_id }) => `the deployment ${deployment_id} is over, and is to be looked at`),
      ...halfEnded.map((event) => `an event has an outcome and no end: ${JSON.stringify(event)}`),
    ];
  } finally {
    await store.close();
  }
}
