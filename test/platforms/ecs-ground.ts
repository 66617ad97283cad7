/** A real server process that deploys to a small ECS of its own, and can be killed and started again. */
import { join } from 'node:path';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import type { ManagementOperations } from '../../src/protocol/management/shapes.ts';
import { type AwsStandIn, startAwsStandIn } from '../support/aws-stand-in.ts';
import { ecsGroup, ecsGroupOfTwoPairs } from '../support/ecs-site.ts';
import { createEcsWorld, type EcsWorld } from '../support/ecs-world.ts';
import { GROUPS, INNER, INNER_GROUPS, PRODUCTION, REGION, RULE } from '../support/elb-world.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { type LambdaStandIn, startLambdaStandIn } from '../support/lambda-stand-in.ts';
import { type ControlServer, startControlServer } from '../support/slipway.ts';
import { isAnswer, patiently } from './patience.ts';
import type { Site } from './scenario.ts';

const ROLE = 'arn:aws:iam::000000000000:role/any';
/** A minute of the configurations. */
const MINUTE_MS = 100;
export const GROUP = 'live';

type Info = NonNullable<ManagementOperations['GetDeployment']['output']['deploymentInfo']>;

export interface EcsGround extends AsyncDisposable {
  readonly aws: AwsStandIn;
  readonly lambda: LambdaStandIn;
  readonly server: () => ControlServer;
  readonly client: () => ManagementClient;
  /** Puts another ECS in place, whose service runs one task set, and makes an application with one group for it. */
  fresh(applicationName: string, settings?: object, hasInner?: boolean): Promise<EcsWorld>;
  /** Ends the server by SIGKILL, now. */
  kill(): void;
  /** Starts it again, on the same folder and port. */
  restart(): Promise<void>;
  info(deploymentId: string): Promise<Info>;
  /** Waits for its end, also while the server is down. */
  ended(deploymentId: string): Promise<Info>;
  /** Makes a call again while the server is down. */
  insist<Answer>(ask: () => Promise<Answer>): Promise<Answer>;
}

/** @param args more for `slipway server` */
export async function openEcsGround({ folder, program }: Site, args: readonly string[] = []): Promise<EcsGround> {
  const aws = await startAwsStandIn();
  const lambda = await startLambdaStandIn();
  const options = ['--aws-region', REGION, '--traffic-minute-ms', String(MINUTE_MS), '--several-pairs', 'on', ...args];
  const env = { ...aws.env, ...lambda.env };
  const start = (again?: ControlServer) => startControlServer(join(folder, 'data'), again, options, env, program);
  let server = await start();
  let client = clientOf(server);
  let previous: string | null = null;
  const insist: EcsGround['insist'] = async (ask) => {
    const answers: Awaited<ReturnType<typeof ask>>[] = [];
    await patiently(async () => {
      try {
        answers.push(await ask());
      } catch (error) {
        if (isAnswer(error)) throw error;
      }
      return answers.length > 0;
    });
    return answers[0] as Awaited<ReturnType<typeof ask>>;
  };
  const info = (deploymentId: string) =>
    insist(async () => (await client.call('GetDeployment', { deploymentId })).deploymentInfo ?? {});
  return {
    ...{ aws, lambda, insist, info },
    server: () => server,
    client: () => client,
    async fresh(applicationName, settings = {}, hasInner = false) {
      // A service belongs to one group. What has failed and still runs ends at once where nothing is there.
      Object.assign(aws.answers, createEcsWorld().answers);
      const last = previous;
      if (last !== null) await insist(() => client.call('DeleteApplication', { applicationName: last }));
      previous = applicationName;
      const world = createEcsWorld({ hasInner });
      world.add({ group: GROUPS[0], status: 'PRIMARY' });
      for (const action of Object.keys(aws.answers)) delete aws.answers[action];
      Object.assign(aws.answers, world.answers);
      await client.call('CreateApplication', { applicationName, computePlatform: 'ECS' });
      const group = { applicationName, deploymentGroupName: GROUP, serviceRoleArn: ROLE };
      await client.call('CreateDeploymentGroup', {
        ...{ ...group, ...(hasInner ? ecsGroupOfTwoPairs() : ecsGroup()), ...settings },
      } as never);
      return world;
    },
    kill: () => server.daemon.kill('SIGKILL'),
    async restart() {
      await server.daemon.exited;
      server = await start(server);
      client = clientOf(server);
    },
    async ended(deploymentId) {
      let last: Info = {};
      await patiently(async () => {
        last = await info(deploymentId);
        return ['Succeeded', 'Failed', 'Stopped'].includes(last.status ?? '');
      });
      return last;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await aws[Symbol.asyncDispose]();
      await lambda[Symbol.asyncDispose]();
    },
  };
}

function clientOf(server: ControlServer): ManagementClient {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  return managementClient(server.url, { accessKeyId, secretAccessKey });
}

/** Shares of the second target group in percent: at the listener of production, at its rule, and at the listener of the second pair. */
export function sharesOf(world: EcsWorld): readonly number[] {
  const inner = world.places.has(INNER) ? [world.shareOf(INNER, INNER_GROUPS[1])] : [];
  return [...[PRODUCTION, RULE].map((place) => world.shareOf(place, GROUPS[1])), ...inner];
}

/** Whether traffic is divided, or a part of it goes where no task runs. */
export function isSplit(world: EcsWorld): boolean {
  const shares = new Set(sharesOf(world));
  const [share] = shares;
  if (shares.size !== 1 || (share !== 0 && share !== 100)) return true;
  const group = GROUPS[share === 0 ? 0 : 1];
  return !world.taskSets.some((set) => set.group === group && set.status !== 'DRAINING' && set.running > 0);
}
