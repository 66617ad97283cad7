/** One instance of EC2: whether it runs, and its end. */
import { AwsFault, callAws } from './aws-fault.ts';
import { askEc2, type Ec2Context, itemsOf, objectOf, textOf } from './ec2-query.ts';

export interface StandingInstance {
  /** AWS' own word: `running`, `shutting-down`, `terminated` and others. */
  readonly state: string;
  /** The Auto Scaling group that would launch another one in its place; null: none. */
  readonly autoScalingGroup: string | null;
}

/** @throws AwsFault */
export interface InstanceEnd {
  readonly region: string;
  /** null: the region has no such instance, or has forgotten it. */
  find(id: string, signal: AbortSignal): Promise<StandingInstance | null>;
  /** May be repeated: an instance that is terminated stays so. */
  terminate(id: string, signal: AbortSignal): Promise<void>;
}

/** Tag that Auto Scaling puts on its members, and that nobody else can put there. */
const GROUP_TAG = 'aws:autoscaling:groupName';

export function createInstanceEnd(ctx: Ec2Context): InstanceEnd {
  return {
    region: ctx.region,
    find: (id, signal) => findInstance(ctx, id, signal),
    async terminate(id, signal) {
      await callAws(`TerminateInstances ${id}`, () =>
        askEc2(ctx, 'TerminateInstances', { 'InstanceId.1': id }, signal),
      );
    },
  };
}

async function findInstance(ctx: Ec2Context, id: string, signal: AbortSignal): Promise<StandingInstance | null> {
  const call = `DescribeInstances ${id}`;
  try {
    const answer = await callAws(call, () => askEc2(ctx, 'DescribeInstances', { 'InstanceId.1': id }, signal));
    const instances = itemsOf(answer['reservationSet']).flatMap((one) => itemsOf(one['instancesSet']));
    const found = instances.find((instance) => textOf(instance['instanceId']) === id);
    if (found === undefined) return null;
    const state = textOf(objectOf(found['instanceState'])['name']);
    // An answer without a state says nothing about whether the instance may go.
    if (state === '') throw new AwsFault(call, { trouble: 'away', code: '', answer: 'the answer has no state' });
    const groups = itemsOf(found['tagSet']).filter((tag) => textOf(tag['key']) === GROUP_TAG);
    return { state, autoScalingGroup: textOf(groups[0]?.['value']) || null };
  } catch (error) {
    if (error instanceof AwsFault && error.trouble === 'missing') return null;
    throw error;
  }
}
