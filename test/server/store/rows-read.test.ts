/** What is asked about some hosts does not cost as much as all events of their deployment, also before PostgreSQL knows how many there are. */
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { findKnownAccessKeys } from '../../../src/server/store/access-keys.ts';
import { eventsOfActiveTargets, lockOpenEvents, openEventsOf } from '../../../src/server/store/lifecycle-events.ts';
import { findAllPowerless, lockPowers } from '../../../src/server/store/powers.ts';
import { openStore, type Store, type StoreTransaction } from '../../../src/server/store/store.ts';
import { hostsOfTargets, setTargetStatus, someTargetsOf } from '../../../src/server/store/targets.ts';
import { engineServer, hostArn, keyOfHost, makeFleet, startDeployment } from '../../support/engine-world.ts';
import { describeIf } from '../../support/needs.ts';
import { postgresCluster, postgresPrograms } from '../../support/postgres.ts';
import { watched } from '../../support/stores.ts';

const DEPLOYMENT = 'd-ROWS00000';
const FLEET = Array.from({ length: 1_000 }, (_, index) => `host-${index}`);
/** PostgreSQL plans the first five times for the values that it gets, and then perhaps for any. */
const TIMES = 8;

/** Rows that PostgreSQL fetches for some work, the most of some times. */
async function rowsReadBy(store: Store, work: (tx: StoreTransaction) => Promise<unknown>): Promise<number> {
  let most = 0;
  for (let time = 0; time < TIMES; time += 1) {
    await store.transaction(async (tx) => {
      const before = await fetchedSoFar(tx);
      await work(tx);
      most = Math.max(most, (await fetchedSoFar(tx)) - before);
    });
  }
  return most;
}

/** Counted since the connection has last told the others. */
async function fetchedSoFar(tx: StoreTransaction): Promise<number> {
  const { rows } = await sql<{ fetched: string }>`
    select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as fetched
    from pg_stat_xact_user_tables`.execute(tx);
  return Number(rows[0]?.fetched);
}

describeIf(postgresPrograms !== null, 'PostgreSQL, initdb and postgres')('on a database without statistics', () => {
  test('a question about some hosts does not read the events of the whole deployment', async () => {
    await using cluster = await postgresCluster({ autovacuum: 'off' });
    const location = { databaseUrl: await cluster.createDatabase() };
    const store = watched(await openStore(location));
    try {
      const database = { location, open: async () => store, [Symbol.asyncDispose]: async () => undefined };
      await using server = await engineServer(database, { diesBeforeStep: true });
      await makeFleet(store, FLEET);
      await startDeployment(server, DEPLOYMENT);
      const { rows } = await sql<{ instance_id: string }>`
        select instance_id from targets where deployment_id = ${DEPLOYMENT} limit 20`.execute(store.db);
      const ids = rows.map((row) => row.instance_id);
      const actors = FLEET.slice(0, 20).map((name) => ({ accessKeyId: keyOfHost(name), hostArn: hostArn(name) }));
      const keys = actors.map(({ accessKeyId }) => accessKeyId);
      const sealer = { open: () => '', seal: () => '' };
      const questions: Readonly<Record<string, (tx: StoreTransaction) => Promise<unknown>>> = {
        targets: (tx) => someTargetsOf(tx, DEPLOYMENT, { instanceIds: ids, limit: 0 }),
        'events of targets': (tx) => eventsOfActiveTargets(tx, DEPLOYMENT, ids),
        'hosts of targets': (tx) => hostsOfTargets(tx, DEPLOYMENT, ids),
        'events to lock': (tx) => lockOpenEvents(tx, DEPLOYMENT, ids),
        'events that hosts know': (tx) => openEventsOf(tx, DEPLOYMENT, ids),
        'a change': (tx) => setTargetStatus(tx, DEPLOYMENT, ids, 'InProgress', 1),
        keys: (tx) => findKnownAccessKeys(tx, sealer, keys),
        'keys without power': (tx) => findAllPowerless(tx, keys),
        'keys to lock': (tx) => lockPowers(tx, actors),
      };
      for (const [about, ask] of Object.entries(questions)) {
        const read = await rowsReadBy(store, ask);
        expect(read, about).toBeGreaterThan(0);
        // A list of twenty may well be looked for among as many targets. The deployment has 7 000 events.
        expect(read, about).toBeLessThan(1.5 * FLEET.length);
      }
    } finally {
      await store.close();
    }
  });
});
