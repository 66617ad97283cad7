/** The one resource of an AppSpec file for Lambda or ECS: its name, its type, and where its properties are. Pure. */
import { isMap, isSeq } from 'yaml';
import { describe, type FindingCollector, isNothing, type Member, membersOf, type YamlNode } from '../reader.ts';
import { didYouMean } from '../suggest.ts';
import { ECS_KEYS } from './ecs.ts';
import { type Fields, fieldsOf, reportMissingKey, reportValue, requiredText } from './fields.ts';
import { LAMBDA_KEYS } from './lambda.ts';
import { RESOURCE_TYPES, type ResourcePlatform } from './platform.ts';

export const RESOURCE_KEYS = ['Type', 'Properties'] as const;

const PROPERTY_KEYS = { Lambda: LAMBDA_KEYS, ECS: ECS_KEYS };

export interface TypedResource {
  readonly platform: ResourcePlatform;
  readonly logicalName: string;
  /** null: there are none, which has been said. */
  readonly properties: Fields | null;
}

/**
 * @param expected the platform that it must be for; null: any
 * @returns null, with findings, when it cannot be told what the resource is
 */
export function readTypedResource(
  collector: FindingCollector,
  file: Fields,
  expected: ResourcePlatform | null,
): TypedResource | null {
  const entry = readOnlyEntry(collector, file);
  if (entry === null) return null;
  const resource = fieldsOf(collector, entry.value, `the resource ${entry.name}`, RESOURCE_KEYS);
  if (resource === null) return null;
  const platform = readType(collector, resource, expected);
  const node = resource.get('Properties')?.value ?? null;
  const isThere = !isNothing(collector.resolve(node));
  if (!isThere) reportMissingKey(collector, resource, 'Properties');
  if (platform === null) return null;
  const properties = isThere ? fieldsOf(collector, node, 'Properties', PROPERTY_KEYS[platform]) : null;
  return { platform, logicalName: entry.name, properties };
}

function readType(
  collector: FindingCollector,
  resource: Fields,
  expected: ResourcePlatform | null,
): ResourcePlatform | null {
  const type = requiredText(collector, resource, 'Type');
  if (type === null) return null;
  const known = expected === null ? Object.values(RESOURCE_TYPES) : [RESOURCE_TYPES[expected]];
  const platform = (['Lambda', 'ECS'] as const).find((one) => RESOURCE_TYPES[one] === type) ?? null;
  if (platform !== null && (expected === null || platform === expected)) return platform;
  const why =
    platform === null
      ? `but is '${type}'${didYouMean(type, known)}`
      : `because this is to be a file for ${expected}, but is ${type}: that is one for ${platform}`;
  reportValue(collector, resource.get('Type'), `Type must be ${known.join(' or ')}, ${why}`);
  return null;
}

/** `Resources` is a list of one mapping with one key: the logical name. */
function readOnlyEntry(collector: FindingCollector, file: Fields): Member | null {
  const member = file.get('Resources');
  const list = collector.resolve(member?.value ?? null);
  if (member === undefined || isNothing(list)) {
    reportMissingKey(collector, file, 'Resources');
    return null;
  }
  if (!isSeq(list)) {
    const hint = isMap(list) ? ": the resource begins with a dash, '- NAME:'" : '';
    collector.report('not-a-list', member.value, `Resources must be a list, but is ${describe(list)}${hint}`);
    return null;
  }
  const [item, second] = list.items as YamlNode[];
  if (item === undefined || second !== undefined) {
    const message = `Resources must have one entry, but has ${list.items.length}: a deployment is of one function or service`;
    collector.report('resource-count', second ?? member.value, message);
    return null;
  }
  const members = membersOf(collector, item, 'the entry of Resources');
  const [entry, another] = members ?? [];
  if (members === null || entry === undefined || another !== undefined) {
    if (members === null) return null;
    const message =
      another === undefined
        ? 'the entry of Resources is empty: it names the resource'
        : `the entry of Resources has one key, the name of the resource, but this one has ${members.length}: is everything below the name indented?`;
    collector.report('resource-count', another?.key ?? item, message);
    return null;
  }
  return entry;
}
