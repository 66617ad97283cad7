import type { AuditRecord } from '../../protocol/management/shapes.ts';
import { parseCount, parseTime } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { collectPages } from '../paging.ts';
import { renderCsv } from '../view/csv.ts';
import { printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';

interface AuditOptions extends ConnectionOptions, ResultOptions {
  readonly application?: string;
  readonly group?: string;
  readonly key?: string;
  readonly operation?: string;
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
  readonly csv?: boolean;
}

const LIMIT = 100;

export const addAuditCommand: AddCommand = (program, ctx) => {
  addConnectionOptions(
    program.command('audit').description('who has changed what on the control server, newest first; for admins'),
  )
    .option('--application <name>', 'only requests that name this application')
    .option('--group <name>', 'only requests that name this deployment group')
    .option(
      '--key <id>',
      'only by this access key, enrolment token, person (oidc:SUBJECT), or user of the server’s machine',
    )
    .option('--operation <name>', 'only this operation, as CreateDeployment, iam:CreateUser or s3:PutObject')
    .option('--since <time>', 'only at this time or later, as 2026-01-31T14:05:09Z', parseTime)
    .option('--until <time>', 'only at this time or earlier', parseTime)
    .option('--limit <count>', 'so many at most', parseCount, LIMIT)
    .option('--csv', 'as CSV, with a line of names above')
    .option('--json', 'as JSON')
    .action(async (options: AuditOptions) => {
      const { client } = connect(ctx, options);
      const filter = filterOf(options);
      const found = await collectPages(
        (nextToken) =>
          client.call('ListAuditEntries', { ...filter, ...(nextToken === undefined ? {} : { nextToken }) }),
        (page) => page.entries,
        options.limit,
      );
      const entries = found.slice(0, options.limit);
      printResult(ctx, options, entries, options.csv === true ? csvOf(entries) : tableOf(entries));
    });
};

function filterOf({ application, group, key, operation, since: start, until: end }: AuditOptions) {
  return {
    ...(application === undefined ? {} : { applicationName: application }),
    ...(group === undefined ? {} : { deploymentGroupName: group }),
    ...(key === undefined ? {} : { actor: key }),
    ...(operation === undefined ? {} : { operation }),
    ...(start === undefined && end === undefined
      ? {}
      : { timeRange: { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) } }),
  };
}

function tableOf(entries: readonly AuditRecord[]): string[] {
  const header = ['TIME (UTC)', 'BY', 'ROLE', 'OPERATION', 'ON'];
  return renderTable([
    header,
    ...entries.map((entry) => [
      renderTime(entry.time),
      actorOf(entry),
      entry.role,
      entry.operation,
      thingsOf(entry).join(' ') || JSON.stringify(entry.request),
    ]),
  ]);
}

/** The subject of a person says nothing to a reader. */
function actorOf({ actor, actorDescription }: AuditRecord): string {
  return actor.startsWith('oidc:') && actorDescription !== undefined ? `${actorDescription} (${actor})` : actor;
}

function thingsOf({ applicationName, deploymentGroupName, deploymentId, instanceNames, made }: AuditRecord): string[] {
  const path = [applicationName, deploymentGroupName].filter((name) => name !== undefined).join('/');
  return [path, deploymentId ?? '', instanceNames ?? '', made ?? ''].filter((text) => text !== '');
}

function csvOf(entries: readonly AuditRecord[]): string[] {
  const header = [
    ...['time', 'requestId', 'actor', 'role', 'operation', 'applicationName', 'deploymentGroupName', 'deploymentId'],
    ...['instanceNames', 'made', 'request', 'actorDescription'],
  ];
  return renderCsv([
    header,
    ...entries.map((entry) => [
      ...[new Date(entry.time * 1000).toISOString(), entry.requestId, entry.actor, entry.role, entry.operation],
      ...[entry.applicationName ?? '', entry.deploymentGroupName ?? '', entry.deploymentId ?? ''],
      ...[entry.instanceNames ?? '', entry.made ?? '', JSON.stringify(entry.request)],
      entry.actorDescription ?? '',
    ]),
  ]);
}
