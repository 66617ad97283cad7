/**
 * Orders to terminate the original hosts of a blue/green deployment that are instances of EC2.
 *
 * A host says by a tag of its own which instance it is, and could name somebody else's. So its word alone ends nothing: AWS must have the
 * instance in the deployment group, or the identity with which the host signs must name it.
 */
import type { Clock } from '../../system/clock.ts';
import { ec2InstanceIdOf } from '../engine/hosts/ec2-identity.ts';
import { storedSettings } from '../engine/settings.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { InstanceEnd } from '../outside/aws/instance-end.ts';
import { findDeployment } from '../store/deployments.ts';
import { findFleetMember, instancesById } from '../store/fleets.ts';
import type { OrderRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { afterAwsFault } from './after-aws-fault.ts';
import type { OrderCall, OrderHandler, Progress } from './order.ts';

export interface InstanceOrderContext {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly instances: InstanceEnd;
}

interface Memory {
  /** The instance that the host is; absent: nobody has looked yet. It stays known when AWS has forgotten it. */
  readonly ec2InstanceId?: string;
}

const LOOK_MS = 5_000;
/** States from which an instance does not come back. */
const ENDED = ['shutting-down', 'terminated'];

/** Handlers by the kind of an order. */
export function instanceHandlers(ctx: InstanceOrderContext): Readonly<Record<'TerminateInstance', OrderHandler>> {
  return { TerminateInstance: (order, call) => terminate(ctx, order, call) };
}

async function terminate(ctx: InstanceOrderContext, order: OrderRow, call: OrderCall): Promise<Progress> {
  const { ec2InstanceId } = JSON.parse(order.memory_json ?? '{}') as Memory;
  const id = ec2InstanceId ?? (await instanceOf(ctx, order));
  if (id === null) return left('It is no instance of EC2 as far as AWS or its identity says, and runs on.');
  const memory: Memory = { ec2InstanceId: id };
  try {
    return await look(ctx, id, call);
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    return afterAwsFault(order, error, { isAutoScaling: false, memory }, ctx.clock.now());
  }
}

/** One look, and one nudge where it still runs. */
async function look({ instances }: InstanceOrderContext, id: string, call: OrderCall): Promise<Progress> {
  const memory: Memory = { ec2InstanceId: id };
  const found = await instances.find(id, call.signal);
  const lastCall = `DescribeInstances ${id}`;
  if (found === null) {
    const lastAnswer = `no such instance is in ${instances.region}`;
    return { memory, lastCall, lastAnswer, ending: 'Succeeded', message: `${id}: ${lastAnswer}, or any more.` };
  }
  const { state, autoScalingGroup } = found;
  if (ENDED.includes(state)) {
    return { memory, lastCall, lastAnswer: state, ending: 'Succeeded', message: `${id} is ${state}.` };
  }
  if (autoScalingGroup !== null) {
    const why =
      `${id} runs on: the Auto Scaling group ${autoScalingGroup} would launch another instance in its place. ` +
      'Delete that group, or set its capacity to 0.';
    return { memory, lastCall, lastAnswer: state, ending: 'Succeeded', message: why };
  }
  const nudge = `TerminateInstances ${id}`;
  await call.remember(memory, nudge);
  await instances.terminate(id, call.signal);
  return { memory, lastCall: nudge, lastAnswer: 'accepted', ending: 'later', inMs: LOOK_MS };
}

function left(message: string): Progress {
  return { memory: null, lastCall: null, lastAnswer: null, ending: 'Succeeded', message };
}

/** @returns null: nobody but the host itself says that it is an instance */
async function instanceOf({ store }: InstanceOrderContext, order: OrderRow): Promise<string | null> {
  const deployment = await findDeployment(store.db, order.deployment_id);
  if (deployment === null) return null;
  const { fleetOf } = storedSettings(deployment, null);
  const member = fleetOf === undefined ? null : await findFleetMember(store.db, fleetOf, order.instance_id);
  if (member !== null) return member.ec2_instance_id;
  const [host] = await instancesById(store.db, [order.instance_id]);
  return host === undefined ? null : ec2InstanceIdOf(host.host_arn, null);
}
