/**
 * The clients with which the server talks to AWS. Each is loaded and made when it is first used, so that they cost nothing where no group has
 * anything in AWS. Credentials and endpoints are found as in every program with AWS' SDK: environment, profile, container, instance;
 * `AWS_ENDPOINT_URL_<SERVICE>`.
 */
import type { CredentialProvider } from '../../../protocol/sigv4/credentials.ts';
import type { Clock } from '../../../system/clock.ts';
import { loadOptional, onFirstUse } from './optional-client.ts';

export interface AwsClients {
  readonly region: string;
  readonly clock: Pick<Clock, 'now'>;
  autoScaling(): Promise<import('@aws-sdk/client-auto-scaling').AutoScaling>;
  classicLoadBalancing(): Promise<import('@aws-sdk/client-elastic-load-balancing').ElasticLoadBalancing>;
  loadBalancing(): Promise<import('@aws-sdk/client-elastic-load-balancing-v2').ElasticLoadBalancingV2>;
  containers(): Promise<import('@aws-sdk/client-ecs').ECS>;
  cloudWatch(): Promise<import('@aws-sdk/client-cloudwatch').CloudWatch>;
  /** It makes each call once: what is repeated is decided by the orders, and a hook must not be called twice. */
  functions(): Promise<import('@aws-sdk/client-lambda').Lambda>;
  topics(): Promise<import('@aws-sdk/client-sns').SNS>;
  /** For EC2, which is asked without a client of its own; renewed before they run out. */
  readonly credentials: CredentialProvider;
  ec2Endpoint(): string;
}

export interface AwsContext {
  readonly clock: Pick<Clock, 'now'>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** An order is looked at again anyway: the SDK's own patience is for a single lost packet. */
const ATTEMPTS = 2;

/** @param region as `eu-central-1` */
export function createAwsClients(region: string, { clock, env }: AwsContext): AwsClients {
  const options = { region, maxAttempts: ATTEMPTS };
  const provider = onFirstUse(async () => {
    const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
    return fromNodeProviderChain({ clientConfig: { region } });
  });
  return {
    ...{ region, clock },
    autoScaling: onFirstUse(async () => {
      const load = () => import('@aws-sdk/client-auto-scaling');
      const { AutoScaling } = await loadOptional('@aws-sdk/client-auto-scaling', load);
      return new AutoScaling(options);
    }),
    classicLoadBalancing: onFirstUse(async () => {
      const load = () => import('@aws-sdk/client-elastic-load-balancing');
      const { ElasticLoadBalancing } = await loadOptional('@aws-sdk/client-elastic-load-balancing', load);
      return new ElasticLoadBalancing(options);
    }),
    loadBalancing: onFirstUse(async () => {
      const load = () => import('@aws-sdk/client-elastic-load-balancing-v2');
      const { ElasticLoadBalancingV2 } = await loadOptional('@aws-sdk/client-elastic-load-balancing-v2', load);
      return new ElasticLoadBalancingV2(options);
    }),
    containers: onFirstUse(async () => {
      const load = () => import('@aws-sdk/client-ecs');
      const { ECS } = await loadOptional('@aws-sdk/client-ecs', load);
      return new ECS(options);
    }),
    cloudWatch: onFirstUse(async () => {
      const load = () => import('@aws-sdk/client-cloudwatch');
      const { CloudWatch } = await loadOptional('@aws-sdk/client-cloudwatch', load);
      return new CloudWatch(options);
    }),
    functions: onFirstUse(async () => {
      const load = () => import('@aws-sdk/client-lambda');
      const { Lambda } = await loadOptional('@aws-sdk/client-lambda', load);
      return new Lambda({ region, maxAttempts: 1 });
    }),
    topics: onFirstUse(async () => {
      const load = () => import('@aws-sdk/client-sns');
      const { SNS } = await loadOptional('@aws-sdk/client-sns', load);
      return new SNS(options);
    }),
    credentials: async () => (await provider())(),
    ec2Endpoint: () =>
      env['AWS_ENDPOINT_URL_EC2'] ||
      env['AWS_ENDPOINT_URL'] ||
      `https://ec2.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`,
  };
}

/** The clients of any region, those of each made once. */
export function createAwsRegions(ctx: AwsContext): (region: string) => AwsClients {
  const made = new Map<string, AwsClients>();
  return (region) => {
    const clients = made.get(region) ?? createAwsClients(region, ctx);
    made.set(region, clients);
    return clients;
  };
}
