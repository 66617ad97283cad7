/**
 * A target group of an Application or a Network Load Balancer.
 *
 * A host leaves by DeregisterTargets with each port that it is registered with, and is out when the group's deregistration delay is over. It comes
 * back by RegisterTargets with the same ports, and is healthy when the group's own health check says so.
 */
import type { TargetHealthDescription } from '@aws-sdk/client-elastic-load-balancing-v2';
import { fillTemplate } from '../host-template.ts';
import { type BalancedHost, type LoadBalancer, wrongConfiguration } from '../load-balancer.ts';
import type { AwsClients } from './aws.ts';
import { callBalancer } from './balancer-call.ts';
import { shared } from './shared.ts';
import { allowStep, blockStep, describeTarget, type TargetState } from './target-health.ts';

export interface TargetGroupSettings {
  /** The target group's name. */
  readonly name: string;
  /** Template of a target's id; null: the host's EC2 instance, or its address, as the group's type has it. */
  readonly target: string | null;
  readonly drainLimitMs: number;
}

/** Registration that a host gets back when it returns. */
interface Registration {
  readonly ports: readonly (number | null)[];
}

interface Group {
  readonly arn: string;
  readonly type: string;
}

export function createTargetGroup(
  clients: Pick<AwsClients, 'loadBalancing'>,
  { name, target, drainLimitMs }: TargetGroupSettings,
): LoadBalancer {
  const find = async (abortSignal: AbortSignal): Promise<Group> => {
    const call = `DescribeTargetGroups ${name}`;
    const { TargetGroups = [] } = await callBalancer(call, async () =>
      (await clients.loadBalancing()).describeTargetGroups({ Names: [name] }, { abortSignal }),
    );
    const [group] = TargetGroups;
    if (group?.TargetGroupArn === undefined) throw wrongConfiguration(call, 'there is no target group of this name');
    const type = group.TargetType ?? 'instance';
    if (type === 'instance' || type === 'ip') return { arn: group.TargetGroupArn, type };
    throw wrongConfiguration(call, `its targets are of the type ${type}, and hosts can only be instance or ip`);
  };
  /** Health of all targets: the hosts of a wave share one call. */
  const healths = shared(async (TargetGroupArn: string, abortSignal) => {
    const answer = await callBalancer(`DescribeTargetHealth ${name}`, async () =>
      (await clients.loadBalancing()).describeTargetHealth({ TargetGroupArn }, { abortSignal }),
    );
    return answer.TargetHealthDescriptions ?? [];
  });
  const look = async (host: BalancedHost, signal: AbortSignal) => {
    const group = await find(signal);
    const id = idOf(host, group, target);
    const all = await healths(group.arn, signal);
    const targets = all.filter(({ Target }) => Target?.Id === id).map(stateOf);
    return { group, id, targets };
  };
  const targetsOf = (id: string, ports: readonly (number | null)[]) =>
    ports.map((Port) => ({ Id: id, ...(Port === null ? {} : { Port }) }));

  return {
    drainLimitMs,
    async block(host, { isDrainOver, signal, memory }) {
      const { group, id, targets } = await look(host, signal);
      const known = registrationOf(memory);
      const { state, deregister } = blockStep(targets, { wasIn: known !== null, isDrainOver });
      const answer = targets.length === 0 ? `${id} is not registered` : targets.map(describeTarget).join(', ');
      const seen = { call: `DescribeTargetHealth ${name} (${id})`, answer };
      if (deregister.length === 0) return { state, ...seen, ...(known === null ? {} : { memory: known }) };
      // The ports are written down before anything is done: a group without a delay forgets them at once.
      if (known === null) return { state: 'waiting', ...seen, memory: { ports: deregister } satisfies Registration };
      const call = `DeregisterTargets ${name} (${id})`;
      await callBalancer(call, async () =>
        (await clients.loadBalancing()).deregisterTargets(
          { TargetGroupArn: group.arn, Targets: targetsOf(id, deregister) },
          { abortSignal: signal },
        ),
      );
      const ports = [...new Set([...known.ports, ...deregister])];
      return { state, call, answer: `done; before it was ${answer}`, memory: { ports } satisfies Registration };
    },
    async allow(host, { signal, memory }) {
      const { group, id, targets } = await look(host, signal);
      const { state, register, never } = allowStep(targets, registrationOf(memory)?.ports ?? []);
      const answer = targets.map(describeTarget).join(', ');
      if (never !== null) throw wrongConfiguration(`DescribeTargetHealth ${name} (${id})`, never);
      if (register.length === 0) return { state, call: `DescribeTargetHealth ${name} (${id})`, answer };
      const call = `RegisterTargets ${name} (${id})`;
      await callBalancer(call, async () =>
        (await clients.loadBalancing()).registerTargets(
          { TargetGroupArn: group.arn, Targets: targetsOf(id, register) },
          { abortSignal: signal },
        ),
      );
      return { state, call, answer: 'done' };
    },
  };
}

/** @throws BalancerFault ELB_INVALID_INSTANCE when nobody has said which instance or address the host is */
function idOf(host: BalancedHost, { type }: Group, target: string | null): string {
  if (target !== null) return fillTemplate(target, host);
  if (type === 'ip') return fillTemplate('{tag:Address}', host);
  return host.ec2InstanceId ?? fillTemplate('{tag:InstanceId}', host);
}

function stateOf({ Target, TargetHealth }: TargetHealthDescription): TargetState {
  return {
    port: Target?.Port ?? null,
    state: TargetHealth?.State ?? 'initial',
    reason: TargetHealth?.Reason ?? '',
    description: TargetHealth?.Description ?? '',
  };
}

/** @returns null: this event has taken the host out of nothing */
function registrationOf(memory: unknown): Registration | null {
  const { ports } = (memory ?? {}) as { readonly ports?: unknown };
  return Array.isArray(ports) ? { ports: ports as Registration['ports'] } : null;
}
