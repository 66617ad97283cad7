import { ApiError } from '../../protocol/errors.ts';
import type { StoreReader } from '../store/store.ts';
import type { ApiContext, Handlers, Input } from './context.ts';
import { readList, readText, requireObject, requireText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

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

export async function putTags(db: StoreReader, arn: string, tags: readonly Tag[]): Promise<void> {
  for (const { Key, Value } of tags) {
    await db
      .insertInto('resource_tags')
      .values({ resource_arn: arn, tag_key: Key, tag_value: Value })
      .onConflict((conflict) => conflict.columns(['resource_arn', 'tag_key']).doUpdateSet({ tag_value: Value }))
      .execute();
  }
}

/** The tags of a resource that has another name now go with it; those of one that is gone go, too. */
export async function moveTags(db: StoreReader, fromArn: string, toArn: string | null): Promise<void> {
  const rows = await db.selectFrom('resource_tags').selectAll().where('resource_arn', '=', fromArn).execute();
  await db.deleteFrom('resource_tags').where('resource_arn', '=', fromArn).execute();
  const tags = rows.map((row) => ({ Key: row.tag_key, Value: row.tag_value }));
  if (toArn !== null) await putTags(db, toArn, tags);
}

/** The same for an application and all its groups, whose names begin with the application's. */
export async function moveApplicationTags(
  db: StoreReader,
  ctx: Pick<ApiContext, 'region' | 'accountId'>,
  application: { readonly application_id: string; readonly application_name: string },
  newName: string | null,
): Promise<void> {
  const groups = await db
    .selectFrom('deployment_groups')
    .select('deployment_group_name')
    .where('application_id', '=', application.application_id)
    .execute();
  const resources = (name: string) => [
    `application:${name}`,
    ...groups.map((group) => `deploymentgroup:${name}/${group.deployment_group_name}`),
  ];
  const targets = newName === null ? [] : resources(newName);
  for (const [index, resource] of resources(application.application_name).entries()) {
    const target = targets[index];
    await moveTags(db, resourceArn(ctx, resource), target === undefined ? null : resourceArn(ctx, target));
  }
}

/** @throws ApiError ApplicationDoesNotExistException, DeploymentGroupDoesNotExistException, InvalidArnException */
async function requireTagged(ctx: ApiContext, arn: string): Promise<void> {
  const [, kind, rest = ''] = /^arn(?::[^:]*){4}:(application|deploymentgroup):(.*)$/s.exec(arn) ?? [];
  const [applicationName = '', groupName] = kind === 'application' ? [rest] : rest.split('/');
  if (arn !== resourceArn(ctx, `${kind}:${rest}`)) {
    throw new ApiError('InvalidArnException', `'${arn}' is of another region or account than this server's.`);
  }
  const application = await ctx.store.db
    .selectFrom('applications')
    .select('application_id')
    .where('application_name', '=', applicationName)
    .executeTakeFirst();
  if (application === undefined)
    throw new ApiError('ApplicationDoesNotExistException', `No application found for name: ${applicationName}`);
  if (kind === 'application') return;
  const group = await ctx.store.db
    .selectFrom('deployment_groups')
    .select('deployment_group_id')
    .where('application_id', '=', application.application_id)
    .where('deployment_group_name', '=', groupName ?? '')
    .executeTakeFirst();
  if (group === undefined)
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
    await requireTagged(ctx, arn);
    await ctx.store.transaction((tx) => putTags(tx, arn, tags));
    return {};
  },

  async UntagResource(ctx, input) {
    const arn = readArn(input);
    const keys = (readList(input, 'TagKeys') ?? []).map((key) => requireText(key, 'TagKeys'));
    if (keys.length === 0) throw new ApiError('TagRequiredException', 'The list TagKeys is missing or empty.');
    await requireTagged(ctx, arn);
    await ctx.store.transaction((tx) =>
      tx.deleteFrom('resource_tags').where('resource_arn', '=', arn).where('tag_key', 'in', keys).execute(),
    );
    return {};
  },

  async ListTagsForResource(ctx, input) {
    const arn = readArn(input);
    const token = readPageToken(ctx, 'ListTagsForResource', input, 'NextToken');
    const found = await ctx.store.db
      .selectFrom('resource_tags')
      .selectAll()
      .where('resource_arn', '=', arn)
      .where('tag_key', '>', token.after)
      .orderBy('tag_key')
      .limit(PAGE_SIZE + 1)
      .execute();
    const { rows, nextToken } = toPage(found, token, (row) => row.tag_key);
    const Tags = rows.map((row) => ({ Key: row.tag_key, Value: row.tag_value }));
    return { Tags, ...(nextToken === undefined ? {} : { NextToken: nextToken }) };
  },
};
