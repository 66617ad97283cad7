/** Labels of applications and deployment groups: the API calls them tags, as it does what chooses hosts. */
import type { Command } from 'commander';
import type { ManagementClient } from '../protocol/management/client.ts';
import { collect, parseTag, type Tag } from './arguments.ts';
import { collectPages } from './paging.ts';

export interface LabelOptions {
  readonly label?: readonly Tag[];
  readonly removeLabel?: readonly string[];
}

export function addLabelOption(command: Command): Command {
  return command.option('--label <key=value>', 'label it (AWS: resource tag); may be repeated', collect(parseTag));
}

export function addLabelOptions(command: Command): Command {
  return command
    .option('--label <key=value>', 'add or change a label (AWS: resource tag); may be repeated', collect(parseTag))
    .option(
      '--remove-label <key>',
      'remove a label; may be repeated',
      collect((key) => key),
    );
}

/** Returns the labels of a new thing as the API takes them, if there are any. */
export function labelsInput({ label }: LabelOptions) {
  return label === undefined ? {} : { tags: [...label] };
}

/** @param resource `application:NAME` or `deploymentgroup:APPLICATION/GROUP` */
async function arnOf(client: ManagementClient, resource: string): Promise<string> {
  const { region, accountId } = await client.call('DescribeServer', {});
  return `arn:aws:codedeploy:${region}:${accountId}:${resource}`;
}

export async function readLabels(client: ManagementClient, resource: string): Promise<Tag[]> {
  const ResourceArn = await arnOf(client, resource);
  const tags = await collectPages(
    async (token) => {
      const input = { ResourceArn, ...(token === undefined ? {} : { NextToken: token }) };
      const { Tags = [], NextToken: nextToken } = await client.call('ListTagsForResource', input);
      return { Tags, nextToken };
    },
    (page) => page.Tags,
  );
  return tags.map(({ Key = '', Value = '' }) => ({ Key, Value }));
}

export async function changeLabels(client: ManagementClient, resource: string, options: LabelOptions): Promise<void> {
  const { label = [], removeLabel = [] } = options;
  if (label.length + removeLabel.length === 0) return;
  const ResourceArn = await arnOf(client, resource);
  if (removeLabel.length > 0) await client.call('UntagResource', { ResourceArn, TagKeys: [...removeLabel] });
  if (label.length > 0) await client.call('TagResource', { ResourceArn, Tags: [...label] });
}

export function renderTags(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[],
): string {
  return tags.length === 0 ? '-' : tags.map(({ Key = '', Value = '' }) => `${Key}=${Value}`).join(' ');
}
