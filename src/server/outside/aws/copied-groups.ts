/** Auto Scaling groups that are copied for a blue/green deployment, and deleted after it. */
import type { AutoScaling, AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { AwsClients } from './aws.ts';
import { AwsFault, callAws } from './aws-fault.ts';
import { describeGroups } from './fleet.ts';
import { copyRequest } from './group-copy.ts';

/** Each call may be repeated: what is done already is left as it is. @throws AwsFault */
export interface CopiedGroups {
  /** null: AWS does not have it. */
  find(name: string, signal: AbortSignal): Promise<AutoScalingGroup | null>;
  /** Makes a copy, without load balancers. */
  make(original: AutoScalingGroup, name: string, signal: AbortSignal): Promise<void>;
  /** Brings policies, scheduled actions, notifications, metrics and the user's own hooks of the original to the copy. */
  complete(original: AutoScalingGroup, name: string, signal: AbortSignal): Promise<void>;
  /** Instances of the copy that are launched from now on come to the original's load balancers by themselves. */
  attachBalancers(original: AutoScalingGroup, name: string, signal: AbortSignal): Promise<void>;
  /** With all its instances. */
  remove(name: string, signal: AbortSignal): Promise<void>;
}

/** Hooks of deployment groups: theirs go with the deployment group. */
const OWN_HOOK = 'CodeDeploy-managed-';

export function createCopiedGroups(clients: Pick<AwsClients, 'autoScaling'>): CopiedGroups {
  const call = async <Answer>(what: string, ask: (client: AutoScaling) => Promise<Answer>): Promise<Answer> =>
    callAws(what, async () => ask(await clients.autoScaling()));
  return {
    find: (name, signal) => findGroup(clients, name, signal),
    async make(original, name, abortSignal) {
      try {
        await call(`CreateAutoScalingGroup ${name}`, (client) =>
          client.createAutoScalingGroup(copyRequest(original, name), { abortSignal }),
        );
      } catch (error) {
        if (!(error instanceof AwsFault && /AlreadyExists/.test(error.awsCode))) throw error;
      }
    },
    async complete(original, name, signal) {
      const AutoScalingGroupName = original.AutoScalingGroupName ?? '';
      await copyPolicies(call, AutoScalingGroupName, name, signal);
      await copySchedule(call, AutoScalingGroupName, name, signal);
      await copyNotices(call, AutoScalingGroupName, name, signal);
      await copyHooks(call, AutoScalingGroupName, name, signal);
      await copyMetrics(call, original, name, signal);
    },
    async attachBalancers({ LoadBalancerNames = [], TargetGroupARNs = [] }, AutoScalingGroupName, abortSignal) {
      if (LoadBalancerNames.length > 0) {
        await call(`AttachLoadBalancers ${AutoScalingGroupName}`, (client) =>
          client.attachLoadBalancers({ AutoScalingGroupName, LoadBalancerNames }, { abortSignal }),
        );
      }
      if (TargetGroupARNs.length > 0) {
        await call(`AttachLoadBalancerTargetGroups ${AutoScalingGroupName}`, (client) =>
          client.attachLoadBalancerTargetGroups({ AutoScalingGroupName, TargetGroupARNs }, { abortSignal }),
        );
      }
    },
    async remove(AutoScalingGroupName, abortSignal) {
      await call(`DeleteAutoScalingGroup ${AutoScalingGroupName}`, (client) =>
        client.deleteAutoScalingGroup({ AutoScalingGroupName, ForceDelete: true }, { abortSignal }),
      );
    },
  };
}

async function findGroup(
  clients: Pick<AwsClients, 'autoScaling'>,
  name: string,
  signal: AbortSignal,
): Promise<AutoScalingGroup | null> {
  try {
    return (await describeGroups(clients, [name], signal))[0] ?? null;
  } catch (error) {
    if (error instanceof AwsFault && error.trouble === 'missing') return null;
    throw error;
  }
}

type Call = <Answer>(what: string, ask: (client: AutoScaling) => Promise<Answer>) => Promise<Answer>;

async function copyPolicies(call: Call, original: string, name: string, abortSignal: AbortSignal): Promise<void> {
  const { ScalingPolicies = [] } = await call(`DescribePolicies ${original}`, (client) =>
    client.describePolicies({ AutoScalingGroupName: original }, { abortSignal }),
  );
  for (const policy of ScalingPolicies) {
    // Alarms name their policy, which a target-tracking one makes anew; those of others are the user's.
    const { PolicyARN: _, Alarms: __, PolicyName, ...settings } = policy;
    await call(`PutScalingPolicy ${name}`, (client) =>
      client.putScalingPolicy({ ...settings, PolicyName, AutoScalingGroupName: name }, { abortSignal }),
    );
  }
}

async function copySchedule(call: Call, original: string, name: string, abortSignal: AbortSignal): Promise<void> {
  const { ScheduledUpdateGroupActions = [] } = await call(`DescribeScheduledActions ${original}`, (client) =>
    client.describeScheduledActions({ AutoScalingGroupName: original }, { abortSignal }),
  );
  for (const action of ScheduledUpdateGroupActions) {
    const { ScheduledActionARN: _, Time: __, ScheduledActionName, ...settings } = action;
    await call(`PutScheduledUpdateGroupAction ${name}`, (client) =>
      client.putScheduledUpdateGroupAction(
        { ...settings, ScheduledActionName, AutoScalingGroupName: name },
        { abortSignal },
      ),
    );
  }
}

async function copyNotices(call: Call, original: string, name: string, abortSignal: AbortSignal): Promise<void> {
  const { NotificationConfigurations = [] } = await call(`DescribeNotificationConfigurations ${original}`, (client) =>
    client.describeNotificationConfigurations({ AutoScalingGroupNames: [original] }, { abortSignal }),
  );
  const byTopic = Map.groupBy(NotificationConfigurations, ({ TopicARN = '' }) => TopicARN);
  for (const [TopicARN, entries] of byTopic) {
    const NotificationTypes = entries.flatMap(({ NotificationType }) => NotificationType ?? []);
    await call(`PutNotificationConfiguration ${name}`, (client) =>
      client.putNotificationConfiguration({ AutoScalingGroupName: name, TopicARN, NotificationTypes }, { abortSignal }),
    );
  }
}

async function copyHooks(call: Call, original: string, name: string, abortSignal: AbortSignal): Promise<void> {
  const { LifecycleHooks = [] } = await call(`DescribeLifecycleHooks ${original}`, (client) =>
    client.describeLifecycleHooks({ AutoScalingGroupName: original }, { abortSignal }),
  );
  for (const { GlobalTimeout: _, LifecycleHookName = '', ...hook } of LifecycleHooks) {
    if (LifecycleHookName.startsWith(OWN_HOOK)) continue;
    await call(`PutLifecycleHook ${name}`, (client) =>
      client.putLifecycleHook({ ...hook, LifecycleHookName, AutoScalingGroupName: name }, { abortSignal }),
    );
  }
}

async function copyMetrics(
  call: Call,
  { EnabledMetrics = [] }: AutoScalingGroup,
  AutoScalingGroupName: string,
  abortSignal: AbortSignal,
): Promise<void> {
  const Metrics = EnabledMetrics.flatMap(({ Metric }) => Metric ?? []);
  if (Metrics.length === 0) return;
  await call(`EnableMetricsCollection ${AutoScalingGroupName}`, (client) =>
    client.enableMetricsCollection({ AutoScalingGroupName, Metrics, Granularity: '1Minute' }, { abortSignal }),
  );
}
