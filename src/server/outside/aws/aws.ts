/**
 * The clients with which the server talks to AWS. Each is loaded and made when it is first used, so that they cost nothing where no group has
 * anything in AWS. Credentials and endpoints are found as in every program with AWS' SDK: environment, profile, container, instance;
 * `AWS_ENDPOINT_URL_<SERVICE>`.
 */
import { loadOptional, onFirstUse } from './optional-client.ts';

export interface AwsClients {
  readonly region: string;
  autoScaling(): Promise<import('@aws-sdk/client-auto-scaling').AutoScaling>;
  classicLoadBalancing(): Promise<import('@aws-sdk/client-elastic-load-balancing').ElasticLoadBalancing>;
  loadBalancing(): Promise<import('@aws-sdk/client-elastic-load-balancing-v2').ElasticLoadBalancingV2>;
  cloudWatch(): Promise<import('@aws-sdk/client-cloudwatch').CloudWatch>;
  topics(): Promise<import('@aws-sdk/client-sns').SNS>;
}

/** An order is looked at again anyway: the SDK's own patience is for a single lost packet. */
const ATTEMPTS = 2;

/** @param region as `eu-central-1` */
export function createAwsClients(region: string): AwsClients {
  const options = { region, maxAttempts: ATTEMPTS };
  return {
    region,
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
    cloudWatch: onFirstUse(async () => {
      const load = () => import('@aws-sdk/client-cloudwatch');
      const { CloudWatch } = await loadOptional('@aws-sdk/client-cloudwatch', load);
      return new CloudWatch(options);
    }),
    topics: onFirstUse(async () => {
      const load = () => import('@aws-sdk/client-sns');
      const { SNS } = await loadOptional('@aws-sdk/client-sns', load);
      return new SNS(options);
    }),
  };
}

/** The clients of any region, those of each made once. */
export function createAwsRegions(): (region: string) => AwsClients {
  const made = new Map<string, AwsClients>();
  return (region) => {
    const clients = made.get(region) ?? createAwsClients(region);
    made.set(region, clients);
    return clients;
  };
}
