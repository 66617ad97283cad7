import { InvalidArgumentError } from 'commander';
import { SlipwayError } from '../../errors.ts';
import type { ManagementClient } from '../../protocol/management/client.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { findServerGroup, SERVER_GROUP_ARGUMENT } from '../server-group.ts';
import { conclusionLines, eventLine, failureLines, targetLine, waitLines } from '../view/deployment.ts';
import { readTargets } from '../view/follow.ts';
import { printLine } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';

interface ListOptions extends ConnectionOptions {
  readonly application?: string;
  readonly group?: string;
  readonly status?: readonly Status[];
  readonly since?: number;
  readonly until?: number;
  readonly json?: boolean;
}

interface StopOptions extends ConnectionOptions {
  readonly now?: boolean;
  readonly rollback?: boolean;
  readonly json?: boolean;
}

const STATUSES = ['Created', 'Queued', 'InProgress', 'Succeeded', 'Failed', 'Stopped'] as const;
type Status = (typeof STATUSES)[number];

/** The API takes no more ids than this in one BatchGetDeployments; it is also as many as fit a screen. */
const SHOWN = 25;

export const addDeploymentsCommand: AddCommand = (program, ctx) => {
  const deployments = program.command('deployments').description('deployments on the control server');

  addConnectionOptions(deployments.command('list').description(`list the newest ${SHOWN} deployments`))
    .option('--group <group>', `only of this ${SERVER_GROUP_ARGUMENT}`)
    .option('--application <name>', 'the application, where the group’s name alone is not enough')
    .option('--status <status>', `only with this status: ${STATUSES.join(', ')}; may be repeated`, addStatus)
    .option('--since <time>', 'only made at this time or later, as 2026-01-31T14:05:09Z', parseTime)
    .option('--until <time>', 'only made at this time or earlier', parseTime)
    .option('--json', 'as JSON')
    .action(async (options: ListOptions) => {
      const { client } = connect(ctx, options);
      const { deployments: ids = [] } = await client.call('ListDeployments', {
        ...(await groupInput(client, options)),
        ...(options.status === undefined ? {} : { includeOnlyStatuses: [...options.status] }),
        ...timeRange(options),
      });
      const deploymentIds = ids.slice(0, SHOWN);
      const { deploymentsInfo = [] } =
        deploymentIds.length === 0 ? {} : await client.call('BatchGetDeployments', { deploymentIds });
      if (options.json) {
        ctx.stdout.write(`${JSON.stringify(deploymentsInfo)}\n`);
        return;
      }
      const rows = deploymentsInfo.map((info) => [
        info.deploymentId ?? '',
        info.status ?? '',
        info.applicationName ?? '',
        info.deploymentGroupName ?? '',
        renderTime(info.createTime),
        info.creator ?? '',
      ]);
      ctx.stdout.writeLines(
        renderTable([['DEPLOYMENT', 'STATUS', 'APPLICATION', 'GROUP', 'CREATED (UTC)', 'BY'], ...rows]),
      );
    });

  addConnectionOptions(
    deployments.command('show').argument('<deployment>').description('show one deployment with all targets and events'),
  )
    .option('--json', 'as JSON')
    .action(async (deploymentId: string, options: ConnectionOptions & { json?: boolean }) => {
      const { client } = connect(ctx, options);
      const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
      const targets = await readTargets(client, deploymentId);
      const { waits } = await client.call('DescribeDeploymentWaits', { deploymentId });
      if (options.json) {
        ctx.stdout.write(`${JSON.stringify({ deployment: deploymentInfo, targets, waits })}\n`);
        return;
      }
      const lines = deploymentInfo === undefined ? [] : conclusionLines(deploymentInfo);
      for (const target of targets) {
        lines.push('', targetLine(target, ctx.clock.now(), target.targetId.length));
        for (const event of target.lifecycleEvents) {
          lines.push(
            `  ${eventLine(target, event) ?? `${target.targetId}  ${event.lifecycleEventName.padEnd(16)}  Pending`}`,
          );
          lines.push(...failureLines(event).map((line) => `  ${line}`));
        }
      }
      if (waits.length > 0) lines.push('', ...waitLines(waits));
      ctx.stdout.writeLines(lines);
    });

  addConnectionOptions(
    deployments
      .command('stop')
      .argument('<deployment>')
      .description('stop a deployment; a script that runs is not interrupted'),
  )
    .option('--rollback', 'deploy the last good revision again, whatever the group’s settings say')
    .option('--json', 'as JSON')
    .option('--now', 'do not wait for events that run: they end as Failed, whatever their hosts report later')
    .action(async (deploymentId: string, options: StopOptions) => {
      const { client } = connect(ctx, options);
      const operation = options.now === true ? 'StopDeploymentNow' : 'StopDeployment';
      const answer = await client.call(operation, {
        deploymentId,
        ...(options.rollback === undefined ? {} : { autoRollbackEnabled: options.rollback }),
      });
      const { status, statusMessage } = answer;
      const words = `${deploymentId}: stop ${status === 'Pending' ? 'requested' : 'done'}: ${statusMessage ?? ''}`;
      printLine(ctx, options, answer, words);
    });
};

/** @throws SlipwayError CLI_BAD_ARGUMENT when only the application is named: the API has deployments of a group, or all */
async function groupInput(client: ManagementClient, options: ListOptions) {
  if (options.group !== undefined) return findServerGroup(client, options.group, options);
  if (options.application === undefined) return {};
  throw new SlipwayError('CLI_BAD_ARGUMENT', '--application says whose group is meant, and no --group is given', {
    remedy: 'Add --group; `slipway groups list` shows the groups.',
  });
}

function addStatus(text: string, gathered: readonly Status[] | undefined): readonly Status[] {
  const status = STATUSES.find((known) => known.toLowerCase() === text.toLowerCase());
  if (status === undefined) throw new InvalidArgumentError(`'${text}' is none of ${STATUSES.join(', ')}`);
  return [...(gathered ?? []), status];
}

/** A date or a time → epoch seconds. */
function parseTime(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError(`'${text}' is no time, as 2026-01-31 or 2026-01-31T14:05:09Z`);
  return ms / 1000;
}

function timeRange({ since: start, until: end }: ListOptions) {
  if (start === undefined && end === undefined) return {};
  return { createTimeRange: { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) } };
}
