/** A new task set as ECS is asked for it. Pure. */
import type { CreateTaskSetCommandInput, NetworkConfiguration, Service, TaskSet } from '@aws-sdk/client-ecs';
import type { ServiceRef } from './ecs.ts';

/** The new task set as the AppSpec file wants it. */
export interface WantedTaskSet {
  readonly taskDefinition: string;
  readonly containerName: string;
  readonly containerPort: number;
  /** null: as the task set has it that serves now. */
  readonly platformVersion: string | null;
  /** null: as the task set has it that serves now. */
  readonly network: {
    readonly subnets: readonly string[];
    readonly securityGroups: readonly string[];
    readonly assignPublicIp: 'ENABLED' | 'DISABLED';
  } | null;
  /** Empty: as the task set has it that serves now. */
  readonly capacityProviders: readonly { readonly name: string; readonly base: number; readonly weight: number }[];
}

export interface TaskSetRequest {
  readonly ref: ServiceRef;
  readonly deploymentId: string;
  readonly wanted: WantedTaskSet;
  /** ARNs of the target groups by pairs: its tasks join the green ones. */
  readonly pairs: readonly { readonly blue: string; readonly green: string }[];
  /** The task set that serves now; null: there is none yet, and the service itself is the pattern. */
  readonly blue: TaskSet | null;
  readonly service: Service;
}

/**
 * Settings that the AppSpec file does not name are copied from the task set that serves now: launch type or capacity providers, network,
 * platform version, service discovery. A repeated request makes no second task set, because the token is the deployment's id.
 */
export function taskSetRequest(request: TaskSetRequest): CreateTaskSetCommandInput {
  const { ref, deploymentId, wanted, blue, service } = request;
  const pattern = blue ?? service;
  const registries = pattern.serviceRegistries ?? [];
  return {
    ...{ cluster: ref.cluster, service: ref.service, taskDefinition: wanted.taskDefinition },
    ...{ externalId: deploymentId, clientToken: deploymentId },
    loadBalancers: loadBalancersOf(request),
    scale: { value: 100, unit: 'PERCENT' },
    ...launchOf(wanted, pattern),
    ...networkOf(wanted, pattern),
    ...(registries.length === 0 ? {} : { serviceRegistries: registries }),
  };
}

/**
 * The container and the port behind each target group. An AppSpec file names those of the first pair. A further pair has the same, unless the task
 * set that serves now has another container or port behind it, which then stays.
 */
function loadBalancersOf({ pairs, wanted, blue }: TaskSetRequest) {
  const served = blue?.loadBalancers ?? [];
  const behind = (arn: string | undefined) => served.find(({ targetGroupArn }) => targetGroupArn === arn);
  const first = behind(pairs[0]?.blue);
  return pairs.map(({ blue: blueGroup, green: targetGroupArn }) => {
    const own = behind(blueGroup);
    const isSame =
      own === undefined || (own.containerName === first?.containerName && own.containerPort === first?.containerPort);
    const { containerName, containerPort } = isSame ? wanted : own;
    return { targetGroupArn, containerName, containerPort };
  });
}

/** Both have the members that are copied. */
type Pattern = Pick<TaskSet, 'capacityProviderStrategy' | 'launchType' | 'platformVersion' | 'networkConfiguration'>;

/** Capacity providers take the place of a launch type: ECS refuses both. */
function launchOf({ capacityProviders, platformVersion }: WantedTaskSet, pattern: Pattern) {
  const version = platformVersion ?? pattern.platformVersion;
  const platform = version === undefined ? {} : { platformVersion: version };
  const copied = pattern.capacityProviderStrategy ?? [];
  const strategy =
    capacityProviders.length === 0
      ? copied
      : capacityProviders.map(({ name, base, weight }) => ({ capacityProvider: name, base, weight }));
  if (strategy.length > 0) return { capacityProviderStrategy: strategy, ...platform };
  // Only Fargate has platform versions.
  const launchType = pattern.launchType ?? (version === undefined ? undefined : ('FARGATE' as const));
  return { ...(launchType === undefined ? {} : { launchType }), ...platform };
}

function networkOf({ network }: WantedTaskSet, pattern: Pattern): { networkConfiguration?: NetworkConfiguration } {
  if (network === null) {
    return pattern.networkConfiguration === undefined ? {} : { networkConfiguration: pattern.networkConfiguration };
  }
  const { subnets, securityGroups, assignPublicIp } = network;
  return {
    networkConfiguration: {
      awsvpcConfiguration: { subnets: [...subnets], securityGroups: [...securityGroups], assignPublicIp },
    },
  };
}
