import { type Command, Option } from 'commander';
import type { HostRecord } from '../../protocol/management/shapes.ts';
import { collect, parseTag, type Tag } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { collectPages } from '../paging.ts';
import { renderTags } from '../resource-tags.ts';
import { isMeant, parseTagFilter, type TagFilter } from '../tag-filters.ts';
import { marksOf } from '../view/host-marks.ts';
import { printLine, printResult, printResults, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderDuration, renderTime } from '../view/time.ts';
import { addHostReports } from './history.ts';

type Options = ConnectionOptions & ResultOptions;

interface ListOptions extends Options {
  readonly status?: 'registered' | 'deregistered';
  readonly find?: string;
  readonly needsAttention?: boolean;
  readonly tag?: readonly TagFilter[];
}

interface RegisterOptions extends Options {
  readonly hostArn: string;
  readonly tag?: readonly Tag[];
}

interface UpdateOptions extends ConnectionOptions, ResultOptions {
  readonly tag?: readonly Tag[];
  readonly removeTag?: readonly Tag[];
}

export const addHostsCommand: AddCommand = (program, ctx) => {
  const hosts = program.command('hosts').description('hosts that are enrolled with the control server');

  const withFlags = (command: Command) => addConnectionOptions(command).option('--json', 'as JSON');

  withFlags(hosts.command('list').description('list hosts, their tags, and when each last polled'))
    .addOption(new Option('--status <status>', 'only those').choices(['registered', 'deregistered']))
    .option('--find <text>', 'only hosts with these words in their name, their tags or their agent’s version')
    .option('--needs-attention', 'only registered hosts that deployments do not get to')
    .option(
      '--tag <key=value>',
      'only hosts with this tag; KEY=* is any value, *=VALUE any key; may be repeated, any one suffices',
      collect(parseTagFilter),
    )
    .action(async (options: ListOptions) => {
      const { client } = connect(ctx, options);
      const filter = {
        ...(options.status === undefined ? {} : { registered: options.status === 'registered' }),
        ...(options.find === undefined ? {} : { text: options.find }),
        ...(options.needsAttention === true ? { needsAttention: true } : {}),
      };
      const all = await collectPages(
        (nextToken) => client.call('DescribeHosts', { ...filter, ...(nextToken === undefined ? {} : { nextToken }) }),
        (page) => page.hosts,
      );
      const records = all.filter(({ tags = [] }) => isMeant(tags, options.tag ?? []));
      const nowMs = ctx.clock.now();
      const rows = records.map((host) => [
        host.instanceName ?? '',
        standingOf(host, nowMs),
        lastPollOf(host, nowMs),
        host.agentVersion ?? '-',
        renderTags(host.tags ?? []),
      ]);
      const header = ['HOST', 'STATUS', 'LAST POLL', 'AGENT', 'TAGS'];
      const marked = records.map((host) => ({ ...host, marks: marksOf(host, nowMs) }));
      printResult(ctx, options, marked, renderTable([header, ...rows]));
    });

  withFlags(
    hosts.command('show').argument('<name...>').description('show hosts with their identities and tags'),
  ).action(async (names: string[], options: Options) => {
    const { client } = connect(ctx, options);
    const results = [];
    for (const instanceName of names) {
      const { instanceInfo: info = {} } = await client.call('GetOnPremisesInstance', { instanceName });
      const { hosts = [] } = await client.call('DescribeHosts', { instanceName });
      const now = hosts.find(({ registered }) => registered);
      const rows = [
        ['host', info.instanceName ?? ''],
        ...(now === undefined ? [] : aliveRows(now, ctx.clock.now())),
        ['identity', info.iamUserArn ?? info.iamSessionArn ?? ''],
        ['ARN', info.instanceArn ?? ''],
        ['registered (UTC)', renderTime(info.registerTime)],
        ...(info.deregisterTime === undefined ? [] : [['deregistered (UTC)', renderTime(info.deregisterTime)]]),
        ['tags', renderTags(info.tags ?? [])],
      ];
      results.push({ value: info, lines: renderTable(rows) });
    }
    printResults(ctx, options, results);
  });

  withFlags(
    hosts
      .command('register')
      .argument('<name>')
      .description('make a host known whose agent is set up otherwise; else see `slipway register`'),
  )
    .requiredOption('--host-arn <arn>', 'the IAM user ARN or STS session ARN that its agent says it is')
    .option('--tag <key=value>', 'a tag of it; may be repeated', collect(parseTag))
    .action(async (instanceName: string, options: RegisterOptions) => {
      const { client } = connect(ctx, options);
      const { hostArn, tag = [] } = options;
      const arn = hostArn.includes(':assumed-role/') ? { iamSessionArn: hostArn } : { iamUserArn: hostArn };
      await client.call('RegisterOnPremisesInstance', { instanceName, ...arn });
      if (tag.length > 0) {
        await client.call('AddTagsToOnPremisesInstances', { instanceNames: [instanceName], tags: [...tag] });
      }
      printLine(ctx, options, { instanceName, ...arn, tags: tag }, `registered ${instanceName} as ${hostArn}`);
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
      // The server has disabled the keys that it knew then. A key that was made meanwhile, or for a host that was out already, is not left
      // behind.
      for (const { accessKeyId } of own) await client.call('DisableAccessKey', { accessKeyId });
      const value = { instanceName: name, disabledKeys: own.map(({ accessKeyId }) => accessKeyId) };
      printLine(ctx, options, value, `deregistered ${name}; ${describeDisabled(own.length)}`);
    });

  withFlags(hosts.command('update').argument('<name...>').description('change the tags of hosts'))
    .option('--tag <key=value>', 'add or change a tag; may be repeated', collect(parseTag))
    .option('--remove-tag <key=value>', 'remove a tag; may be repeated', collect(parseTag))
    .action(async (names: string[], options: UpdateOptions) => {
      const { client } = connect(ctx, options);
      const { tag = [], removeTag = [] } = options;
      const instanceNames = [...names];
      if (removeTag.length > 0) {
        await client.call('RemoveTagsFromOnPremisesInstances', { instanceNames, tags: [...removeTag] });
      }
      if (tag.length > 0) await client.call('AddTagsToOnPremisesInstances', { instanceNames, tags: [...tag] });
      for (const instanceName of names) {
        const { instanceInfo: { tags = [] } = {} } = await client.call('GetOnPremisesInstance', { instanceName });
        printLine(ctx, options, { instanceName, tags }, `tags of ${instanceName}: ${renderTags(tags)}`);
      }
    });

  addHostReports(hosts, ctx);
};

/** The state of a registered host, as its row in the list has it. */
function aliveRows(host: HostRecord, nowMs: number): string[][] {
  return [
    ['status', standingOf(host, nowMs)],
    ['last poll', lastPollOf(host, nowMs)],
    ['agent', host.agentVersion ?? '-'],
  ];
}

function lastPollOf({ lastPollTime }: HostRecord, nowMs: number): string {
  return lastPollTime === undefined ? 'never' : `${renderDuration(nowMs - lastPollTime * 1000)} ago`;
}

/** Whether a deployment would get to it, and if not, why. */
function standingOf(host: HostRecord, nowMs: number): string {
  return host.registered ? ['registered', ...marksOf(host, nowMs)].join(', ') : 'deregistered';
}

function describeDisabled(keys: number): string {
  if (keys === 0) return 'no key of it was active';
  return keys === 1 ? 'its key is disabled' : `its ${keys} keys are disabled`;
}
