import type { HostRecord } from '../../protocol/management/shapes.ts';
import { collect, parseTag, type Tag } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { collectPages } from '../paging.ts';
import { printLine, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderDuration } from '../view/time.ts';

interface UpdateOptions extends ConnectionOptions, ResultOptions {
  readonly tag?: readonly Tag[];
  readonly removeTag?: readonly Tag[];
}

export const addHostsCommand: AddCommand = (program, ctx) => {
  const hosts = program.command('hosts').description('hosts that are enrolled with the control server');

  addConnectionOptions(hosts.command('list').description('list all hosts, their tags, and when each last polled'))
    .option('--json', 'as JSON')
    .action(async (options: ConnectionOptions & { json?: boolean }) => {
      const { client } = connect(ctx, options);
      const records = await collectPages(
        (nextToken) => client.call('DescribeHosts', nextToken === undefined ? {} : { nextToken }),
        (page) => page.hosts,
      );
      if (options.json) {
        ctx.stdout.write(`${JSON.stringify(records)}\n`);
        return;
      }
      const nowMs = ctx.clock.now();
      const rows = records.map((host) => [
        host.instanceName ?? '',
        standingOf(host, nowMs),
        host.lastPollTime === undefined ? 'never' : `${renderDuration(nowMs - host.lastPollTime * 1000)} ago`,
        host.agentVersion ?? '-',
        (host.tags ?? []).map((tag) => `${tag.Key}=${tag.Value}`).join(' '),
      ]);
      ctx.stdout.writeLines(renderTable([['HOST', 'STATUS', 'LAST POLL', 'AGENT', 'TAGS'], ...rows]));
    });

  addConnectionOptions(
    hosts
      .command('deregister')
      .argument('<name>')
      .description('take a host out of its deployment groups for good, and disable its keys'),
  )
    .option('--json', 'as JSON')
    .action(async (name: string, options: ConnectionOptions & ResultOptions) => {
      const { client } = connect(ctx, options);
      const { instanceInfo } = await client.call('GetOnPremisesInstance', { instanceName: name });
      const keys = await collectPages(
        (nextToken) => client.call('ListAccessKeys', nextToken === undefined ? {} : { nextToken }),
        (page) => page.accessKeys,
      );
      const arn = instanceInfo?.iamUserArn ?? instanceInfo?.iamSessionArn;
      const own = keys.filter(({ hostArn, disabled }) => hostArn !== undefined && hostArn === arn && !disabled);
      await client.call('DeregisterOnPremisesInstance', { instanceName: name });
      // The server has disabled those that it knew then; one that was made meanwhile, or for a host that was out already, is not left behind.
      for (const { accessKeyId } of own) await client.call('DisableAccessKey', { accessKeyId });
      const value = { instanceName: name, disabledKeys: own.map(({ accessKeyId }) => accessKeyId) };
      printLine(ctx, options, value, `deregistered ${name}; ${describeDisabled(own.length)}`);
    });

  addConnectionOptions(hosts.command('update').argument('<name>').description('change the tags of a host'))
    .option('--tag <key=value>', 'add or change a tag; may be repeated', collect(parseTag))
    .option('--remove-tag <key=value>', 'remove a tag; may be repeated', collect(parseTag))
    .option('--json', 'as JSON')
    .action(async (name: string, options: UpdateOptions) => {
      const { client } = connect(ctx, options);
      const { tag = [], removeTag = [] } = options;
      const instanceNames = [name];
      if (removeTag.length > 0) {
        await client.call('RemoveTagsFromOnPremisesInstances', { instanceNames, tags: [...removeTag] });
      }
      if (tag.length > 0) await client.call('AddTagsToOnPremisesInstances', { instanceNames, tags: [...tag] });
      const { instanceInfo: { tags = [] } = {} } = await client.call('GetOnPremisesInstance', { instanceName: name });
      const shown = tags.map(({ Key, Value }) => `${Key}=${Value}`).join(' ') || 'none';
      printLine(ctx, options, { instanceName: name, tags }, `tags of ${name}: ${shown}`);
    });
};

/** Longer than any agent goes without a poll, with the usual settings. */
const SILENT_MS = 3 * 60_000;

/** Whether a deployment would get to it, and if not, why. */
function standingOf(host: HostRecord, nowMs: number): string {
  if (!host.registered) return 'deregistered';
  const isSilent = host.lastPollTime === undefined || nowMs - host.lastPollTime * 1000 > SILENT_MS;
  const notes = [
    ...(host.keysDisabled === true ? ['KEY DISABLED'] : []),
    ...(host.identityIsShared === true ? ['IDENTITY USED TWICE'] : []),
    ...(isSilent ? ['SILENT'] : []),
  ];
  return ['registered', ...notes].join(', ');
}

function describeDisabled(keys: number): string {
  if (keys === 0) return 'no key of it was active';
  return keys === 1 ? 'its key is disabled' : `its ${keys} keys are disabled`;
}
