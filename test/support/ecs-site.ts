/** A control server that deploys to the service of a small ECS, with one application. Its hooks are functions of a stand-in of Lambda. */
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import type { ManagementOperations } from '../../src/protocol/management/shapes.ts';
import { type Clock, systemClock } from '../../src/system/clock.ts';
import { type AwsStandIn, startAwsStandIn } from './aws-stand-in.ts';
import { createEcsWorld, type EcsWorld, taskDefinition } from './ecs-world.ts';
import { GROUPS, INNER, INNER_GROUPS, INNER_TESTS, PRODUCTION, TESTS } from './elb-world.ts';
import { eventually } from './eventually.ts';
import { managementClient } from './hand-driven-host.ts';
import { type LambdaStandIn, startLambdaStandIn } from './lambda-stand-in.ts';
import { scratchFolder } from './scratch.ts';
import { type TestServer, testServer } from './test-server.ts';

type Outputs = { readonly [Name in keyof ManagementOperations]: ManagementOperations[Name]['output'] };
type DeploymentInfo = NonNullable<Outputs['GetDeployment']['deploymentInfo']>;
type EcsTarget = NonNullable<NonNullable<Outputs['GetDeploymentTarget']['deploymentTarget']>['ecsTarget']>;

const APPLICATION = 'shop';
const ROLE = 'arn:aws:iam::000000000000:role/any';

/** An AppSpec file for the service `shop`. */
export function ecsAppSpec(
  revision: number,
  hooks: Readonly<Record<string, string>> = {},
  properties: object = {},
): string {
  const LoadBalancerInfo = { ContainerName: 'web', ContainerPort: 8080 };
  const Properties = { TaskDefinition: taskDefinition(revision), LoadBalancerInfo, ...properties };
  return JSON.stringify({
    version: 0.0,
    Resources: [{ TargetService: { Type: 'AWS::ECS::Service', Properties } }],
    Hooks: Object.entries(hooks).map(([event, name]) => ({ [event]: name })),
  });
}

/** Settings of a group: the pair with both listeners, or with that of production alone. */
export function ecsGroup(hasTests = true) {
  return {
    ecsServices: [{ clusterName: 'main', serviceName: 'shop' }],
    loadBalancerInfo: { targetGroupPairInfoList: [pairOf(GROUPS, PRODUCTION, hasTests ? TESTS : null)] },
  };
}

/** The same with the second pair. */
export function ecsGroupOfTwoPairs() {
  const pairs = [pairOf(GROUPS, PRODUCTION, TESTS), pairOf(INNER_GROUPS, INNER, INNER_TESTS)];
  return { ...ecsGroup(), loadBalancerInfo: { targetGroupPairInfoList: pairs } };
}

function pairOf(groups: readonly string[], production: string, tests: string | null) {
  return {
    targetGroups: groups.map((name) => ({ name })),
    prodTrafficRoute: { listenerArns: [production] },
    ...(tests === null ? {} : { testTrafficRoute: { listenerArns: [tests] } }),
  };
}

export interface EcsSite extends AsyncDisposable {
  readonly aws: AwsStandIn;
  readonly lambda: LambdaStandIn;
  /** The world of the present test. */
  world: EcsWorld;
  readonly server: TestServer;
  readonly client: ManagementClient;
  /** Forgets ECS and its calls, and makes a deployment group of a new application for what comes next. */
  fresh(world: EcsWorld, settings?: object): Promise<void>;
  /** The present application and its group. */
  names(): { readonly applicationName: string; readonly deploymentGroupName: string };
  deploy(options?: { readonly content?: string; readonly [member: string]: unknown }): Promise<string>;
  info(deploymentId: string): Promise<DeploymentInfo>;
  /** Waits until it is over. */
  ended(deploymentId: string): Promise<DeploymentInfo>;
  target(deploymentId: string): Promise<EcsTarget>;
}

/**
 * @param setEnv puts the addresses of both stand-ins into the environment before the server starts
 * @param clock of the server; left out: the system's
 */
export async function ecsSite(
  setEnv: (env: Readonly<Record<string, string>>) => void,
  clock: Clock = systemClock,
): Promise<EcsSite> {
  const lambda = await startLambdaStandIn();
  const aws = await startAwsStandIn();
  setEnv({ ...aws.env, ...lambda.env });
  const scratch = scratchFolder();
  const addresses = { awsRegion: 'eu-central-1', trafficMinuteMs: 40, takesSeveralPairs: true, clock };
  const server = await testServer(scratch.at('data'), undefined, undefined, addresses);
  const client = managementClient(server.url, await server.key('admin'), clock);
  let count = 0;
  const names = () => ({ applicationName: `${APPLICATION}-${count}`, deploymentGroupName: 'live' });
  const info = async (deploymentId: string) => {
    const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
    if (deploymentInfo === undefined) throw new Error('there is no deployment');
    return deploymentInfo;
  };
  const site: EcsSite = {
    ...{ aws, lambda, server, client, info, names, world: createEcsWorld() },
    async fresh(world, settings = {}) {
      const put = ({ answers }: EcsWorld) => {
        for (const action of Object.keys(aws.answers)) delete aws.answers[action];
        Object.assign(aws.answers, answers);
      };
      // A service belongs to one group. What the last test has left running ends at once where nothing is there.
      put(createEcsWorld());
      if (count > 0) await client.call('DeleteApplication', { applicationName: names().applicationName });
      count += 1;
      site.world = world;
      put(world);
      aws.calls.length = 0;
      for (const list of [lambda.aliases, lambda.functions]) list.clear();
      const { applicationName } = names();
      await client.call('CreateApplication', { applicationName, computePlatform: 'ECS' });
      const group = { ...names(), serviceRoleArn: ROLE, ...ecsGroup(), ...settings };
      await client.call('CreateDeploymentGroup', group);
    },
    async deploy({ content = ecsAppSpec(2), ...members } = {}) {
      const { deploymentId = '' } = await client.call('CreateDeployment', {
        ...names(),
        revision: { revisionType: 'AppSpecContent', appSpecContent: { content } },
        ...members,
      } as ManagementOperations['CreateDeployment']['input']);
      return deploymentId;
    },
    async ended(deploymentId) {
      const isOver = async () => ['Succeeded', 'Failed', 'Stopped'].includes((await info(deploymentId)).status ?? '');
      await eventually(isOver, { withinMs: 30_000 });
      return info(deploymentId);
    },
    async target(deploymentId) {
      const { targetIds = [] } = await client.call('ListDeploymentTargets', { deploymentId });
      const { deploymentTargets = [] } = await client.call('BatchGetDeploymentTargets', { deploymentId, targetIds });
      const { ecsTarget } = deploymentTargets[0] ?? {};
      if (ecsTarget === undefined) throw new Error('there is no target');
      return ecsTarget;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await aws[Symbol.asyncDispose]();
      await lambda[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
  return site;
}
