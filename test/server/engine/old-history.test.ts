import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { identityOf, parseLocation } from '../../../src/protocol/management/revision-location.ts';
import { type RetentionPeriods, startRetention } from '../../../src/server/engine/retention.ts';
import { insertDeployment } from '../../../src/server/store/deployments.ts';
import { eventsOf } from '../../../src/server/store/lifecycle-events.ts';
import { noteRevisionUse, putRevision } from '../../../src/server/store/revisions.ts';
import type { Store } from '../../../src/server/store/store.ts';
import type { ManualClock } from '../../support/clock.ts';
import { manualClock } from '../../support/clock.ts';
import {
  APPLICATION_ID,
  engineServer,
  GROUP_ID,
  makeFleet,
  newDeployment,
  pollNow,
  revisionJson,
  runHost,
  startDeployment,
} from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const DAY_MS = 24 * 60 * 60_000;
const KEEP_ALL: RetentionPeriods = { deploymentsMs: null, diagnosticsMs: null, revisionsMs: null, auditMs: null };
const WITH_ROLLBACK = { autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE'] } };
const failing = (command: string) => (command === 'Install' ? ({ errorCode: 4, log: 'no space' } as const) : {});

/** One whole look of retention, which ends with its long sleep. */
async function look(store: Store, clock: ManualClock, periods: Partial<RetentionPeriods>): Promise<void> {
  const retention = startRetention({ store, clock, log: silentLogger, periods: { ...KEEP_ALL, ...periods } });
  for (let sleepMs = await clock.nextSleep(); sleepMs < 60_000; sleepMs = await clock.nextSleep()) {
    clock.advance(sleepMs);
  }
  await retention.close();
}

async function deploymentIds(store: Store): Promise<string[]> {
  const rows = await store.db.selectFrom('deployments').select('deployment_id').orderBy('deployment_id').execute();
  return rows.map((row) => row.deployment_id);
}

async function countRows(store: Store, table: 'targets' | 'lifecycle_events'): Promise<number> {
  const row = await store.db
    .selectFrom(table)
    .select((eb) => eb.fn.countAll().as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

async function knowRevisions(store: Store, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await registerRevision(store, key, 0);
}

async function registerRevision(store: Store, key: string, registered_at_ms: number): Promise<void> {
  const location_json = revisionJson(key);
  const row = { revision_id: key, application_id: APPLICATION_ID, description: null, registered_at_ms };
  const identity = identityOf(parseLocation(location_json));
  await store.transaction((tx) => putRevision(tx, { ...row, identity, location_json }));
}

async function knownRevisions(store: Store): Promise<string[]> {
  const rows = await store.db.selectFrom('revisions').select('revision_id').orderBy('revision_id').execute();
  return rows.map((row) => row.revision_id);
}

describeStores('retention of history', (kind) => {
  test('old deployments go with targets and events, but for the last successful one, the last one and one that is open', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    const { store } = server;
    const clock = manualClock();
    await makeFleet(store, ['host-1']);
    const deploy = async (id: string, end?: typeof failing) => {
      await startDeployment(server, id, { revision_json: revisionJson(`${id}.tgz`) });
      await runHost(server, 'host-1', end);
    };
    for (const id of ['d-1', 'd-2', 'd-3-good']) await deploy(id);
    for (const id of ['d-4', 'd-5-last']) await deploy(id, failing);
    const { created_at_ms } = newDeployment('');
    clock.advance(created_at_ms + 400 * DAY_MS - clock.now());
    await store.db
      .updateTable('deployment_groups')
      .set({ last_attempted_deployment_id: 'd-5-last' })
      .where('deployment_group_id', '=', GROUP_ID)
      .execute();

    await look(store, clock, { deploymentsMs: 401 * DAY_MS });
    expect(await deploymentIds(store)).toHaveLength(5);
    const eventsOfGood = await eventsOf(store.db, 'd-3-good');

    await look(store, clock, { deploymentsMs: 300 * DAY_MS });
    expect(await deploymentIds(store)).toEqual(['d-3-good', 'd-5-last']);
    expect(await countRows(store, 'targets')).toBe(2);
    expect(await eventsOf(store.db, 'd-3-good')).toEqual(eventsOfGood);

    await startDeployment(server, 'd-6-open', { restart_of: 'd-5-last' });
    await store.db
      .updateTable('deployment_groups')
      .set({ last_attempted_deployment_id: 'd-6-open' })
      .where('deployment_group_id', '=', GROUP_ID)
      .execute();
    await look(store, clock, { deploymentsMs: DAY_MS });
    expect(await deploymentIds(store)).toEqual(['d-3-good', 'd-5-last', 'd-6-open']);
  });

  test('a group is rolled back to its last good deployment after retention has had its way', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    const { store } = server;
    const clock = manualClock();
    await makeFleet(store, ['host-1'], WITH_ROLLBACK);
    await knowRevisions(store, 'old.tgz', 'good.tgz', 'bad.tgz');
    for (const id of ['d-old', 'd-good']) {
      await startDeployment(server, id, { revision_json: revisionJson(`${id.slice(2)}.tgz`) });
      await runHost(server, 'host-1');
    }
    clock.advance(newDeployment('').created_at_ms + 900 * DAY_MS - clock.now());
    await look(store, clock, { deploymentsMs: DAY_MS, diagnosticsMs: DAY_MS, revisionsMs: DAY_MS });
    expect(await deploymentIds(store)).toEqual(['d-good']);
    expect(await knownRevisions(store)).toEqual(['good.tgz']);

    const options_json = JSON.stringify(WITH_ROLLBACK);
    await startDeployment(server, 'd-bad', { revision_json: revisionJson('bad.tgz'), options_json });
    const command = await pollNow(server, 'host-1');
    if (command === null) throw new Error('the host has got nothing');
    await server.acknowledge('host-1', command);
    await server.complete('host-1', command, { errorCode: 4 });
    const rollbacks = await store.db
      .selectFrom('deployments')
      .select('revision_json')
      .where('creator', '=', 'codeDeployRollback')
      .execute();
    expect(rollbacks).toEqual([{ revision_json: revisionJson('good.tgz') }]);
  });

  test('diagnostics go earlier than their deployments, and what each event came to stays', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database);
    const { store } = server;
    const clock = manualClock();
    await makeFleet(store, ['host-1']);
    for (const id of ['d-1', 'd-2-good', 'd-3-last']) {
      await startDeployment(server, id);
      await runHost(server, 'host-1', id === 'd-3-last' ? failing : undefined);
    }
    const before = await eventsOf(store.db, 'd-1');
    expect(before.some((event) => event.diagnostics_json !== null)).toBe(true);
    await store.db.updateTable('deployment_groups').set({ last_attempted_deployment_id: 'd-3-last' }).execute();
    clock.advance(newDeployment('').created_at_ms + 91 * DAY_MS - clock.now());

    await look(store, clock, { diagnosticsMs: 90 * DAY_MS, deploymentsMs: 365 * DAY_MS });
    expect(await eventsOf(store.db, 'd-1')).toEqual(before.map((event) => ({ ...event, diagnostics_json: null })));
    for (const id of ['d-2-good', 'd-3-last']) {
      expect((await eventsOf(store.db, id)).some((event) => event.diagnostics_json !== null)).toBe(true);
    }
  });

  test('the event loop turns for each page of deployments, also when all of them are kept', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const clock = manualClock();
    await makeFleet(store, []);
    const pages = 4;
    await store.transaction(async (tx) => {
      for (let number = 0; number < pages * 100; number += 1) {
        const ended = { completed_at_ms: number, wake_at_ms: null, status: 'Failed' } as const;
        const id = `d-${number}`;
        const group = await tx.selectFrom('deployment_groups').selectAll().limit(1).executeTakeFirstOrThrow();
        const own = { deployment_group_id: id, deployment_group_name: id, last_attempted_deployment_id: id };
        await tx
          .insertInto('deployment_groups')
          .values({ ...group, ...own })
          .execute();
        await insertDeployment(tx, newDeployment(id, { ...ended, deployment_group_id: id }));
      }
    });
    clock.advance(2 * DAY_MS - clock.now());
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await look(store, clock, { deploymentsMs: DAY_MS });
    isOver = true;
    expect(turns).toBeGreaterThan(pages);
    expect(await deploymentIds(store)).toHaveLength(pages * 100);
  });

  test('a deployment with more targets than one portion goes in several transactions, and one that was cut off goes on', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const clock = manualClock();
    await makeFleet(store, []);
    const ended = { completed_at_ms: 0, wake_at_ms: null, status: 'Failed' } as const;
    await store.transaction(async (tx) => {
      for (const id of ['d-large', 'd-none', 'd-small']) await insertDeployment(tx, newDeployment(id, ended));
    });
    await fill(store, 'd-large', 350);
    await fill(store, 'd-small', 3);
    clock.advance(2 * DAY_MS - clock.now());

    const retention = startRetention({
      ...{ store, clock, log: silentLogger },
      periods: { ...KEEP_ALL, diagnosticsMs: DAY_MS, deploymentsMs: DAY_MS },
    });
    await clock.nextSleep();
    await retention.close();
    expect(await countRows(store, 'targets')).toBe(303);
    expect(await countRows(store, 'lifecycle_events')).toBe(606);

    await look(store, clock, { deploymentsMs: DAY_MS });
    expect(await deploymentIds(store)).toEqual([]);
    expect(await countRows(store, 'lifecycle_events')).toBe(0);
  });

  test('old revisions go, but for those that a group is to run, a host runs, or an open deployment installs', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const clock = manualClock();
    await makeFleet(store, []);
    await knowRevisions(store, 'unused', 'target', 'on-host', 'open', 'previous', 'recent');
    const identity = (key: string) => identityOf(parseLocation(revisionJson(key)));
    await store.db
      .updateTable('deployment_groups')
      .set({ target_revision_json: revisionJson('target') })
      .execute();
    await store.db
      .insertInto('host_states')
      .values({
        deployment_group_id: GROUP_ID,
        instance_id: 'host-1',
        health: 'healthy',
        revision_identity: identity('on-host'),
        ...{ is_missed: 0, failed_tries: 0 },
      })
      .execute();
    const revisions = { revision_json: revisionJson('open'), previous_revision_json: revisionJson('previous') };
    await store.transaction((tx) => insertDeployment(tx, newDeployment('d-open', revisions)));
    clock.advance(500 * DAY_MS - clock.now());
    await store.db
      .updateTable('revisions')
      .set({ latest_use_at_ms: clock.now() - DAY_MS })
      .where('revision_id', '=', 'recent')
      .execute();

    await look(store, clock, { revisionsMs: 365 * DAY_MS });
    expect(await knownRevisions(store)).toEqual(['on-host', 'open', 'previous', 'recent', 'target']);
  });

  test('an old revision that is registered or deployed once more stays for as long as a new one, and shows its first registration', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const clock = manualClock();
    await makeFleet(store, []);
    await knowRevisions(store, 'forgotten', 'registered-again', 'deployed-again');
    clock.advance(500 * DAY_MS - clock.now());
    await registerRevision(store, 'registered-again', clock.now());
    const identity = identityOf(parseLocation(revisionJson('deployed-again')));
    await store.transaction((tx) => noteRevisionUse(tx, APPLICATION_ID, identity, clock.now()));

    clock.advance(364 * DAY_MS);
    await look(store, clock, { revisionsMs: 365 * DAY_MS });
    const kept = await store.db
      .selectFrom('revisions')
      .select(['revision_id', 'registered_at_ms'])
      .orderBy('revision_id')
      .execute();
    expect(kept).toEqual([
      { revision_id: 'deployed-again', registered_at_ms: 0 },
      { revision_id: 'registered-again', registered_at_ms: 0 },
    ]);

    clock.advance(2 * DAY_MS);
    await look(store, clock, { revisionsMs: 365 * DAY_MS });
    expect(await knownRevisions(store)).toEqual([]);
  });
});

/** Targets of a deployment with two events each. */
async function fill(store: Store, deployment_id: string, count: number): Promise<void> {
  await store.transaction(async (tx) => {
    for (let position = 0; position < count; position += 1) {
      const names = { deployment_id, instance_id: `host-${position}`, host_arn: '' };
      await tx
        .insertInto('targets')
        .values({
          ...names,
          target_id: names.instance_id,
          target_arn: '',
          position,
          was_current: 0,
          status: 'Failed',
          updated_at_ms: 0,
        })
        .execute();
      for (const event of [0, 1]) {
        await tx
          .insertInto('lifecycle_events')
          .values({
            ...names,
            position: event,
            event_name: 'Install',
            status: 'Failed',
            host_command_id: null,
            ready_at_ms: null,
            handed_out_at_ms: null,
            started_at_ms: null,
            ended_at_ms: 0,
            reported_at_ms: 0,
            diagnostics_json: '{}',
          })
          .execute();
      }
    }
  });
}
