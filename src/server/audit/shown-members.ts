/** Selects the members of a request that the audit log keeps: without secrets, and of a bounded size. Pure. */

/**
 * Members that are struck out wherever they stand: a reader of the log could act with them, or they hold what others keep secret. The
 * last two are files of the requester's, which may hold anything.
 */
const SECRET_MEMBERS: ReadonlySet<string> = new Set([
  'lifecycleEventHookExecutionId',
  'secretAccessKey',
  'sessionToken',
  'token',
  'password',
  'secret',
  'privateKey',
  'content',
  'PolicyDocument',
]);
/** Members that a later operation may bring: better one struck out for nothing than one shown. */
const SECRET_NAME = /(?:secret|password|passphrase|credential|authorization|privatekey)/i;

const STRUCK_OUT = '(struck out)';
const MAX_TEXT = 256;
const MAX_ENTRIES = 20;
const MAX_DEPTH = 8;
/** Limit on the whole request as JSON, in characters. */
export const MAX_REQUEST = 4_096;

/** @returns JSON of at most `MAX_REQUEST` characters */
export function shownMembers(members: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(members).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null ? [] : [[cut(name), JSON.stringify(showMember(name, value, 0))]],
  );
  let left = MAX_REQUEST - 2;
  const kept: string[] = [];
  // The small ones first, so that one large member costs no other its place.
  for (const [name, json] of shown.sort(([, a], [, b]) => a.length - b.length)) {
    const text = `${JSON.stringify(name)}:${json}`;
    const fitting = text.length < left ? text : `${JSON.stringify(name)}:"(${json.length} characters)"`;
    if (fitting.length >= left) break;
    kept.push(fitting);
    left -= fitting.length + 1;
  }
  return `{${kept.join(',')}}`;
}

function showMember(name: string, value: unknown, depth: number): unknown {
  return SECRET_MEMBERS.has(name) || SECRET_NAME.test(name) ? STRUCK_OUT : showValue(value, depth);
}

function showValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cut(withoutUrlSecrets(value));
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '(nested deeper)';
  if (Array.isArray(value)) {
    const some = value.slice(0, MAX_ENTRIES).map((entry) => showValue(entry, depth + 1));
    return value.length > MAX_ENTRIES ? [...some, `(${value.length - MAX_ENTRIES} more)`] : some;
  }
  const entries = Object.entries(value);
  const some = entries
    .slice(0, MAX_ENTRIES)
    .map(([name, member]): [string, unknown] => [cut(name), showMember(name, member, depth + 1)]);
  if (entries.length > MAX_ENTRIES) some.push(['…', `(${entries.length - MAX_ENTRIES} more)`]);
  return Object.fromEntries(some);
}

/** An address may have a password before its host, and a token in its query: both stay out, wherever the address stands in a text. */
function withoutUrlSecrets(text: string): string {
  if (!text.includes('://')) return text;
  return text
    .split(/(\s+)/)
    .map((word) => (word.includes('://') ? withoutSecretsOfUrl(word) : word))
    .join('');
}

function withoutSecretsOfUrl(word: string): string {
  const from = word.indexOf('://') + 3;
  const query = word.slice(from).search(/[?#]/);
  const address = query < 0 ? word.slice(from) : word.slice(from, from + query);
  const slash = address.indexOf('/');
  const at = (slash < 0 ? address : address.slice(0, slash)).lastIndexOf('@');
  const place = at < 0 ? address : `${STRUCK_OUT}${address.slice(at)}`;
  return `${word.slice(0, from)}${place}${query < 0 ? '' : `?${STRUCK_OUT}`}`;
}

function cut(text: string): string {
  const letters = [...text.slice(0, 2 * MAX_TEXT)];
  return letters.length <= MAX_TEXT && text.length <= 2 * MAX_TEXT
    ? text
    : `${letters.slice(0, MAX_TEXT).join('')}… (${text.length} characters)`;
}
