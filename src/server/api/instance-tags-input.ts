/** Reads the tags of hosts, and says how many one may have. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { Tag } from '../store/tag.ts';
import type { Input } from './context.ts';
import { readList, readText, requireObject } from './input.ts';
import { type problemOfTagKey, problemOfTagValue } from './tag-limits.ts';

/** @param problemOfKey hosts from before may have keys that are given to none any more @throws ApiError InvalidTagException */
export function readInstanceTags(input: Input, problemOfKey: typeof problemOfTagKey): Tag[] {
  return (readList(input, 'tags') ?? []).map((entry, index) => {
    const path = `tags[${index}]`;
    const tag = requireObject(entry, path);
    const Key = readText(tag, 'Key') ?? '';
    const Value = readText(tag, 'Value') ?? '';
    const problem = problemOfKey(Key, `${path}.Key`) ?? problemOfTagValue(Value, `${path}.Value`, 1);
    if (problem !== null) throw new ApiError('InvalidTagException', problem);
    return { Key, Value };
  });
}

export const MAX_INSTANCE_TAGS = 10;

/** @param tags all that an instance would have @throws ApiError TagLimitExceededException */
export function requireFewTags(instanceName: string, tags: readonly Tag[]): void {
  if (tags.length <= MAX_INSTANCE_TAGS) return;
  throw new ApiError(
    'TagLimitExceededException',
    `The instance ${instanceName} would have ${tags.length} tags; ${MAX_INSTANCE_TAGS} is the limit.`,
  );
}
