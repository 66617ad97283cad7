/** Reads what a key that is to be made is limited to. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import { type KeyScope, problemOfScope } from '../../protocol/management/key-scope.ts';
import type { Role } from '../store/schema.ts';
import type { Input } from './context.ts';
import { readList, readObject, readText, requireObject, requireText } from './input.ts';

/** @returns null: the key is not limited @throws ApiError ValidationException */
export function readKeyScope(input: Input, role: Role): KeyScope | null {
  const given = readObject(input, 'scope');
  if (given === null) return null;
  const scope = {
    applications: readTexts(given, 'applications'),
    groups: readTexts(given, 'groups'),
    hostTags: readTags(given),
  };
  const problem = problemOfScope(scope, role);
  if (problem !== null) throw new ApiError('ValidationException', `scope is refused: ${problem}.`);
  return scope;
}

function readTexts(scope: Input, member: string): string[] {
  return (readList(scope, member) ?? []).map((entry, index) => requireText(entry, `scope.${member}[${index}]`));
}

function readTags(scope: Input): KeyScope['hostTags'] {
  return (readList(scope, 'hostTags') ?? []).map((entry, index) => {
    const tag = requireObject(entry, `scope.hostTags[${index}]`);
    return { Key: readText(tag, 'Key') ?? '', Value: readText(tag, 'Value') ?? '' };
  });
}
