/** PlanDeployment for ECS: what it says is what a deployment then does, and it changes nothing itself. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runCli } from '../../../src/cli/program.ts';
import { capturedContext } from '../../support/cli-context.ts';
import { type EcsSite, ecsAppSpec, ecsGroup, ecsSite } from '../../support/ecs-site.ts';
import { createEcsWorld, type EcsWorld } from '../../support/ecs-world.ts';
import { forwardTo, GROUPS, ofNetwork, PRODUCTION } from '../../support/elb-world.ts';
import { scratchFolder } from '../../support/scratch.ts';

const [BLUE, GREEN] = GROUPS;
const CANARY = 'CodeDeployDefault.ECSCanary10Percent5Minutes';

let site: EcsSite;
beforeAll(async () => {
  site = await ecsSite((env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  });
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
});

const changing = () => site.aws.calls.map(({ action }) => action).filter((action) => !/^(Describe|List)/.test(action));

async function planned(deploymentConfigName?: string, content = ecsAppSpec(2)) {
  return site.client.call('PlanDeployment', {
    ...site.names(),
    ...(deploymentConfigName === undefined ? {} : { deploymentConfigName }),
    revision: { revisionType: 'AppSpecContent', appSpecContent: { content } },
  });
}

const network = () => {
  const { loadBalancerInfo } = ecsGroup(true);
  return { loadBalancerInfo: JSON.parse(ofNetwork(JSON.stringify(loadBalancerInfo)).replace('/app/', '/net/')) };
};

test.each<[string, string | undefined, () => EcsWorld, object]>([
  ['a canary', CANARY, () => createEcsWorld(), {}],
  ['a Network Load Balancer', undefined, () => createEcsWorld({ isNetwork: true }), network()],
])(
  'the plan of %s names each change that the deployment then makes, in its order, and makes none',
  async (_, config, make, settings) => {
    const world = make();
    world.add({ group: BLUE, status: 'PRIMARY' });
    await site.fresh(world, settings);
    const { calls, errorInformation } = await planned(config);
    expect(errorInformation).toBeUndefined();
    expect(changing()).toEqual([]);
    const changes = calls
      .map(({ call }) => call.split(' ')[0] ?? '')
      .filter((action) => !/^(Describe|Invoke)/.test(action));
    const id = await site.deploy(config === undefined ? {} : { deploymentConfigName: config });
    expect(await site.ended(id)).toMatchObject({ status: 'Succeeded' });
    expect(changing()).toEqual(changes);
  },
);

test('the plan of the first deployment of a service makes its first task set at once, and deletes none', async () => {
  await site.fresh(createEcsWorld());
  const { calls } = await planned(CANARY);
  expect(calls.filter(({ answer, call }) => answer === null && !call.startsWith('Describe'))).toMatchObject([
    { event: 'Install', call: expect.stringContaining('CreateTaskSet shop') },
    { event: 'AllowTestTraffic', call: expect.stringMatching(/^ModifyListener .*: test traffic to shop-a$/) },
    { event: 'AllowTraffic', minute: 0, call: expect.stringMatching(/^ModifyListener .*: 100% to shop-a$/) },
    { event: 'AllowTraffic', minute: 0, call: expect.stringMatching(/^ModifyRule .*: 100% to shop-a$/) },
    { event: 'AllowTraffic', minute: 0, call: expect.stringContaining('UpdateServicePrimaryTaskSet') },
  ]);
});

test('the command shows what is read now, the hooks, and the minute of each shift', async () => {
  const world = createEcsWorld();
  world.add({ group: BLUE, status: 'PRIMARY' });
  await site.fresh(world);
  using scratch = scratchFolder();
  writeFileSync(scratch.at('appspec.json'), ecsAppSpec(2, { BeforeInstall: 'look' }));
  const { accessKeyId, secretAccessKey } = await site.server.key('admin');
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const ctx = capturedContext({
    env: { ...env, SLIPWAY_ENDPOINT_URL: site.server.url },
    workingDirectory: scratch.path,
  });
  const { applicationName } = site.names();
  const status = await runCli(
    ['plan', '--appspec', 'appspec.json', '--group', `${applicationName}/live`, '--config', CANARY],
    ctx,
  );
  expect(status).toBe(0);
  const printed = ctx.printed();
  for (const words of [
    /→ ecs-svc\/\d+ \(PRIMARY, \S+\) in shop-a: 2 of 2 running/,
    /→ app\/front\/\S+: 0% to shop-b; app\/front\/\S+: 0% to shop-b/,
    /→ it has the container web with the port 8080/,
    /BeforeInstall {2,}Invoke look/,
    /AllowTraffic {2,}\+5 min {2,}ModifyRule \S+: 100% to shop-b/,
  ]) {
    expect(printed).toMatch(words);
  }
});

test('a service that cannot be deployed to has no plan: the answer says why, and nothing is changed', async () => {
  const world = createEcsWorld();
  world.add({ group: BLUE, status: 'PRIMARY' });
  world.places.set(PRODUCTION, [forwardTo('other')]);
  for (const place of world.places.keys()) world.places.set(place, [forwardTo('other')]);
  await site.fresh(world);
  const { calls, errorInformation } = await planned();
  expect(calls).toEqual([]);
  expect(errorInformation).toMatchObject({
    code: 'ELASTIC_LOAD_BALANCING_INVALID',
    message: expect.stringContaining('forward to neither'),
  });
  expect(world.shareOf(PRODUCTION, GREEN)).toBe(0);
  expect(changing()).toEqual([]);
});
