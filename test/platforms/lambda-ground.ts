/** A real server process that deploys to a stand-in of Lambda, and can be killed and started again. */
import { join } from 'node:path';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import type { ManagementOperations } from '../../src/protocol/management/shapes.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { type HookEvent, type LambdaStandIn, startLambdaStandIn } from '../support/lambda-stand-in.ts';
import { type ControlServer, startControlServer } from '../support/slipway.ts';
import { patiently } from './patience.ts';
import type { Site } from './scenario.ts';

export const APPLICATION = 'shop';
export const ROLE = 'arn:aws:iam::000000000000:role/any';
/** A minute of the configurations. */
const MINUTE_MS = 100;

type Info = NonNullable<ManagementOperations['GetDeployment']['output']['deploymentInfo']>;

export interface LambdaGround extends AsyncDisposable {
  readonly lambda: LambdaStandIn;
  readonly server: () => ControlServer;
  readonly client: () => ManagementClient;
  /** Ends the server by SIGKILL, now. */
  kill(): void;
  /** Starts it again, on the same folder and port. */
  restart(): Promise<void>;
  info(deploymentId: string): Promise<Info>;
  /** Waits for its end, also while the server is down. */
  ended(deploymentId: string): Promise<Info>;
  /** Answers a hook, as a function does; a server that is down is asked again. */
  answer(event: HookEvent, status: 'Succeeded' | 'Failed'): Promise<void>;
}

/** @param args more for `slipway server` */
export async function openLambdaGround({ folder, program }: Site, args: readonly string[] = []): Promise<LambdaGround> {
  const lambda = await startLambdaStandIn();
  const options = ['--aws-region', 'us-east-1', '--traffic-minute-ms', String(MINUTE_MS), ...args];
  const start = (again?: ControlServer) =>
    startControlServer(join(folder, 'data'), again, options, lambda.env, program);
  let server = await start();
  let client = clientOf(server);
  const info = async (deploymentId: string) =>
    (await client.call('GetDeployment', { deploymentId })).deploymentInfo ?? {};
  return {
    lambda,
    server: () => server,
    client: () => client,
    kill: () => server.daemon.kill('SIGKILL'),
    async restart() {
      await server.daemon.exited;
      server = await start(server);
      client = clientOf(server);
    },
    info,
    async ended(deploymentId) {
      let last: Info = {};
      await patiently(async () => {
        last = (await info(deploymentId).catch(() => null)) ?? last;
        return ['Succeeded', 'Failed', 'Stopped'].includes(last.status ?? '');
      });
      return last;
    },
    async answer({ DeploymentId: deploymentId, LifecycleEventHookExecutionId }, status) {
      await client.call('PutLifecycleEventHookExecutionStatus', {
        deploymentId,
        lifecycleEventHookExecutionId: LifecycleEventHookExecutionId,
        status,
      });
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await lambda[Symbol.asyncDispose]();
    },
  };
}

function clientOf(server: ControlServer): ManagementClient {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  return managementClient(server.url, { accessKeyId, secretAccessKey });
}

/** An AppSpec file for a function of its own, from version 1 to version 2 of the alias `live`. */
export function appSpecOf(functionName: string, hooks: Readonly<Record<string, string>>): string {
  const Properties = { Name: functionName, Alias: 'live', CurrentVersion: '1', TargetVersion: '2' };
  return JSON.stringify({
    version: 0.0,
    Resources: [{ it: { Type: 'AWS::Lambda::Function', Properties } }],
    Hooks: Object.entries(hooks).map(([event, name]) => ({ [event]: name })),
  });
}
