/** Every operation of the API, through the server's door: by requests of our own, and by the AWS SDK. */
import * as sdk from '@aws-sdk/client-codedeploy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CodeDeployOperation } from '../../../src/protocol/management/shapes.ts';
import { OPERATION_NAMES, OPERATIONS, requestOf } from './operations/all.ts';
import type { Members } from './operations/operation.ts';
import { createWorld, type World } from './operations/world.ts';

describe('each operation', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  // In the order of the table: what one makes, a later one deletes.
  test('carries out its request of the table, or refuses it for its one reason', async () => {
    const answers: [CodeDeployOperation, string][] = [];
    for (const name of OPERATION_NAMES) {
      const answer = await world.call(name, requestOf(OPERATIONS[name], {}, world)).then(
        () => 'done',
        (error: { type: string }) => error.type,
      );
      answers.push([name, answer]);
    }
    expect(answers).toEqual(OPERATION_NAMES.map((name) => [name, OPERATIONS[name].alwaysRefused ?? 'done']));
  });
});

describe('the AWS SDK', () => {
  let world: World;
  let client: sdk.CodeDeployClient;
  beforeAll(async () => {
    world = await createWorld();
    const { server, key: credentials } = world;
    client = new sdk.CodeDeployClient({ region: 'us-east-1', endpoint: server.url, credentials, maxAttempts: 1 });
  });
  afterAll(async () => {
    client.destroy();
    await world[Symbol.asyncDispose]();
  });

  const firsts = new Map(
    OPERATION_NAMES.flatMap((operation) =>
      Object.entries(OPERATIONS[operation].refused).map(([exception, changes]) => {
        return [exception, { operation, exception, change: [changes].flat()[0] ?? {} }] as const;
      }),
    ),
  );
  // Its model is older than the newest exception, and it sends no member that it does not know.
  firsts.delete('InvalidAutoScalingGroupProcessToSuspendException');

  test.each([...firsts.values()])('throws $exception, a class of its own, for $operation', async (one) => {
    const { operation, exception, change } = one;
    const request = withDates(requestOf(OPERATIONS[operation], change, world));
    const Command = classOf<new (input: Members) => never>(`${operation}Command`);
    const error: unknown = await client.send(new Command(request)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(classOf(exception));
    expect(error).toMatchObject({ name: exception, $fault: 'client' });
  });

  test('reads the predefined configurations of all platforms, with their values and a time', async () => {
    const { deploymentConfigsList = [] } = await client.send(new sdk.ListDeploymentConfigsCommand({}));
    const names = deploymentConfigsList.filter((name) => name.startsWith('CodeDeployDefault.'));
    expect(names).toHaveLength(17);
    const read = async (deploymentConfigName: string) =>
      (await client.send(new sdk.GetDeploymentConfigCommand({ deploymentConfigName }))).deploymentConfigInfo;
    const infos = await Promise.all(names.map(read));
    expect(new Set(infos.map((info) => info?.deploymentConfigId)).size).toBe(17);
    for (const info of infos) {
      expect(info?.createTime?.getFullYear()).toBeGreaterThan(2013);
      const { minimumHealthyHosts, trafficRoutingConfig } = info ?? {};
      expect([minimumHealthyHosts === undefined, trafficRoutingConfig === undefined]).toEqual(
        info?.computePlatform === 'Server' ? [false, true] : [true, false],
      );
    }
    expect(await read('CodeDeployDefault.LambdaLinear10PercentEvery1Minute')).toMatchObject({
      computePlatform: 'Lambda',
      trafficRoutingConfig: { type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 10, linearInterval: 1 } },
    });
    expect(await read('CodeDeployDefault.ECSCanary10Percent15Minutes')).toMatchObject({
      computePlatform: 'ECS',
      trafficRoutingConfig: { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 10, canaryInterval: 15 } },
    });
    expect(await read('CodeDeployDefault.ECSAllAtOnce')).toMatchObject({ trafficRoutingConfig: { type: 'AllAtOnce' } });
  });
});

function classOf<Class = new () => Error>(name: string): Class {
  return (sdk as unknown as Readonly<Record<string, Class>>)[name] as Class;
}

/** The SDK takes times as dates. */
function withDates(request: Members): Members {
  const range = request['createTimeRange'] as Members | undefined;
  if (range === undefined) return request;
  const dates = Object.entries(range).map(([name, seconds]) => [name, new Date(Number(seconds) * 1000)]);
  return { ...request, createTimeRange: Object.fromEntries(dates) };
}
