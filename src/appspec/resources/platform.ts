/**
 * Which platform an AppSpec file is for. The hosted service goes by the application's compute platform; a file by itself tells by the `Type`
 * of its resource, as the service's own grammar does. Pure.
 */
import { isMap, isSeq } from 'yaml';
import { type FindingCollector, type Member, sourceOf, type YamlNode } from '../reader.ts';

export const RESOURCE_TYPES = { Lambda: 'AWS::Lambda::Function', ECS: 'AWS::ECS::Service' } as const;

export type ResourcePlatform = keyof typeof RESOURCE_TYPES;

export interface ResourceFile {
  /** null: it is for one of the two, and does not say for which. */
  readonly platform: ResourcePlatform | null;
  /** The key that makes it such a file. */
  readonly because: Member;
}

/**
 * A file for Lambda or ECS has resources instead of files, and functions instead of scripts, in a list. Its keys may be capitalised.
 *
 * @param members those of the file itself
 * @returns null for a file of a host
 */
export function resourceFileOf(collector: FindingCollector, members: readonly Member[]): ResourceFile | null {
  const find = (name: string) => members.find((member) => member.name.toLowerCase() === name);
  const resources = find('resources');
  const hooks = find('hooks');
  const because = resources ?? (hasFunctions(collector, hooks?.value ?? null) ? hooks : undefined);
  return because === undefined ? null : { platform: platformOf(collector, resources), because };
}

/** `- AfterInstall: FUNCTION`; a list with scripts is a host's, and only has dashes too many. */
function hasFunctions(collector: FindingCollector, hooks: YamlNode | null): boolean {
  const list = collector.resolve(hooks);
  if (!isSeq(list)) return false;
  return !(list.items as YamlNode[]).some((item) => {
    const entry = collector.resolve(item);
    return isMap(entry) && entry.items.some(({ value }) => isSeq(collector.resolve(value as YamlNode)));
  });
}

function platformOf(collector: FindingCollector, resources: Member | undefined): ResourcePlatform | null {
  const list = collector.resolve(resources?.value ?? null);
  for (const item of isSeq(list) ? (list.items as YamlNode[]) : [list ?? undefined]) {
    const entry = collector.resolve(item);
    if (!isMap(entry)) continue;
    for (const { key, value } of entry.items) {
      const resource = collector.resolve(value as YamlNode);
      const type = isMap(resource)
        ? resource.items.find((pair) => /^type$/i.test(sourceOf(collector, pair.key as YamlNode) ?? ''))?.value
        : null;
      const name = sourceOf(collector, type as YamlNode | null);
      if (name === RESOURCE_TYPES.ECS) return 'ECS';
      if (name === RESOURCE_TYPES.Lambda) return 'Lambda';
      if (sourceOf(collector, key as YamlNode) === 'TargetService') return 'ECS';
    }
  }
  return null;
}
