import { type AclEntryResult, parseAclEntry } from './acl-entry.ts';
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
import { parseSelinuxRange } from './selinux-range.ts';
import { didYouMean } from './suggest.ts';
import type { Permission, SelinuxContext } from './types.ts';

const KEYS = ['object', 'pattern', 'except', 'owner', 'group', 'mode', 'acls', 'context', 'type'] as const;
const TYPES = ['file', 'directory'] as const;

/** The `permissions` section: owner, group, mode, ACL and SELinux context of what was installed. */
export function readPermissions(collector: FindingCollector, node: YamlNode | null): Permission[] {
  const items = itemsOf(collector, node, 'permissions') ?? [];
  return items.flatMap((item) => readPermission(collector, item) ?? []);
}

function readPermission(collector: FindingCollector, item: YamlNode): Permission | null {
  const members = membersOf(collector, item, 'an entry of permissions');
  if (members === null) return null;
  for (const { name, key } of members) {
    if (!(KEYS as readonly string[]).includes(name)) {
      collector.warning(
        'unknown-key',
        key,
        `'${name}' is no key of a permission and is ignored${didYouMean(name, KEYS)}`,
      );
    }
  }
  const find = (name: string) => members.find((member) => member.name === name);
  const object = readText(collector, find('object'))?.trim() ?? '';
  if (object === '') {
    collector.error('object-missing', find('object')?.key ?? item, 'a permission has no object');
    return null;
  }
  return {
    object,
    pattern: readText(collector, find('pattern')) ?? '**',
    except: readTexts(collector, find('except')) ?? [],
    types: readTypes(collector, find('type')),
    owner: readText(collector, find('owner')),
    group: readText(collector, find('group')),
    mode: readMode(collector, find('mode')),
    acls: readAcls(collector, find('acls')),
    context: readContext(collector, find('context')),
  };
}

function readText(collector: FindingCollector, member: Member | undefined): string | null {
  if (member === undefined || isEmpty(collector.resolve(member.value))) return null;
  const text = sourceOf(collector, member.value);
  if (text === null) {
    collector.error(
      `${member.name}-not-text`,
      member.value ?? member.key,
      `${member.name} must be text, but is ${describe(member.value)}`,
    );
  }
  return text;
}

/** A list of texts; a bare text counts as a list of one. */
function readTexts(collector: FindingCollector, member: Member | undefined): string[] | null {
  if (member === undefined || isEmpty(collector.resolve(member.value))) return null;
  const bare = sourceOf(collector, member.value);
  if (bare !== null) return [bare];
  const items = itemsOf(collector, member.value, member.name) ?? [];
  return items.flatMap((item) => {
    const text = sourceOf(collector, item);
    if (text === null)
      collector.error(
        `${member.name}-not-text`,
        item,
        `${member.name} must be a list of texts, but holds ${describe(item)}`,
      );
    return text ?? [];
  });
}

function readTypes(collector: FindingCollector, member: Member | undefined): readonly ('file' | 'directory')[] {
  const names = readTexts(collector, member);
  if (names === null) return TYPES;
  return names.flatMap((name) => {
    const known = TYPES.find((type) => type === name);
    if (known === undefined) {
      collector.error(
        'type-unknown',
        member?.value ?? null,
        `type must be file or directory, but is '${name}'${didYouMean(name, TYPES)}`,
      );
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
  if (digits === null || digits.length > 4) {
    collector.error(
      'mode-invalid',
      member.value ?? member.key,
      `mode must be one to four octal digits, but is ${digits === null ? describe(member.value) : `'${digits}'`}`,
    );
    return null;
  }
  const wrong = /[^0-7]/.exec(digits)?.[0];
  if (wrong !== undefined) {
    collector.error(
      'mode-invalid',
      member.value ?? member.key,
      `the mode '${digits}' holds '${wrong}', which is no octal digit`,
    );
    return null;
  }
  if (!isText && digits.startsWith('0') && digits !== '0') {
    collector.warning(
      'mode-unquoted',
      member.value,
      `quote the mode, "${digits}": other agents read ${digits} as a number and apply another mode`,
    );
  }
  return digits.padStart(3, '0');
}

function readAcls(collector: FindingCollector, member: Member | undefined): readonly string[] | null {
  const entries = readTexts(collector, member);
  if (entries === null) return null;
  return entries.flatMap((entry) => {
    const result: AclEntryResult = parseAclEntry(entry);
    if (result.ok) return result.entry;
    collector.error('acl-invalid', member?.value ?? null, `the ACL entry '${entry}' is wrong: ${result.problem}`);
    return [];
  });
}

function readContext(collector: FindingCollector, member: Member | undefined): SelinuxContext | null {
  if (member === undefined || isEmpty(collector.resolve(member.value))) return null;
  const members = membersOf(collector, member.value, 'context');
  if (members === null) return null;
  const text = (name: string) =>
    readText(
      collector,
      members.find((candidate) => candidate.name === name),
    );
  const type = text('type');
  if (type === null) collector.error('context-without-type', member.value, 'context needs a type');
  const rangeText = text('range');
  const range = rangeText === null ? null : parseSelinuxRange(rangeText);
  if (range !== null && !range.ok)
    collector.error('range-invalid', member.value, `the range '${rangeText}' is wrong: ${range.problem}`);
  if (type === null || range?.ok === false) return null;
  // The guide documents `user`, the official agents read `name`: both are taken.
  return { type, user: text('user') ?? text('name'), range: range?.range ?? null };
}
