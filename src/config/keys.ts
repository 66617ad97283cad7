/** The kinds of values that a configuration key can have, and how each is read. */
import { type GroupSettings, SIGNATURE_POLICIES, type SignaturePolicy } from './group-settings.ts';

export type KeyType =
  | 'text'
  | 'path'
  | 'name'
  | 'boolean'
  | 'seconds'
  | 'count'
  | 'bytes'
  | 'url'
  | 'paths'
  | 'variables'
  | 'groups'
  | Choices;

/** Words of which a value must be one. */
export type Choices = readonly string[];

export type KeyValue = string | number | boolean | readonly string[] | readonly GroupSettings[] | null;

export type ReadResult =
  | { readonly ok: true; readonly value: KeyValue }
  | { readonly ok: false; readonly expected: string };

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Keys that may be set for one group. */
const GROUP_KEYS = {
  bundle_signature_policy: SIGNATURE_POLICIES,
  bundle_signers_file: 'path',
} as const satisfies Readonly<Record<string, KeyType>>;

/** @param value as YAML has it: text, number, boolean or null */
export function readValue(type: KeyType, value: unknown): ReadResult {
  if (value === null || value === undefined || value === '') return { ok: true, value: null };
  if (typeof type !== 'string') return oneOf(type, value);
  switch (type) {
    case 'text':
      return text(value) ?? wrong('text');
    case 'path': {
      const read = text(value);
      return read?.ok === true && String(read.value).startsWith('/') ? read : wrong('an absolute path');
    }
    case 'name': {
      const read = text(value);
      const safe =
        read?.ok === true && /^[A-Za-z0-9._-]+$/.test(String(read.value)) && !/^\.+$/.test(String(read.value));
      return safe ? read : wrong('a name of letters, digits, dots, dashes and underscores');
    }
    case 'paths': {
      const list = Array.isArray(value) ? (value as unknown[]) : [value];
      const good = list.every((one) => typeof one === 'string' && one.startsWith('/'));
      return good ? { ok: true, value: list as string[] } : wrong('a list of absolute paths, which may have * and **');
    }
    case 'variables': {
      const list = Array.isArray(value) ? (value as unknown[]) : [value];
      const good = list.every((one) => typeof one === 'string' && /^[A-Za-z_]\w*$/.test(one));
      return good ? { ok: true, value: list as string[] } : wrong('a list of names of environment variables');
    }
    case 'boolean':
      return typeof value === 'boolean' ? { ok: true, value } : wrong('true or false');
    case 'seconds':
    case 'count': {
      const least = type === 'count' ? 1 : 0;
      const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
      const good = typeof number === 'number' && Number.isSafeInteger(number) && number >= least;
      return good ? { ok: true, value: number } : wrong(`a whole number from ${least} on`);
    }
    case 'bytes':
      return readBytes(value);
    case 'url':
      return readUrl(value);
    case 'groups':
      return readGroups(value);
  }
}

/** YAML may read `on` or `yes` as a boolean, and some keys were booleans before they had more choices. */
function oneOf(choices: Choices, value: unknown): ReadResult {
  const [yes, no] = choices.includes('true') ? ['true', 'false'] : ['on', 'off'];
  const word = value === true ? yes : value === false ? no : value;
  return typeof word === 'string' && choices.includes(word)
    ? { ok: true, value: word }
    : wrong(`${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`);
}

function readBytes(value: unknown): ReadResult {
  const match = /^(\d+)\s*([a-z]*)$/i.exec(String(value).trim());
  const unit = match?.[2] === '' ? 1 : UNITS[match?.[2]?.toLowerCase() ?? ''];
  const isScalar = typeof value === 'string' || typeof value === 'number';
  if (match === null || unit === undefined || !isScalar) return wrong('a size such as 500MB or 10GiB');
  const bytes = Number(match[1]) * unit;
  return Number.isSafeInteger(bytes) && bytes > 0 ? { ok: true, value: bytes } : wrong('a size above 0');
}

function readUrl(value: unknown): ReadResult {
  if (typeof value !== 'string' || !URL.canParse(value)) return wrong('an address such as https://host:port');
  const { protocol } = new URL(value);
  return protocol === 'https:' || protocol === 'http:' ? { ok: true, value } : wrong('an http:// or https:// address');
}

function text(value: unknown): ReadResult | null {
  return typeof value === 'string' || typeof value === 'number' ? { ok: true, value: String(value) } : null;
}

function wrong(expected: string): ReadResult {
  return { ok: false, expected };
}

/** @param value as YAML has it: group → key → value */
function readGroups(value: unknown): ReadResult {
  const expected = `a map from a deployment group’s id, or APPLICATION/GROUP, to ${Object.keys(GROUP_KEYS).join(' and ')}`;
  if (!isMap(value)) return { ok: false, expected };
  const groups: GroupSettings[] = [];
  for (const [group, settings] of Object.entries(value)) {
    if (!isMap(settings)) return { ok: false, expected };
    const read: Record<string, KeyValue> = {};
    for (const [name, given] of Object.entries(settings)) {
      // As at the top of the file, the official agents' spelling counts as well.
      const key = name.replace(/^:/, '');
      if (!Object.hasOwn(GROUP_KEYS, key)) return { ok: false, expected };
      const result = readValue(GROUP_KEYS[key as keyof typeof GROUP_KEYS], given);
      if (!result.ok) return { ok: false, expected: `such that ${key} of ${group} is ${result.expected}` };
      read[key] = result.value;
    }
    groups.push({
      group,
      policy: (read['bundle_signature_policy'] ?? null) as SignaturePolicy | null,
      signersFile: (read['bundle_signers_file'] ?? null) as string | null,
    });
  }
  return { ok: true, value: groups };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
