import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe } from 'vitest';
import { openStore, type Store, type StoreLocation } from '../../src/server/store/store.ts';
import type { ManualClock } from './clock.ts';
import { describeIf } from './needs.ts';
import { putEmptyDatabase } from './new-data-folder.ts';
import { breakConnections, postgresPrograms } from './postgres.ts';
import { scratchFolder } from './scratch.ts';
import { sharedDatabases } from './shared-databases.ts';

/** A database of a test's own. It outlives its stores, so that a test can open it again, or twice. */
export interface TestDatabase extends AsyncDisposable {
  readonly location: StoreLocation;
  /** Opens it; closed at the latest when the test lets go of the database. */
  open(): Promise<TestStore>;
}

/**
 * A store that says when it has nothing to do. A test that moves the clock by itself must wait for that. Else hours pass between two
 * statements on a busy machine, and what is counted or measured by that clock is another each time.
 */
export interface TestStore extends Store {
  /** Resolves once no change is under way, and questions that were asked before have had time for their answers. */
  calm(): Promise<void>;
}

export interface DatabaseKind {
  readonly dialect: Store['dialect'];
  /** A database that has its tables and no rows but those of a new one. */
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
    const createWithoutTables = async () => {
      const scratch = scratchFolder();
      return testDatabase({ dataDir: scratch.at('data') }, () => scratch[Symbol.dispose]());
    };
    const create = async () => {
      const database = await createWithoutTables();
      await putEmptyDatabase(database.location.dataDir);
      return database;
    };
    tests({ dialect: 'sqlite', create, createWithoutTables, breakConnections: async () => undefined });
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

function testDatabase<Location extends StoreLocation>(
  location: Location,
  remove: () => void | Promise<void>,
): TestDatabase & { readonly location: Location } {
  const opened: Store[] = [];
  return {
    location,
    async open() {
      const store = await openStore(location);
      opened.push(store);
      return watched(store);
    },
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store.close();
      await remove();
    },
  };
}

/** For `eventually`, where a test moves the clock: nothing needs real time beside the database, which is waited for. */
export const OFTEN = { everyMs: 4 };

/** Lets time pass once the database has nothing to do, so that it is never later than what the test looks at. */
export async function passWhenCalm(
  { store }: { readonly store: Pick<TestStore, 'calm'> },
  clock: Pick<ManualClock, 'advance'>,
  ms: number,
): Promise<void> {
  await store.calm();
  clock.advance(ms);
}

/** Questions in a row that find no change under way. Each takes as long as one that work may be asking between two changes. */
const CALM_QUESTIONS = 2;

/** The same store, with its changes counted. */
export function watched(store: Store): TestStore {
  let underWay = 0;
  const counted = async <T>(work: () => Promise<T>): Promise<T> => {
    underWay += 1;
    try {
      return await work();
    } finally {
      underWay -= 1;
    }
  };
  return {
    ...store,
    transaction: (work, durability) => counted(() => store.transaction(work, durability)),
    statement: (run, durability) => counted(() => store.statement(run, durability)),
    async calm() {
      for (let calm = 0; calm < CALM_QUESTIONS; calm = underWay === 0 ? calm + 1 : 0) {
        await store.db.selectFrom('secrets').select('name').limit(1).execute();
        await nextTurn();
      }
    },
  };
}
