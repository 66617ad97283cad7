/** The same deployments by the real AWS command line, unmodified; `aws ecs deploy` is one of its own workflows. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AWS_BY_VARIABLE, aws } from '../support/aws-cli.ts';
import { ecsAppSpec } from '../support/ecs-site.ts';
import { type EcsWorld, taskDefinition } from '../support/ecs-world.ts';
import { GROUPS } from '../support/elb-world.ts';
import { eventually } from '../support/eventually.ts';
import { startAlarm } from './alarm.ts';
import { type EcsGround, GROUP, isSplit, openEcsGround, sharesOf } from './ecs-ground.ts';
import type { RunScenarios } from './scenario.ts';

interface Deployment {
  readonly status: string;
  readonly errorInformation?: { readonly code: string; readonly message: string };
  readonly rollbackInfo?: { readonly rollbackDeploymentId?: string };
}

/** Subject of a scenario. */
interface Made {
  readonly world: EcsWorld;
  readonly applicationName: string;
}

export const runEcsByCommandLine: RunScenarios = async (site, report) => {
  const { folder } = site;
  if (AWS_BY_VARIABLE === null) {
    const problems = ['not run: there is no AWS command line that knows AWS_ENDPOINT_URL'];
    report({ scenario: 'ECS by the AWS CLI', problems, kills: 0, isSplitAtEnd: false });
    return;
  }
  await using alarm = await startAlarm();
  const alarmsFile = join(folder, 'alarms.json');
  writeFileSync(alarmsFile, JSON.stringify({ errors: { kind: 'http', url: alarm.url } }));
  await using ground = await openEcsGround(site, ['--alarms', alarmsFile]);
  const deploy = (...words: readonly string[]) => run(ground, ['deploy', ...words]);
  const get = async (id: string) =>
    (await deploy('get-deployment', '--deployment-id', id))['deploymentInfo'] as Deployment;
  // Longer than an alarm is read, or the command line starts.
  const routing = { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 10, canaryInterval: 2_880 } };
  const config = ['--deployment-config-name', 'long', '--compute-platform', 'ECS'];
  await deploy('create-deployment-config', ...config, '--traffic-routing-config', JSON.stringify(routing));
  let number = 0;
  const scenario = async (
    what: string,
    settings: object,
    check: (made: Made) => Promise<readonly string[]>,
  ): Promise<void> => {
    number += 1;
    const applicationName = `shop-${number}`;
    const world = await ground.fresh(applicationName, settings);
    let problems: readonly string[];
    try {
      problems = await check({ world, applicationName });
    } catch (error) {
      problems = [String(error)];
    }
    report({ scenario: `ECS by the AWS CLI: ${what}`, problems, kills: 0, isSplitAtEnd: isSplit(world) });
  };
  const create = async ({ applicationName }: Made, config: string, hooks: Readonly<Record<string, string>> = {}) => {
    const content = ecsAppSpec(2, hooks);
    const revision = JSON.stringify({ revisionType: 'AppSpecContent', appSpecContent: { content } });
    const group = ['--application-name', applicationName, '--deployment-group-name', GROUP];
    const words = [...group, '--deployment-config-name', config, '--revision', revision];
    return String((await deploy('create-deployment', ...words))['deploymentId']);
  };
  const succeeds = (config: string) => async (made: Made) => {
    const id = await create(made, config);
    await deploy('wait', 'deployment-successful', '--deployment-id', id);
    const weights = await weightsOf(deploy, id);
    return [
      ...endsAt(made.world, GROUPS[1], 100),
      ...(weights === 'Blue 0, Green 100' ? [] : [`the API shows the weights ${weights}`]),
    ];
  };
  /** It ends as `status`, and its rollback has led all traffic back. */
  const isRolledBack = async ({ world }: Made, id: string, status: string, code: string) => {
    const info = await ground.ended(id).then(() => get(id));
    const rollbackId = info.rollbackInfo?.rollbackDeploymentId;
    if (rollbackId === undefined) return [`there is no rollback: ${JSON.stringify(info)}`];
    await deploy('wait', 'deployment-successful', '--deployment-id', rollbackId);
    const isRight = info.status === status && info.errorInformation?.code === code;
    return [...(isRight ? [] : [`it ended as ${JSON.stringify(info)}`]), ...endsAt(world, GROUPS[0], 0)];
  };
  const rollback = (...events: readonly string[]) => ({ autoRollbackConfiguration: { enabled: true, events } });
  const CANARY = 'long';
  const LINEAR = 'CodeDeployDefault.ECSLinear10PercentEvery1Minutes';
  const isAt = (world: EcsWorld, share: number) => eventually(() => sharesOf(world).every((one) => one === share));

  await scenario('canary', {}, succeeds('CodeDeployDefault.ECSCanary10Percent5Minutes'));
  await scenario('linear', {}, succeeds(LINEAR));
  await scenario('a hook that fails', rollback('DEPLOYMENT_FAILURE'), async (made) => {
    ground.lambda.functions.set('hook', async ({ DeploymentId: id, LifecycleEventHookExecutionId: execution }) => {
      const words = ['--deployment-id', id, '--lifecycle-event-hook-execution-id', execution, '--status', 'Failed'];
      await deploy('put-lifecycle-event-hook-execution-status', ...words);
    });
    const id = await create(made, LINEAR, { AfterAllowTraffic: 'hook' });
    return isRolledBack(made, id, 'Failed', 'HOOK_EXECUTION_FAILURE');
  });
  const alarms = { alarmConfiguration: { enabled: true, alarms: [{ name: 'errors' }] } };
  await scenario('an alarm', { ...rollback('DEPLOYMENT_STOP_ON_ALARM'), ...alarms }, async (made) => {
    const id = await create(made, CANARY);
    await isAt(made.world, 10);
    alarm.isActive = true;
    return isRolledBack(made, id, 'Stopped', 'ALARM_ACTIVE').finally(() => {
      alarm.isActive = false;
    });
  });
  await scenario('a stop with a rollback', {}, async (made) => {
    const id = await create(made, CANARY);
    await isAt(made.world, 10);
    await deploy('stop-deployment', '--deployment-id', id, '--auto-rollback-enabled');
    return isRolledBack(made, id, 'Stopped', 'MANUAL_STOP');
  });
  await scenario('aws ecs deploy', {}, async ({ world, applicationName }) => {
    const at = (name: string, content: object) => {
      writeFileSync(join(folder, name), JSON.stringify(content));
      return join(folder, name);
    };
    const container = { name: 'web', image: 'shop:2', memory: 64, portMappings: [{ containerPort: 8080 }] };
    const definition = at('task.json', { family: 'shop', containerDefinitions: [container] });
    const appSpec = at('appspec.json', camelCased(ecsAppSpec(1)));
    const said = await run(ground, [
      ...['ecs', 'deploy', '--cluster', 'main', '--service', 'shop'],
      ...['--task-definition', definition, '--codedeploy-appspec', appSpec],
      ...['--codedeploy-application', applicationName, '--codedeploy-deployment-group', GROUP],
    ]);
    const made = world.taskSets.find(({ externalId }) => externalId !== '')?.taskDefinition;
    return [
      ...(String(said['text']).includes('Successfully deployed') ? [] : [`it said: ${JSON.stringify(said)}`]),
      ...(made === taskDefinition(world.definitions) ? [] : [`the task definition is ${made}`]),
      ...endsAt(world, GROUPS[1], 100),
    ];
  });
};

/** Runs the AWS CLI: JSON comes back as it is, everything else as `text`. ECS is the stand-in's. */
async function run({ server, aws: standIn }: EcsGround, words: readonly string[]): Promise<Record<string, unknown>> {
  const env = { ...server().env, AWS_ENDPOINT_URL_ECS: standIn.url };
  const { exitCode, stdout, stderr } = await aws(server(), env, words);
  if (exitCode !== 0) throw new Error(`aws ${words.slice(0, 2).join(' ')} ended with ${exitCode}: ${stderr || stdout}`);
  return stdout.trim().startsWith('{') ? (JSON.parse(stdout) as Record<string, unknown>) : { text: stdout };
}

async function weightsOf(
  deploy: (...words: readonly string[]) => Promise<Record<string, unknown>>,
  id: string,
): Promise<string> {
  const { targetIds } = (await deploy('list-deployment-targets', '--deployment-id', id)) as { targetIds?: string[] };
  const words = ['--deployment-id', id, '--target-ids', ...(targetIds ?? [])];
  const answer = (await deploy('batch-get-deployment-targets', ...words)) as {
    deploymentTargets?: { ecsTarget?: { taskSetsInfo?: { taskSetLabel?: string; trafficWeight?: number }[] } }[];
  };
  const sets = answer.deploymentTargets?.[0]?.ecsTarget?.taskSetsInfo ?? [];
  return sets.map(({ taskSetLabel, trafficWeight }) => `${taskSetLabel} ${trafficWeight}`).join(', ');
}

/** All traffic goes to one group, and its task set alone is left. */
function endsAt(world: EcsWorld, group: string, share: number): readonly string[] {
  const sets = world.taskSets.map((set) => `${set.group} ${set.status}`);
  return [
    ...(sharesOf(world).every((one) => one === share) ? [] : [`green has ${sharesOf(world).join('% and ')}%`]),
    ...(sets.length === 1 && sets[0] === `${group} PRIMARY` ? [] : [`the task sets are ${sets.join(', ')}`]),
  ];
}

/** An AppSpec file with its keys as the CLI's own example has them. */
function camelCased(appSpec: string): object {
  const keys = /"(Resources|Properties|TaskDefinition|LoadBalancerInfo|ContainerName|ContainerPort|Type|Hooks)":/g;
  return JSON.parse(
    appSpec.replaceAll(keys, (_, key: string) => `"${key.charAt(0).toLowerCase()}${key.slice(1)}":`),
  ) as object;
}
