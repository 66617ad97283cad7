/** Deployments to functions that really run, in an emulator by other people: ministack. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Lambda } from '@aws-sdk/client-lambda';
import { ZipFile } from 'yazl';
import { eventually } from '../support/eventually.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { HAS_MINISTACK, startMinistack } from '../support/ministack.ts';
import { startControlServer } from '../support/slipway.ts';
import { APPLICATION, appSpecOf, ROLE } from './lambda-ground.ts';
import type { RunScenarios } from './scenario.ts';

const ROLE_OF_FUNCTIONS = 'arn:aws:iam::000000000000:role/any';
const RETURNS = 'def handler(event, context):\n  return 1\n';
const CHANGED = 'def handler(event, context):\n  return 2\n';
/** It says what it was called with. */
const BREAKS_OFF = 'def handler(event, context):\n  raise Exception(" and ".join(sorted(event.keys())))\n';

export const runLambdaOnMinistack: RunScenarios = async ({ folder, program }, report) => {
  if (!HAS_MINISTACK) {
    process.stderr.write('Lambda on ministack: not run, it is not installed (test/support/install-ministack.sh)\n');
    return;
  }
  mkdirSync(join(folder, 'ministack'));
  await using ministack = await startMinistack(join(folder, 'ministack'));
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const lambda = new Lambda({ endpoint: ministack.url, region: 'us-east-1', credentials });
  await furnish(lambda);
  const args = ['--aws-region', 'us-east-1', '--traffic-minute-ms', '200'];
  await using server = await startControlServer(join(folder, 'data'), undefined, args, ministack.env, program);
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  const client = managementClient(server.url, { accessKeyId, secretAccessKey });
  await client.call('CreateApplication', { applicationName: APPLICATION, computePlatform: 'Lambda' });
  const group = { applicationName: APPLICATION, deploymentGroupName: 'live' };
  await client.call('CreateDeploymentGroup', { ...group, serviceRoleArn: ROLE });
  const run = async (what: string, hooks: Readonly<Record<string, string>>, wanted: Wanted) => {
    const { deploymentId = '' } = await client.call('CreateDeployment', {
      ...group,
      deploymentConfigName: 'CodeDeployDefault.LambdaLinear10PercentEvery1Minute',
      autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE'] },
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content: appSpecOf('shop', hooks) } },
    });
    const ended = async (id: string) => {
      const info = async () => (await client.call('GetDeployment', { deploymentId: id })).deploymentInfo ?? {};
      await eventually(async () => ['Succeeded', 'Failed', 'Stopped'].includes((await info()).status ?? ''));
      return info();
    };
    const { status, errorInformation, rollbackInfo } = await ended(deploymentId);
    const rollbackId = rollbackInfo?.rollbackDeploymentId;
    if (rollbackId !== undefined) await ended(rollbackId);
    const { FunctionVersion, RoutingConfig } = await lambda.getAlias({ FunctionName: 'shop', Name: 'live' });
    const said = errorInformation?.message ?? '';
    const problems = [
      ...(status === wanted.status ? [] : [`it ended as ${status}: ${said}`]),
      ...(FunctionVersion === wanted.version ? [] : [`the alias is at version ${FunctionVersion}`]),
      ...(said.includes(wanted.words) ? [] : [`the message is: ${said}`]),
    ];
    const isSplitAtEnd = Object.keys(RoutingConfig?.AdditionalVersionWeights ?? {}).length > 0;
    report({ scenario: `Lambda on ministack: ${what}`, problems, kills: 0, isSplitAtEnd });
  };
  const words = 'DeploymentId and LifecycleEventHookExecutionId';
  await run('a hook that breaks off', { AfterAllowTraffic: 'breaks-off' }, { status: 'Failed', version: '1', words });
  await run('linear', {}, { status: 'Succeeded', version: '2', words: '' });
  lambda.destroy();
};

interface Wanted {
  readonly status: string;
  readonly version: string;
  /** Part of the message. */
  readonly words: string;
}

/** The function `shop` with two versions and an alias at the first, and a hook. */
async function furnish(lambda: Lambda): Promise<void> {
  await make(lambda, 'shop', RETURNS);
  await lambda.publishVersion({ FunctionName: 'shop' });
  await lambda.updateFunctionCode({ FunctionName: 'shop', ZipFile: await zipOf(CHANGED) });
  await lambda.publishVersion({ FunctionName: 'shop' });
  await lambda.createAlias({ FunctionName: 'shop', Name: 'live', FunctionVersion: '1' });
  await make(lambda, 'breaks-off', BREAKS_OFF);
}

async function make(lambda: Lambda, name: string, code: string): Promise<void> {
  await lambda.createFunction({
    ...{ FunctionName: name, Runtime: 'python3.11', Handler: 'index.handler', Role: ROLE_OF_FUNCTIONS },
    Code: { ZipFile: await zipOf(code) },
  });
  await eventually(async () => {
    const { Configuration } = await lambda.getFunction({ FunctionName: name });
    return Configuration?.State === 'Active';
  });
}

async function zipOf(code: string): Promise<Buffer> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(code), 'index.py');
  zip.end();
  return buffer(zip.outputStream);
}
