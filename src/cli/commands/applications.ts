import { type Command, Option } from 'commander';
import type { ManagementClient } from '../../protocol/management/client.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { collectPages } from '../paging.ts';
import {
  addLabelOption,
  addLabelOptions,
  changeLabels,
  type LabelOptions,
  labelsInput,
  readLabels,
  renderTags,
} from '../resource-tags.ts';
import { groupsOf } from '../server-group.ts';
import { TRAFFIC_PLATFORMS, type TrafficOptions } from '../traffic-options.ts';
import { isWanted, printLine, printResult, printResults, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';

type Options = ConnectionOptions & ResultOptions;

export const addApplicationsCommand: AddCommand = (program, ctx, conclude) => {
  const applications = program.command('applications').description('applications on the control server');
  const withFlags = (command: Command) => addConnectionOptions(command).option('--json', 'as JSON');

  addLabelOption(
    withFlags(applications.command('create').argument('<name>').description('create an application')).addOption(
      new Option('--platform <platform>', 'what it deploys to; else hosts').choices(Object.keys(TRAFFIC_PLATFORMS)),
    ),
  ).action(async (applicationName: string, options: Options & LabelOptions & Pick<TrafficOptions, 'platform'>) => {
    const { client } = connect(ctx, options);
    const computePlatform = options.platform === undefined ? 'Server' : TRAFFIC_PLATFORMS[options.platform];
    const input = { applicationName, computePlatform, ...labelsInput(options) } as const;
    const answer = await client.call('CreateApplication', input);
    printLine(ctx, options, answer, `created application ${applicationName}`);
  });

  withFlags(applications.command('list').description('list all applications')).action(async (options: Options) => {
    const { client } = connect(ctx, options);
    const names = await collectPages(
      (nextToken) => client.call('ListApplications', nextToken === undefined ? {} : { nextToken }),
      (page) => page.applications,
    );
    printResult(ctx, options, names, names);
  });

  withFlags(
    applications.command('show').argument('<name...>').description('show applications and their groups'),
  ).action(async (names: string[], options: Options) => {
    const { client } = connect(ctx, options);
    const results = [];
    for (const name of names) results.push(await describeApplication(client, name));
    printResults(ctx, options, results);
  });

  addLabelOptions(
    withFlags(applications.command('update').argument('<name>').description('rename an application, or label it')),
  )
    .option('--name <name>', 'its new name')
    .action(async (applicationName: string, options: Options & LabelOptions & { readonly name?: string }) => {
      const { client } = connect(ctx, options);
      const { name = applicationName } = options;
      await client.call('UpdateApplication', { applicationName, newApplicationName: name });
      await changeLabels(client, `application:${name}`, options);
      printLine(ctx, options, { applicationName: name }, `updated application ${name}`);
    });

  withFlags(
    applications
      .command('delete')
      .argument('<name>')
      .description('delete an application with its groups and deployments; what is on hosts stays'),
  )
    .option('--yes', 'do not ask')
    .action(async (applicationName: string, options: Options & { readonly yes?: boolean }) => {
      const { client } = connect(ctx, options);
      // The API takes the deletion of what is not there for done; a person has mistyped its name.
      await client.call('GetApplication', { applicationName });
      const question = `delete the application ${applicationName} with its groups, revisions and deployments?`;
      if (!(await isWanted(ctx, options, question))) return conclude('failed');
      await client.call('DeleteApplication', { applicationName });
      printLine(ctx, options, { applicationName }, `deleted application ${applicationName}`);
    });
};

async function describeApplication(client: ManagementClient, applicationName: string) {
  const { application } = await client.call('GetApplication', { applicationName });
  const groups = await groupsOf(client, applicationName);
  const deploymentGroups = groups.map(({ deploymentGroupName }) => deploymentGroupName);
  const labels = await readLabels(client, `application:${applicationName}`);
  const rows = [
    ['application', applicationName],
    ['id', application?.applicationId ?? ''],
    ['created (UTC)', renderTime(application?.createTime)],
    ['groups', deploymentGroups.join(' ') || '-'],
    ['labels', renderTags(labels)],
  ];
  return { value: { application, deploymentGroups, labels }, lines: renderTable(rows) };
}
