import { type Command, Option } from 'commander';
import type { NoticeRecord } from '../../protocol/management/shapes.ts';
import { parseCount } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { collectPages } from '../paging.ts';
import { printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';

interface NoticesOptions extends ConnectionOptions, ResultOptions {
  readonly deployment?: string;
  readonly state?: NoticeRecord['state'];
  readonly limit: number;
}

const LIMIT = 100;

export const addNoticesCommand: AddCommand = (program, ctx) => {
  addFilterOptions(
    addConnectionOptions(
      program
        .command('notices')
        .description('what triggers have told whom about deployments, newest first, and what was answered'),
    ),
  )
    .option('--json', 'as JSON')
    .action(async (options: NoticesOptions) => {
      const { client } = connect(ctx, options);
      const { deployment: deploymentId, state } = options;
      const filter = {
        ...(deploymentId === undefined ? {} : { deploymentId }),
        ...(state === undefined ? {} : { state }),
      };
      const found = await collectPages(
        (nextToken) => client.call('ListNotices', { ...filter, ...(nextToken === undefined ? {} : { nextToken }) }),
        (page) => page.notices,
        options.limit,
      );
      const notices = found.slice(0, options.limit);
      printResult(ctx, options, notices, tableOf(notices));
    });
};

function addFilterOptions(command: Command): Command {
  const states: readonly NoticeRecord['state'][] = ['waiting', 'sent', 'given-up'];
  return command
    .option('--deployment <id>', 'only about this deployment')
    .addOption(new Option('--state <state>', 'only those that wait, were sent, or were given up').choices(states))
    .option('--limit <count>', 'so many at most', parseCount, LIMIT);
}

function tableOf(notices: readonly NoticeRecord[]): string[] {
  const header = ['TIME (UTC)', 'DEPLOYMENT', 'EVENT', 'TARGET', 'STATE', 'TRIES', 'LAST ANSWER'];
  return renderTable([
    header,
    ...notices.map(({ time, deploymentId, event, target, state, tries, lastAnswer = '-' }) => [
      ...[renderTime(time), deploymentId, event, target, state, String(tries), lastAnswer],
    ]),
  ]);
}
