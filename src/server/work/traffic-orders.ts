/** Orders of the events BlockTraffic and AllowTraffic: a host leaves all load balancers of its group, and comes back to all. */
import type { Clock } from '../../system/clock.ts';
import { balancerNames, storedSettings } from '../engine/settings.ts';
import { type BalancedHost, BalancerFault, type LoadBalancer, wrongConfiguration } from '../outside/load-balancer.ts';
import { findGroupById } from '../store/deployment-groups.ts';
import { findDeployment } from '../store/deployments.ts';
import { instanceTagsOf } from '../store/instance-tags.ts';
import type { OrderRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { findTarget } from '../store/targets.ts';
import type { OrderHandler } from './order.ts';
import { NO_MEMORY, progressOf, type TrafficLook, type TrafficMemory } from './traffic-progress.ts';

export interface TrafficContext {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Pick<Clock, 'now'>;
  /** By the names that groups call them by. */
  readonly balancers: ReadonlyMap<string, LoadBalancer>;
}

/** By the kind of an order: the events' names. */
export function trafficHandlers(ctx: TrafficContext): Readonly<Record<'BlockTraffic' | 'AllowTraffic', OrderHandler>> {
  const handler = (isBlock: boolean) => (order: OrderRow, signal: AbortSignal) =>
    callBalancers(ctx, order, isBlock, signal);
  return { BlockTraffic: handler(true), AllowTraffic: handler(false) };
}

async function callBalancers(ctx: TrafficContext, order: OrderRow, isBlock: boolean, signal: AbortSignal) {
  const { host, names } = await subjectOf(ctx, order);
  const nowMs = ctx.clock.now();
  const ageMs = nowMs - order.given_at_ms;
  const memory =
    order.memory_json === null ? NO_MEMORY : { ...NO_MEMORY, ...(JSON.parse(order.memory_json) as TrafficMemory) };
  let isDrainOver = false;
  const ask = async (name: string): Promise<TrafficLook> => {
    try {
      const balancer = ctx.balancers.get(name);
      if (balancer === undefined) {
        throw wrongConfiguration('look it up', 'the file behind --load-balancers does not name it');
      }
      if (!isBlock) {
        const { state, ...record } = await balancer.allow(host, { signal });
        return { name, ...record, result: { state } };
      }
      const isLate = nowMs - (memory.drainingSinceMs[name] ?? nowMs) >= balancer.drainLimitMs;
      isDrainOver ||= isLate;
      const { state, ...record } = await balancer.block(host, { isDrainOver: isLate, signal });
      return { name, ...record, result: { state } };
    } catch (error) {
      const fault = faultOf(error);
      return { name, ...fault.record, result: { fault: fault.code, isFinal: fault.isFinal } };
    }
  };
  const looks = await Promise.all(names.map(ask));
  return progressOf(looks, memory, { nowMs: ctx.clock.now(), ageMs, isDrainOver });
}

/** Whose traffic it is, and which balancers have it. */
async function subjectOf({ store }: TrafficContext, order: OrderRow) {
  const { deployment_id: deploymentId, instance_id: instanceId } = order;
  const deployment = await findDeployment(store.db, deploymentId);
  const target = await findTarget(store.db, deploymentId, instanceId);
  const tags = (await instanceTagsOf(store.db, [instanceId])).get(instanceId) ?? [];
  const host: BalancedHost = {
    name: target?.target_id ?? instanceId,
    tags: new Map(tags.map(({ Key, Value }) => [Key, Value])),
  };
  if (deployment === null) return { host, names: [] };
  const group = await findGroupById(store.db, deployment.deployment_group_id);
  const { loadBalancerInfo } = storedSettings(deployment, group?.settings_json ?? null);
  return { host, names: balancerNames(loadBalancerInfo) };
}

/** Whatever an adapter throws, the event has something to say. */
function faultOf(error: unknown): BalancerFault {
  if (error instanceof BalancerFault) return error;
  const answer = error instanceof Error ? error.message : String(error);
  return new BalancerFault({ call: 'the call', answer }, { cause: error });
}
