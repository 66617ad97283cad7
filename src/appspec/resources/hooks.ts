/** The section `Hooks` of an AppSpec file of Lambda or ECS: functions, or hooks of the server's file, that are asked whether to go on. Pure. */
import { isMap } from 'yaml';
import { type FindingCollector, itemsOf, type Member, membersOf, textOf, type YamlNode } from '../reader.ts';
import { didYouMean } from '../suggest.ts';
import type { TextForm } from './fields.ts';
import type { ResourcePlatform } from './platform.ts';
import { RESOURCE_HOOK_EVENTS, type ResourceHooks } from './types.ts';

/**
 * A name, a partial or a full ARN, with a version or an alias behind it or without. A name of the server's file, and `hook:NAME`, have the same
 * form, so that the file stays valid elsewhere.
 */
export const HOOK_FUNCTION: TextForm = {
  pattern:
    /^(?:arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:function:|\d{12}:function:)?[A-Za-z0-9_-]{1,140}(?::(?:\$LATEST|[A-Za-z0-9_-]{1,128}))?$/,
  is: 'the name or ARN of a function, or hook:NAME for a hook of the server’s file',
};

/** Events that the server carries out itself, and the ends of a course: no hook can have them. */
const WITHOUT_HOOKS = ['Install', 'AllowTestTraffic', 'AllowTraffic', 'Start', 'End'] as const;

/** Event → function, or hook of the server's file. Each event may have one. */
export function readResourceHooks(
  collector: FindingCollector,
  member: Member | undefined,
  platform: ResourcePlatform,
): ResourceHooks {
  const hooks = new Map<string, string>();
  const seen = new Set<string>();
  for (const { event, key, value } of hookMembers(collector, member, platform)) {
    if (seen.has(event)) {
      collector.report('duplicate-key', key, `${event} has a hook already; an event has one`);
      continue;
    }
    seen.add(event);
    const name = textOf(collector, value, event);
    if (name === null)
      collector.reportMissing('property-missing', { name: event, key, value }, null, `${event} names no function`);
    else if (HOOK_FUNCTION.pattern.test(name)) hooks.set(event, name);
    else collector.report('property-invalid', value, `${event} must be ${HOOK_FUNCTION.is}, but is '${name}'`);
  }
  return hooks;
}

interface HookMember {
  /** In the spelling of the user guide. */
  readonly event: string;
  readonly key: YamlNode;
  readonly value: YamlNode | null;
}

function hookMembers(
  collector: FindingCollector,
  member: Member | undefined,
  platform: ResourcePlatform,
): readonly HookMember[] {
  const node = member?.value ?? null;
  if (isMap(collector.resolve(node))) {
    collector.report(
      'not-a-list',
      node,
      "Hooks must be a list, but is a mapping: each event begins with a dash, '- BeforeAllowTraffic: FUNCTION'",
    );
    return [];
  }
  return (itemsOf(collector, node, 'Hooks') ?? []).flatMap((item) => {
    const members = membersOf(collector, item, 'an entry of Hooks') ?? [];
    if (members.length > 1) {
      const names = members.map(({ name }) => name).join(', ');
      collector.report(
        'property-invalid',
        item,
        `an entry of Hooks has one event, but this one has ${members.length} (${names}): begin each with a dash`,
      );
    }
    return members.flatMap(({ name, key, value }) => {
      const event = eventMeant(collector, platform, name, key);
      return event === null ? [] : { event, key, value };
    });
  });
}

function eventMeant(
  collector: FindingCollector,
  platform: ResourcePlatform,
  name: string,
  key: YamlNode,
): string | null {
  const known: readonly string[] = RESOURCE_HOOK_EVENTS[platform];
  const isSame = (event: string) => event.toLowerCase() === name.toLowerCase();
  const event = known.find(isSame);
  if (event !== undefined) return event;
  const own = WITHOUT_HOOKS.find(isSame);
  const elsewhere = RESOURCE_HOOK_EVENTS.ECS.find(isSame);
  const use = `; use ${known.join(' or ')}`;
  const why =
    own !== undefined
      ? `${own} runs no hook: the server carries it out itself${use}`
      : elsewhere !== undefined
        ? `${elsewhere} is an event of ECS, and not of ${platform}${use}`
        : `'${name}' is no lifecycle event of ${platform} that has hooks${didYouMean(name, known) || use}`;
  collector.report('hook-unknown', key, why);
  return null;
}
