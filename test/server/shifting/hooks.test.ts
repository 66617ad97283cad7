/** Hooks without Lambda: a deployment that asks a webhook and a program, and an AppSpec file that names a hook which there is not. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ManagementClient } from '../../../src/protocol/management/client.ts';
import { eventually } from '../../support/eventually.ts';
import { managementClient } from '../../support/hand-driven-host.ts';
import { type Answer, answeringServer } from '../../support/http-server.ts';
import { makeAlias, percentOfTwo } from '../../support/lambda-stand-in.ts';
import { appSpec, type LambdaWorld, lambdaWorld } from '../../support/lambda-world.ts';
import { rawS3 } from '../../support/raw-s3.ts';
import { scratchFolder } from '../../support/scratch.ts';

const SECRET = '0123456789abcdef';
const HOOKS = { BeforeAllowTraffic: 'smoke', AfterAllowTraffic: 'hook:program' };
const scratch = scratchFolder();

let world: LambdaWorld;
let answering: ManagementClient;
let receiver: Awaited<ReturnType<typeof answeringServer>>;
let answer: () => Answer = () => ({});

beforeAll(async () => {
  receiver = await answeringServer(() => answer());
  const program = { kind: 'program', command: ['/bin/sh', '-c', `test ! -e ${scratch.at('bad')}`] };
  const hooks = { smoke: { kind: 'webhook', url: receiver.url, secret: SECRET }, program };
  writeFileSync(scratch.at('hooks.json'), JSON.stringify(hooks));
  const setEnv = (env: Readonly<Record<string, string>>) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  };
  world = await lambdaWorld(setEnv, { hooksFile: scratch.at('hooks.json') });
  await world.group('live');
  const scope = { groups: ['shop/live'] };
  answering = managementClient(world.server.url, await world.client.call('CreateAccessKey', { role: 'hook', scope }));
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
  vi.unstubAllEnvs();
});
beforeEach(() => {
  world.lambda.calls.length = 0;
  makeAlias(world.lambda, 'shop:live');
});

const weight = () => percentOfTwo(world.lambda.aliases.get('shop:live') ?? makeAlias(world.lambda, 'shop:live'));
const lastPayload = () => JSON.parse(String(receiver.received.at(-1)?.body)) as Readonly<Record<string, string>>;
/** With a key that may do nothing else. */
const put = (status: 'Succeeded' | 'Failed') => {
  const { DeploymentId: deploymentId = '', LifecycleEventHookExecutionId: id = '' } = lastPayload();
  return answering.call('PutLifecycleEventHookExecutionStatus', {
    ...{ deploymentId, lifecycleEventHookExecutionId: id, status },
  });
};
/** A deployment whose webhook was called, and has said that it answers later. */
const waiting = async () => {
  const before = receiver.received.length;
  answer = () => ({ status: 202 });
  const id = await world.deploy({ content: appSpec(HOOKS) });
  await eventually(() => receiver.received.length > before);
  await eventually(async () => {
    const event = (await world.target(id)).lifecycleEvents?.find(({ status }) => status === 'InProgress');
    return event?.diagnostics?.message?.includes('is waited for') === true;
  });
  return id;
};

describe('a deployment with a webhook and a program', () => {
  test('asks both, and no function', async () => {
    answer = () => ({ body: '{"status":"Succeeded"}' });
    const id = await world.deploy({ content: appSpec(HOOKS) });
    expect(await world.ended(id)).toMatchObject({ status: 'Succeeded' });
    expect(lastPayload()).toMatchObject({ DeploymentId: id, LifecycleEvent: 'BeforeAllowTraffic' });
    expect(world.lambda.calls.filter(({ operation }) => operation === 'Invoke')).toEqual([]);
    expect(weight()).toBe(100);
  });

  test('fails at once when the webhook answers an error', async () => {
    answer = () => ({ status: 500, body: 'no database' });
    const { errorInformation } = await world.ended(await world.deploy({ content: appSpec(HOOKS) }));
    expect(errorInformation).toEqual({
      code: 'HOOK_EXECUTION_FAILURE',
      message: 'The hook smoke of BeforeAllowTraffic failed: 500 no database',
    });
    expect(weight()).toBe(0);
  });

  test('fails when the program ends with another status than 0', async () => {
    answer = () => ({ body: '{"status":"Succeeded"}' });
    writeFileSync(scratch.at('bad'), '');
    const { errorInformation } = await world.ended(await world.deploy({ content: appSpec(HOOKS) }));
    expect(errorInformation).toEqual({
      code: 'HOOK_EXECUTION_FAILURE',
      message: 'The hook hook:program of AfterAllowTraffic answered Failed: exit 1: exit 1',
    });
  });

  test('takes the answer of a webhook later, by the API, and one alone', async () => {
    const id = await waiting();
    const answers = await Promise.allSettled([put('Failed'), put('Failed'), put('Failed')]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
    await expect(put('Succeeded')).rejects.toMatchObject({ type: 'LifecycleEventAlreadyCompletedException' });
    expect(await world.ended(id)).toMatchObject({ errorInformation: { code: 'HOOK_EXECUTION_FAILURE' } });
  });
});

describe('a stop while a hook is waited for', () => {
  test('a stop with a rollback does not wait, and the answer comes too late', async () => {
    const id = await waiting();
    await world.client.call('StopDeployment', { deploymentId: id, autoRollbackEnabled: true });
    expect(await world.ended(id)).toMatchObject({ status: 'Stopped' });
    await expect(put('Succeeded')).rejects.toMatchObject({ type: 'LifecycleEventAlreadyCompletedException' });
    expect(weight()).toBe(0);
  });
});

test('an AppSpec file that names a hook which the server has not is refused before anything moves', async () => {
  const content = appSpec({ AfterAllowTraffic: 'hook:smoek' });
  const { errorInformation } = await world.ended(await world.deploy({ content }));
  expect(errorInformation).toMatchObject({
    code: 'INVALID_REVISION',
    message: expect.stringContaining('has no smoek'),
  });
  expect(world.lambda.calls).toEqual([]);
});

describe('a key of the role hook', () => {
  test('may look at nothing, neither by the API nor in the revision store', async () => {
    const key = await world.server.key('hook');
    const client = managementClient(world.server.url, key);
    await expect(client.call('ListApplications', {})).rejects.toMatchObject({ type: 'AccessDeniedException' });
    const send = rawS3(world.server.s3Url, key);
    expect((await send({ method: 'GET', target: '/revisions/shop/appspec.yaml' })).status).toBe(403);
  });

  test.each([
    [{ groups: ['shop/other'] }, 'AccessDeniedException', 'It is limited to groups shop/other'],
    [{ groups: ['shop/live'], hostTags: [{ Key: 'a', Value: 'b' }] }, 'ValidationException', 'chooses no hosts'],
  ])('is limited to what it is made for: %j', async (scope, type, why) => {
    const refused = async () => {
      const key = await world.client.call('CreateAccessKey', { role: 'hook', scope });
      const id = await world.deploy();
      await world.ended(id);
      await managementClient(world.server.url, key).call('PutLifecycleEventHookExecutionStatus', {
        ...{ deploymentId: id, lifecycleEventHookExecutionId: 'x', status: 'Succeeded' },
      });
    };
    await expect(refused()).rejects.toMatchObject({ type, message: expect.stringContaining(why) });
  });
});
