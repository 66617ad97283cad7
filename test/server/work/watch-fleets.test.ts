import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import type { EventDiagnostics } from '../../../src/server/engine/diagnostics.ts';
import { membershipAfter, replacementPlan, withGreenInAws } from '../../../src/server/engine/hosts/blue-green-plan.ts';
import { fleetSettings, membersAfter, standingOf } from '../../../src/server/engine/hosts/fleet.ts';
import { type DeploymentSettings, settingsOf } from '../../../src/server/engine/settings.ts';
import { AwsFault } from '../../../src/server/outside/aws/aws-fault.ts';
import type { FleetInstance, FleetReader, FleetRequest } from '../../../src/server/outside/aws/fleet.ts';
import { startFleetWatch } from '../../../src/server/work/watch-fleets.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  engineServer,
  GROUP_ID,
  makeFleet,
  runHost,
  startDeployment,
  targetsByName,
} from '../../support/engine-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeStores, OFTEN, passWhenCalm } from '../../support/stores.ts';

const ID = 'd-1';
/** Nobody has them by on-premises tags. */
const GROUP = {
  onPremisesInstanceTagFilters: [],
  ec2TagFilters: [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' }],
};
const SETTINGS = { ...settingsOf(GROUP, {}), ...fleetSettings(GROUP, GROUP_ID) };
const found = (id: string, rest: Partial<FleetInstance> = {}): FleetInstance => ({
  ...{ id, arn: `arn:aws:ec2:eu-central-1:1:instance/${id}`, zone: 'zone-a', autoScalingGroup: null },
  ...{ stage: 'in-service', ...rest },
});

type Answer = readonly FleetInstance[] | AwsFault;

async function openWorld(
  database: Parameters<typeof engineServer>[0],
  answer: (request: FleetRequest, signal: AbortSignal) => Answer | Promise<Answer>,
) {
  const clock = manualClock();
  const server = await engineServer(database, { clock });
  await makeFleet(server.store, ['web-1', 'web-2'], GROUP);
  await server.store.transaction(async (tx) => {
    for (const [name, tag_value] of [
      ['web-1', 'i-00000001'],
      ['web-2', 'i-00000002'],
    ] as const) {
      const common = { instance_id: `id-of-${name}`, instance_name: name };
      await tx
        .insertInto('instance_tags')
        .values({ ...common, tag_key: 'InstanceId', tag_value })
        .execute();
    }
  });
  let asked = 0;
  const readFleet: FleetReader = async (request, signal) => {
    asked += 1;
    const next = await answer(request, signal);
    if (next instanceof AwsFault) throw next;
    return next;
  };
  const watch = startFleetWatch({ ...server, clock, log: silentLogger, readFleet });
  return {
    ...{ server, clock, asked: () => asked },
    start: (more: Partial<DeploymentSettings> = {}) =>
      startDeployment(server, ID, {
        settings_json: JSON.stringify({ ...SETTINGS, ...more }),
        created_at_ms: clock.now(),
      }),
    async until(status: string, stepMs = 1_000) {
      await eventually(async () => {
        await passWhenCalm(server, clock, stepMs);
        return (await deploymentOf(server.store, ID)).status === status;
      }, OFTEN);
    },
    async [Symbol.asyncDispose]() {
      await watch.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describeStores('a deployment to a group with hosts on EC2', (kind) => {
  test('waits for an answer of AWS that is newer than the deployment; an instance without a host fails with the remedy', async () => {
    await using database = await kind.create();
    let answer: Answer = [found('i-00000001')];
    await using world = await openWorld(database, () => answer);
    await eventually(async () => {
      await passWhenCalm(world.server, world.clock, 1_000);
      return world.asked() > 0;
    });
    answer = [found('i-00000001'), found('i-00000009'), found('i-00000002', { stage: 'launching' })];
    await world.start();
    expect((await deploymentOf(world.server.store, ID)).status).toBe('Created');
    await world.until('InProgress');
    const targets = await targetsByName(world.server.store, ID);
    expect(Object.entries(targets).map(([name, { status }]) => [name, status])).toEqual([
      ['web-1', 'InProgress'],
      ['i-00000009', 'Failed'],
    ]);
    const [first] = targets['i-00000009']?.events ?? [];
    const diagnostics = JSON.parse(first?.diagnostics_json ?? '{}') as EventDiagnostics;
    expect(diagnostics.message).toContain('the tag InstanceId=i-00000009 when slipway register enrols it');
  });

  test.each<[string, ConstructorParameters<typeof AwsFault>[1], string, number]>([
    [
      'throttles for five minutes',
      { trouble: 'throttled', code: 'Throttling', answer: 'Throttling: slower' },
      'THROTTLED',
      300_000,
    ],
    [
      'does not know the group',
      { trouble: 'missing', code: '', answer: 'there is none' },
      'AUTO_SCALING_CONFIGURATION',
      0,
    ],
  ])('fails by name when AWS %s, with the last call and its answer', async (_title, failure, code, limitMs) => {
    await using database = await kind.create();
    const call = 'DescribeAutoScalingGroups web';
    await using world = await openWorld(database, () => new AwsFault(call, failure));
    await world.start();
    const createdAtMs = world.clock.now();
    await world.until('Failed', 5_000);
    const { error_code, error_message } = await deploymentOf(world.server.store, ID);
    expect(error_code).toBe(code);
    expect(error_message).toContain(`The last call to AWS was: ${call}. The answer: ${failure.answer}.`);
    expect(world.clock.now() - createdAtMs).toBeGreaterThanOrEqual(limitMs);
  });

  test('begins also while AWS gives no answer about other groups', async () => {
    await using database = await kind.create();
    const hanging: string[] = [];
    await using world = await openWorld(database, ({ autoScalingGroups: [name] }, signal) => {
      if (name === undefined) return [found('i-00000001')];
      hanging.push(name);
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    });
    await world.server.store.transaction(async (tx) => {
      const group = await tx.selectFrom('deployment_groups').selectAll().executeTakeFirstOrThrow();
      for (const name of ['slow-1', 'slow-2', 'slow-3']) {
        const changes = { deployment_group_id: name, deployment_group_name: name };
        const settings_json = JSON.stringify({ autoScalingGroups: [name] });
        await tx
          .insertInto('deployment_groups')
          .values({ ...group, ...changes, settings_json })
          .execute();
      }
    });
    await eventually(async () => {
      await passWhenCalm(world.server, world.clock, 1_000);
      return hanging.length === 3;
    });
    await world.start();
    await world.until('InProgress');
    expect(hanging.toSorted()).toEqual(['slow-1', 'slow-2', 'slow-3']);
  });

  test('goes from one fleet to another as AWS has them, where the replacement is an Auto Scaling group', async () => {
    await using database = await kind.create();
    let green: Answer = new AwsFault('DescribeAutoScalingGroups green', {
      ...{ trouble: 'throttled', code: 'Throttling', answer: 'Throttling: slower' },
    });
    await using world = await openWorld(database, ({ autoScalingGroups: [name] }) =>
      name === 'green' ? green : [found('i-00000001')],
    );
    const targets = { autoScalingGroups: ['green'] };
    await world.start({ blueGreen: withGreenInAws(replacementPlan({}, targets), targets), loadBalancerInfo: {} });
    await world.until('Created');
    green = [found('i-00000002', { autoScalingGroup: 'green' }), found('i-00000003', { stage: 'launching' })];
    await world.until('InProgress');
    const rows = Object.entries(await targetsByName(world.server.store, ID));
    expect(rows.map(([name, { label }]) => [name, label])).toEqual([
      ['web-2', 'green'],
      ['web-1', 'blue'],
    ]);
  });

  test('asks AWS again while its replacement waits for traffic, and does not wait for instances that are gone', async () => {
    await using database = await kind.create();
    let green: Answer = [found('i-00000002', { autoScalingGroup: 'green' })];
    await using world = await openWorld(database, ({ autoScalingGroups: [name] }) =>
      name === 'green' ? green : [found('i-00000001')],
    );
    const { server, clock } = world;
    const targets = { autoScalingGroups: ['green'] };
    const deploymentReadyOption = { actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: 600 };
    const plan = withGreenInAws(replacementPlan({ deploymentReadyOption }, targets), targets);
    await world.start({ blueGreen: plan, loadBalancerInfo: {} });
    await eventually(async () => {
      await passWhenCalm(server, clock, 1_000);
      await runHost(server, 'web-2');
      return (await deploymentOf(server.store, ID)).status === 'Ready';
    }, OFTEN);
    const members = async () =>
      (await server.store.db.selectFrom('replacement_fleets').select('members_json').executeTakeFirstOrThrow())
        .members_json;
    const before = world.asked();
    green = new AwsFault('DescribeAutoScalingGroups green', { trouble: 'away', code: '', answer: 'none' });
    await eventually(async () => {
      await passWhenCalm(server, clock, 5_000);
      return world.asked() > before + 4;
    }, OFTEN);
    // AWS that is down is no word on who is gone.
    expect(await members()).toContain('i-00000002');
    green = [];
    await eventually(async () => {
      await passWhenCalm(server, clock, 5_000);
      return (await members()) === '[]';
    }, OFTEN);
    await server.store.db.updateTable('deployments').set({ continued_at_ms: clock.now() }).execute();
    await server.engine.step(ID);
    const { status, error_code, error_message } = await deploymentOf(server.store, ID);
    expect({ status, error_code }).toEqual({ status: 'Failed', error_code: 'HEALTH_CONSTRAINTS' });
    expect(error_message).toContain('0 of 0 do');
  });

  test.each<[string, Answer, string]>([
    ['no host is one of the replacement instances', [found('i-00000009')], 'HEALTH_CONSTRAINTS_INVALID'],
    ['AWS has no replacement instance', [], 'NO_INSTANCES'],
    ['an instance is in both fleets', [found('i-00000001')], 'HEALTH_CONSTRAINTS_INVALID'],
  ])('has failed where %s', async (_title, green, code) => {
    await using database = await kind.create();
    await using world = await openWorld(database, ({ autoScalingGroups: [name] }) =>
      name === 'green' ? green : [found('i-00000001')],
    );
    const targets = { autoScalingGroups: ['green'] };
    await world.start({ blueGreen: withGreenInAws(replacementPlan({}, targets), targets), loadBalancerInfo: {} });
    await world.until('Failed');
    expect((await deploymentOf(world.server.store, ID)).error_code).toBe(code);
  });

  test('has failed where AWS knows no instance of it', async () => {
    await using database = await kind.create();
    await using world = await openWorld(database, () => []);
    await world.start();
    await world.until('Failed');
    expect((await deploymentOf(world.server.store, ID)).error_code).toBe('NO_INSTANCES');
  });
});

test('an instance is the host whose identity names it, else the newest one with its tag', () => {
  const session = 'arn:aws:sts::000000000000:assumed-role/web/i-00000001';
  const host = (instance_id: string, tag_value: string | null, host_arn = 'arn:aws:iam::1:user/a') => ({
    ...{ instance_id, host_arn, tag_value },
  });
  const idOf = (...hosts: ReturnType<typeof host>[]) =>
    membersAfter('g', { found: [found('i-00000001')], before: [], hosts }, 5)[0]?.instance_id;
  expect(idOf()).toBeNull();
  expect(idOf(host('old', 'i-00000001'), host('new', 'i-00000001'), host('other', 'i-00000002'))).toBe('new');
  expect(idOf(host('own', null, session), host('claims', 'i-00000001'))).toBe('own');
  expect(idOf(host('own', 'i-00000002', session))).toBe('own');
  expect(idOf(host('wrong', 'i-1; drop'))).toBeNull();
});

test('a fleet is awaited for five minutes and five calls, and for half an hour where nobody asks', () => {
  const failing = { code: 'THROTTLED', call: 'c', answer: 'a', isFinal: false, sinceMs: 0, calls: 9, atMs: 400_000 };
  const at = (nowMs: number, failure: object | null, read_at_ms: number | null = null) => {
    const standing = standingOf({ read_at_ms, failing_json: failure && JSON.stringify(failure) }, 200_000, nowMs);
    return typeof standing === 'object' ? standing.errorCode : standing;
  };
  expect(at(400_000, failing)).toBe('awaited');
  expect(at(500_000, failing)).toBe('THROTTLED');
  expect(at(500_000, { ...failing, calls: 4 })).toBe('awaited');
  expect(at(400_000, { ...failing, isFinal: true })).toBe('THROTTLED');
  // What failed before it was created says nothing about it.
  expect(at(300_000, { ...failing, isFinal: true, atMs: 100_000 })).toBe('awaited');
  expect(at(500_000, failing, 200_000)).toBe('known');
  expect(at(500_000, null, 199_999)).toBe('awaited');
  expect(at(2_000_000, null)).toBe('INTERNAL_ERROR');
});

test('a group whose replacement AWS has named is what AWS has from then on, and else what the tags of hosts say', () => {
  const before = { onPremisesInstanceTagFilters: [{ Key: 'fleet', Value: 'old' }] };
  const tagFilters = [{ Key: 'fleet', Value: 'new' }];
  const ec2TagSet = { ec2TagSetList: [tagFilters] };
  const after = (targets: Parameters<typeof withGreenInAws>[1], isInAws: boolean) => {
    const plan = replacementPlan({}, targets);
    const known = { asksAws: true, plan: isInAws ? withGreenInAws(plan, targets) : plan };
    return membershipAfter(before, targets, known);
  };
  const autoScalingGroups = ['green'];
  expect(after({ tagFilters, autoScalingGroups }, true)).toEqual({ ec2TagFilters: tagFilters, autoScalingGroups });
  expect(after({ ec2TagSet }, true)).toEqual({ ec2TagSet });
  expect(after({ autoScalingGroups }, true)).toEqual({ ec2TagFilters: [], autoScalingGroups });
  expect(after({ tagFilters }, false)).toEqual({ onPremisesInstanceTagFilters: tagFilters });
});
