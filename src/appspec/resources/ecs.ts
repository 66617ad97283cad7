/** The resource of an AppSpec file for ECS. Pure. */
import { type FindingCollector, isNothing, itemsOf, type YamlNode } from '../reader.ts';
import { didYouMean } from '../suggest.ts';
import {
  type Fields,
  fieldsOf,
  optionalText,
  optionalTexts,
  optionalWhole,
  reportMissingKey,
  reportValue,
  requiredText,
  type TextForm,
} from './fields.ts';
import type { AwsvpcNetwork, CapacityProvider, EcsAppSpec } from './types.ts';

export const ECS_KEYS = [
  'TaskDefinition',
  'LoadBalancerInfo',
  'PlatformVersion',
  'NetworkConfiguration',
  'CapacityProviderStrategy',
] as const;
export const BALANCER_KEYS = ['ContainerName', 'ContainerPort'] as const;
export const NETWORK_KEYS = ['AwsvpcConfiguration'] as const;
export const AWSVPC_KEYS = ['Subnets', 'SecurityGroups', 'AssignPublicIp'] as const;
export const CAPACITY_KEYS = ['CapacityProvider', 'Base', 'Weight'] as const;
export const PUBLIC_IP = ['ENABLED', 'DISABLED'] as const;

/** @see the API reference of ECS, "CapacityProviderStrategyItem" */
export const MAX_BASE = 100_000;
export const MAX_WEIGHT = 1000;
export const MAX_CAPACITY_PROVIDERS = 20;

export const TASK_DEFINITION: TextForm = {
  pattern: /^(?:arn:aws[a-zA-Z-]*:ecs:[a-z0-9-]+:\d{12}:task-definition\/)?[A-Za-z0-9_-]{1,255}:[1-9]\d{0,9}$/,
  is: 'the ARN of a task definition with its revision, or FAMILY:REVISION',
};

export const PORT = { min: 1, max: 65_535 };

/** @returns null, with findings, when something is missing or wrong */
export function readEcsProperties(
  collector: FindingCollector,
  properties: Fields,
): Omit<EcsAppSpec, 'platform' | 'logicalName' | 'hooks'> | null {
  const taskDefinition = requiredText(collector, properties, 'TaskDefinition', TASK_DEFINITION);
  const container = readContainer(collector, properties);
  const platformVersion = optionalText(collector, properties, 'PlatformVersion');
  const network = readNetwork(collector, properties);
  const capacityProviders = readCapacityProviders(collector, properties);
  if (taskDefinition === null || container === null) return null;
  return { taskDefinition, ...container, platformVersion, network, capacityProviders };
}

function readContainer(
  collector: FindingCollector,
  properties: Fields,
): Pick<EcsAppSpec, 'containerName' | 'containerPort'> | null {
  const info = fieldsBelow(collector, properties, 'LoadBalancerInfo', BALANCER_KEYS);
  if (info === null) {
    reportMissingKey(collector, properties, 'LoadBalancerInfo');
    return null;
  }
  const containerName = requiredText(collector, info, 'ContainerName');
  const containerPort = optionalWhole(collector, info, 'ContainerPort', PORT);
  if (containerPort === null) reportMissingKey(collector, info, 'ContainerPort');
  return containerName === null || containerPort === null ? null : { containerName, containerPort };
}

/** Reads the network configuration. Its three keys come together or not at all. */
function readNetwork(collector: FindingCollector, properties: Fields): AwsvpcNetwork | null {
  const configuration = fieldsBelow(collector, properties, 'NetworkConfiguration', NETWORK_KEYS);
  if (configuration === null) return null;
  const awsvpc = fieldsBelow(collector, configuration, 'AwsvpcConfiguration', AWSVPC_KEYS);
  if (awsvpc === null) {
    reportMissingKey(collector, configuration, 'AwsvpcConfiguration');
    return null;
  }
  const subnets = optionalTexts(collector, awsvpc, 'Subnets');
  const securityGroups = optionalTexts(collector, awsvpc, 'SecurityGroups');
  const text = optionalText(collector, awsvpc, 'AssignPublicIp');
  const assignPublicIp = PUBLIC_IP.find((choice) => choice === text) ?? null;
  if (text !== null && assignPublicIp === null) {
    const message = `AssignPublicIp must be ENABLED or DISABLED, but is '${text}'${didYouMean(text, PUBLIC_IP)}`;
    reportValue(collector, awsvpc.get('AssignPublicIp'), message);
  }
  for (const [key, value] of [
    ['Subnets', subnets],
    ['SecurityGroups', securityGroups],
    ['AssignPublicIp', assignPublicIp],
  ] as const) {
    if (value === null) reportMissingKey(collector, awsvpc, key);
  }
  if (subnets === null || securityGroups === null || assignPublicIp === null) return null;
  return { subnets, securityGroups, assignPublicIp };
}

function readCapacityProviders(collector: FindingCollector, properties: Fields): readonly CapacityProvider[] {
  const member = properties.get('CapacityProviderStrategy');
  const items = itemsOf(collector, member?.value ?? null, 'CapacityProviderStrategy', 'CapacityProvider') ?? [];
  const read = items.map((item) => ({ item, provider: readCapacityProvider(collector, item) }));
  const providers = read.flatMap(({ provider }) => provider ?? []);
  if (items.length > MAX_CAPACITY_PROVIDERS) {
    const message = `CapacityProviderStrategy has at most ${MAX_CAPACITY_PROVIDERS} entries, but has ${items.length}`;
    reportValue(collector, member, message);
  }
  const [, second] = read.filter(({ provider }) => provider !== null && provider.base > 0);
  if (second !== undefined) {
    collector.report('property-invalid', second.item, 'only one entry of CapacityProviderStrategy may have a Base');
  }
  if (items.length > 0 && providers.length === items.length && providers.every(({ weight }) => weight === 0)) {
    reportValue(collector, member, 'an entry of CapacityProviderStrategy must have a Weight above 0: 0 is the default');
  }
  return providers;
}

function readCapacityProvider(collector: FindingCollector, item: YamlNode): CapacityProvider | null {
  const entry = fieldsOf(collector, item, 'an entry of CapacityProviderStrategy', CAPACITY_KEYS);
  if (entry === null) return null;
  const name = requiredText(collector, entry, 'CapacityProvider');
  const base = optionalWhole(collector, entry, 'Base', { min: 0, max: MAX_BASE });
  const weight = optionalWhole(collector, entry, 'Weight', { min: 0, max: MAX_WEIGHT });
  const isFaulty = ['Base', 'Weight'].some((key) => collector.isFaulty(entry.get(key)?.value ?? null));
  return name === null || isFaulty ? null : { name, base: base ?? 0, weight: weight ?? 0 };
}

/** @returns the mapping that is the value of a key; null when the key has no value, or, with a finding, another value */
function fieldsBelow(collector: FindingCollector, fields: Fields, key: string, keys: readonly string[]): Fields | null {
  const node = fields.get(key)?.value ?? null;
  return isNothing(collector.resolve(node)) ? null : fieldsOf(collector, node, key, keys);
}
