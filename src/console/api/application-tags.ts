/** Tags of an application: what the API keeps of them, and the requests that an edit becomes. */
import { allPages, call } from './call.ts';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface TagChanges {
  readonly put: readonly Tag[];
  readonly removed: readonly string[];
}

/** Only what the person has changed: tags that somebody else gives or takes meanwhile stay so. Pure. */
export function tagChanges(before: readonly Tag[], now: readonly Tag[]): TagChanges {
  const values = new Map(before.map(({ key, value }) => [key, value]));
  const keys = new Set(now.map(({ key }) => key));
  return {
    put: now.filter(({ key, value }) => values.get(key) !== value),
    removed: before.map(({ key }) => key).filter((key) => !keys.has(key)),
  };
}

export function wireTags(tags: readonly Tag[]): { readonly Key: string; readonly Value: string }[] {
  return tags.map(({ key, value }) => ({ Key: key, Value: value }));
}

export async function readTags(application: string, signal?: AbortSignal): Promise<readonly Tag[]> {
  const ResourceArn = await arnOf(application, signal);
  const tags = await allPages(
    async ({ nextToken }) => {
      const token = nextToken === undefined ? {} : { NextToken: nextToken };
      const answer = await call('ListTagsForResource', { ResourceArn, ...token }, signal);
      return { tags: answer.Tags ?? [], nextToken: answer.NextToken };
    },
    (page) => page.tags,
  );
  return tags.map(({ Key = '', Value = '' }) => ({ key: Key, value: Value }));
}

/** New tags first: if one of them is refused, nothing has changed. */
export async function saveTags(application: string, before: readonly Tag[], now: readonly Tag[]): Promise<void> {
  const { put, removed } = tagChanges(before, now);
  const ResourceArn = await arnOf(application);
  if (put.length > 0) await call('TagResource', { ResourceArn, Tags: wireTags(put) });
  if (removed.length > 0) await call('UntagResource', { ResourceArn, TagKeys: [...removed] });
}

async function arnOf(application: string, signal?: AbortSignal): Promise<string> {
  const { region, accountId } = await call('DescribeServer', {}, signal);
  return `arn:aws:codedeploy:${region}:${accountId}:application:${application}`;
}
