/** The grammar of an ACL entry in an AppSpec file: `[d|default:][user|group|mask|other:]<name>:<permissions>`. Pure. */

export type AclEntryResult =
  | { readonly ok: true; readonly entry: string }
  | { readonly ok: false; readonly problem: string };

type AclType = 'user' | 'group' | 'mask' | 'other';

const TYPE_WORDS: Readonly<Record<string, AclType>> = {
  u: 'user',
  user: 'user',
  g: 'group',
  group: 'group',
  m: 'mask',
  mask: 'mask',
  o: 'other',
  other: 'other',
};

/** Reads an entry and writes it in its canonical form, `[default:]type:name:rwx`, which reads as itself. */
export function parseAclEntry(text: string): AclEntryResult {
  const parts = text.split(':').map((part) => part.trim());
  if (parts.length < 2 || parts.length > 4) return wrong('it must have two to four parts, separated by colons');
  const isDefault = parts[0] === 'd' || parts[0] === 'default';
  if (parts.length === 4 && !isDefault) return wrong(`four parts must begin with d or default, not '${parts[0]}'`);
  const rest = isDefault && parts.length > 2 ? parts.slice(1) : parts;
  const shape = splitTypeAndName(rest);
  if (typeof shape === 'string') return wrong(shape);
  const { type, name, permissions } = shape;
  if ((type === 'mask' || type === 'other') && name !== '') return wrong(`${type} takes no name, but has '${name}'`);
  // setfacl takes entries as one text, separated by commas: such a name would be another entry.
  if (/[\s,\0]/.test(name)) return wrong(`'${name}' is no name of a user or group`);
  const hasDefault = isDefault && parts.length > 2;
  if (name === '' && type !== 'mask' && !hasDefault)
    return wrong(`the entry of the ${type === 'other' ? 'others' : `owning ${type}`} is set with mode`);
  const letters = parsePermissions(permissions);
  if (!letters.ok) return letters;
  return { ok: true, entry: `${hasDefault ? 'default:' : ''}${type}:${name}:${letters.entry}` };
}

function splitTypeAndName(parts: readonly string[]): { type: AclType; name: string; permissions: string } | string {
  const [first = '', second = '', third] = parts;
  const word = TYPE_WORDS[first];
  if (third !== undefined) {
    return word === undefined
      ? `'${first}' is none of user, group, mask, other`
      : { type: word, name: second, permissions: third };
  }
  // Two parts: mask and other need no name; anything else is a user's.
  if (word === 'mask' || word === 'other') return { type: word, name: '', permissions: second };
  return { type: 'user', name: first, permissions: second };
}

function parsePermissions(text: string): AclEntryResult {
  if (/^[0-7]$/.test(text)) {
    const bits = Number(text);
    return { ok: true, entry: `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}` };
  }
  if (text === '') return wrong('its permissions are missing');
  const other = /[^rwx-]/.exec(text)?.[0];
  if (other !== undefined) return wrong(`'${other}' is no permission; r, w, x, - or one octal digit are`);
  return { ok: true, entry: ['r', 'w', 'x'].map((letter) => (text.includes(letter) ? letter : '-')).join('') };
}

function wrong(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
