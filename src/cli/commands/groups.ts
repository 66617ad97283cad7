import type { Command } from 'commander';
import { SlipwayError } from '../../errors.ts';
import type { ManagementClient } from '../../protocol/management/client.ts';
import { addAutoScalingOptions } from '../auto-scaling-options.ts';
import { addBlueGreenOptions, dependOnGroup } from '../blue-green-options.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { addGroupHooksOptions, type GroupHooksOptions, groupHookRows, wantedHooks } from '../group-hooks.ts';
import {
  addAlarmOptions,
  addLoadBalancerOption,
  addOutdatedOption,
  addRollbackOptions,
  addTagOptions,
  type GroupSettingsOptions,
  settingsInput,
} from '../group-settings.ts';
import { addTriggerOption } from '../group-triggers.ts';
import {
  addLabelOption,
  addLabelOptions,
  changeLabels,
  type LabelOptions,
  labelsInput,
  readLabels,
} from '../resource-tags.ts';
import { addApplicationOption, findServerGroup, groupsOf, SERVER_GROUP_ARGUMENT } from '../server-group.ts';
import { addServiceOptions } from '../service-options.ts';
import { groupRows } from '../view/group.ts';
import { isWanted, printLine, printResult, printResults, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';

type Options = ConnectionOptions & ResultOptions & { readonly application?: string };

interface CreateOptions extends Options, GroupSettingsOptions, LabelOptions {
  readonly application: string;
}

interface UpdateOptions extends Options, GroupSettingsOptions, LabelOptions {
  readonly name?: string;
}

export const addGroupsCommand: AddCommand = (program, ctx, conclude) => {
  const groups = program.command('groups').description('deployment groups on the control server');
  const withFlags = (command: Command) => addConnectionOptions(command).option('--json', 'as JSON');
  const ofOne = (command: Command) =>
    addApplicationOption(withFlags(command.argument('<group>', SERVER_GROUP_ARGUMENT)));

  addLabelOption(
    addSettingsOptions(
      withFlags(
        groups
          .command('create')
          .argument('<name>')
          .description('create a deployment group of the hosts that carry a tag, or of a function or a service'),
      ).requiredOption('--application <name>', 'the application it belongs to'),
    ),
  ).action(async (name: string, options: CreateOptions) => {
    const { client } = connect(ctx, options);
    if (!namesTargets(options)) await refuseWithoutHosts(client, options.application);
    const answer = await client.call('CreateDeploymentGroup', {
      applicationName: options.application,
      deploymentGroupName: name,
      // Every CodeDeploy client must send a role; a self-hosted server keeps it and does nothing with it.
      serviceRoleArn: 'arn:aws:iam::000000000000:role/slipway',
      ...settingsInput(options),
      ...labelsInput(options),
    });
    printLine(ctx, options, answer, `created deployment group ${name} of application ${options.application}`);
  });

  withFlags(groups.command('list').description('list the deployment groups of an application, or all'))
    .option('--application <name>', 'only of this application')
    .action(async (options: Options) => {
      const { client } = connect(ctx, options);
      const infos = [];
      for (const group of await groupsOf(client, options.application)) {
        infos.push((await client.call('GetDeploymentGroup', group)).deploymentGroupInfo);
      }
      const rows = infos.map((info) => [
        info?.deploymentGroupName ?? '',
        info?.applicationName ?? '',
        info?.deploymentConfigName ?? '',
        info?.lastAttemptedDeployment?.deploymentId ?? '-',
        info?.lastAttemptedDeployment?.status ?? '-',
      ]);
      const header = ['GROUP', 'APPLICATION', 'CONFIGURATION', 'LAST DEPLOYMENT', 'STATUS'];
      printResult(ctx, options, infos, renderTable([header, ...rows]));
    });

  addApplicationOption(
    withFlags(
      groups
        .command('show')
        .argument('<group...>', SERVER_GROUP_ARGUMENT)
        .description('show deployment groups with all their settings'),
    ),
  ).action(async (texts: string[], options: Options) => {
    const { client } = connect(ctx, options);
    const results = [];
    for (const text of texts) {
      const group = await findServerGroup(client, text, options);
      const { deploymentGroupInfo: info = {} } = await client.call('GetDeploymentGroup', group);
      const labels = await readLabels(client, resourceOf(group));
      // Groups of hosts have none.
      const isShifted = info.computePlatform === 'Lambda' || info.computePlatform === 'ECS';
      const eventHooks = isShifted ? await client.call('DescribeDeploymentGroupHooks', group) : null;
      const rows = [...groupRows(info, labels), ...(eventHooks === null ? [] : groupHookRows(eventHooks))];
      const value = { ...info, labels, ...(eventHooks === null ? {} : { eventHooks }) };
      results.push({ value, lines: renderTable(rows) });
    }
    printResults(ctx, options, results);
  });

  addLabelOptions(
    addSettingsOptions(
      ofOne(groups.command('update').description('change a deployment group; what is not given stays')),
    ),
  )
    .option('--name <name>', 'its new name')
    .action(async (text: string, options: UpdateOptions) => {
      const { client } = connect(ctx, options);
      const group = await findServerGroup(client, text, options);
      const { name = group.deploymentGroupName } = options;
      const known = dependOnGroup(options) ? await client.call('GetDeploymentGroup', group) : {};
      await client.call('UpdateDeploymentGroup', {
        applicationName: group.applicationName,
        currentDeploymentGroupName: group.deploymentGroupName,
        ...(options.name === undefined ? {} : { newDeploymentGroupName: options.name }),
        ...settingsInput(options, known.deploymentGroupInfo ?? null),
      });
      const updated = { ...group, deploymentGroupName: name };
      await changeLabels(client, resourceOf(updated), options);
      printLine(ctx, options, updated, `updated deployment group ${name} of application ${group.applicationName}`);
    });

  addGroupHooksOptions(
    ofOne(
      groups
        .command('hooks')
        .description(
          'Lambda and ECS: show the hooks of a deployment group, or put others in their place; each is tried before, and none is called',
        ),
    ),
  ).action(async (text: string, options: Options & GroupHooksOptions) => {
    const wanted = wantedHooks(options);
    const { client } = connect(ctx, options);
    const group = await findServerGroup(client, text, options);
    const record =
      wanted === null
        ? await client.call('DescribeDeploymentGroupHooks', group)
        : await client.call('PutDeploymentGroupHooks', { ...group, ...wanted });
    printResult(ctx, options, record, renderTable(groupHookRows(record)));
  });

  ofOne(groups.command('delete').description('delete a deployment group; what is on its hosts stays'))
    .option('--yes', 'do not ask')
    .action(async (text: string, options: Options & { readonly yes?: boolean }) => {
      const { client } = connect(ctx, options);
      const group = await findServerGroup(client, text, options);
      // The API deletes a group that does not exist with success. A person has mistyped its name then, and must hear of it.
      await client.call('GetDeploymentGroup', group);
      const words = `deployment group ${group.deploymentGroupName} of application ${group.applicationName}`;
      if (!(await isWanted(ctx, options, `delete the ${words}?`))) return conclude('failed');
      await client.call('DeleteDeploymentGroup', group);
      printLine(ctx, options, group, `deleted ${words}`);
    });
};

function resourceOf(group: { readonly applicationName: string; readonly deploymentGroupName: string }): string {
  return `deploymentgroup:${group.applicationName}/${group.deploymentGroupName}`;
}

function namesTargets(options: GroupSettingsOptions): boolean {
  const { tag, tagSet, ec2Tag, ec2TagSet, autoScalingGroups = [], ecsService } = options;
  return [tag, tagSet, ec2Tag, ec2TagSet, ecsService, autoScalingGroups[0]].some((one) => one !== undefined);
}

/** A group of Lambda names no hosts. @throws SlipwayError CLI_BAD_ARGUMENT where the application is for hosts */
async function refuseWithoutHosts(client: ManagementClient, applicationName: string): Promise<void> {
  const { application } = await client.call('GetApplication', { applicationName });
  if (application?.computePlatform === 'Lambda' || application?.computePlatform === 'ECS') return;
  throw new SlipwayError('CLI_BAD_ARGUMENT', 'no tag is given: the group would have no hosts', {
    remedy:
      'Add --tag KEY=VALUE of the hosts that belong to it, as `slipway hosts list` shows them, or --auto-scaling-groups.',
  });
}

function addSettingsOptions(command: Command): Command {
  const withTags = addAutoScalingOptions(addTagOptions(command));
  const withConfig = withTags.option('--config <name>', 'deployment configuration; else CodeDeployDefault.OneAtATime');
  const withTraffic = addBlueGreenOptions(
    addLoadBalancerOption(addOutdatedOption(addAlarmOptions(addRollbackOptions(withConfig)))),
  );
  return addTriggerOption(addServiceOptions(withTraffic));
}
