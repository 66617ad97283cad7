import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StoreLocation } from '../../src/server/store/store.ts';
import { openStore } from '../../src/server/store/store.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { type TestServer, testServer } from '../support/test-server.ts';
import type { Damage, Race } from './race.ts';
import { RACES } from './races.ts';

export interface RaceReport extends Damage {
  /** Rounds of all races. */
  readonly races: number;
}

/**
 * Runs every race for some rounds against servers that share one database: two on PostgreSQL, one on SQLite, which has no place for more.
 *
 * @param onRace is told of each race when its rounds are over
 */
export async function runRaces(
  location: StoreLocation,
  folder: string,
  rounds: number,
  onRace: (race: Race, damage: Damage) => void = () => undefined,
): Promise<RaceReport> {
  const servers: TestServer[] = [];
  const store = await openStore(location);
  try {
    servers.push(...(await startServers(location, folder)));
    const key = await servers[0]?.key('admin');
    if (key === undefined) throw new Error('no server was started');
    const clients = servers.map(({ url }) => managementClient(url, key));
    const total: Damage = { lostUpdates: 0, dangling: 0, overLimit: 0, internalFailures: 0 };
    let named = 0;
    const name = (prefix: string) => {
      named += 1;
      return `${prefix}-${named}`;
    };
    for (const race of RACES) {
      const damage: Damage = { lostUpdates: 0, dangling: 0, overLimit: 0, internalFailures: 0 };
      for (let round = 0; round < rounds; round += 1) await race.run({ clients, store, name, damage });
      onRace(race, damage);
      for (const kind of Object.keys(total) as (keyof Damage)[]) total[kind] += damage[kind];
    }
    return { races: RACES.length * rounds, ...total };
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
    await store.close();
  }
}

async function startServers(location: StoreLocation, folder: string): Promise<TestServer[]> {
  if ('dataDir' in location) return [await testServer(location.dataDir)];
  const [one, other] = [join(folder, 'one'), join(folder, 'other')];
  const first = await testServer(one, location.databaseUrl);
  // Servers that share a database share the key that its secrets are sealed with.
  mkdirSync(other, { recursive: true });
  copyFileSync(join(one, 'master.key'), join(other, 'master.key'));
  return [first, await testServer(other, location.databaseUrl)];
}
