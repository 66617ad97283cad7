/** A Classic Load Balancer: an instance leaves by DeregisterInstancesFromLoadBalancer and comes back by RegisterInstancesWithLoadBalancer. */
import type { InstanceState } from '@aws-sdk/client-elastic-load-balancing';
import { fillTemplate } from '../host-template.ts';
import type { BalancedHost, LoadBalancer } from '../load-balancer.ts';
import type { AwsClients } from './aws.ts';
import { callBalancer } from './balancer-call.ts';
import { classicAllowStep, classicBlockStep, describeInstance, type InstanceHealth } from './instance-health.ts';
import { shared } from './shared.ts';

export interface ClassicElbSettings {
  /** The load balancer's name. */
  readonly name: string;
  /** Template of the instance's id; null: the host's EC2 instance. */
  readonly target: string | null;
  readonly drainLimitMs: number;
}

export function createClassicElb(
  clients: Pick<AwsClients, 'classicLoadBalancing'>,
  { name, target, drainLimitMs }: ClassicElbSettings,
): LoadBalancer {
  /** Health of all instances: about a single one that is not registered the balancer answers with an error. */
  const healths = shared(async (LoadBalancerName: string, abortSignal) => {
    const answer = await callBalancer(`DescribeInstanceHealth ${name}`, async () =>
      (await clients.classicLoadBalancing()).describeInstanceHealth({ LoadBalancerName }, { abortSignal }),
    );
    return answer.InstanceStates ?? [];
  });
  const look = async (host: BalancedHost, signal: AbortSignal) => {
    const own = target === null ? host.ec2InstanceId : null;
    const id = own ?? fillTemplate(target ?? '{tag:InstanceId}', host);
    const found = (await healths(name, signal)).find(({ InstanceId }) => InstanceId === id);
    return { id, health: found === undefined ? null : healthOf(found) };
  };
  const request = (id: string) => ({ LoadBalancerName: name, Instances: [{ InstanceId: id }] });

  return {
    drainLimitMs,
    async block(host, { isDrainOver, signal, memory }) {
      const { id, health } = await look(host, signal);
      const wasIn = (memory ?? null) !== null;
      const { state, mustDeregister } = classicBlockStep(health, { wasIn, isDrainOver });
      const answer = health === null ? `${id} is not registered` : describeInstance(health);
      if (!mustDeregister) {
        return { state, call: `DescribeInstanceHealth ${name} (${id})`, answer, ...(wasIn ? { memory } : {}) };
      }
      const call = `DeregisterInstancesFromLoadBalancer ${name} (${id})`;
      await callBalancer(call, async () =>
        (await clients.classicLoadBalancing()).deregisterInstancesFromLoadBalancer(request(id), {
          abortSignal: signal,
        }),
      );
      return { state, call, answer: `done; before it was ${answer}`, memory: { wasIn: true } };
    },
    async allow(host, { signal }) {
      const { id, health } = await look(host, signal);
      const { state, mustRegister } = classicAllowStep(health);
      const answer = health === null ? '' : describeInstance(health);
      if (!mustRegister) return { state, call: `DescribeInstanceHealth ${name} (${id})`, answer };
      const call = `RegisterInstancesWithLoadBalancer ${name} (${id})`;
      await callBalancer(call, async () =>
        (await clients.classicLoadBalancing()).registerInstancesWithLoadBalancer(request(id), { abortSignal: signal }),
      );
      return { state, call, answer: 'done' };
    },
  };
}

function healthOf({ State, ReasonCode, Description }: InstanceState): InstanceHealth {
  return { state: State ?? 'Unknown', reason: ReasonCode ?? '', description: Description ?? '' };
}
