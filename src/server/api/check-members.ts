/** Whether a request asks for nothing but what this server knows. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { ManagementOperation } from '../../protocol/management/shapes.ts';
import type { Input } from './context.ts';
import { countCharacters, readBoolean, readList, readObject, readText } from './input.ts';
import { INPUT_MEMBERS, type MemberKind } from './members.ts';

/** More of a foreign name is not repeated; characters. */
const MAX_NAME = 100;
/** More than any handler takes; what each takes is its own matter. */
const MAX_LIST = 1_000;
/** In characters; names and tags have limits of their own, far below. */
const MAX_TEXT = 4_096;
/** Texts that have an exception of their own for what is too long, or are refused as such. */
const LONG_TEXTS = ['nextToken', 'NextToken', 'description', 'content'];

/**
 * Finds members that the operation does not have, at any depth, values of a wrong type, and values larger than any real request has.
 * Numbers and times are left to the handlers, which have exceptions of their own for them. A member that is null is absent.
 *
 * @throws ApiError ValidationException, which names the member; SerializationException for a value of another type
 */
export function checkMembers(operation: ManagementOperation, input: Input): void {
  checkObject(operation, '', input, INPUT_MEMBERS[operation]);
}

function checkObject(operation: string, path: string, object: Input, members: Readonly<Record<string, MemberKind>>) {
  for (const name of Object.keys(object)) {
    const value = object[name];
    if (value === undefined || value === null) continue;
    const memberPath = path === '' ? name : `${path}.${name}`;
    const kind = Object.hasOwn(members, name) ? members[name] : undefined;
    if (kind === undefined) {
      const known = Object.keys(members).join(', ');
      throw new ApiError(
        'ValidationException',
        `${operation} has no member ${JSON.stringify(memberPath.slice(0, MAX_NAME))}; nothing was done. ` +
          (known === '' ? 'It takes none.' : `Known ${path === '' ? 'are' : `in ${path} are`}: ${known}.`),
      );
    }
    checkValue(operation, memberPath, value, kind);
  }
}

function checkValue(operation: string, path: string, value: unknown, kind: MemberKind): void {
  const holder = { [path]: value };
  if (kind === 'text') {
    const length = countCharacters(readText(holder, path) ?? '');
    if (length > MAX_TEXT && !LONG_TEXTS.includes(path.split('.').at(-1) ?? ''))
      throw tooLarge(operation, path, `${length} characters`, MAX_TEXT);
  } else if (kind === 'flag') readBoolean(holder, path);
  else if (kind === 'number') return;
  else if (kind === 'map') checkMap(operation, path, readObject(holder, path) ?? {});
  else if (isListKind(kind)) {
    const list = readList(holder, path) ?? [];
    if (list.length > MAX_LIST) throw tooLarge(operation, path, `${list.length} entries`, MAX_LIST);
    for (const [index, entry] of list.entries()) {
      // Handlers say what a list may not have in it; null is nothing that any has.
      if (entry === null) throw new ApiError('SerializationException', `${path}[${index}] is null.`);
      checkValue(operation, `${path}[${index}]`, entry, kind[0]);
    }
  } else checkObject(operation, path, readObject(holder, path) ?? {}, kind);
}

/** A map of the API has lists of texts. Which names it may have is the handler's question. */
function checkMap(operation: string, path: string, map: Input): void {
  const names = Object.keys(map);
  if (names.length > MAX_LIST) throw tooLarge(operation, path, `${names.length} members`, MAX_LIST);
  for (const name of names) {
    const value = map[name];
    if (value !== null) checkValue(operation, `${path}.${name.slice(0, MAX_NAME)}`, value, ['text']);
  }
}

function tooLarge(operation: string, path: string, size: string, limit: number): ApiError {
  return new ApiError(
    'ValidationException',
    `${path} of ${operation} has ${size}; ${limit} is the limit. Nothing was done.`,
  );
}

function isListKind(kind: MemberKind): kind is readonly [MemberKind] {
  return Array.isArray(kind);
}
