/** The section `permissions` of an AppSpec file. Pure. */
import { parseAclEntry } from './acl-entry.ts';
import {
  describe,
  type FindingCollector,
  isEmpty,
  isNothing,
  itemsOf,
  type Member,
  membersOf,
  reportUnknownKeys,
  scalarOf,
  sourceOf,
  textOf,
  type YamlNode,
} from './reader.ts';
import { parseSelinuxRange } from './selinux-range.ts';
import { didYouMean } from './suggest.ts';
import type { Permission, SelinuxContext } from './types.ts';

export const PERMISSION_KEYS = [
  'object',
  'pattern',
  'except',
  'owner',
  'group',
  'mode',
  'acls',
  'context',
  'type',
] as const;
export const CONTEXT_KEYS = ['user', 'name', 'type', 'range'] as const;
export const OBJECT_TYPES = ['file', 'directory'] as const;

/** The `permissions` section: owner, group, mode, ACL and SELinux context of what was installed. */
export function readPermissions(collector: FindingCollector, node: YamlNode | null): Permission[] {
  const items = itemsOf(collector, node, 'permissions', 'object') ?? [];
  return items.flatMap((item) => readPermission(collector, item) ?? []);
}

function readPermission(collector: FindingCollector, item: YamlNode): Permission | null {
  const members = membersOf(collector, item, 'an entry of permissions');
  if (members === null) return null;
  reportUnknownKeys(collector, members, PERMISSION_KEYS, { section: 'permissions', what: 'a permission' });
  const find = (name: string) => members.find((member) => member.name === name);
  const text = (name: string) => textOf(collector, find(name)?.value ?? null, name);
  const object = text('object')?.trim() ?? '';
  if (object === '') {
    collector.reportMissing('object-missing', find('object'), item, 'a permission has no object');
    return null;
  }
  const permission = {
    object,
    pattern: text('pattern') ?? '**',
    except: readTexts(collector, find('except'))?.map(({ text }) => text) ?? [],
    types: readTypes(collector, find('type')),
    owner: text('owner'),
    group: text('group'),
    mode: readMode(collector, find('mode')),
    acls: readAcls(collector, find('acls')),
    context: readContext(collector, find('context')),
  };
  collector.remember(permission, item, members);
  return permission;
}

interface TextItem {
  readonly text: string;
  readonly node: YamlNode;
}

/** A list of texts; a bare text counts as a list of one. */
function readTexts(collector: FindingCollector, member: Member | undefined): TextItem[] | null {
  if (member === undefined || isEmpty(collector.resolve(member.value))) return null;
  const bare = sourceOf(collector, member.value);
  const items = bare === null ? (itemsOf(collector, member.value, member.name) ?? []) : [member.value ?? undefined];
  return items.flatMap((node) => {
    const text = textOf(collector, node, `an entry of ${member.name}`);
    return text === null ? [] : { text, node };
  });
}

function readTypes(collector: FindingCollector, member: Member | undefined): readonly ('file' | 'directory')[] {
  const names = readTexts(collector, member);
  if (names === null) return OBJECT_TYPES;
  return names.flatMap(({ text, node }) => {
    const known = OBJECT_TYPES.find((type) => type === text);
    if (known === undefined) {
      const message = `type must be file or directory, but is '${text}'${didYouMean(text, OBJECT_TYPES)}`;
      collector.report('type-unknown', node, message);
    }
    return known ?? [];
  });
}

/**
 * One to four octal digits, as they are written: YAML reads an unquoted 0644 as the number 420, which the official agent 1.8.1 then
 * applies as mode 0420.
 */
function readMode(collector: FindingCollector, member: Member | undefined): string | null {
  if (member === undefined || isEmpty(collector.resolve(member.value))) return null;
  const digits = sourceOf(collector, member.value)?.replace(/^0o/, '0') ?? null;
  const isText = typeof scalarOf(collector, member.value) === 'string';
  const place = member.value ?? member.key;
  if (digits === null || digits.length > 4) {
    const found = digits === null ? describe(collector.resolve(member.value)) : `'${digits}'`;
    collector.report('mode-invalid', place, `mode must be one to four octal digits, but is ${found}`);
    return null;
  }
  const wrong = /[^0-7]/.exec(digits)?.[0];
  if (wrong !== undefined) {
    collector.report('mode-invalid', place, `the mode '${digits}' holds '${wrong}', which is no octal digit`);
    return null;
  }
  if (!isText && digits.startsWith('0') && digits !== '0') {
    const message = `quote the mode, "${digits}": other agents read ${digits} as a number and apply another mode`;
    collector.report('mode-unquoted', place, message);
  }
  return digits.padStart(3, '0');
}

function readAcls(collector: FindingCollector, member: Member | undefined): readonly string[] | null {
  const items = readTexts(collector, member);
  if (items === null) return null;
  const entries = new Map<string, string>();
  for (const { text, node } of items) {
    const result = parseAclEntry(text);
    if (!result.ok) {
      collector.report('acl-invalid', node, `the ACL entry '${text}' is wrong: ${result.problem}`);
      continue;
    }
    const whose = result.entry.slice(0, result.entry.lastIndexOf(':'));
    if (entries.has(whose)) {
      const message = `the ACL entry '${text}' is for the same as '${entries.get(whose)}' above; the last one counts`;
      collector.report('acl-duplicate', node, message);
    }
    entries.set(whose, result.entry);
  }
  return [...entries.values()];
}

function readContext(collector: FindingCollector, member: Member | undefined): SelinuxContext | null {
  if (member === undefined || isNothing(collector.resolve(member.value))) return null;
  const members = membersOf(collector, member.value, 'context');
  if (members === null) return null;
  reportUnknownKeys(collector, members, CONTEXT_KEYS, { section: 'context', what: 'a context' });
  const find = (name: string) => members.find((candidate) => candidate.name === name);
  const text = (name: string) => textOf(collector, find(name)?.value ?? null, name);
  const type = text('type');
  if (type === null)
    collector.reportMissing('context-without-type', find('type'), member.value, 'context needs a type');
  const rangeText = text('range');
  const range = rangeText === null ? null : parseSelinuxRange(rangeText);
  if (range !== null && !range.ok) {
    const place = find('range')?.value ?? member.value;
    collector.report('range-invalid', place, `the range '${rangeText}' is wrong: ${range.problem}`);
  }
  // The guide documents `user`, the official agents read `name`: both are taken.
  const [user, name] = [text('user'), text('name')];
  if (type === null || range?.ok === false) return null;
  return { type, user: user ?? name, range: range?.range ?? null };
}
