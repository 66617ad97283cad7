/** A control server that deploys to the functions of a stand-in of Lambda, with one application and one group. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import type { ManagementOperations } from '../../src/protocol/management/shapes.ts';
import { eventually } from './eventually.ts';
import { managementClient } from './hand-driven-host.ts';
import { type LambdaStandIn, startLambdaStandIn } from './lambda-stand-in.ts';
import { scratchFolder } from './scratch.ts';
import { type TestServer, testServer } from './test-server.ts';

export type DeploymentInfo = NonNullable<ManagementOperations['GetDeployment']['output']['deploymentInfo']>;

export const APPLICATION = 'shop';
export const GROUP = 'live';
const ROLE = 'arn:aws:iam::000000000000:role/any';

/** An AppSpec file for the function `shop`, from version 1 to version 2 of the alias `live`. */
export function appSpec(hooks: Readonly<Record<string, string>> = {}, properties: object = {}): string {
  const Properties = { Name: 'shop', Alias: 'live', CurrentVersion: '1', TargetVersion: '2', ...properties };
  return JSON.stringify({
    version: 0.0,
    Resources: [{ shop: { Type: 'AWS::Lambda::Function', Properties } }],
    Hooks: Object.entries(hooks).map(([event, name]) => ({ [event]: name })),
  });
}

export const contentRevision = (content: string) => ({ revisionType: 'AppSpecContent', appSpecContent: { content } });

export interface LambdaWorld extends AsyncDisposable {
  readonly lambda: LambdaStandIn;
  readonly server: TestServer;
  readonly client: ManagementClient;
  group(name: string, settings?: object): Promise<void>;
  deploy(options?: {
    readonly content?: string;
    readonly group?: string;
    readonly [member: string]: unknown;
  }): Promise<string>;
  info(deploymentId: string): Promise<DeploymentInfo>;
  /** Waits until it is over. */
  ended(deploymentId: string): Promise<DeploymentInfo>;
  target(deploymentId: string): Promise<LambdaTarget>;
  /** Puts an object into the bucket `revisions` of the server's own store. */
  upload(key: string, body: Buffer | string): Promise<void>;
}

export type LambdaTarget = NonNullable<
  NonNullable<ManagementOperations['GetDeploymentTarget']['output']['deploymentTarget']>['lambdaTarget']
>;

/** @param setEnv puts the stand-in's address into the environment before the server starts */
export async function lambdaWorld(
  setEnv: (env: Readonly<Record<string, string>>) => void,
  { trafficMinuteMs = 40, hooksFile }: { readonly trafficMinuteMs?: number; readonly hooksFile?: string } = {},
): Promise<LambdaWorld> {
  const lambda = await startLambdaStandIn();
  setEnv(lambda.env);
  const scratch = scratchFolder();
  const server = await testServer(scratch.at('data'), undefined, undefined, {
    awsRegion: 'us-east-1',
    trafficMinuteMs,
    ...(hooksFile === undefined ? {} : { hooksFile }),
  });
  const key = await server.key('admin');
  const client = managementClient(server.url, key);
  const store = new S3Client({
    ...{ endpoint: server.s3Url, region: 'us-east-1', forcePathStyle: true },
    credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey },
  });
  await client.call('CreateApplication', { applicationName: APPLICATION, computePlatform: 'Lambda' });
  const info = async (deploymentId: string) => {
    const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
    if (deploymentInfo === undefined) throw new Error('there is no deployment');
    return deploymentInfo;
  };
  const world: LambdaWorld = {
    ...{ lambda, server, client, info },
    async group(deploymentGroupName, settings = {}) {
      await client.call('CreateDeploymentGroup', {
        ...{ applicationName: APPLICATION, deploymentGroupName, serviceRoleArn: ROLE },
        ...settings,
      });
    },
    async deploy({ content = appSpec(), group = GROUP, ...members } = {}) {
      const { deploymentId = '' } = await client.call('CreateDeployment', {
        ...{ applicationName: APPLICATION, deploymentGroupName: group },
        revision: contentRevision(content),
        ...members,
      } as ManagementOperations['CreateDeployment']['input']);
      return deploymentId;
    },
    async ended(deploymentId) {
      await eventually(async () =>
        ['Succeeded', 'Failed', 'Stopped'].includes((await info(deploymentId)).status ?? ''),
      );
      return info(deploymentId);
    },
    async target(deploymentId) {
      const { targetIds = [] } = await client.call('ListDeploymentTargets', { deploymentId });
      const { deploymentTargets = [] } = await client.call('BatchGetDeploymentTargets', { deploymentId, targetIds });
      const { lambdaTarget } = deploymentTargets[0] ?? {};
      if (lambdaTarget === undefined) throw new Error('there is no target');
      return lambdaTarget;
    },
    async upload(Key, Body) {
      await store.send(new PutObjectCommand({ Bucket: 'revisions', Key, Body }));
    },
    async [Symbol.asyncDispose]() {
      store.destroy();
      await server[Symbol.asyncDispose]();
      await lambda[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
  return world;
}
