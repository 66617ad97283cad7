import { describe } from 'vitest';
import { openStore, type Store, type StoreLocation } from '../../src/server/store/store.ts';
import { describeIf } from './needs.ts';
import { breakConnections, postgresPrograms } from './postgres.ts';
import { scratchFolder } from './scratch.ts';
import { sharedDatabases } from './shared-databases.ts';

/** A database of a test's own. It outlives its stores, so that a test can open it again, or twice. */
export interface TestDatabase extends AsyncDisposable {
  readonly location: StoreLocation;
  /** Opens it; closed at the latest when the test lets go of the database. */
  open(): Promise<Store>;
}

export interface DatabaseKind {
  readonly dialect: Store['dialect'];
  /** A database with nothing in it. On PostgreSQL it has its tables already: another test may have used it before. */
  create(): Promise<TestDatabase>;
  /** A database without tables, for a test of how they are made. */
  createWithoutTables(): Promise<TestDatabase>;
  /** Breaks the connections of all who have it open; nothing on SQLite, which has none. */
  breakConnections(database: TestDatabase): Promise<void>;
}

const databases = sharedDatabases();

/** Runs the same tests on SQLite and, where it is installed, on PostgreSQL. */
export function describeStores(title: string, tests: (kind: DatabaseKind) => void): void {
  describe(`${title}, on SQLite`, () => {
    const create = async () => {
      const scratch = scratchFolder();
      return testDatabase({ dataDir: scratch.at('data') }, () => scratch[Symbol.dispose]());
    };
    tests({ dialect: 'sqlite', create, createWithoutTables: create, breakConnections: async () => undefined });
  });
  describeIf(postgresPrograms !== null, 'PostgreSQL, initdb and postgres')(`${title}, on PostgreSQL`, () => {
    const given = (databaseUrl: string) => testDatabase({ databaseUrl }, () => databases.giveBack(databaseUrl));
    tests({
      dialect: 'postgres',
      create: async () => given(await databases.take()),
      createWithoutTables: async () => given(await databases.empty()),
      async breakConnections({ location }) {
        if ('databaseUrl' in location) await breakConnections(location.databaseUrl);
      },
    });
  });
}

function testDatabase(location: StoreLocation, remove: () => void | Promise<void>): TestDatabase {
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
      await remove();
    },
  };
}
