import type { Command } from 'commander';
import type { ServerSettingRecord } from '../../protocol/management/shapes.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';

/** `slipway server settings`: names for things outside the server, and the groups that use each. */
export function addServerSettings(server: Command, ctx: CliContext): void {
  addConnectionOptions(
    server
      .command('settings')
      .description('list the load balancers, alarms and receivers of notices that groups can name, and who uses each'),
  )
    .option('--json', 'as JSON')
    .action(async (options: ConnectionOptions & ResultOptions) => {
      const settings = await connect(ctx, options).client.call('DescribeServerSettings', {});
      const rows = [
        ...settings.loadBalancers.map((record) => rowOf('load balancer', record)),
        ...settings.alarms.map((record) => rowOf('alarm', record)),
        ...settings.noticeTargets.map((record) => rowOf('receiver of notices', record)),
      ];
      const none = 'The server has no load balancers, alarms or receivers of notices, and no group names one.';
      const lines = rows.length === 0 ? [none] : renderTable([['WHAT', 'NAME', 'KIND', 'WHERE', 'USED BY'], ...rows]);
      printResult(ctx, options, settings, lines);
    });
}

function rowOf(what: string, { name, isConfigured, kind, place, usedBy, usedByCount }: ServerSettingRecord): string[] {
  const groups = usedBy.map(({ applicationName, deploymentGroupName }) => `${applicationName}/${deploymentGroupName}`);
  const more = usedByCount - groups.length;
  const users = [...groups, ...(more > 0 ? [`and ${more} more`] : [])].join(' ');
  return [what, name, isConfigured ? (kind ?? '-') : 'not in a file', place ?? '-', users || '-'];
}
