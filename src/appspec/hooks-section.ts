import { AGENT_EVENTS, HOOK_EVENTS } from '../protocol/lifecycle-events.ts';
import {
  describe,
  type FindingCollector,
  isEmpty,
  itemsOf,
  type Member,
  membersOf,
  scalarOf,
  sourceOf,
  type YamlNode,
} from './reader.ts';
import { didYouMean, nearestWord } from './suggest.ts';
import type { Hook } from './types.ts';

const KEYS = ['location', 'timeout', 'runas', 'sudo'] as const;

/** The default, and what the service allows a whole event. */
const DEFAULT_TIMEOUT_SECONDS = 3600;

/** Events that only the control plane or the agent itself carries out: a script there would never run. */
const UNSCRIPTABLE: readonly string[] = [...AGENT_EVENTS, 'BlockTraffic', 'AllowTraffic', 'Start', 'End'];

/** The `hooks` section: event → scripts, in order. */
export function readHooks(collector: FindingCollector, node: YamlNode | null): Map<string, Hook[]> {
  const hooks = new Map<string, Hook[]>();
  if (isEmpty(collector.resolve(node))) return hooks;
  for (const { name, key, value } of membersOf(collector, node, 'hooks') ?? []) {
    warnAboutName(collector, name, key);
    // An event without a value is as if it were not there; one with an empty list has no scripts.
    if (isEmpty(collector.resolve(value))) continue;
    const items = itemsOf(collector, value, `hooks.${name}`) ?? [];
    const scripts = items.flatMap((item) => readHook(collector, name, item) ?? []);
    warnAboutSum(collector, name, key, scripts);
    hooks.set(name, scripts);
  }
  return hooks;
}

function warnAboutName(collector: FindingCollector, name: string, key: YamlNode): void {
  if ((HOOK_EVENTS as readonly string[]).includes(name)) return;
  if (UNSCRIPTABLE.includes(name)) {
    collector.warning('event-without-scripts', key, `the event ${name} runs no scripts; these will never run`);
  } else if (nearestWord(name, HOOK_EVENTS) !== null) {
    collector.warning(
      'event-unknown',
      key,
      `'${name}' is no lifecycle event; its scripts will not run${didYouMean(name, HOOK_EVENTS)}`,
    );
  } else {
    collector.warning(
      'event-custom',
      key,
      `'${name}' is no lifecycle event of CodeDeploy; only a local deployment can run it`,
    );
  }
}

function warnAboutSum(collector: FindingCollector, event: string, key: YamlNode, scripts: readonly Hook[]): void {
  const sum = scripts.reduce((seconds, script) => seconds + script.timeoutSeconds, 0);
  if (
    scripts.length > 0 &&
    sum > DEFAULT_TIMEOUT_SECONDS &&
    scripts.some((s) => s.timeoutSeconds !== DEFAULT_TIMEOUT_SECONDS)
  ) {
    collector.warning(
      'timeouts-over-limit',
      key,
      `the timeouts of ${event} add up to ${sum} seconds; the service fails an event after ${DEFAULT_TIMEOUT_SECONDS}`,
    );
  }
}

function readHook(collector: FindingCollector, event: string, item: YamlNode): Hook | null {
  const members = membersOf(collector, item, `an entry of hooks.${event}`);
  if (members === null) return null;
  for (const { name, key } of members) {
    if (!(KEYS as readonly string[]).includes(name)) {
      collector.warning('unknown-key', key, `'${name}' is no key of a hook and is ignored${didYouMean(name, KEYS)}`);
    }
  }
  const find = (name: string) => members.find((member) => member.name === name);
  const location = readLocation(collector, event, item, find('location'));
  const timeoutSeconds = readTimeout(collector, event, find('timeout'));
  const runas = readRunas(collector, event, find('runas'));
  const sudo = readSudo(collector, event, find('sudo'));
  return location === null || timeoutSeconds === null ? null : { location, timeoutSeconds, runas, sudo };
}

function readLocation(
  collector: FindingCollector,
  event: string,
  item: YamlNode,
  member: Member | undefined,
): string | null {
  const location = textOf(collector, event, member)?.trim() ?? '';
  if (location === '') {
    collector.error('location-missing', member?.key ?? item, `${event}: a script has no location`);
    return null;
  }
  if (location.includes('\0') || location.split('/').includes('..')) {
    const message = `${event}: the location ${location} does not stay inside the revision`;
    collector.error('location-escapes', member?.value ?? item, message);
    return null;
  }
  return location.replace(/^\/+/, '');
}

function readTimeout(collector: FindingCollector, event: string, member: Member | undefined): number | null {
  if (member === undefined || isEmpty(collector.resolve(member.value))) return DEFAULT_TIMEOUT_SECONDS;
  const value = scalarOf(collector, member.value);
  const seconds = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
  if (typeof seconds === 'number' && Number.isSafeInteger(seconds) && seconds > 0) return seconds;
  collector.error(
    'timeout-invalid',
    member.value ?? member.key,
    `${event}: timeout must be a whole number of seconds above 0, but is ${describe(collector.resolve(member.value))}`,
  );
  return null;
}

function readRunas(collector: FindingCollector, event: string, member: Member | undefined): string | null {
  return textOf(collector, event, member)?.trim() || null;
}

/** A member's text as it stands in the file: a script may be called `1e0`, which is no number then. */
function textOf(collector: FindingCollector, event: string, member: Member | undefined): string | null {
  if (member === undefined || isEmpty(collector.resolve(member.value))) return null;
  const text = sourceOf(collector, member.value);
  if (text === null) {
    const message = `${event}: ${member.name} must be text, but is ${describe(collector.resolve(member.value))}`;
    collector.error(`${member.name}-not-text`, member.value ?? member.key, message);
  }
  return text;
}

function readSudo(collector: FindingCollector, event: string, member: Member | undefined): boolean {
  if (member === undefined || isEmpty(collector.resolve(member.value))) return false;
  const value = scalarOf(collector, member.value);
  if (typeof value === 'boolean') return value;
  collector.error(
    'sudo-not-boolean',
    member.value ?? member.key,
    `${event}: sudo must be true or false, but is ${describe(collector.resolve(member.value))}`,
  );
  return false;
}
