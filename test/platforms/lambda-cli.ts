/** The same deployments by the real AWS command line, unmodified. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AWS_BY_VARIABLE, aws } from '../support/aws-cli.ts';
import { eventually } from '../support/eventually.ts';
import { makeAlias, percentOfTwo } from '../support/lambda-stand-in.ts';
import { startAlarm } from './alarm.ts';
import { APPLICATION, appSpecOf, openLambdaGround, ROLE } from './lambda-ground.ts';
import type { RunScenarios } from './scenario.ts';

interface Deployment {
  readonly status: string;
  readonly errorInformation?: { readonly code: string; readonly message: string };
  readonly rollbackInfo?: { readonly rollbackDeploymentId?: string };
}

export const runLambdaByCommandLine: RunScenarios = async (site, report) => {
  const { folder } = site;
  if (AWS_BY_VARIABLE === null) {
    const problems = ['not run: there is no AWS command line that knows AWS_ENDPOINT_URL'];
    report({ scenario: 'Lambda by the AWS CLI', problems, kills: 0, isSplitAtEnd: false });
    return;
  }
  await using alarm = await startAlarm();
  const alarmsFile = join(folder, 'alarms.json');
  writeFileSync(alarmsFile, JSON.stringify({ errors: { kind: 'http', url: alarm.url } }));
  await using ground = await openLambdaGround(site, ['--alarms', alarmsFile]);
  const { lambda } = ground;
  const deploy = async (...words: readonly string[]) => {
    const { exitCode, stdout, stderr } = await aws(ground.server(), ground.server().env, ['deploy', ...words]);
    if (exitCode !== 0) throw new Error(`aws deploy ${words[0]} ended with ${exitCode}: ${stderr}`);
    return stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
  };
  const get = async (id: string) =>
    (await deploy('get-deployment', '--deployment-id', id))['deploymentInfo'] as Deployment;
  await deploy('create-application', '--application-name', APPLICATION, '--compute-platform', 'Lambda');
  let number = 0;
  /** Creates a deployment to a function of its own. */
  const create = async (config: string, hook: 'Succeeded' | 'Failed', ...more: readonly string[]) => {
    number += 1;
    const name = `fn-${number}`;
    const alias = makeAlias(lambda, `${name}:live`);
    lambda.functions.set(`${name}-hook`, async (event) => {
      const { DeploymentId: id, LifecycleEventHookExecutionId: execution } = event;
      const words = ['--deployment-id', id, '--lifecycle-event-hook-execution-id', execution, '--status', hook];
      await deploy('put-lifecycle-event-hook-execution-status', ...words);
    });
    const group = ['--application-name', APPLICATION, '--deployment-group-name', name];
    await deploy('create-deployment-group', ...group, '--service-role-arn', ROLE, ...more);
    const content = appSpecOf(name, { AfterAllowTraffic: `${name}-hook` });
    const revision = JSON.stringify({ revisionType: 'AppSpecContent', appSpecContent: { content } });
    const words = [...group, '--deployment-config-name', config, '--revision', revision];
    return { id: String((await deploy('create-deployment', ...words))['deploymentId']), alias };
  };
  type Made = Awaited<ReturnType<typeof create>>;
  const scenario = async (
    what: string,
    begin: () => Promise<Made>,
    check: (made: Made) => Promise<readonly string[]>,
  ) => {
    let made: Made | null = null;
    let problems: readonly string[];
    try {
      made = await begin();
      problems = await check(made);
    } catch (error) {
      problems = [String(error)];
    }
    const isSplitAtEnd = made !== null && ![0, 100].includes(percentOfTwo(made.alias));
    report({ scenario: `Lambda by the AWS CLI: ${what}`, problems, kills: 0, isSplitAtEnd });
  };
  const succeeds = async ({ id, alias }: Made) => {
    await deploy('wait', 'deployment-successful', '--deployment-id', id);
    const { deploymentTarget } = (await deploy(
      'get-deployment-target',
      '--deployment-id',
      id,
      '--target-id',
      await targetOf(id),
    )) as {
      readonly deploymentTarget?: {
        readonly lambdaTarget?: { readonly lambdaFunctionInfo?: { readonly targetVersionWeight?: number } };
      };
    };
    const weight = deploymentTarget?.lambdaTarget?.lambdaFunctionInfo?.targetVersionWeight;
    return [
      ...(percentOfTwo(alias) === 100 ? [] : [`the alias is at ${percentOfTwo(alias)}`]),
      ...(weight === 100 ? [] : [`the API shows a weight of ${weight}`]),
    ];
  };
  const targetOf = async (id: string) =>
    ((await deploy('list-deployment-targets', '--deployment-id', id))['targetIds'] as string[])[0] ?? '';
  /** It ends as `status`, and its rollback has given all traffic to the old version. */
  const isRolledBack = async ({ id, alias }: Made, status: string, code: string) => {
    const info = await ground.ended(id).then(() => get(id));
    const rollbackId = info.rollbackInfo?.rollbackDeploymentId;
    if (rollbackId === undefined) return [`there is no rollback: ${JSON.stringify(info)}`];
    await deploy('wait', 'deployment-successful', '--deployment-id', rollbackId);
    return [
      ...(info.status === status && info.errorInformation?.code === code
        ? []
        : [`it ended as ${JSON.stringify(info)}`]),
      ...(percentOfTwo(alias) === 0 ? [] : [`the alias is at ${percentOfTwo(alias)}`]),
    ];
  };
  const rollback = (event: string) => ['--auto-rollback-configuration', `enabled=true,events=${event}`];
  // Alarms are read every few seconds.
  const CANARY = 'long';
  const routing = 'type=TimeBasedCanary,timeBasedCanary={canaryPercentage=10,canaryInterval=2880}';
  const config = [
    '--deployment-config-name',
    CANARY,
    '--compute-platform',
    'Lambda',
    '--traffic-routing-config',
    routing,
  ];
  await deploy('create-deployment-config', ...config);
  const LINEAR = 'CodeDeployDefault.LambdaLinear10PercentEvery1Minute';

  await scenario('canary', () => create('CodeDeployDefault.LambdaCanary10Percent5Minutes', 'Succeeded'), succeeds);
  await scenario('linear', () => create(LINEAR, 'Succeeded'), succeeds);
  await scenario(
    'a hook that fails',
    () => create(LINEAR, 'Failed', ...rollback('DEPLOYMENT_FAILURE')),
    (made) => isRolledBack(made, 'Failed', 'HOOK_EXECUTION_FAILURE'),
  );
  await scenario(
    'an alarm',
    () =>
      create(
        CANARY,
        'Succeeded',
        ...['--alarm-configuration', 'enabled=true,alarms=[{name=errors}]'],
        ...rollback('DEPLOYMENT_STOP_ON_ALARM'),
      ),
    async (made) => {
      await eventually(() => percentOfTwo(made.alias) === 10);
      alarm.isActive = true;
      return isRolledBack(made, 'Stopped', 'ALARM_ACTIVE').finally(() => {
        alarm.isActive = false;
      });
    },
  );
  await scenario(
    'a stop with a rollback, which is named in the answer',
    () => create(CANARY, 'Succeeded', ...rollback('DEPLOYMENT_STOP_ON_REQUEST')),
    async (made) => {
      await eventually(() => percentOfTwo(made.alias) === 10);
      await deploy('stop-deployment', '--deployment-id', made.id, '--auto-rollback-enabled');
      const { rollbackInfo } = await get(made.id);
      const isKnown = rollbackInfo?.rollbackDeploymentId !== undefined;
      return [
        ...(isKnown ? [] : ['the stop was answered before its rollback was known']),
        ...(await isRolledBack(made, 'Stopped', 'MANUAL_STOP')),
      ];
    },
  );
};
