/** The section `hooks` of an AppSpec file. Pure. */
import { isMap, isScalar, isSeq } from 'yaml';
import { AGENT_EVENTS, HOOK_EVENTS } from '../protocol/lifecycle-events.ts';
import { whereItBelongs } from './misplaced.ts';
import {
  describe,
  type FindingCollector,
  isNothing,
  type Member,
  membersOf,
  reportUnknownKeys,
  scalarOf,
  textOf,
  type YamlNode,
} from './reader.ts';
import { didYouMean, nearestWord } from './suggest.ts';
import type { Hook } from './types.ts';

export const HOOK_KEYS = ['location', 'timeout', 'runas', 'sudo'] as const;

/** The default of a script, and what the service allows a whole event. */
export const DEFAULT_TIMEOUT_SECONDS = 3600;

/** Events that only the control plane or the agent itself carries out: a script there would never run. */
const UNSCRIPTABLE: readonly string[] = [...AGENT_EVENTS, 'BlockTraffic', 'AllowTraffic', 'Start', 'End'];

/** @see the AWS CodeDeploy user guide, "AppSpec 'hooks' section for an Amazon ECS deployment" */
const ECS_EVENTS: readonly string[] = ['AfterAllowTestTraffic', 'AllowTestTraffic'];

/** The `hooks` section: event → scripts, in order. */
export function readHooks(collector: FindingCollector, node: YamlNode | null): Map<string, Hook[]> {
  const hooks = new Map<string, Hook[]>();
  if (isNothing(collector.resolve(node))) return hooks;
  for (const { name, key, value } of membersOf(collector, node, 'hooks') ?? []) {
    const list = collector.resolve(value);
    // Something that is no list is an error anyway, which says what was meant.
    if (isNothing(list) || isSeq(list)) warnAboutName(collector, name, key);
    // An event without a value is as if it were not there; one with an empty list has no scripts.
    if (isNothing(list)) continue;
    if (!isSeq(list)) {
      const found = `hooks.${name} must be a list, but is ${describe(list)}`;
      collector.report('not-a-list', value, `${found}${hintAboutList(name, list)}`);
      continue;
    }
    const scripts = (list.items as YamlNode[]).flatMap((item) => readHook(collector, name, item) ?? []);
    warnAboutSum(collector, name, key, scripts);
    hooks.set(
      name,
      scripts.map(({ hook }) => hook),
    );
  }
  return hooks;
}

function warnAboutName(collector: FindingCollector, name: string, key: YamlNode): void {
  if ((HOOK_EVENTS as readonly string[]).includes(name)) return;
  if (UNSCRIPTABLE.includes(name)) {
    collector.report('event-without-scripts', key, `the event ${name} runs no scripts; these will never run`);
  } else if (ECS_EVENTS.includes(name)) {
    const message = `only deployments to ECS have the event ${name}; on a host its scripts will not run`;
    collector.report('event-other-platform', key, message);
  } else if (nearestWord(name, HOOK_EVENTS) !== null) {
    const message = `'${name}' is no lifecycle event; its scripts will not run${didYouMean(name, HOOK_EVENTS)}`;
    collector.report('event-unknown', key, message);
  } else {
    const message = `'${name}' is no lifecycle event of CodeDeploy; only a local deployment can run it`;
    collector.report('event-custom', key, message);
  }
}

/** Suggests a remedy for an event without a list of scripts. */
function hintAboutList(name: string, value: YamlNode | null): string {
  const home = whereItBelongs(name, 'hooks');
  if (home !== null) return `: ${home}`;
  if (isMap(value)) return `: each script begins with a dash, '- location: SCRIPT'`;
  return isScalar(value) ? `: write '- location: ${String(value.value)}' below it` : '';
}

interface ReadHook {
  readonly hook: Hook;
  readonly isTimeoutGiven: boolean;
}

function warnAboutSum(collector: FindingCollector, event: string, key: YamlNode, scripts: readonly ReadHook[]): void {
  const sum = scripts.reduce((seconds, { hook }) => seconds + hook.timeoutSeconds, 0);
  // Scripts that are all left to the default say nothing about how long they take, and one that is too long is reported itself.
  if (scripts.length < 2 || !scripts.some(isGivenLess) || sum <= DEFAULT_TIMEOUT_SECONDS) return;
  const parts = scripts.map(({ hook: { location, timeoutSeconds }, isTimeoutGiven }) => {
    return `${timeoutSeconds} ${isTimeoutGiven ? 'of' : 'by default, because there is none given, of'} ${location}`;
  });
  const message = `the timeouts of ${event} add up to ${sum} seconds; the service fails an event after ${DEFAULT_TIMEOUT_SECONDS}: ${parts.join(', ')}`;
  collector.report('timeouts-over-limit', key, message);
}

function isGivenLess({ hook, isTimeoutGiven }: ReadHook): boolean {
  return isTimeoutGiven && hook.timeoutSeconds !== DEFAULT_TIMEOUT_SECONDS;
}

function readHook(collector: FindingCollector, event: string, item: YamlNode): ReadHook | null {
  const bare = collector.resolve(item);
  if (isScalar(bare) && !isNothing(bare)) {
    const found = `an entry of hooks.${event} must be a mapping, but is ${describe(bare)}`;
    collector.report('not-a-mapping', item, `${found}: write 'location: ${String(bare.value)}'`);
    return null;
  }
  const members = membersOf(collector, item, `an entry of hooks.${event}`);
  if (members === null) return null;
  reportUnknownKeys(collector, members, HOOK_KEYS, { section: 'script', what: 'a hook' });
  const find = (name: string) => members.find((member) => member.name === name);
  const location = readLocation(collector, event, item, find('location'));
  const timeoutSeconds = readTimeout(collector, event, find('timeout'));
  const runas = textOf(collector, find('runas')?.value ?? null, `${event}: runas`)?.trim() || null;
  const sudo = readSudo(collector, event, find('sudo'));
  if (location === null) return null;
  const hook = { location, timeoutSeconds, runas, sudo };
  collector.remember(hook, item, members);
  return { hook, isTimeoutGiven: !isNothing(collector.resolve(find('timeout')?.value ?? null)) };
}

function readLocation(
  collector: FindingCollector,
  event: string,
  item: YamlNode,
  member: Member | undefined,
): string | null {
  const location = textOf(collector, member?.value ?? null, `${event}: location`)?.trim() ?? '';
  if (location === '') {
    collector.reportMissing('location-missing', member, item, `${event}: a script has no location`);
    return null;
  }
  if (location.includes('\0') || location.split('/').includes('..')) {
    const message = `${event}: the location ${location} does not stay inside the revision`;
    collector.report('location-escapes', member?.value ?? item, message);
    return null;
  }
  return location.replace(/^\/+/, '');
}

function readTimeout(collector: FindingCollector, event: string, member: Member | undefined): number {
  if (member === undefined || isNothing(collector.resolve(member.value))) return DEFAULT_TIMEOUT_SECONDS;
  const value = scalarOf(collector, member.value);
  const seconds = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
  const place = member.value ?? member.key;
  if (typeof seconds !== 'number' || !Number.isSafeInteger(seconds) || seconds <= 0) {
    const found = describe(collector.resolve(member.value));
    collector.report(
      'timeout-invalid',
      place,
      `${event}: timeout must be a whole number of seconds above 0, but is ${found}`,
    );
    return DEFAULT_TIMEOUT_SECONDS;
  }
  if (seconds > DEFAULT_TIMEOUT_SECONDS) {
    const message = `${event}: a timeout of ${seconds} seconds; the service fails an event after ${DEFAULT_TIMEOUT_SECONDS}`;
    collector.report('timeout-over-limit', place, message);
  }
  return seconds;
}

function readSudo(collector: FindingCollector, event: string, member: Member | undefined): boolean {
  if (member === undefined || isNothing(collector.resolve(member.value))) return false;
  const value = scalarOf(collector, member.value);
  if (typeof value === 'boolean') return value;
  const found = describe(collector.resolve(member.value));
  collector.report(
    'sudo-not-boolean',
    member.value ?? member.key,
    `${event}: sudo must be true or false, but is ${found}`,
  );
  return false;
}
