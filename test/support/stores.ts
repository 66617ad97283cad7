import { afterAll, beforeAll, describe } from 'vitest';
import { openStore, type Store, type StoreLocation } from '../../src/server/store/store.ts';
import { describeIf } from './needs.ts';
import { type PostgresCluster, postgresCluster, postgresPrograms } from './postgres.ts';
import { scratchFolder } from './scratch.ts';

/** A database of a test's own. It outlives its stores, so that a test can open it again, or twice. */
export interface TestDatabase extends AsyncDisposable {
  readonly location: StoreLocation;
  /** Opens it; closed at the latest when the test lets go of the database. */
  open(): Promise<Store>;
}

export interface DatabaseKind {
  readonly dialect: Store['dialect'];
  create(): Promise<TestDatabase>;
  /** Breaks the connections of all who have it open; nothing on SQLite, which has none. */
  breakConnections(database: TestDatabase): Promise<void>;
}

/** Runs the same tests on SQLite and, where it is installed, on PostgreSQL. */
export function describeStores(title: string, tests: (kind: DatabaseKind) => void): void {
  describe(`${title}, on SQLite`, () => {
    tests({
      dialect: 'sqlite',
      async create() {
        const scratch = scratchFolder();
        return testDatabase({ dataDir: scratch.at('data') }, () => scratch[Symbol.dispose]());
      },
      breakConnections: async () => undefined,
    });
  });
  describeIf(postgresPrograms !== null, 'PostgreSQL, initdb and postgres')(`${title}, on PostgreSQL`, () => {
    let cluster: PostgresCluster | null = null;
    const running = () => {
      if (cluster === null) throw new Error('the cluster has not been started');
      return cluster;
    };
    beforeAll(async () => {
      cluster = await postgresCluster();
    });
    afterAll(async () => {
      await cluster?.[Symbol.asyncDispose]();
    });
    tests({
      dialect: 'postgres',
      create: async () => testDatabase({ databaseUrl: await running().createDatabase() }, () => undefined),
      async breakConnections({ location }) {
        if ('databaseUrl' in location) await running().breakConnections(location.databaseUrl);
      },
    });
  });
}

function testDatabase(location: StoreLocation, remove: () => void): TestDatabase {
  const opened: Store[] = [];
  return {
    location,
    async open() {
      const store = await openStore(location);
      opened.push(store);
      return store;
    },
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store.close();
      remove();
    },
  };
}
