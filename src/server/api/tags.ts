import { ApiError } from '../../protocol/errors.ts';
import { holdApplication, lockApplication } from '../store/applications.ts';
import { groupNamesOf, lockGroup } from '../store/deployment-groups.ts';
import { deleteResourceTags, listResourceTags, moveResourceTags, putResourceTags } from '../store/resource-tags.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { Tag } from '../store/tag.ts';
import type { ApiContext, Handlers, Input } from './context.ts';
import { readList, readText, requireObject, requireText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';

const MAX_KEY = 128;
const MAX_VALUE = 256;
const MAX_ARN = 1011;

export function resourceArn(ctx: Pick<ApiContext, 'region' | 'accountId'>, resource: string): string {
  return `arn:aws:codedeploy:${ctx.region}:${ctx.accountId}:${resource}`;
}

/** Tags of an application or a deployment group; none when absent. */
export function readTags(input: Input, member: string): Tag[] {
  return (readList(input, member) ?? []).map((entry) => {
    const tag = requireObject(entry, member);
    const Key = requireText(tag['Key'], `${member}.Key`);
    const Value =
      tag['Value'] === undefined || tag['Value'] === null ? '' : requireText(tag['Value'], `${member}.Value`);
    if (Key === '' || Key.length > MAX_KEY || Value.length > MAX_VALUE) {
      throw new ApiError(
        'InvalidTagsToAddException',
        `A tag needs a key of 1 to ${MAX_KEY} and a value of at most ${MAX_VALUE} characters.`,
      );
    }
    return { Key, Value };
  });
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
 * @throws ApiError ApplicationDoesNotExistException, DeploymentGroupDoesNotExistException, InvalidArnException
 */
async function lockTagged(tx: StoreTransaction, ctx: ApiContext, arn: string): Promise<void> {
  const [, kind, rest = ''] = /^arn(?::[^:]*){4}:(application|deploymentgroup):(.*)$/s.exec(arn) ?? [];
  const [applicationName = '', groupName] = kind === 'application' ? [rest] : rest.split('/');
  if (arn !== resourceArn(ctx, `${kind}:${rest}`)) {
    throw new ApiError('InvalidArnException', `'${arn}' is of another region or account than this server's.`);
  }
  const isApplication = kind === 'application';
  const application = await (isApplication ? lockApplication : holdApplication)(tx, applicationName);
  if (application === null)
    throw new ApiError('ApplicationDoesNotExistException', `No application found for name: ${applicationName}`);
  if (isApplication) return;
  if ((await lockGroup(tx, application.application_id, groupName ?? '')) === null)
    throw new ApiError(
      'DeploymentGroupDoesNotExistException',
      `No deployment group found for name: ${groupName ?? ''}`,
    );
}

function readArn(input: Input): string {
  const arn = readText(input, 'ResourceArn');
  if (arn === null || arn === '') throw new ApiError('ResourceArnRequiredException', 'The ResourceArn is missing.');
  if (arn.length > MAX_ARN || !/^arn:[^:]+:codedeploy:[^:]*:\d{12}:.+$/.test(arn)) {
    throw new ApiError('InvalidArnException', `'${arn.slice(0, 120)}' is no ARN of a CodeDeploy resource.`);
  }
  if (!/:(application|deploymentgroup):/.test(arn)) {
    throw new ApiError('ArnNotSupportedException', 'Only applications and deployment groups have tags.');
  }
  return arn;
}

export const tagHandlers: Handlers<'TagResource' | 'UntagResource' | 'ListTagsForResource'> = {
  async TagResource(ctx, input) {
    const arn = readArn(input);
    const tags = readTags(input, 'Tags');
    if (tags.length === 0) throw new ApiError('TagRequiredException', 'The list Tags is missing or empty.');
    await ctx.store.transaction(async (tx) => {
      await lockTagged(tx, ctx, arn);
      await putResourceTags(tx, arn, tags);
    });
    return {};
  },

  async UntagResource(ctx, input) {
    const arn = readArn(input);
    const keys = (readList(input, 'TagKeys') ?? []).map((key) => requireText(key, 'TagKeys'));
    if (keys.length === 0) throw new ApiError('TagRequiredException', 'The list TagKeys is missing or empty.');
    await ctx.store.transaction(async (tx) => {
      await lockTagged(tx, ctx, arn);
      await deleteResourceTags(tx, arn, keys);
    });
    return {};
  },

  async ListTagsForResource(ctx, input) {
    const arn = readArn(input);
    const token = readPageToken(ctx, 'ListTagsForResource', input, 'NextToken');
    const found = await listResourceTags(ctx.store.db, arn, token.after, PAGE_SIZE + 1);
    const { rows: Tags, nextToken } = toPage(found, token, (tag) => tag.Key);
    return { Tags, ...(nextToken === undefined ? {} : { NextToken: nextToken }) };
  },
};
