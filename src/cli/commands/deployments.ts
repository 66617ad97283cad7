import { printable } from '../../system/printable.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { conclusionLines, eventLine, failureLines, targetLine, waitLines } from '../view/deployment.ts';
import { readTargets } from '../view/follow.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';

interface ListOptions extends ConnectionOptions {
  readonly application?: string;
  readonly group?: string;
  readonly json?: boolean;
}

/** The API takes no more ids than this in one BatchGetDeployments; it is also as many as fit a screen. */
const SHOWN = 25;

export const addDeploymentsCommand: AddCommand = (program, ctx) => {
  const deployments = program.command('deployments').description('deployments on the control server');

  addConnectionOptions(deployments.command('list').description(`list the newest ${SHOWN} deployments`))
    .option('--application <name>', 'only of this application; needs --group, too')
    .option('--group <name>', 'only of this deployment group')
    .option('--json', 'as JSON')
    .action(async (options: ListOptions) => {
      const { client } = connect(ctx, options);
      const { deployments: ids = [] } = await client.call('ListDeployments', {
        ...(options.application === undefined ? {} : { applicationName: options.application }),
        ...(options.group === undefined ? {} : { deploymentGroupName: options.group }),
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
      ctx.stdout.write(renderTable([['DEPLOYMENT', 'STATUS', 'APPLICATION', 'GROUP', 'CREATED (UTC)', 'BY'], ...rows]));
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
      ctx.stdout.write(`${lines.join('\n')}\n`);
    });

  addConnectionOptions(
    deployments
      .command('stop')
      .argument('<deployment>')
      .description('stop a deployment; a script that runs is not interrupted'),
  )
    .option('--now', 'do not wait for events that run: they end as Failed, whatever their hosts report later')
    .action(async (deploymentId: string, options: ConnectionOptions & { now?: boolean }) => {
      const { client } = connect(ctx, options);
      const operation = options.now === true ? 'StopDeploymentNow' : 'StopDeployment';
      const { status, statusMessage } = await client.call(operation, { deploymentId });
      ctx.stdout.write(
        `${deploymentId}: stop ${status === 'Pending' ? 'requested' : 'done'}: ${printable(statusMessage ?? '')}\n`,
      );
    });
};
