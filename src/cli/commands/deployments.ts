import { type Command, InvalidArgumentError } from 'commander';
import { didYouMean } from '../../appspec/suggest.ts';
import { SlipwayError } from '../../errors.ts';
import type { ManagementClient } from '../../protocol/management/client.ts';
import { collect, parseCount, parseTime } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { followUntilEnd } from '../follow-deployment.ts';
import { collectPages } from '../paging.ts';
import { findServerGroup, SERVER_GROUP_ARGUMENT } from '../server-group.ts';
import { conclusionLines, eventLine, failureLines, targetLine, waitLines } from '../view/deployment.ts';
import { readTargets, type TargetStatus } from '../view/follow.ts';
import { progressLines } from '../view/progress.ts';
import { targetRecord } from '../view/records.ts';
import { printLine, printResult, printResults, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';

type Options = ConnectionOptions & ResultOptions;

interface ListOptions extends Options {
  readonly application?: string;
  readonly group?: string;
  readonly status?: readonly Status[];
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
}

interface ShowOptions extends Options {
  readonly target?: readonly string[];
  readonly targetStatus?: readonly TargetStatus[];
}

interface StopOptions extends Options {
  readonly now?: boolean;
  readonly rollback?: boolean;
}

const STATUSES = ['Created', 'Queued', 'InProgress', 'Ready', 'Succeeded', 'Failed', 'Stopped'] as const;
type Status = (typeof STATUSES)[number];
const TARGET_STATUSES = ['Pending', 'InProgress', 'Ready', 'Succeeded', 'Failed', 'Skipped', 'Unknown'] as const;

/** The API takes no more ids than this in one BatchGetDeployments; it is also as many as fit a screen. */
const BATCH = 25;

export const addDeploymentsCommand: AddCommand = (program, ctx, conclude) => {
  const deployments = program.command('deployments').description('deployments on the control server');
  const withFlags = (command: Command) => addConnectionOptions(command).option('--json', 'as JSON');

  addListOptions(withFlags(deployments.command('list').description('list deployments, newest first'))).action(
    (options: ListOptions) => listDeployments(ctx, options),
  );

  withFlags(
    deployments
      .command('show')
      .argument('<deployment...>')
      .description('show deployments with their targets and events'),
  )
    .option('--target <host>', 'only this target; may be repeated', collect(String))
    .option(
      '--target-status <status>',
      `only targets with this status: ${TARGET_STATUSES.join(', ')}; may be repeated`,
      gather(TARGET_STATUSES),
    )
    .action(async (deploymentIds: string[], options: ShowOptions) => {
      const { client } = connect(ctx, options);
      const results = [];
      for (const deploymentId of deploymentIds) results.push(await describe(ctx, client, deploymentId, options));
      printResults(ctx, options, results);
    });

  addConnectionOptions(
    deployments
      .command('follow')
      .argument('<deployment>')
      .description('follow a deployment until it ends, as `slipway deploy` does'),
  )
    .option('--json', 'one JSON object a line')
    .action((deploymentId: string, options: Options) =>
      followUntilEnd(ctx, connect(ctx, options), deploymentId, options, conclude),
    );

  withFlags(
    deployments
      .command('continue')
      .argument('<deployment>')
      .description('have a blue/green deployment that is Ready reroute its traffic now'),
  )
    .option('--termination', 'end the wait before its original hosts are terminated')
    .action(async (deploymentId: string, options: Options & { readonly termination?: boolean }) => {
      const { client } = connect(ctx, options);
      const deploymentWaitType = options.termination === true ? 'TERMINATION_WAIT' : 'READY_WAIT';
      await client.call('ContinueDeployment', { deploymentId, deploymentWaitType });
      const words = options.termination === true ? 'no longer keeps its original hosts' : 'reroutes its traffic';
      printLine(ctx, options, { deploymentId, deploymentWaitType }, `${deploymentId} ${words}`);
    });

  withFlags(
    deployments
      .command('stop')
      .argument('<deployment>')
      .description('stop a deployment; a script that runs is not interrupted'),
  )
    .option('--rollback', 'deploy the last good revision again, whatever the group’s settings say')
    .option('--no-rollback', 'deploy nothing again, whatever the group’s settings say')
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

function addListOptions(command: Command): Command {
  return command
    .option('--group <group>', `only of this ${SERVER_GROUP_ARGUMENT}`)
    .option('--application <name>', 'the application, where the group’s name alone is not enough')
    .option('--status <status>', `only with this status: ${STATUSES.join(', ')}; may be repeated`, gather(STATUSES))
    .option('--since <time>', 'only made at this time or later, as 2026-01-31T14:05:09Z', parseTime)
    .option('--until <time>', 'only made at this time or earlier', parseTime)
    .option('--limit <count>', 'so many at most', parseCount, BATCH);
}

async function listDeployments(ctx: CliContext, options: ListOptions): Promise<void> {
  const { client } = connect(ctx, options);
  const input = {
    ...(await groupInput(client, options)),
    ...(options.status === undefined ? {} : { includeOnlyStatuses: [...options.status] }),
    ...timeRange(options),
  };
  const ids = await collectPages(
    (nextToken) => client.call('ListDeployments', { ...input, ...(nextToken === undefined ? {} : { nextToken }) }),
    (page) => page.deployments,
    options.limit,
  );
  const infos = [];
  const wanted = ids.slice(0, options.limit);
  for (let from = 0; from < wanted.length; from += BATCH) {
    const answer = await client.call('BatchGetDeployments', { deploymentIds: wanted.slice(from, from + BATCH) });
    infos.push(...(answer.deploymentsInfo ?? []));
  }
  const rows = infos.map((info) => [
    info.deploymentId ?? '',
    info.status ?? '',
    info.applicationName ?? '',
    info.deploymentGroupName ?? '',
    renderTime(info.createTime),
    info.creator ?? '',
  ]);
  const header = ['DEPLOYMENT', 'STATUS', 'APPLICATION', 'GROUP', 'CREATED (UTC)', 'BY'];
  printResult(ctx, options, infos, renderTable([header, ...rows]));
}

async function describe(ctx: CliContext, client: ManagementClient, deploymentId: string, options: ShowOptions) {
  const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
  const targets = await targetsFor(client, deploymentId, options);
  const { waits } = await client.call('DescribeDeploymentWaits', { deploymentId });
  const progress = await client.call('DescribeDeploymentProgress', { deploymentId });
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
  const phases = progressLines(progress);
  if (phases.length > 0) lines.push('', ...phases);
  return { value: { deployment: deploymentInfo, targets, waits, progress }, lines };
}

async function targetsFor(client: ManagementClient, deploymentId: string, { target, targetStatus }: ShowOptions) {
  if (target === undefined) return readTargets(client, deploymentId, targetStatus);
  const records = [];
  for (const targetId of target) {
    const { deploymentTarget } = await client.call('GetDeploymentTarget', { deploymentId, targetId });
    if (deploymentTarget !== undefined) records.push(targetRecord(deploymentTarget));
  }
  return records.filter(({ status }) => targetStatus?.some((wanted) => wanted === status) ?? true);
}

/** @throws SlipwayError CLI_BAD_ARGUMENT when only the application is named: the API has deployments of a group, or all */
async function groupInput(client: ManagementClient, options: ListOptions) {
  if (options.group !== undefined) return findServerGroup(client, options.group, options);
  if (options.application === undefined) return {};
  throw new SlipwayError('CLI_BAD_ARGUMENT', '--application says whose group is meant, and no --group is given', {
    remedy: 'Add --group; `slipway groups list` shows the groups.',
  });
}

/** For an option that may be repeated and takes these words, in whatever case. */
function gather<Word extends string>(words: readonly Word[]) {
  return collect((text: string): Word => {
    const word = words.find((known) => known.toLowerCase() === text.toLowerCase());
    if (word !== undefined) return word;
    throw new InvalidArgumentError(`'${text}' is none of ${words.join(', ')}${didYouMean(text, words)}`);
  });
}

function timeRange({ since: start, until: end }: ListOptions) {
  if (start === undefined && end === undefined) return {};
  return { createTimeRange: { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) } };
}
