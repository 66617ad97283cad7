/** Limits of minutes in deployments to ECS, with a clock that a test sets on: what AWS takes without effect, and a deletion that waits for it. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { AwsRefusal } from '../../support/aws-stand-in.ts';
import { type LeapingClock, leapingClock } from '../../support/clock.ts';
import { type EcsSite, ecsSite } from '../../support/ecs-site.ts';
import { createEcsWorld } from '../../support/ecs-world.ts';
import { GROUPS, PRODUCTION, RULE } from '../../support/elb-world.ts';
import { eventually } from '../../support/eventually.ts';

const [BLUE, GREEN] = GROUPS;
const LONG = { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 30, canaryInterval: 2_880 } } as const;

let site: EcsSite;
let clock: LeapingClock;
beforeAll(async () => {
  clock = leapingClock();
  site = await ecsSite((env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  }, clock);
  const config = { deploymentConfigName: 'long', computePlatform: 'ECS', trafficRoutingConfig: LONG } as const;
  await site.client.call('CreateDeploymentConfig', config);
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
});
beforeEach(async () => {
  const world = createEcsWorld();
  world.add({ group: BLUE, status: 'PRIMARY' });
  await site.fresh(world);
});

const isChange = (action: string) => /^Modify(Listener|Rule)$/.test(action);

test('a change that AWS takes and that no look shows is given up after ten minutes, with the call and its answer', async () => {
  let taken = 0;
  site.world.before = ({ action }) => {
    // Install has its effect, and so have the listener's own actions: the rule is left behind.
    if (action !== 'ModifyRule' || site.world.taskSets.length < 2) return undefined;
    taken += 1;
    return {};
  };
  const id = await site.deploy();
  await eventually(() => taken >= 3);
  clock.leap(9 * 60_000);
  const soFar = taken;
  await eventually(() => taken > soFar);
  expect((await site.info(id)).status).toBe('InProgress');
  clock.leap(2 * 60_000);
  const { status, errorInformation } = await site.ended(id);
  expect(status).toBe('Failed');
  expect(errorInformation).toMatchObject({
    code: 'ELASTIC_LOAD_BALANCING_INVALID',
    message: expect.stringMatching(/ModifyRule.*done, and no look has shown its effect for 1[01] minutes/),
  });
  expect(errorInformation?.message).toContain('All production traffic is back');
  expect(site.world.shareOf(PRODUCTION, GREEN)).toBe(0);
});

test('DeleteApplication answers ServiceUnavailable when AWS has not led the traffic back within 20 s, and deletes once it has', async () => {
  await site.deploy({ deploymentConfigName: 'long' });
  await eventually(() => [PRODUCTION, RULE].every((place) => site.world.shareOf(place, GREEN) === 30));
  let refused = 0;
  site.world.before = ({ action }) => {
    if (!isChange(action)) return undefined;
    refused += 1;
    return new AwsRefusal(400, 'Throttling');
  };
  const { applicationName } = site.names();
  const deleting = site.client.call('DeleteApplication', { applicationName }).catch((error: unknown) => error);
  await eventually(() => refused > 0);
  clock.leap(20_000);
  expect(await deleting).toMatchObject({
    ...{ type: 'ServiceUnavailable', status: 503 },
    message: expect.stringMatching(/is not deleted yet: its deployment d-\w+ still leads traffic to one version/),
  });
  await expect(site.client.call('GetApplication', { applicationName })).resolves.toBeDefined();
  site.world.before = () => undefined;
  await eventually(async () => {
    try {
      await site.client.call('DeleteApplication', { applicationName });
      return true;
    } catch (error) {
      if ((error as { readonly type?: unknown }).type !== 'ServiceUnavailable') throw error;
      return false;
    }
  });
  expect(site.world.shareOf(PRODUCTION, GREEN)).toBe(0);
  // The next application takes the name away from none.
  await site.client.call('CreateApplication', { applicationName, computePlatform: 'ECS' });
});
