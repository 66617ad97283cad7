import { ApiError } from '../../protocol/errors.ts';
import { holdApplication, lockApplication } from '../store/applications.ts';
import { groupNamesOf, lockGroup } from '../store/deployment-groups.ts';
import { deleteResourceTags, listResourceTags, moveResourceTags, putResourceTags } from '../store/resource-tags.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { Tag } from '../store/tag.ts';
import type { ApiContext, Handlers, Input } from './context.ts';
import { countCharacters, quote, readList, readText, requireObject, requireText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { problemOfNewTagKey, problemOfTagKey, problemOfTagValue } from './tag-limits.ts';

const MAX_ARN = 1011;
/** Of one application or deployment group. */
const MAX_TAGS = 50;

export function resourceArn(ctx: Pick<ApiContext, 'region' | 'accountId'>, resource: string): string {
  return `arn:aws:codedeploy:${ctx.region}:${ctx.accountId}:${resource}`;
}

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

interface TaggedResource {
  readonly arn: string;
  readonly applicationName: string;
  /** null: the application itself. */
  readonly groupName: string | null;
}

/** @throws ApiError InvalidArnException for what is no ARN of this server's, ArnNotSupportedException for what has no tags */
function readArn(ctx: Pick<ApiContext, 'region' | 'accountId'>, input: Input): TaggedResource {
  const arn = readText(input, 'ResourceArn') ?? '';
  const own = resourceArn(ctx, '');
  if (countCharacters(arn) > MAX_ARN || !/^arn:[^:]+:codedeploy:[^:]*:\d{12}:./s.test(arn)) {
    throw new ApiError(
      'InvalidArnException',
      `ResourceArn must be the ARN of a CodeDeploy resource, but is ${quote(arn)}.`,
    );
  }
  if (!arn.startsWith(own)) {
    throw new ApiError(
      'InvalidArnException',
      `ResourceArn ${quote(arn)} is not of this server, whose ARNs begin with ${own}`,
    );
  }
  const [, kind, name = ''] = /^(application|deploymentgroup):(.*)$/s.exec(arn.slice(own.length)) ?? [];
  if (kind === undefined) {
    throw new ApiError(
      'ArnNotSupportedException',
      `ResourceArn ${quote(arn)} is of something without tags; applications and deployment groups have them.`,
    );
  }
  if (kind === 'application') return { arn, applicationName: name, groupName: null };
  const slash = name.indexOf('/');
  if (slash < 0) {
    throw new ApiError('InvalidArnException', `ResourceArn ${quote(arn)} must end with APPLICATION/DEPLOYMENT_GROUP.`);
  }
  return { arn, applicationName: name.slice(0, slash), groupName: name.slice(slash + 1) };
}

export const tagHandlers: Handlers<'TagResource' | 'UntagResource' | 'ListTagsForResource'> = {
  async TagResource(ctx, input) {
    const resource = readArn(ctx, input);
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
    const resource = readArn(ctx, input);
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
    const { arn } = readArn(ctx, input);
    const token = readPageToken(ctx, 'ListTagsForResource', input, 'NextToken');
    const found = await listResourceTags(ctx.store.db, arn, token.after, PAGE_SIZE + 1);
    const { rows: Tags, nextToken } = toPage(found, token, (tag) => tag.Key);
    return { Tags, ...(nextToken === undefined ? {} : { NextToken: nextToken }) };
  },
};
