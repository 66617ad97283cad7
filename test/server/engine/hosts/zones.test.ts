import { describe, expect, test } from 'vitest';
import {
  impossibleZone,
  inOrderOfZones,
  lostZone,
  turnOf,
  type ZonedTarget,
  zonesOf,
} from '../../../../src/server/engine/hosts/zones.ts';
import { manualClock } from '../../../support/clock.ts';
import {
  deploymentOf,
  type EngineServer,
  engineServer,
  makeFleet,
  runHost,
  startDeployment,
  statusesOf,
} from '../../../support/engine-world.ts';
import { describeStores } from '../../../support/stores.ts';

const SETTINGS = {
  tagKey: 'zone',
  minimumPerZone: { type: 'FLEET_PERCENT' as const, value: 50 },
  firstMonitorMs: 60_000,
  monitorMs: 10_000,
};
const target = (zone: string, status: ZonedTarget['status'], endedAtMs: number | null = null): ZonedTarget => ({
  ...{ zone, status, endedAtMs },
});

test('hosts are taken zone by zone in the order of names, those without a zone last, and keep their order within one', () => {
  const zone: Record<string, string> = { a: 'south', b: '', c: 'east', d: 'south', e: 'east' };
  expect(inOrderOfZones(['a', 'b', 'c', 'd', 'e'], (host) => zone[host] ?? '')).toEqual(['c', 'e', 'a', 'd', 'b']);
});

test('half of five hosts of a zone are three, so two of them may be out of service', () => {
  const five = Array.from({ length: 5 }, () => target('east', 'Pending'));
  const zones = zonesOf(five, SETTINGS);
  expect(zones).toMatchObject([{ name: 'east', hosts: 5, required: 3 }]);
  expect(turnOf(zones, SETTINGS, 0)).toEqual({ zone: 'east', mayStart: 2, opensAtMs: null });
});

test.each([
  ['the first zone', [target('a', 'Succeeded', 5_000)], 65_000],
  ['a later zone', [target('a', 'Succeeded', 5_000), target('b', 'Failed', 70_000)], 80_000],
  ['the slowest target of a zone', [target('a', 'Succeeded', 5_000), target('a', 'Succeeded', 9_000)], 69_000],
])('the next zone waits for its time after %s has ended', (_, over, opensAtMs) => {
  const zones = zonesOf([...over, target('z', 'Pending')], SETTINGS);
  expect(turnOf(zones, SETTINGS, opensAtMs - 1)).toEqual({ zone: 'z', mayStart: 0, opensAtMs });
  expect(turnOf(zones, SETTINGS, opensAtMs)?.opensAtMs).toBeNull();
});

test('the wait before a zone is kept when one of its hosts is gone before its turn', () => {
  const gone = [
    target('a', 'Succeeded', 5_000),
    target('z', 'Failed', 6_000),
    target('z', 'Pending'),
    target('z', 'Pending'),
  ];
  expect(turnOf(zonesOf(gone, SETTINGS), SETTINGS, 7_000)).toEqual({ zone: 'z', mayStart: 0, opensAtMs: 65_000 });
});

test('a zone that wants more healthy hosts than it may spare is named', () => {
  const settings = { ...SETTINGS, minimumPerZone: { type: 'HOST_COUNT' as const, value: 1 } };
  const zones = zonesOf([target('a', 'Pending'), target('a', 'Pending'), target('b', 'Pending')], settings);
  expect(impossibleZone(zones)?.name).toBe('b');
});

describe('a zone is lost', () => {
  test.each<[string, readonly ZonedTarget[], boolean]>([
    ['when it can spare no more and hosts still wait', [target('a', 'Failed', 1), target('a', 'Pending')], true],
    ['not when the host that failed was its last', [target('a', 'Succeeded', 1), target('a', 'Failed', 1)], false],
    ['when more hosts failed than it can spare', [target('a', 'Failed', 1), target('a', 'Failed', 1)], true],
  ])('%s', (_, targets, isLost) => {
    expect(lostZone(zonesOf(targets, SETTINGS)) !== null).toBe(isLost);
  });
});

describeStores('a deployment from zone to zone', (kind) => {
  const ID = 'd-1';
  const zonal = {
    tagKey: 'zone',
    minimumPerZone: { type: 'FLEET_PERCENT', value: 0 },
    firstMonitorMs: 600_000,
    monitorMs: 0,
  };
  const filterLists = [[{ Key: 'in', Value: 'fleet', Type: 'KEY_AND_VALUE' }]];
  const settings_json = JSON.stringify({ filterLists, rollbackEvents: ['DEPLOYMENT_FAILURE'], zonal });

  async function makeZones(server: EngineServer): Promise<void> {
    await makeFleet(server.store, ['e1', 'e2', 'w1', 'w2', 'none']);
    const tagged = ['e1', 'e2', 'w1', 'w2'].map((instance_name) => ({
      ...{ instance_id: `id-of-${instance_name}`, instance_name, tag_key: 'zone' },
      tag_value: instance_name.startsWith('e') ? 'east' : 'west',
    }));
    await server.store.transaction((tx) => tx.insertInto('instance_tags').values(tagged).execute());
  }

  test('waits after the first zone across a restart of the server, and takes hosts without a zone last', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    {
      await using server = await engineServer(database, { clock });
      await makeZones(server);
      await startDeployment(server, ID, { settings_json });
      expect(await statusesOf(server.store, ID)).toEqual({
        ...{ e1: 'InProgress', e2: 'InProgress', w1: 'Pending', w2: 'Pending', none: 'Pending' },
      });
      await runHost(server, 'e1');
      await runHost(server, 'e2');
      expect(await statusesOf(server.store, ID)).toMatchObject({ e2: 'Succeeded', w1: 'Pending' });
    }
    await using server = await engineServer(database, { clock });
    expect(await statusesOf(server.store, ID)).toMatchObject({ w1: 'Pending', w2: 'Pending' });
    expect((await deploymentOf(server.store, ID)).wake_at_ms).toBe(clock.now() + 600_000);
    clock.advance(600_000);
    await server.engine.step(ID);
    expect(await statusesOf(server.store, ID)).toMatchObject({ w1: 'InProgress', w2: 'InProgress', none: 'Pending' });
    for (const host of ['w1', 'w2', 'none']) await runHost(server, host);
    expect((await deploymentOf(server.store, ID)).status).toBe('Succeeded');
  });

  test('fails when a zone falls below its minimum, though the fleet does not, and its rollback waits for no zone', async () => {
    await using database = await kind.create();
    await using server = await engineServer(database, { clock: manualClock() });
    await makeZones(server);
    await startDeployment(server, 'd-0');
    for (const host of ['e1', 'e2', 'w1', 'w2', 'none']) await runHost(server, host);
    const perZone = { ...zonal, firstMonitorMs: 0, minimumPerZone: { type: 'FLEET_PERCENT', value: 50 } };
    await startDeployment(server, ID, {
      // The last host has no zone, and one host cannot spare half of itself.
      settings_json: JSON.stringify({ filterLists, rollbackEvents: [], zonal: perZone }),
    });
    expect(await deploymentOf(server.store, ID)).toMatchObject({
      status: 'Failed',
      error_code: 'HEALTH_CONSTRAINTS_INVALID',
      error_message: expect.stringContaining('without a zone tag'),
    });
    await server.deregister('none');
    await startDeployment(server, 'd-2', {
      settings_json: JSON.stringify({ filterLists, rollbackEvents: ['DEPLOYMENT_FAILURE'], zonal: perZone }),
    });
    // One host of a zone at a time, in the order of attempt.
    const beginning = async () =>
      Object.entries(await statusesOf(server.store, 'd-2')).flatMap(([host, status]) =>
        status === 'InProgress' ? [host] : [],
      );
    for (const zone of ['e', 'e', 'w']) {
      const [host = '', ...others] = await beginning();
      expect([host[0], others]).toEqual([zone, []]);
      await runHost(server, host, () => (zone === 'w' ? { errorCode: 4 } : {}));
    }
    const failed = await deploymentOf(server.store, 'd-2');
    expect(failed).toMatchObject({
      status: 'Failed',
      error_message: expect.stringContaining('in the zone west: 1 of 2. '),
    });
    const { rollbackInfo } = JSON.parse(failed.options_json) as { rollbackInfo: { rollbackDeploymentId: string } };
    const rollback = await statusesOf(server.store, rollbackInfo.rollbackDeploymentId);
    expect(Object.values(rollback)).not.toContain('Pending');
  });
});
