import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { type Reading, stoppingAlarm, watchedAlarms } from '../../../src/server/engine/alarms.ts';
import type { Alarm } from '../../../src/server/outside/alarm.ts';
import { createAlarms } from '../../../src/server/outside/alarms.ts';
import { READING_MS, startAlarmWatch } from '../../../src/server/work/watch-alarms.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  engineServer,
  makeFleet,
  pollNow,
  runHost,
  startDeployment,
  statusesOf,
} from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

const nowhere = () => Promise.reject(new Error('there is no CloudWatch here'));

const ID = 'd-2';
const LOOK_MS = 1_000;
const OK: Reading = { state: 'ok', detail: 'fine' };
const ACTIVE: Reading = { state: 'alarm', detail: 'errors is 9, and above 5 is an alarm' };
/** The answer of a query may hold text that PostgreSQL does not keep. */
const ACTIVE_WITH_NUL: Reading = { ...ACTIVE, detail: `${ACTIVE.detail}\0` };
const UNREADABLE: Reading = { state: 'unreadable', detail: 'nobody answers' };

test.each([
  ['nothing is said', undefined, undefined, null],
  ['the group’s is kept and not enabled', { alarms: [{ name: 'a' }] }, undefined, null],
  ['the group’s is enabled', { enabled: true, alarms: [{ name: 'a' }] }, undefined, ['a']],
  [
    'the deployment has its own',
    { enabled: true, alarms: [{ name: 'a' }] },
    { enabled: true, alarms: [{ name: 'b' }] },
    ['b'],
  ],
  ['the deployment wants none', { enabled: true, alarms: [{ name: 'a' }] }, { enabled: false, alarms: [] }, null],
])('when %s, a deployment watches what that means', (_, ofGroup, override, names) => {
  expect(watchedAlarms(ofGroup, override)?.names ?? null).toEqual(names);
});

test.each<[string, Record<string, Reading>, boolean, string | null]>([
  ['all are well', { a: OK, b: OK }, false, null],
  ['one is active', { a: OK, b: ACTIVE }, false, 'The alarm b is active: errors is 9'],
  ['one is active and one cannot be read', { a: UNREADABLE, b: ACTIVE }, true, 'The alarm b is active'],
  ['one cannot be read', { a: UNREADABLE, b: OK }, false, 'The alarm a could not be read: nobody answers'],
  ['one cannot be read, which is to be ignored', { a: UNREADABLE, b: OK }, true, null],
  ['the file does not have one any more', { a: OK }, false, 'The alarm b could not be read: the server’s file'],
])('when %s, the deployment goes on or stops as configured', (_, readings, ignoresUnreadable, why) => {
  const stopped = stoppingAlarm({ names: ['a', 'b'], ignoresUnreadable }, new Map(Object.entries(readings)));
  if (why === null) expect(stopped).toBeNull();
  else expect(stopped).toContain(why);
});

describeStores('an alarm that is active', (kind) => {
  const settings_json = JSON.stringify({
    filterLists: [[{ Key: 'in', Value: 'fleet' }]],
    rollbackEvents: ['DEPLOYMENT_STOP_ON_ALARM'],
  });
  const alarms_json = JSON.stringify({ names: ['errors'], ignoresUnreadable: false });

  async function world(database: Parameters<typeof engineServer>[0], alarm: Alarm) {
    const clock = manualClock();
    const server = await engineServer(database, { clock });
    const looks = manualClock();
    const watch = startAlarmWatch({
      ...{
        store: server.store,
        engine: server.engine,
        log: silentLogger,
        alarms: createAlarms(
          new Map([
            ['errors', alarm],
            ['fine', async () => OK],
          ]),
          null,
          nowhere,
        ),
      },
      clock: { now: clock.now, sleep: looks.sleep },
    });
    await looks.nextSleep();
    return {
      server,
      async look() {
        clock.advance(READING_MS);
        const isOver = looks.nextSleep();
        looks.advance(LOOK_MS);
        await isOver;
      },
      async [Symbol.asyncDispose]() {
        await watch.close();
        await server[Symbol.asyncDispose]();
      },
    };
  }

  test('stops a deployment under way, says why, and has it rolled back as configured', async () => {
    await using database = await kind.create();
    let reading = OK;
    await using running = await world(database, async () => reading);
    const { server } = running;
    await makeFleet(server.store, ['a', 'b']);
    await startDeployment(server, 'd-1');
    await runHost(server, 'a');
    await runHost(server, 'b');
    const one = { minimum_type: 'MOST_CONCURRENCY', minimum_value: 1 } as const;
    await startDeployment(server, ID, { ...one, settings_json, alarms_json });
    // It waits for the first reading.
    expect((await deploymentOf(server.store, ID)).status).toBe('Created');
    await running.look();
    const [first = ''] = Object.entries(await statusesOf(server.store, ID)).flatMap(([host, status]) =>
      status === 'InProgress' ? [host] : [],
    );
    const command = await pollNow(server, first);
    if (command === null) throw new Error('there is no command');
    await server.acknowledge(first, command);
    reading = ACTIVE_WITH_NUL;
    await running.look();
    // What runs is waited for.
    expect(await deploymentOf(server.store, ID)).toMatchObject({ status: 'InProgress' });
    await server.complete(first, command);
    const stopped = await deploymentOf(server.store, ID);
    expect(stopped).toMatchObject({
      ...{ status: 'Stopped', error_code: 'ALARM_ACTIVE' },
      error_message: `The alarm errors is active: ${ACTIVE.detail}\ufffd.`,
    });
    const { rollbackInfo } = JSON.parse(stopped.options_json) as { rollbackInfo: { rollbackDeploymentId: string } };
    const rollback = rollbackInfo.rollbackDeploymentId;
    await running.look();
    // The alarm is still active, and the rollback goes on anyway.
    expect(await deploymentOf(server.store, rollback)).toMatchObject({ status: 'InProgress', alarms_json: null });
  });

  test('and is slow to say so holds up no deployment that watches others', async () => {
    await using database = await kind.create();
    const answer = Promise.withResolvers<Reading>();
    await using running = await world(database, () => answer.promise);
    const { server } = running;
    await makeFleet(server.store, ['a']);
    await startDeployment(server, ID, { settings_json, alarms_json });
    const other = { deployment_group_id: 'g-other', settings_json };
    await startDeployment(server, 'd-3', {
      ...other,
      alarms_json: JSON.stringify({ names: ['fine'], ignoresUnreadable: false }),
    });
    await running.look();
    expect((await deploymentOf(server.store, 'd-3')).alarms_read_at_ms).not.toBeNull();
    expect((await deploymentOf(server.store, ID)).alarms_read_at_ms).toBeNull();
    answer.resolve(ACTIVE);
    await running.look();
    expect(await deploymentOf(server.store, ID)).toMatchObject({ status: 'Stopped', error_code: 'ALARM_ACTIVE' });
  });

  test('lets no host begin, and there is nothing to roll back', async () => {
    await using database = await kind.create();
    await using running = await world(database, async () => ACTIVE);
    const { server } = running;
    await makeFleet(server.store, ['a']);
    await startDeployment(server, ID, { settings_json, alarms_json });
    await running.look();
    expect(await deploymentOf(server.store, ID)).toMatchObject({ status: 'Stopped', error_code: 'ALARM_ACTIVE' });
    expect(await statusesOf(server.store, ID)).toEqual({});
  });

  test('because nothing answered is read three times before it stops a deployment', async () => {
    for (const answers of [1, 3]) {
      await using database = await kind.create();
      let calls = 0;
      await using running = await world(database, async () => {
        calls += 1;
        return calls <= answers ? { ...ACTIVE, isSilence: true } : OK;
      });
      const { server } = running;
      await makeFleet(server.store, ['a']);
      await startDeployment(server, ID, { settings_json, alarms_json });
      // Each lets time pass until the watch sleeps again, between two readings too.
      for (let time = 0; time < Math.min(answers + 1, 3); time += 1) await running.look();
      expect({ calls, status: (await deploymentOf(server.store, ID)).status }).toEqual(
        answers === 1 ? { calls: 2, status: 'InProgress' } : { calls: 3, status: 'Stopped' },
      );
    }
  });

  test('does not take the place of a stop that somebody has asked for', async () => {
    await using database = await kind.create();
    let reading = OK;
    await using running = await world(database, async () => reading);
    const { server } = running;
    await makeFleet(server.store, ['a']);
    await startDeployment(server, ID, { settings_json, alarms_json });
    await running.look();
    const command = await pollNow(server, 'a');
    if (command === null) throw new Error('there is no command');
    await server.acknowledge('a', command);
    await server.stop(ID, false);
    reading = ACTIVE;
    await running.look();
    await server.complete('a', command);
    expect(await deploymentOf(server.store, ID)).toMatchObject({ status: 'Stopped', error_code: 'MANUAL_STOP' });
  });
});
