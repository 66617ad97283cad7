/** The JSON Schema of the AppSpec file, for editors; made of what the parser itself goes by, and held against it by a test. Pure. */
import { HOOK_EVENTS } from '../protocol/lifecycle-events.ts';
import type { FILE_KEYS } from './files-section.ts';
import { DEFAULT_TIMEOUT_SECONDS, type HOOK_KEYS } from './hooks-section.ts';
import { type APPSPEC_KEYS, FILE_EXISTS_BEHAVIORS } from './parse.ts';
import { type CONTEXT_KEYS, OBJECT_TYPES, type PERMISSION_KEYS } from './permissions-section.ts';

type Schema = Readonly<Record<string, unknown>>;
/** A member for each key that the parser knows: one that is missing here does not compile. */
type Members<Keys extends readonly string[]> = Readonly<Record<Keys[number], Schema>>;

const nonEmptyText = { type: 'string', pattern: '\\S' };
/** An optional key may also stand without a value. */
const optionalText = { type: ['string', 'null'] };
/** No `..` between slashes, no NUL. */
const INSIDE = '^(?!\\s*(?:[\\s\\S]*/)?\\.\\.(?:/|\\s*$))[^\\0]*$';
const ACL_ENTRY = aclPattern();
const RANGE = '^\\s*(?:s\\d{1,5}(?:-s\\d{1,5})?(?::c\\d{1,4}(?:\\.c\\d{1,4})?(?:,c\\d{1,4}(?:\\.c\\d{1,4})?)*)?)?\\s*$';

const hookMembers: Members<typeof HOOK_KEYS> = {
  location: {
    ...nonEmptyText,
    allOf: [{ pattern: INSIDE }],
    description: 'The script, relative to the root of the bundle.',
  },
  timeout: {
    anyOf: [
      { type: 'integer', minimum: 1, maximum: DEFAULT_TIMEOUT_SECONDS },
      {
        type: 'string',
        pattern: '^\\s*0*[1-9]\\d{0,2}\\s*$|^\\s*0*[12]\\d{3}\\s*$|^\\s*0*3[0-5]\\d{2}\\s*$|^\\s*0*3600\\s*$',
      },
      { type: 'null' },
    ],
    default: DEFAULT_TIMEOUT_SECONDS,
    description: 'Seconds that the script may take. All scripts of one event together have 3600.',
  },
  runas: { ...optionalText, description: 'The user that the script runs as; else the agent’s own.' },
  sudo: { type: ['boolean', 'null'], default: false, description: 'Whether it is started through sudo.' },
};

const fileMembers: Members<typeof FILE_KEYS> = {
  source: {
    type: 'string',
    minLength: 1,
    pattern: '^[^\\0]*$',
    description:
      'A file or folder of the bundle, relative to its root; `/` is the whole of it. Of a folder the contents are copied.',
  },
  destination: {
    type: 'string',
    pattern: '^/(?!(?:[\\s\\S]*/)?\\.\\.(?:/|$))[^\\0]*$',
    description: 'The absolute folder on the host that it goes into.',
  },
};

const contextMembers: Members<typeof CONTEXT_KEYS> = {
  user: { ...optionalText, description: 'The SELinux user.' },
  name: { ...optionalText, description: 'The SELinux user, as the official agents call it.' },
  type: { type: 'string', minLength: 1, description: 'The SELinux type.' },
  range: { type: ['string', 'null'], pattern: RANGE, description: 'Such as `s0-s1:c0.c3,c5`.' },
};

const permissionMembers: Members<typeof PERMISSION_KEYS> = {
  object: { ...nonEmptyText, description: 'An installed file, or the folder whose installed contents are meant.' },
  pattern: {
    ...optionalText,
    default: '**',
    description:
      '`**` is everything below the object; else `*` stands for any run of characters in the names of what lies directly in it.',
  },
  except: { ...listOf({ type: ['string', 'null'] }), description: 'Patterns of what is left out.' },
  type: { ...listOf({ enum: [...OBJECT_TYPES, '', null] }), description: 'Whether files, folders or both are meant.' },
  owner: { ...optionalText, description: 'The name of a user of the host.' },
  group: { ...optionalText, description: 'The name of a group of the host.' },
  mode: {
    anyOf: [
      { type: 'string', pattern: '^(?:[0-7]{1,4}|0o[0-7]{0,3})?$' },
      { enum: Array.from({ length: 8 }, (_, digit) => digit) },
      { type: 'null' },
      // Unquoted digits without a leading zero, which are the same number to every reader.
      { type: 'integer', minimum: 10, maximum: 7777 },
    ],
    description: 'One to four octal digits, in quotes.',
  },
  acls: {
    ...listOf({ type: ['string', 'null'], pattern: ACL_ENTRY }),
    description: 'Entries `[default:][user|group|mask|other:]NAME:rwx`; they replace the whole ACL.',
  },
  context: {
    type: ['object', 'null'],
    properties: contextMembers,
    required: ['type'],
    additionalProperties: false,
    description: 'The SELinux context.',
  },
};

const members: Members<typeof APPSPEC_KEYS> = {
  version: { enum: [0, '0.0'], description: 'Always 0.0.' },
  os: { const: 'linux', description: 'The system of the hosts.' },
  file_exists_behavior: {
    enum: [...FILE_EXISTS_BEHAVIORS, null],
    description: 'What to do with files that another hand put where the revision’s go; else what the deployment says.',
  },
  files: {
    type: ['array', 'null'],
    items: entry(fileMembers, ['source', 'destination']),
    description: 'What of the revision goes where.',
  },
  permissions: {
    type: ['array', 'null'],
    items: entry(permissionMembers, ['object']),
    description: 'Owner, group, mode, ACL and SELinux context of what is installed.',
  },
  hooks: {
    type: ['object', 'null'],
    properties: Object.fromEntries(
      HOOK_EVENTS.map((event) => [event, { type: ['array', 'null'], items: entry(hookMembers, ['location']) }]),
    ),
    additionalProperties: false,
    description: 'Lifecycle event → scripts, in the order they run.',
  },
};

export const APPSPEC_SCHEMA: Schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'AppSpec file of CodeDeploy for EC2 and on-premises hosts',
  ...entry(members, ['version', 'os']),
};

/** The schema as the text of a file. */
export function renderSchema(): string {
  return `${JSON.stringify(APPSPEC_SCHEMA, null, 2)}\n`;
}

function entry(properties: Readonly<Record<string, Schema>>, required: readonly string[]): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** A list, or a bare value that counts as a list of one, or nothing. */
function listOf(item: Schema): Schema {
  return { anyOf: [{ type: 'array', items: item }, item] };
}

function aclPattern(): string {
  const name = '[^:\\s,\\0]';
  const b = '\\s*';
  const permissions = `${b}(?:[0-7]|[rwx-]+)${b}`;
  const isDefault = `${b}(?:d|default)${b}:`;
  const named = `${b}(?:u|user|g|group)${b}:${b}${name}+${b}:${permissions}`;
  const unnamed = `${b}(?:m|mask)${b}:(?:${b}:)?${permissions}`;
  const bare = `(?!${b}(?:o|other|m|mask)${b}:)${b}${name}+${b}:${permissions}`;
  const ofDefault = `${isDefault}(?:${b}(?:u|user|g|group)${b}:${b}${name}*${b}:|${b}(?:m|mask|o|other)${b}:(?:${b}:)?|(?!${b}(?:m|mask|o|other)${b}:)${b}${name}*${b}:)${permissions}`;
  return `^(?:${named}|${unnamed}|${bare}|${ofDefault})?$`;
}
