/**
 * The JSON Schemas of the AppSpec files of Lambda and ECS, for editors; made of what the reader itself goes by, and held against it by a test.
 * They know the spelling of the user guide alone, because a schema has no keys without capitals. Pure.
 */
import {
  type AWSVPC_KEYS,
  type BALANCER_KEYS,
  type CAPACITY_KEYS,
  type ECS_KEYS,
  MAX_BASE,
  MAX_CAPACITY_PROVIDERS,
  MAX_WEIGHT,
  type NETWORK_KEYS,
  PORT,
  PUBLIC_IP,
  TASK_DEFINITION,
} from './ecs.ts';
import { HOOK_FUNCTION } from './hooks.ts';
import { ALIAS, FUNCTION, type LAMBDA_KEYS } from './lambda.ts';
import { RESOURCE_TYPES, type ResourcePlatform } from './platform.ts';
import type { RESOURCE_FILE_KEYS } from './read.ts';
import type { RESOURCE_KEYS } from './resource.ts';
import { RESOURCE_HOOK_EVENTS } from './types.ts';

type Schema = Readonly<Record<string, unknown>>;
/** A member for each key that the reader knows: one that is missing here does not compile. */
type Members<Keys extends readonly string[]> = Readonly<Record<Keys[number], Schema>>;

const text = { type: 'string', minLength: 1 };
const version = {
  anyOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', pattern: '^[1-9]\\d{0,19}$' },
  ],
};
const texts = { type: 'array', items: text, minItems: 1 };

const lambdaMembers: Members<typeof LAMBDA_KEYS> = {
  Name: { type: 'string', pattern: FUNCTION.pattern.source, description: 'The name or ARN of the function.' },
  Alias: { type: 'string', pattern: ALIAS.pattern.source, description: 'The alias whose traffic is shifted.' },
  CurrentVersion: { ...version, description: 'The version that the alias points to now.' },
  TargetVersion: { ...version, description: 'The version that the alias points to in the end.' },
};

const balancerMembers: Members<typeof BALANCER_KEYS> = {
  ContainerName: { ...text, description: 'A container of the task definition.' },
  ContainerPort: { type: 'integer', minimum: PORT.min, maximum: PORT.max, description: 'Its port.' },
};

const awsvpcMembers: Members<typeof AWSVPC_KEYS> = {
  Subnets: texts,
  SecurityGroups: texts,
  AssignPublicIp: { enum: PUBLIC_IP },
};

const networkMembers: Members<typeof NETWORK_KEYS> = {
  AwsvpcConfiguration: mapping(awsvpcMembers, ['Subnets', 'SecurityGroups', 'AssignPublicIp']),
};

const capacityMembers: Members<typeof CAPACITY_KEYS> = {
  CapacityProvider: text,
  Base: { type: ['integer', 'null'], minimum: 0, maximum: MAX_BASE, default: 0 },
  Weight: { type: ['integer', 'null'], minimum: 0, maximum: MAX_WEIGHT, default: 0 },
};

const ecsMembers: Members<typeof ECS_KEYS> = {
  TaskDefinition: {
    type: 'string',
    pattern: TASK_DEFINITION.pattern.source,
    description: 'The ARN of the task definition, or FAMILY:REVISION.',
  },
  LoadBalancerInfo: mapping(balancerMembers, ['ContainerName', 'ContainerPort']),
  PlatformVersion: { type: ['string', 'null'], description: 'Of Fargate; LATEST is the default.' },
  NetworkConfiguration: {
    ...mapping(networkMembers, ['AwsvpcConfiguration']),
    type: ['object', 'null'],
    description: 'Else as the task set has it that serves now.',
  },
  CapacityProviderStrategy: {
    type: ['array', 'null'],
    items: mapping(capacityMembers, ['CapacityProvider']),
    maxItems: MAX_CAPACITY_PROVIDERS,
    description: 'Else as the task set has it that serves now. One entry may have a Base, and one must have a Weight.',
  },
};

const PROPERTIES = {
  Lambda: mapping(lambdaMembers, ['Name', 'Alias', 'CurrentVersion', 'TargetVersion']),
  ECS: mapping(ecsMembers, ['TaskDefinition', 'LoadBalancerInfo']),
};

export function resourceSchema(platform: ResourcePlatform): Schema {
  const resourceMembers: Members<typeof RESOURCE_KEYS> = {
    Type: { const: RESOURCE_TYPES[platform] },
    Properties: PROPERTIES[platform],
  };
  const events = RESOURCE_HOOK_EVENTS[platform].map((event): [string, Schema] => [
    event,
    {
      type: 'string',
      pattern: HOOK_FUNCTION.pattern.source,
      description: 'The name or ARN of the function; or hook:NAME for a webhook or a program of the server’s file.',
    },
  ]);
  const members: Members<typeof RESOURCE_FILE_KEYS> = {
    version: { enum: [0, '0.0'], description: 'Always 0.0.' },
    Resources: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: mapping(resourceMembers, ['Type', 'Properties']),
        minProperties: 1,
        maxProperties: 1,
        description: 'The name of the resource, as you like it, and what it is.',
      },
      minItems: 1,
      maxItems: 1,
    },
    Hooks: {
      type: ['array', 'null'],
      items: { ...mapping(Object.fromEntries(events), []), minProperties: 1, maxProperties: 1 },
      description: 'Hooks that are asked, in the course of the deployment, whether to go on.',
    },
  };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `AppSpec file of CodeDeploy for ${platform}`,
    ...mapping(members, ['version', 'Resources']),
  };
}

/** The schema as the text of a file. */
export function renderResourceSchema(platform: ResourcePlatform): string {
  return `${JSON.stringify(resourceSchema(platform), null, 2)}\n`;
}

function mapping(properties: Readonly<Record<string, Schema>>, required: readonly string[]): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}
