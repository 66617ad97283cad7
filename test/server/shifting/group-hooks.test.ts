/** Hooks that a deployment group has, what they get, and the trial before they are taken. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { runCli } from '../../../src/cli/program.ts';
import type { ManagementOperations } from '../../../src/protocol/management/shapes.ts';
import { capturedContext } from '../../support/cli-context.ts';
import { answeringServer } from '../../support/http-server.ts';
import { type HookEvent, makeAlias } from '../../support/lambda-stand-in.ts';
import {
  APPLICATION,
  appSpec,
  contentRevision,
  GROUP,
  type LambdaWorld,
  lambdaWorld,
} from '../../support/lambda-world.ts';
import { scratchFolder } from '../../support/scratch.ts';

const scratch = scratchFolder();
const NAMES = { applicationName: APPLICATION, deploymentGroupName: GROUP };
const PARAMETERS = [
  { name: 'stage', value: 'live' },
  { name: 'Note', value: 'a b' },
];
type Wanted = Omit<ManagementOperations['PutDeploymentGroupHooks']['input'], keyof typeof NAMES>;

let world: LambdaWorld;
let receiver: Awaited<ReturnType<typeof answeringServer>>;

beforeAll(async () => {
  receiver = await answeringServer(() => ({ body: '{"status":"Succeeded"}' }));
  const command = ['/bin/sh', '-c', `env | grep ^SLIPWAY_PARAMETER_ > ${scratch.at('environment')}`];
  const hooks = {
    smoke: { kind: 'webhook', url: receiver.url, secret: '0123456789abcdef' },
    program: { kind: 'program', command },
  };
  writeFileSync(scratch.at('hooks.json'), JSON.stringify(hooks));
  const setEnv = (env: Readonly<Record<string, string>>) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  };
  world = await lambdaWorld(setEnv, { hooksFile: scratch.at('hooks.json') });
  await world.group(GROUP);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
  vi.unstubAllEnvs();
});

/** Payloads that the function `check` was called with. */
const called: HookEvent[] = [];
/** Requests that the webhook had before the test. */
let asked = 0;
const received = () => receiver.received.slice(asked);
beforeEach(async () => {
  makeAlias(world.lambda, 'shop:live');
  world.lambda.functions.clear();
  world.lambda.fault = () => null;
  world.lambda.functions.set('check', async (event) => {
    called.push(event);
    await world.client.call('PutLifecycleEventHookExecutionStatus', {
      ...{ deploymentId: event.DeploymentId, lifecycleEventHookExecutionId: event.LifecycleEventHookExecutionId },
      status: 'Succeeded',
    });
  });
  asked = receiver.received.length;
  for (const list of [called, world.lambda.calls]) list.length = 0;
  await put({});
});

const put = (wanted: Wanted) => world.client.call('PutDeploymentGroupHooks', { ...NAMES, ...wanted });
const shown = () => world.client.call('DescribeDeploymentGroupHooks', NAMES);
const ofBefore = (hook: string) => ({ hooks: [{ lifecycleEventName: 'BeforeAllowTraffic', hook }] });
const deployed = async (hooks: Readonly<Record<string, string>> = {}) =>
  world.ended(await world.deploy({ content: appSpec(hooks) }));

describe('a hook of the group', () => {
  test('is called for an event that the AppSpec file has no hook for, with exactly the two documented members', async () => {
    await put(ofBefore('check'));
    expect(await deployed()).toMatchObject({ status: 'Succeeded' });
    expect(called.map((event) => Object.keys(event))).toEqual([['DeploymentId', 'LifecycleEventHookExecutionId']]);
  });

  test('gives way to the hook that the AppSpec file has for the event', async () => {
    await put(ofBefore('check'));
    expect(await deployed({ BeforeAllowTraffic: 'hook:smoke' })).toMatchObject({ status: 'Succeeded' });
    expect(called).toEqual([]);
    expect(received()).toHaveLength(1);
  });

  test('is in the plan of a deployment', async () => {
    await put(ofBefore('check'));
    const revision = contentRevision(appSpec()) as ManagementOperations['PlanDeployment']['input']['revision'];
    const { calls } = await world.client.call('PlanDeployment', { ...NAMES, revision });
    expect(calls).toContainEqual({ event: 'BeforeAllowTraffic', minute: null, call: 'Invoke check', answer: null });
  });

  test('stays with the group when UpdateDeploymentGroup changes something else, and no answer of CodeDeploy shows it', async () => {
    await put(ofBefore('check'));
    await world.client.call('UpdateDeploymentGroup', {
      applicationName: APPLICATION,
      currentDeploymentGroupName: GROUP,
      deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
    });
    expect(await shown()).toEqual({ ...ofBefore('check'), parameters: [], payload: 'DOCUMENTED' });
    const { deploymentGroupInfo } = await world.client.call('GetDeploymentGroup', NAMES);
    expect(JSON.stringify(deploymentGroupInfo)).not.toContain('check');
  });

  test('a hook of the group that is taken away while a deployment runs is still called by that deployment', async () => {
    const others: Promise<unknown>[] = [];
    world.lambda.fault = ({ operation }) => {
      if (operation === 'GetAlias' && others.length === 0) others.push(put({}));
      return null;
    };
    await put(ofBefore('check'));
    expect(await deployed()).toMatchObject({ status: 'Succeeded' });
    await Promise.all(others);
    expect(others).toHaveLength(1);
    expect(called).toHaveLength(1);
  });
});

describe('parameters of the group', () => {
  test('come to a function behind the documented members, with the group and the event', async () => {
    await put({ ...ofBefore('check'), parameters: PARAMETERS });
    const { deploymentId, status } = await deployed();
    expect(status).toBe('Succeeded');
    const [event] = called as unknown as Readonly<Record<string, string>>[];
    expect(Object.entries(event ?? {})).toEqual([
      ['DeploymentId', deploymentId],
      ['LifecycleEventHookExecutionId', expect.any(String)],
      ['DeploymentGroupName', GROUP],
      ['Event', 'BeforeAllowTraffic'],
      ['stage', 'live'],
      ['Note', 'a b'],
    ]);
  });

  test('come to a webhook and to a program, also where the AppSpec file names them', async () => {
    await put({ parameters: PARAMETERS });
    const hooks = { BeforeAllowTraffic: 'hook:smoke', AfterAllowTraffic: 'hook:program' };
    expect(await deployed(hooks)).toMatchObject({ status: 'Succeeded' });
    expect(JSON.parse(String(received()[0]?.body))).toMatchObject({
      ...{ LifecycleEvent: 'BeforeAllowTraffic', Event: 'BeforeAllowTraffic', DeploymentGroupName: GROUP },
      ...{ stage: 'live', Note: 'a b' },
    });
    const lines = readFileSync(scratch.at('environment'), 'utf8').trim().split('\n').sort();
    expect(lines).toEqual(['SLIPWAY_PARAMETER_Note=a b', 'SLIPWAY_PARAMETER_stage=live']);
  });

  test('are not needed to have the group and the event in the payload', async () => {
    await put({ ...ofBefore('check'), payload: 'EXTENDED' });
    await deployed();
    expect(Object.keys(called[0] ?? {}).slice(2)).toEqual(['DeploymentGroupName', 'Event']);
  });
});

describe('a group takes no hook', () => {
  const denied = {
    status: 403,
    code: 'AccessDeniedException',
    message: 'not authorized to perform: lambda:InvokeFunction',
  };
  test.each<[string, () => void, Wanted, string]>([
    [
      'that the server may not call, and names the right',
      () => {
        world.lambda.fault = ({ operation }) => (operation === 'Invoke DryRun' ? denied : null);
      },
      ofBefore('check'),
      "The hook check of BeforeAllowTraffic may not be called: the server's keys need the right lambda:InvokeFunction on it",
    ],
    [
      'that is no function',
      () => undefined,
      ofBefore('gone'),
      'gone of BeforeAllowTraffic is no function of this region',
    ],
    [
      'while Lambda throttles the trial',
      () => {
        world.lambda.fault = () => ({ status: 429, code: 'TooManyRequestsException' });
      },
      ofBefore('check'),
      'could not be tried just now: ask again',
    ],
    [
      'while Lambda answers no trial',
      () => {
        world.lambda.fault = () => 'hang up before';
      },
      ofBefore('check'),
      'could not be tried just now: ask again',
    ],
    [
      'that the server’s file does not have',
      () => undefined,
      ofBefore('hook:nobody'),
      'the file behind --hooks of the server has no nobody',
    ],
  ])('%s', async (_, arrange, wanted, why) => {
    const before = await put({ ...ofBefore('hook:smoke'), parameters: PARAMETERS });
    arrange();
    await expect(put(wanted)).rejects.toMatchObject({
      type: 'ValidationException',
      message: expect.stringContaining(why),
    });
    expect(await shown()).toEqual(before);
    expect(called).toEqual([]);
  });

  test.each<[string, object, string]>([
    [
      'of an event without hooks',
      { hooks: [{ lifecycleEventName: 'AllowTraffic', hook: 'check' }] },
      'hooks[0].lifecycleEventName must be',
    ],
    [
      'of an event of ECS alone',
      { hooks: [{ lifecycleEventName: 'AfterInstall', hook: 'check' }] },
      'hooks[0].lifecycleEventName must be',
    ],
    ['with a name that is none', ofBefore('a b'), 'hooks[0].hook must be'],
    [
      'twice for one event',
      { hooks: [...ofBefore('check').hooks, ...ofBefore('check').hooks] },
      'BeforeAllowTraffic has a hook already',
    ],
  ])('%s', async (_, wanted, why) => {
    await expect(put(wanted as Wanted)).rejects.toMatchObject({ message: expect.stringContaining(why) });
  });
});

test.each<[string, object, string]>([
  [
    'with the name of a member that hooks get anyway',
    { parameters: [{ name: 'DeploymentId', value: 'x' }] },
    'a member that hooks get anyway',
  ],
  [
    'with a name that is no variable’s',
    { parameters: [{ name: '__proto__', value: 'x' }] },
    'must begin with a letter',
  ],
  ['that is given twice', { parameters: [...PARAMETERS, ...PARAMETERS] }, 'stage is given twice'],
  [
    'that is too long',
    { parameters: [{ name: 'a', value: 'x'.repeat(1_025) }] },
    'has 1025 characters; 1024 is the limit',
  ],
  [
    'beyond the twentieth',
    { parameters: Array.from({ length: 21 }, (_, at) => ({ name: `a${at}`, value: '' })) },
    '20 is the limit',
  ],
  ['in the documented payload', { parameters: PARAMETERS, payload: 'DOCUMENTED' }, 'has no room for parameters'],
])('a group takes no parameter %s', async (_, wanted, why) => {
  await expect(put(wanted as Wanted)).rejects.toMatchObject({ message: expect.stringContaining(why) });
});

test('a group of hosts takes no hooks', async () => {
  await world.client.call('CreateApplication', { applicationName: 'hosts' });
  const names = { applicationName: 'hosts', deploymentGroupName: GROUP };
  await expect(world.client.call('PutDeploymentGroupHooks', names)).rejects.toMatchObject({
    type: 'InvalidComputePlatformException',
  });
});

test('slipway groups hooks sets and shows hooks, and groups show has them', async () => {
  const { accessKeyId, secretAccessKey } = await world.server.key('admin');
  const slipway = async (...args: readonly string[]) => {
    const ctx = capturedContext({
      env: {
        ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: 'us-east-1' },
        SLIPWAY_ENDPOINT_URL: world.server.url,
      },
    });
    expect(await runCli(args, ctx)).toBe(0);
    return ctx.printed();
  };
  const given = ['--hook', 'beforeallowtraffic=check', '--hook-parameter', 'stage=live'];
  await slipway('groups', 'hooks', 'shop/live', ...given);
  expect(await slipway('groups', 'hooks', 'shop/live')).toMatch(
    /hooks +BeforeAllowTraffic=check\n.*stage=live\n.*extended/,
  );
  expect(await slipway('groups', 'show', 'shop/live')).toContain('BeforeAllowTraffic=check');
  await slipway('groups', 'hooks', 'shop/live', '--none');
  expect(await shown()).toEqual({ hooks: [], parameters: [], payload: 'DOCUMENTED' });
});
