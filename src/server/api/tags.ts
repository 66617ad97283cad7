import { ApiError } from '../../protocol/errors.ts';
import { holdApplication, lockApplication } from '../store/applications.ts';
import { groupNamesOf, lockGroup } from '../store/deployment-groups.ts';
import { deleteResourceTags, listResourceTags, moveResourceTags, putResourceTags } from '../store/resource-tags.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { Tag } from '../store/tag.ts';
import type { ApiContext, Handlers, Input } from './context.ts';
import { readList, readText, requireObject, requireText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { readResourceArn, resourceArn, type TaggedResource } from './resource-arn.ts';
import { problemOfNewTagKey, problemOfTagKey, problemOfTagValue } from './tag-limits.ts';

/** Limit for one application or deployment group. */
const MAX_TAGS = 50;

/** Tags of an application or a deployment group; none when absent. @throws ApiError InvalidTagsToAddException */
export function readTags(input: Input, member: string): Tag[] {
  const keys = new Set<string>();
  const list = readList(input, member) ?? [];
  if (list.length > MAX_TAGS) throw invalid(`${member} has ${list.length} tags; ${MAX_TAGS} are the limit.`);
  return list.map((entry, index) => {
    const path = `${member}[${index}]`;
    const tag = requireObject(entry, path);
    const Key = readText(tag, 'Key') ?? '';
    const Value = readText(tag, 'Value') ?? '';
    const problem = problemOfNewTagKey(Key, `${path}.Key`) ?? problemOfTagValue(Value, `${path}.Value`, 0);
    if (problem !== null) throw invalid(problem);
    if (keys.has(Key)) throw invalid(`${path}.Key is that of a tag before it in the list.`);
    keys.add(Key);
    return { Key, Value };
  });
}

function invalid(why: string): ApiError {
  return new ApiError('InvalidTagsToAddException', why);
}

/** Renames the tags of an application and of its groups, whose ARNs begin with the application's; `null` deletes them. */
export async function moveApplicationTags(
  tx: StoreTransaction,
  ctx: Pick<ApiContext, 'region' | 'accountId'>,
  application: { readonly application_id: string; readonly application_name: string },
  newName: string | null,
): Promise<void> {
  const groups = await groupNamesOf(tx, application.application_id);
  const resources = (name: string) => [
    `application:${name}`,
    ...groups.map((group) => `deploymentgroup:${name}/${group}`),
  ];
  const targets = newName === null ? [] : resources(newName);
  for (const [index, resource] of resources(application.application_name).entries()) {
    const target = targets[index];
    await moveResourceTags(tx, resourceArn(ctx, resource), target === undefined ? null : resourceArn(ctx, target));
  }
}

/**
 * Locks the resource whose tags are to be changed: it is there under this ARN until the transaction ends.
 *
 * @throws ApiError ApplicationDoesNotExistException, DeploymentGroupDoesNotExistException
 */
async function lockTagged(tx: StoreTransaction, { applicationName, groupName }: TaggedResource): Promise<void> {
  const lock = groupName === null ? lockApplication : holdApplication;
  const application = await lock(tx, applicationName);
  if (application === null)
    throw new ApiError(
      'ApplicationDoesNotExistException',
      `No application found for name: ${applicationName} (of ResourceArn)`,
    );
  if (groupName !== null && (await lockGroup(tx, application.application_id, groupName)) === null)
    throw new ApiError(
      'DeploymentGroupDoesNotExistException',
      `No deployment group found for name: ${groupName} (of ResourceArn)`,
    );
}

export const tagHandlers: Handlers<'TagResource' | 'UntagResource' | 'ListTagsForResource'> = {
  async TagResource(ctx, input) {
    const resource = readResourceArn(ctx, input);
    const tags = readTags(input, 'Tags');
    await ctx.store.transaction(async (tx) => {
      await lockTagged(tx, resource);
      await putResourceTags(tx, resource.arn, tags);
      const all = await listResourceTags(tx, resource.arn, '', MAX_TAGS + 1);
      if (all.length > MAX_TAGS) {
        throw invalid(`With Tags added, ${resource.arn} would have more than ${MAX_TAGS} tags, which are the limit.`);
      }
    });
    return {};
  },

  async UntagResource(ctx, input) {
    const resource = readResourceArn(ctx, input);
    const keys = (readList(input, 'TagKeys') ?? []).map((entry, index) => {
      const path = `TagKeys[${index}]`;
      const key = requireText(entry, path);
      const problem = problemOfTagKey(key, path);
      if (problem !== null) throw invalid(problem);
      return key;
    });
    await ctx.store.transaction(async (tx) => {
      await lockTagged(tx, resource);
      await deleteResourceTags(tx, resource.arn, keys);
    });
    return {};
  },

  async ListTagsForResource(ctx, input) {
    const { arn } = readResourceArn(ctx, input);
    const token = readPageToken(ctx, 'ListTagsForResource', input, 'NextToken');
    const found = await listResourceTags(ctx.store.db, arn, token.after, PAGE_SIZE + 1);
    const { rows: Tags, nextToken } = toPage(found, token, (tag) => tag.Key);
    return { Tags, ...(nextToken === undefined ? {} : { NextToken: nextToken }) };
  },
};
