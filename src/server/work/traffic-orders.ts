/** Orders of the events BlockTraffic and AllowTraffic: a host leaves all load balancers of its group, and comes back to all. */
import type { Clock } from '../../system/clock.ts';
import { ec2InstanceIdOf, INSTANCE_TAG } from '../engine/hosts/ec2-identity.ts';
import { type BalancerRef, namedBalancers, storedSettings } from '../engine/settings.ts';
import {
  type AllowLook,
  type BalancedHost,
  BalancerFault,
  type BlockLook,
  type LoadBalancer,
  wrongConfiguration,
} from '../outside/load-balancer.ts';
import { findGroupById } from '../store/deployment-groups.ts';
import { findDeployment } from '../store/deployments.ts';
import { instanceTagsOf } from '../store/instance-tags.ts';
import { trafficRecordsOf } from '../store/orders.ts';
import type { OrderRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { findTarget } from '../store/targets.ts';
import type { OrderHandler } from './order.ts';
import { backProgress, shortened } from './traffic-after-stop.ts';
import { NO_MEMORY, progressOf, type TrafficLook, type TrafficMemory } from './traffic-progress.ts';

export interface TrafficContext {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Balancers by the names that groups give them. */
  readonly balancers: ReadonlyMap<string, LoadBalancer>;
  /** Finds AWS's balancer for any other name; left out: the server asks no AWS. */
  readonly inAws?: (ref: BalancerRef) => LoadBalancer;
}

/** Handlers by the kind of an order, which is the event's name. */
export function trafficHandlers(ctx: TrafficContext): Readonly<Record<'BlockTraffic' | 'AllowTraffic', OrderHandler>> {
  const handler = (wish: Wish): OrderHandler => {
    return (order, { signal }) => callBalancers(ctx, order, wish, signal);
  };
  return { BlockTraffic: handler('block'), AllowTraffic: handler('allow') };
}

/** Looks after hosts that are out: a balancer that has forgotten that is told again. Handlers by the kind of an order. */
export function trafficKeepers(ctx: TrafficContext): Readonly<Record<'BlockTraffic', OrderHandler>> {
  return {
    async BlockTraffic(order, { signal }) {
      const progress = await callBalancers(ctx, order, 'keep out', signal);
      const { memory, lastCall, lastAnswer } = progress;
      const inMs = progress.ending === 'Succeeded' ? progress.keepInMs : SOON_MS;
      // A balancer that is down forgets, and is asked until it is back.
      return { memory, lastCall, lastAnswer, ending: 'later', inMs: inMs ?? SOON_MS };
    },
  };
}

const SOON_MS = 1_000;

/** State that the balancers should have. A host that is out is kept out; only one that leaves is led back when its deployment is stopped. */
type Wish = 'block' | 'keep out' | 'allow';

async function callBalancers(ctx: TrafficContext, order: OrderRow, wish: Wish, signal: AbortSignal) {
  const isBlock = wish !== 'allow';
  const known = memoryOf(order.memory_json);
  const past = isBlock ? [] : await pastOf(ctx, order.instance_id);
  // Whatever becomes of the host's tags meanwhile, it comes back where it was taken out.
  const tags = known.tags ?? tagsOfLeave(past);
  const { host, refs, stoppedAtMs } = await subjectOf(ctx, order, tags);
  const memory: TrafficMemory = { ...known, tags: Object.fromEntries(host.tags) };
  const nowMs = ctx.clock.now();
  const ageMs = nowMs - order.given_at_ms;
  const blocked = isBlock ? [memory] : past.filter(({ kind }) => kind === 'BlockTraffic').map((one) => one.memory);
  let isDrainOver = false;
  const looked = async ({ name, balancer }: Found, call: (balancer: LoadBalancer) => Promise<AnyLook>) => {
    try {
      if (balancer === undefined) {
        throw wrongConfiguration('look it up', 'the file behind --load-balancers does not name it');
      }
      const { state, ...record } = await call(balancer);
      return { name, ...record, result: { state } } satisfies TrafficLook;
    } catch (error) {
      const fault = faultOf(error);
      const result = { fault: fault.code, isFinal: fault.isFinal };
      return { name, ...fault.record, result } satisfies TrafficLook;
    }
  };
  const block = (one: Found) => {
    return looked(one, (balancer) => {
      const isLate = nowMs - (memory.drainingSinceMs[one.name] ?? nowMs) >= balancer.drainLimitMs;
      isDrainOver ||= isLate;
      return balancer.block(host, { isDrainOver: isLate, signal, memory: memory.ofBalancers[one.name] });
    });
  };
  const allow = (one: Found) => {
    const last = blocked.find(({ ofBalancers }) => Object.hasOwn(ofBalancers, one.name))?.ofBalancers[one.name];
    return looked(one, (balancer) => balancer.allow(host, { signal, memory: last }));
  };
  const found = findBalancers(ctx, refs);
  if (wish === 'block' && stoppedAtMs !== null) {
    const left = found.filter(({ name }) => memory.leaving?.includes(name));
    return backProgress(await Promise.all(left.map(allow)), memory, ctx.clock.now() - stoppedAtMs);
  }
  const looks = await Promise.all(found.map(isBlock ? block : allow));
  const progress = progressOf(looks, memory, { nowMs: ctx.clock.now(), ageMs, isDrainOver });
  if (wish === 'allow' && stoppedAtMs !== null) return shortened(progress, ctx.clock.now() - stoppedAtMs);
  const keepInMs = isBlock ? keptAfterMs(found) : null;
  return progress.ending === 'Succeeded' && keepInMs !== null ? { ...progress, keepInMs } : progress;
}

/** When balancers that may forget are told again; null: none of them does. */
function keptAfterMs(found: readonly Found[]): number | null {
  const all = found.flatMap(({ balancer }) => balancer?.reassertMs ?? []);
  return all.length === 0 ? null : Math.min(...all);
}

function memoryOf(json: string | null): TrafficMemory {
  return json === null ? NO_MEMORY : { ...NO_MEMORY, ...(JSON.parse(json) as TrafficMemory) };
}

/** As many deployments may have failed in between, two orders each: none of them has taken the host out of where it was not. */
const MAX_ORDERS = 20;

/** Record of one time that a host left its balancers, or came back. */
interface PastOrder {
  readonly kind: string;
  readonly memory: TrafficMemory;
  readonly hasSucceeded: boolean;
}

/** Returns the records of the host being taken out and brought back, with what was remembered, the newest first. */
async function pastOf({ store }: TrafficContext, instanceId: string): Promise<readonly PastOrder[]> {
  const records = await trafficRecordsOf(store.db, { instanceId, limit: MAX_ORDERS });
  return records.map(({ kind, memoryJson, status }) => ({
    ...{ kind, memory: memoryOf(memoryJson), hasSucceeded: status === 'Succeeded' },
  }));
}

/** The tags by which a host was taken out that has not come back since, be it by an earlier deployment; undefined: it was not. */
function tagsOfLeave(past: readonly PastOrder[]): TrafficMemory['tags'] {
  const back = past.findIndex(({ kind, hasSucceeded }) => kind === 'AllowTraffic' && hasSucceeded);
  const since = back === -1 ? past : past.slice(0, back);
  return since.find(({ kind, memory }) => kind === 'BlockTraffic' && memory.leaving !== undefined)?.memory.tags;
}

/** A balancer's answer, whatever it was asked. */
type AnyLook = (BlockLook | AllowLook) & Pick<BlockLook, 'memory'>;

interface Found {
  readonly name: string;
  /** undefined: nobody knows it. */
  readonly balancer: LoadBalancer | undefined;
}

/**
 * The server's own file comes first, where a name means one thing. In AWS one name may be both a target group and a Classic Load Balancer.
 */
function findBalancers({ balancers, inAws }: TrafficContext, refs: readonly BalancerRef[]): readonly Found[] {
  const found = new Map<string, Found>();
  for (const ref of refs) {
    const { name, kind } = ref;
    const isOfAws = !balancers.has(name) && inAws !== undefined;
    const label = isOfAws && kind === 'classic-elb' ? `${name} (classic)` : name;
    found.set(label, { name: label, balancer: balancers.get(name) ?? inAws?.(ref) });
  }
  return [...found.values()];
}

/**
 * Whose traffic it is, and which balancers have it.
 *
 * @param known the host's tags as they were when it was taken out, or first asked about; undefined: those of now
 */
async function subjectOf({ store }: TrafficContext, order: OrderRow, known: TrafficMemory['tags']) {
  const { deployment_id: deploymentId, instance_id: instanceId } = order;
  const deployment = await findDeployment(store.db, deploymentId);
  const target = await findTarget(store.db, deploymentId, instanceId);
  const tagList = (await instanceTagsOf(store.db, [instanceId])).get(instanceId) ?? [];
  const tags = new Map(known === undefined ? tagList.map(({ Key, Value }) => [Key, Value]) : Object.entries(known));
  const host: BalancedHost = {
    name: target?.target_id ?? instanceId,
    tags,
    ec2InstanceId: ec2InstanceIdOf(target?.host_arn ?? '', tags.get(INSTANCE_TAG)),
  };
  if (deployment === null) return { host, refs: [], stoppedAtMs: null };
  const group = await findGroupById(store.db, deployment.deployment_group_id);
  const { loadBalancerInfo } = storedSettings(deployment, group?.settings_json ?? null);
  return { host, refs: namedBalancers(loadBalancerInfo), stoppedAtMs: deployment.stop_requested_at_ms };
}

/** Whatever an adapter throws, the event has something to say. */
function faultOf(error: unknown): BalancerFault {
  if (error instanceof BalancerFault) return error;
  const answer = error instanceof Error ? error.message : String(error);
  return new BalancerFault({ call: 'the call', answer }, { cause: error });
}
