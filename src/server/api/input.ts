/**
 * Reading members of requests. In the order of the API: is it there, is it well formed; whether what it names exists is the handlers' own
 * question. Each has its own exception. Pure.
 */
import { ApiError } from '../../protocol/errors.ts';
import type { Input } from './context.ts';

/** The exceptions of one kind of name. */
export interface NameKind {
  readonly what: string;
  readonly required: string;
  readonly invalid: string;
}

export const APPLICATION: NameKind = kind('application name', 'ApplicationName', 'ApplicationName');
export const GROUP: NameKind = kind('deployment group name', 'DeploymentGroupName', 'DeploymentGroupName');
export const CONFIG: NameKind = kind('deployment configuration name', 'DeploymentConfigName', 'DeploymentConfigName');
export const INSTANCE: NameKind = kind('instance name', 'InstanceName', 'InstanceName');

const NAME = /^[A-Za-z0-9+=,.@_-]{1,100}$/;

function kind(what: string, required: string, invalid: string): NameKind {
  return { what, required: `${required}RequiredException`, invalid: `Invalid${invalid}Exception` };
}

/** A name that must be there. */
export function readName(input: Input, member: string, nameKind: NameKind): string {
  const name = readText(input, member);
  if (name === null || name === '')
    throw new ApiError(nameKind.required, `The ${nameKind.what} (${member}) is missing.`);
  return checkName(name, nameKind);
}

/** A name that may be absent. */
export function readOptionalName(input: Input, member: string, nameKind: NameKind): string | null {
  const name = readText(input, member);
  return name === null ? null : checkName(name, nameKind);
}

export function checkName(name: string, { what, invalid }: NameKind): string {
  if (NAME.test(name)) return name;
  throw new ApiError(
    invalid,
    `The ${what} '${name.slice(0, 120)}' must have 1 to 100 of the characters A-Z a-z 0-9 + = , . @ _ -`,
  );
}

export function readNames(input: Input, member: string, nameKind: NameKind, limit: number): string[] {
  const names = readList(input, member);
  if (names === null || names.length === 0)
    throw new ApiError(nameKind.required, `The list ${member} is missing or empty.`);
  requireBatch(names, member, limit);
  return names.map((name) => checkName(requireText(name, member), nameKind));
}

export function requireBatch(
  list: readonly unknown[],
  member: string,
  limit: number,
  type = 'BatchLimitExceededException',
): void {
  if (list.length > limit) throw new ApiError(type, `${member} has ${list.length} entries; ${limit} is the limit.`);
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
  if (description === null || description.length <= MAX_DESCRIPTION) return description;
  throw new ApiError(
    'DescriptionTooLongException',
    `The description has ${description.length} characters; ${MAX_DESCRIPTION} is the limit.`,
  );
}

function wrongType(member: string, expected: string, value: unknown): ApiError {
  const found = Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value;
  return new ApiError('SerializationException', `${member} must be ${expected}, but is ${found}.`);
}
