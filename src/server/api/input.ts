/**
 * Reads members of requests and refuses those that are not well formed, by the exception of the member's own. `required.ts` has made sure that
 * members which an operation needs are there; whether what a member names exists is the handlers' question. Pure.
 */
import { ApiError } from '../../protocol/errors.ts';
import type { ExceptionName } from '../../protocol/management/modelled-exceptions.ts';
import type { Input } from './context.ts';

/** Kind of a name for messages, and the exception for a malformed one. */
export interface NameKind {
  readonly what: string;
  readonly invalid: ExceptionName;
}

export const APPLICATION: NameKind = { what: 'application name', invalid: 'InvalidApplicationNameException' };
export const GROUP: NameKind = { what: 'deployment group name', invalid: 'InvalidDeploymentGroupNameException' };
export const CONFIG: NameKind = {
  what: 'deployment configuration name',
  invalid: 'InvalidDeploymentConfigNameException',
};
export const INSTANCE: NameKind = { what: 'instance name', invalid: 'InvalidInstanceNameException' };

const NAME = /^[A-Za-z0-9+=,.@_-]{1,100}$/;
/** More of a value is not repeated in a message; characters. */
const MAX_SHOWN = 120;

/** The length of a text as AWS counts it: Unicode characters, of which some take two places in a string of JavaScript. */
export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** A value in a message: quoted, and cut off between characters when it is long. */
export function quote(text: string): string {
  const characters = [...text.slice(0, 2 * MAX_SHOWN)];
  return characters.length > MAX_SHOWN ? `'${characters.slice(0, MAX_SHOWN).join('')}…'` : `'${text}'`;
}

/** A name that the operation needs. */
export function readName(input: Input, member: string, kind: NameKind): string {
  return checkName(readText(input, member) ?? '', member, kind);
}

/** A name that may be absent. */
export function readOptionalName(input: Input, member: string, kind: NameKind): string | null {
  const name = readText(input, member);
  return name === null ? null : checkName(name, member, kind);
}

export function isName(text: string): boolean {
  return NAME.test(text);
}

export function checkName(name: string, member: string, { what, invalid }: NameKind): string {
  if (isName(name)) return name;
  throw new ApiError(
    invalid,
    `${member} must be ${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what} of 1 to 100 of the characters A-Z a-z 0-9 + = , . @ _ - but is ${quote(name)}.`,
  );
}

/** Names that the operation needs, at most so many. */
export function readNames(input: Input, member: string, kind: NameKind, limit: number): string[] {
  const names = readList(input, member) ?? [];
  requireBatch(names, member, limit);
  return names.map((name, index) => checkName(requireText(name, `${member}[${index}]`), `${member}[${index}]`, kind));
}

export function requireBatch(
  list: readonly unknown[],
  member: string,
  limit: number,
  type: ExceptionName = 'BatchLimitExceededException',
): void {
  if (list.length > limit) throw new ApiError(type, `${member} has ${list.length} entries; ${limit} is the limit.`);
}

/** Checks that a value is one of those that a member may have. */
export function checkChoice<Choice extends string>(
  value: string,
  member: string,
  choices: readonly Choice[],
  invalid: ExceptionName,
): Choice {
  const choice = choices.find((known) => known === value);
  if (choice !== undefined) return choice;
  const last = choices.at(-1) ?? '';
  const known = choices.length > 1 ? `${choices.slice(0, -1).join(', ')} or ${last}` : last;
  throw new ApiError(invalid, `${member} must be ${known}, but is ${quote(value)}.`);
}

/** null: absent. */
export function readText(input: Input, member: string): string | null {
  const value = input[member];
  return value === undefined || value === null ? null : requireText(value, member);
}

export function readBoolean(input: Input, member: string): boolean | null {
  const value = input[member];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'boolean') throw wrongType(member, 'true or false', value);
  return value;
}

export function readList(input: Input, member: string): unknown[] | null {
  const value = input[member];
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) throw wrongType(member, 'a list', value);
  return value;
}

export function readObject(input: Input, member: string): Input | null {
  const value = input[member];
  return value === undefined || value === null ? null : requireObject(value, member);
}

export function requireObject(value: unknown, member: string): Input {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(member, 'an object', value);
  return value as Input;
}

export function requireText(value: unknown, member: string): string {
  if (typeof value !== 'string') throw wrongType(member, 'text', value);
  // PostgreSQL keeps no text with one, and nothing that has a name here needs one.
  if (value.includes('\0')) throw new ApiError('SerializationException', `${member} has a NUL character in it.`);
  // Half of a surrogate pair would be kept as another character.
  if (!value.isWellFormed()) throw new ApiError('SerializationException', `${member} is not well-formed Unicode.`);
  return value;
}

const MAX_DESCRIPTION = 256;

export function readDescription(input: Input): string | null {
  const description = readText(input, 'description');
  const length = countCharacters(description ?? '');
  if (length <= MAX_DESCRIPTION) return description;
  throw new ApiError(
    'DescriptionTooLongException',
    `The description has ${length} characters; ${MAX_DESCRIPTION} is the limit.`,
  );
}

function wrongType(member: string, expected: string, value: unknown): ApiError {
  const found = Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value;
  return new ApiError('SerializationException', `${member} must be ${expected}, but is ${found}.`);
}
