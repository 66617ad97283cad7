/** Deployments to Lambda: a server as users have it, a stand-in of Lambda, and hooks that answer by the API. */
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ZipFile } from 'yazl';
import { eventually } from '../../support/eventually.ts';
import { type Fault, makeAlias, percentOfTwo } from '../../support/lambda-stand-in.ts';
import { appSpec, type LambdaWorld, lambdaWorld } from '../../support/lambda-world.ts';

const LINEAR = 'CodeDeployDefault.LambdaLinear10PercentEvery1Minute';
const CANARY = 'CodeDeployDefault.LambdaCanary10Percent5Minutes';
/** Longer than any test. */
const SLOW = 'slow';
const ALL_ROLLBACKS = {
  enabled: true,
  events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_REQUEST', 'DEPLOYMENT_STOP_ON_ALARM'],
};
const HOOKS = { BeforeAllowTraffic: 'before', AfterAllowTraffic: 'after' };

let world: LambdaWorld;

beforeAll(async () => {
  world = await lambdaWorld((env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  });
  await world.client.call('CreateDeploymentConfig', {
    deploymentConfigName: SLOW,
    computePlatform: 'Lambda',
    trafficRoutingConfig: {
      type: 'TimeBasedCanary',
      timeBasedCanary: { canaryPercentage: 30, canaryInterval: 2_880 },
    },
  });
  await world.group('live');
  await world.group('safe', { autoRollbackConfiguration: ALL_ROLLBACKS });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
});
beforeEach(() => {
  const { lambda } = world;
  for (const list of [lambda.aliases, lambda.functions, lambda.provisioned]) list.clear();
  lambda.calls.length = 0;
  lambda.history.length = 0;
  lambda.fault = () => null;
  makeAlias(lambda, 'shop:live');
});

/** A zip of files by their names. */
async function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  return buffer(zip.outputStream);
}

const weight = () => percentOfTwo(world.lambda.aliases.get('shop:live') ?? makeAlias(world.lambda, 'shop:live'));
const put = (deploymentId: string, id: string, status: string) =>
  world.client.call('PutLifecycleEventHookExecutionStatus', {
    deploymentId,
    lifecycleEventHookExecutionId: id,
    status: status as 'Succeeded',
  });
/** A hook that answers while it runs. */
const answering = (status: string) => async (event: { DeploymentId: string; LifecycleEventHookExecutionId: string }) =>
  void (await put(event.DeploymentId, event.LifecycleEventHookExecutionId, status));
const countOf = (operation: string) => world.lambda.calls.filter((call) => call.operation === operation).length;
const eventsOf = async (deploymentId: string) =>
  (await world.target(deploymentId)).lifecycleEvents?.map(
    ({ lifecycleEventName, status }) => `${lifecycleEventName} ${status}`,
  );

test('DeleteApplication while traffic moves leads all of it back to the old version first', async () => {
  const names = { applicationName: 'short-lived', deploymentGroupName: 'live' };
  await world.client.call('CreateApplication', { applicationName: names.applicationName, computePlatform: 'Lambda' });
  const group = { ...names, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' };
  await world.client.call('CreateDeploymentGroup', group);
  await world.deploy({ ...names, deploymentConfigName: SLOW });
  await eventually(() => weight() === 30);
  await world.client.call('DeleteApplication', { applicationName: names.applicationName });
  expect(weight()).toBe(0);
  await expect(world.client.call('GetApplication', { applicationName: names.applicationName })).rejects.toMatchObject({
    type: 'ApplicationDoesNotExistException',
  });
});

describe('traffic', () => {
  test('goes to the new version at once without a schedule, and the API shows function, versions and weight', async () => {
    const id = await world.deploy();
    expect(await world.ended(id)).toMatchObject({
      status: 'Succeeded',
      computePlatform: 'Lambda',
      deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
      deploymentOverview: { Succeeded: 1, Pending: 0, InProgress: 0, Failed: 0, Skipped: 0, Ready: 0 },
    });
    expect(world.lambda.history).toEqual([100]);
    expect(await world.target(id)).toMatchObject({
      targetId: 'shop',
      targetArn: 'arn:aws:lambda:us-east-1:123456789012:function:shop',
      status: 'Succeeded',
      lambdaFunctionInfo: {
        functionName: 'shop',
        functionAlias: 'live',
        currentVersion: '1',
        targetVersion: '2',
        targetVersionWeight: 100,
      },
    });
    expect(await eventsOf(id)).toEqual([
      'BeforeAllowTraffic Succeeded',
      'AllowTraffic Succeeded',
      'AfterAllowTraffic Succeeded',
    ]);
  });

  test('moves in the steps of a linear and of a canary configuration', async () => {
    await world.ended(await world.deploy({ deploymentConfigName: LINEAR }));
    expect(world.lambda.history).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    makeAlias(world.lambda, 'shop:live');
    world.lambda.history.length = 0;
    await world.ended(await world.deploy({ deploymentConfigName: CANARY }));
    expect(world.lambda.history).toEqual([10, 100]);
  });

  test('is not moved on while provisioned concurrency is not ready', async () => {
    world.lambda.provisioned.set('shop:2', 'FAILED');
    const { status, errorInformation } = await world.ended(await world.deploy({ deploymentConfigName: CANARY }));
    expect({ status, code: errorInformation?.code }).toEqual({
      status: 'Failed',
      code: 'INVALID_LAMBDA_CONFIGURATION',
    });
    expect(errorInformation?.message).toContain('GetProvisionedConcurrencyConfig shop:2');
    expect(weight()).toBe(0);
    expect(world.lambda.history).toEqual([10, 0]);
  });

  test('goes on where Lambda hangs up after an update, or has seen another update meanwhile', async () => {
    const left: Fault[] = ['hang up after', { status: 412, code: 'PreconditionFailedException' }];
    world.lambda.fault = ({ operation }) => (operation === 'UpdateAlias' ? (left.shift() ?? null) : null);
    expect(await world.ended(await world.deploy({ deploymentConfigName: CANARY }))).toMatchObject({
      status: 'Succeeded',
    });
    expect(left).toEqual([]);
    expect(weight()).toBe(100);
  });

  test('is left alone once somebody else has moved the alias', async () => {
    const id = await world.deploy({ deploymentConfigName: CANARY });
    await eventually(() => weight() === 10);
    makeAlias(world.lambda, 'shop:live', { functionVersion: '3', revision: 77 });
    const { errorInformation } = await world.ended(id);
    expect(errorInformation).toMatchObject({ code: 'INVALID_LAMBDA_CONFIGURATION' });
    expect(errorInformation?.message).toContain('version 3');
    expect(world.lambda.aliases.get('shop:live')?.functionVersion).toBe('3');
  });
});

describe('a deployment that cannot begin', () => {
  test.each([
    ['a function that is missing', () => world.lambda.aliases.clear(), 'INVALID_LAMBDA_FUNCTION', 'alias live'],
    [
      'an alias at another version',
      () => makeAlias(world.lambda, 'shop:live', { functionVersion: '3' }),
      'INVALID_LAMBDA_CONFIGURATION',
      'does not match the current version in AppSpec file',
    ],
    [
      'an alias that is divided',
      () => makeAlias(world.lambda, 'shop:live', { weights: { 2: 0.1 } }),
      'INVALID_LAMBDA_CONFIGURATION',
      'aws lambda update-alias --function-name shop --name live --function-version 1',
    ],
  ])('fails before anything moves, with %s', async (_, spoil, code, words) => {
    spoil();
    const { status, errorInformation } = await world.ended(await world.deploy());
    expect({ status, code: errorInformation?.code }).toEqual({ status: 'Failed', code });
    expect(errorInformation?.message).toContain(words);
    expect(countOf('UpdateAlias')).toBe(0);
  });

  test.each([
    [{ ignoreApplicationStopFailures: true }, 'InvalidIgnoreApplicationStopFailuresValueException'],
    [{ updateOutdatedInstancesOnly: true }, 'InvalidUpdateOutdatedInstancesOnlyValueException'],
    [{ targetInstances: { autoScalingGroups: ['a'] } }, 'InvalidTargetInstancesException'],
    [{ deploymentMode: 'RESTART' }, 'InvalidInputException'],
    [{ deploymentConfigName: 'CodeDeployDefault.OneAtATime' }, 'InvalidDeploymentConfigNameException'],
  ])('is refused with what is for hosts: %j', async (members, type) => {
    await expect(world.deploy(members)).rejects.toMatchObject({ type });
  });
});

describe('a revision in the store', () => {
  const inStore = (key: string, bundleType: string, more: object = {}) => ({
    revision: { revisionType: 'S3', s3Location: { bucket: 'revisions', key, bundleType, ...more } },
  });

  test('is read when the deployment begins: a file, or a zip that holds one AppSpec file', async () => {
    await world.upload('shop/appspec.yaml', appSpec());
    expect(await world.ended(await world.deploy(inStore('shop/appspec.yaml', 'YAML')))).toMatchObject({
      status: 'Succeeded',
    });
    makeAlias(world.lambda, 'shop:live');
    await world.upload('shop/bundle.zip', await zipOf({ 'appspec.yaml': appSpec() }));
    expect(await world.ended(await world.deploy(inStore('shop/bundle.zip', 'zip')))).toMatchObject({
      status: 'Succeeded',
    });
    expect(world.lambda.history).toEqual([100, 100]);
  });

  test.each([
    ['is missing', 'shop/nothing.yaml', 'YAML', {}, 'REVISION_MISSING', 's3://revisions/shop/nothing.yaml'],
    ['was replaced', 'shop/wrong.yaml', 'YAML', { eTag: 'another' }, 'INVALID_REVISION', 'ETag'],
    ['is for another platform', 'shop/wrong.yaml', 'YAML', {}, 'INVALID_REVISION', 'AppSpec file for Lambda'],
    ['holds no AppSpec file', 'shop/empty.zip', 'zip', {}, 'INVALID_REVISION', 'no AppSpec file'],
  ])('fails the deployment before anything moves when it %s', async (_, key, bundleType, more, code, words) => {
    await world.upload('shop/wrong.yaml', 'version: 0.0\nos: linux\n');
    await world.upload('shop/empty.zip', await zipOf({ 'other.txt': 'x' }));
    const { errorInformation } = await world.ended(await world.deploy(inStore(key, bundleType, more)));
    expect(errorInformation?.code).toBe(code);
    expect(errorInformation?.message).toContain(words);
    expect(countOf('GetAlias')).toBe(0);
  });
});

describe('hooks', () => {
  test('are called once each with the documented payload, and their answers open the gates', async () => {
    const events: unknown[] = [];
    for (const name of ['before', 'after']) {
      world.lambda.functions.set(name, async (event) => {
        events.push([name, weight(), Object.keys(event)]);
        await answering('Succeeded')(event);
      });
    }
    const id = await world.deploy({ content: appSpec(HOOKS) });
    expect(await world.ended(id)).toMatchObject({ status: 'Succeeded' });
    const members = ['DeploymentId', 'LifecycleEventHookExecutionId'];
    expect(events).toEqual([
      ['before', 0, members],
      ['after', 100, members],
    ]);
  });

  test('stop the deployment before traffic moves when one answers Failed', async () => {
    world.lambda.functions.set('before', answering('Failed'));
    const { errorInformation } = await world.ended(await world.deploy({ content: appSpec(HOOKS) }));
    expect(errorInformation).toMatchObject({ code: 'HOOK_EXECUTION_FAILURE' });
    expect(countOf('UpdateAlias')).toBe(0);
  });

  test('fail at once where the function breaks off or is missing', async () => {
    world.lambda.functions.set('before', () => {
      throw new Error('no database');
    });
    const broken = await world.ended(await world.deploy({ content: appSpec(HOOKS) }));
    expect(broken.errorInformation).toMatchObject({ code: 'HOOK_EXECUTION_FAILURE' });
    expect(broken.errorInformation?.message).toContain('no database');
    world.lambda.functions.clear();
    const missing = await world.ended(await world.deploy({ content: appSpec(HOOKS) }));
    expect(missing.errorInformation?.message).toContain('The hook before of BeforeAllowTraffic could not be called');
    expect(countOf('UpdateAlias')).toBe(0);
  });

  test('answer later by the API, once, with an id of this deployment and one of two words', async () => {
    let executionId = '';
    world.lambda.functions.set('before', (event) => {
      executionId = event.LifecycleEventHookExecutionId;
    });
    const id = await world.deploy({ content: appSpec({ BeforeAllowTraffic: 'before' }) });
    await eventually(() => executionId !== '');
    await expect(put(id, 'another', 'Succeeded')).rejects.toMatchObject({
      type: 'InvalidLifecycleEventHookExecutionIdException',
    });
    await expect(put(id, executionId, 'InProgress')).rejects.toMatchObject({
      type: 'InvalidLifecycleEventHookExecutionStatusException',
    });
    expect(await put(id, executionId, 'Succeeded')).toEqual({ lifecycleEventHookExecutionId: executionId });
    await expect(put(id, executionId, 'Failed')).rejects.toMatchObject({
      type: 'LifecycleEventAlreadyCompletedException',
    });
    expect(await world.ended(id)).toMatchObject({ status: 'Succeeded' });
    expect(countOf('Invoke')).toBe(1);
  });
});

describe('a rollback', () => {
  test('a rollback of a failed deployment is one of its own that leads all traffic back without hooks', async () => {
    world.lambda.functions.set('before', answering('Succeeded'));
    world.lambda.functions.set('after', answering('Failed'));
    const id = await world.deploy({ content: appSpec(HOOKS), group: 'safe' });
    const { rollbackInfo, status } = await world.ended(id);
    expect(status).toBe('Failed');
    expect(rollbackInfo?.rollbackMessage).toContain('version 1');
    const rollback = await world.ended(rollbackInfo?.rollbackDeploymentId ?? '');
    expect(rollback).toMatchObject({
      status: 'Succeeded',
      creator: 'codeDeployRollback',
      rollbackInfo: { rollbackTriggeringDeploymentId: id },
    });
    expect(world.lambda.history).toEqual([100, 0]);
    expect(countOf('Invoke')).toBe(2);
  });

  test('follows a stop in the middle of a shift, and none follows where nothing has moved', async () => {
    const id = await world.deploy({ deploymentConfigName: SLOW, group: 'safe' });
    await eventually(() => weight() === 30);
    await world.client.call('StopDeployment', { deploymentId: id });
    const { rollbackInfo, status } = await world.ended(id);
    expect(status).toBe('Stopped');
    await world.ended(rollbackInfo?.rollbackDeploymentId ?? '');
    expect(world.lambda.history).toEqual([30, 0]);
    expect((await world.target(id)).lambdaFunctionInfo?.targetVersionWeight).toBe(0);
  });

  test('follows also where the group was deleted meanwhile', async () => {
    await world.group('short-lived', { autoRollbackConfiguration: ALL_ROLLBACKS });
    const id = await world.deploy({ deploymentConfigName: SLOW, group: 'short-lived' });
    await eventually(() => weight() === 30);
    const group = { applicationName: 'shop', deploymentGroupName: 'short-lived' };
    await world.client.call('DeleteDeploymentGroup', group);
    await world.client.call('StopDeployment', { deploymentId: id });
    const { rollbackInfo } = await world.ended(id);
    expect(await world.ended(rollbackInfo?.rollbackDeploymentId ?? '')).toMatchObject({ status: 'Succeeded' });
    expect(weight()).toBe(0);
  });

  test('is not made for an alias that the deployment has not changed, so it takes nothing from who has', async () => {
    world.lambda.functions.set('before', async (event) => {
      makeAlias(world.lambda, 'shop:live', { functionVersion: '2', revision: 77 });
      await answering('Succeeded')(event);
    });
    const id = await world.deploy({ content: appSpec({ BeforeAllowTraffic: 'before' }), group: 'safe' });
    const { errorInformation, rollbackInfo } = await world.ended(id);
    expect(errorInformation?.code).toBe('INVALID_LAMBDA_CONFIGURATION');
    expect(rollbackInfo).toMatchObject({ rollbackMessage: 'There is no rollback: no traffic was moved.' });
    expect(countOf('UpdateAlias')).toBe(0);
    expect(weight()).toBe(100);
  });

  test('leads traffic back also when the deployment group was deleted meanwhile', async () => {
    await world.group('short', { autoRollbackConfiguration: ALL_ROLLBACKS });
    world.lambda.functions.set('after', async (event) => {
      await world.client.call('DeleteDeploymentGroup', { applicationName: 'shop', deploymentGroupName: 'short' });
      await answering('Failed')(event);
    });
    const id = await world.deploy({ content: appSpec({ AfterAllowTraffic: 'after' }), group: 'short' });
    const { rollbackInfo, status } = await world.ended(id);
    const back = await world.ended(rollbackInfo?.rollbackDeploymentId ?? '');
    expect([status, back.status]).toEqual(['Failed', 'Succeeded']);
    expect(weight()).toBe(0);
  });

  test('is not made after a stop without one, and the message names the divided alias and its remedy', async () => {
    const id = await world.deploy({ deploymentConfigName: SLOW, group: 'safe' });
    await eventually(() => weight() === 30);
    await eventually(async () => (await world.target(id)).lambdaFunctionInfo?.targetVersionWeight === 30);
    const shift = (await world.target(id)).lifecycleEvents?.find(({ status }) => status === 'InProgress');
    expect(shift?.diagnostics?.message).toMatch(/Under way\. The last call: UpdateAlias shop:live .*30 % to version 2/);
    const stopped = await world.client.call('StopDeployment', { deploymentId: id, autoRollbackEnabled: false });
    expect(stopped.statusMessage).toContain('aws lambda update-alias');
    const { errorInformation, rollbackInfo } = await world.ended(id);
    expect(rollbackInfo).toBeUndefined();
    expect(errorInformation?.message).toContain('30 % to version 2');
    expect(errorInformation?.message).toContain('aws lambda update-alias');
    expect(world.lambda.history).toEqual([30]);
    const messages = async () => (await world.info(id)).deploymentStatusMessages?.join(' ') ?? '';
    expect(await messages()).toMatch(
      /Now the alias live of shop is left divided: 30 % to version 2.* aws lambda update-alias /,
    );
    expect((await world.ended(await world.deploy())).errorInformation?.code).toBe('INVALID_LAMBDA_CONFIGURATION');
    expect(await messages()).toContain('left divided');
  });

  test('does not wait for a hook that is silent', async () => {
    world.lambda.functions.set('after', () => 'no answer');
    const id = await world.deploy({ content: appSpec({ AfterAllowTraffic: 'after' }), group: 'safe' });
    await eventually(() => countOf('Invoke') === 1);
    await world.client.call('StopDeployment', { deploymentId: id, autoRollbackEnabled: true });
    const { rollbackInfo } = await world.ended(id);
    await world.ended(rollbackInfo?.rollbackDeploymentId ?? '');
    expect(weight()).toBe(0);
  });
});
