import { collect, parseTag, type Tag } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { collectPages } from '../paging.ts';
import { renderTable } from '../view/table.ts';

interface CreateOptions extends ConnectionOptions {
  readonly application: string;
  readonly config: string;
  readonly tag: readonly Tag[];
}

export const addGroupsCommand: AddCommand = (program, ctx) => {
  const groups = program.command('groups').description('deployment groups on the control server');

  addConnectionOptions(
    groups.command('create').argument('<name>').description('create a deployment group of the hosts that carry a tag'),
  )
    .requiredOption('--application <name>', 'the application it belongs to')
    .requiredOption(
      '--tag <key=value>',
      'hosts with this tag belong to it; may be repeated, any one suffices',
      collect(parseTag),
    )
    .option('--config <name>', 'deployment configuration', 'CodeDeployDefault.OneAtATime')
    .action(async (name: string, options: CreateOptions) => {
      const { client } = connect(ctx, options);
      await client.call('CreateDeploymentGroup', {
        applicationName: options.application,
        deploymentGroupName: name,
        deploymentConfigName: options.config,
        // Every CodeDeploy client must send a role; a self-hosted server keeps it and does nothing with it.
        serviceRoleArn: 'arn:aws:iam::000000000000:role/slipway',
        onPremisesInstanceTagFilters: options.tag.map((tag) => ({ ...tag, Type: 'KEY_AND_VALUE' as const })),
      });
      ctx.stdout.write(`created deployment group ${name} of application ${options.application}\n`);
    });

  addConnectionOptions(groups.command('list').description('list the deployment groups of an application'))
    .requiredOption('--application <name>', 'the application')
    .option('--json', 'as JSON')
    .action(async (options: ConnectionOptions & { application: string; json?: boolean }) => {
      const { client } = connect(ctx, options);
      const names = await collectPages(
        (nextToken) =>
          client.call('ListDeploymentGroups', {
            applicationName: options.application,
            ...(nextToken === undefined ? {} : { nextToken }),
          }),
        (page) => page.deploymentGroups,
      );
      const infos = await Promise.all(
        names.map((deploymentGroupName) =>
          client.call('GetDeploymentGroup', { applicationName: options.application, deploymentGroupName }),
        ),
      );
      if (options.json) {
        ctx.stdout.write(`${JSON.stringify(infos.map((info) => info.deploymentGroupInfo))}\n`);
        return;
      }
      const rows = infos.map(({ deploymentGroupInfo: info }) => [
        info?.deploymentGroupName ?? '',
        info?.deploymentConfigName ?? '',
        info?.lastAttemptedDeployment?.deploymentId ?? '-',
        info?.lastAttemptedDeployment?.status ?? '-',
      ]);
      ctx.stdout.write(renderTable([['GROUP', 'CONFIGURATION', 'LAST DEPLOYMENT', 'STATUS'], ...rows]));
    });
};
