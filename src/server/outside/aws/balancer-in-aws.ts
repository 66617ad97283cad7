/** Load balancers that a deployment group names and that no file says anything about: those of these names in AWS. */
import type { LoadBalancer } from '../load-balancer.ts';
import type { AwsClients } from './aws.ts';
import { createClassicElb } from './classic-elb.ts';
import { createTargetGroup } from './target-group.ts';

/** AWS itself ends requests that last too long: after its own delay, which is an hour at most. */
export const AWS_DRAIN_SECONDS = 3_500;

/** Made once for each name, so that hosts of one wave share their questions. */
export function balancersInAws(
  aws: AwsClients,
): (ref: { readonly name: string; readonly kind: 'classic-elb' | 'target-group' }) => LoadBalancer {
  const made = new Map<string, LoadBalancer>();
  return ({ name, kind }) => {
    const key = `${kind} ${name}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const settings = { name, target: null, drainLimitMs: AWS_DRAIN_SECONDS * 1000 };
    const balancer = kind === 'target-group' ? createTargetGroup(aws, settings) : createClassicElb(aws, settings);
    made.set(key, balancer);
    return balancer;
  };
}
