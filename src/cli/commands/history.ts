/** `revisions history`, `hosts history` and `hosts revisions`: the report of what was deployed where, by whom, and of what hosts have now. */
import type { Command } from 'commander';
import { parseCount, parseTime } from '../arguments.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { collectPages } from '../paging.ts';
import { findServerGroup, SERVER_GROUP_ARGUMENT } from '../server-group.ts';
import { HOST_HISTORY, HOST_REVISIONS, REVISION_HISTORY } from '../view/history.ts';
import { type Column, reportAsCsv, reportAsTable } from '../view/report.ts';
import { printResult, type ResultOptions } from '../view/result.ts';

interface ReportOptions extends ConnectionOptions, ResultOptions {
  readonly application?: string;
  readonly group?: string;
  readonly host?: string;
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
  readonly csv?: boolean;
}

type Client = ReturnType<typeof connect>['client'];

/** More is a matter for filters, and for a spreadsheet's own limit of rows. */
const LIMIT = 100_000;

export function addRevisionHistory(revisions: Command, ctx: CliContext): void {
  const command = revisions
    .command('history')
    .description('when which revision was deployed, by whom, and how many hosts have it now; newest first');
  addTimeOptions(addReportOptions(command)).action((options: ReportOptions) =>
    report(ctx, options, REVISION_HISTORY, (client, input) => client.call('ListRevisionHistory', input)),
  );
}

export function addHostReports(hosts: Command, ctx: CliContext): void {
  const history = hosts
    .command('history')
    .description('what was deployed to which host, when and by whom, and whether it is there now; newest first');
  addTimeOptions(addHostOption(addReportOptions(history))).action((options: ReportOptions) =>
    report(ctx, options, HOST_HISTORY, (client, input) => client.call('ListHostHistory', input)),
  );
  const now = hosts.command('revisions').description('which revision of which deployment group each host has now');
  addHostOption(addReportOptions(now)).action((options: ReportOptions) =>
    report(ctx, options, HOST_REVISIONS, (client, input) => client.call('ListHostRevisions', input)),
  );
}

function addReportOptions(command: Command): Command {
  return addConnectionOptions(command)
    .option('--application <name>', 'only of this application')
    .option('--group <group>', `only of this ${SERVER_GROUP_ARGUMENT}`)
    .option('--limit <count>', 'so many lines at most', parseCount, LIMIT)
    .option('--csv', 'as CSV, with a line of names above')
    .option('--json', 'as JSON');
}

function addHostOption(command: Command): Command {
  return command.option('--host <name>', 'only of the host of this name');
}

function addTimeOptions(command: Command): Command {
  return command
    .option('--since <time>', 'only deployed at this time or later, as 2026-01-31T14:05:09Z', parseTime)
    .option('--until <time>', 'only deployed at this time or earlier', parseTime);
}

interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly nextToken?: string;
}

async function report<Entry>(
  ctx: CliContext,
  options: ReportOptions,
  columns: readonly Column<Entry>[],
  ask: (client: Client, input: object) => Promise<Page<Entry>>,
): Promise<void> {
  const { client } = connect(ctx, options);
  const input = await inputOf(client, options);
  const found = await collectPages<Page<Entry>, Entry>(
    (nextToken) => ask(client, { ...input, ...(nextToken === undefined ? {} : { nextToken }) }),
    (page) => page.entries,
    options.limit + 1,
  );
  const entries = found.slice(0, options.limit);
  printResult(ctx, options, entries, (options.csv === true ? reportAsCsv : reportAsTable)(columns, entries));
  // On standard error, so that a file of CSV stays one.
  if (found.length > entries.length) {
    ctx.stderr.write(`slipway: there is more than ${options.limit} lines: raise --limit, or choose with --since\n`);
  }
}

async function inputOf(client: Client, { application, group, host, since: start, until: end }: ReportOptions) {
  const ofGroup =
    group === undefined ? null : await findServerGroup(client, group, application === undefined ? {} : { application });
  return {
    ...(application === undefined ? {} : { applicationName: application }),
    ...ofGroup,
    ...(host === undefined ? {} : { instanceName: host }),
    ...(start === undefined && end === undefined
      ? {}
      : { timeRange: { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) } }),
  };
}
