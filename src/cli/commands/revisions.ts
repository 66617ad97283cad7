import { type Command, Option } from 'commander';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { collectPages } from '../paging.ts';
import { addRevisionOptions, type RevisionOptions, renderLocation, requireLocation } from '../revision-arguments.ts';
import { printLine, printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';
import { addRevisionHistory } from './history.ts';
import { addRevisionFiles } from './revision-files.ts';

type Options = ConnectionOptions & ResultOptions & RevisionOptions & { readonly application: string };

/** The API takes no more revisions than this in one BatchGetApplicationRevisions. */
const BATCH = 25;

export const addRevisionsCommand: AddCommand = (program, ctx) => {
  const revisions = program.command('revisions').description('revisions that are registered with an application');

  addListOptions(
    addConnectionOptions(revisions.command('list').description('list the revisions of an application, newest first')),
  )
    .requiredOption('--application <name>', 'the application')
    .option('--json', 'as JSON')
    .action(async (options: ListOptions) => {
      const { client } = connect(ctx, options);
      const applicationName = options.application;
      const locations = await collectPages(
        (nextToken) =>
          client.call('ListApplicationRevisions', {
            applicationName,
            ...listInput(options),
            ...(nextToken === undefined ? {} : { nextToken }),
          }),
        (page) => page.revisions,
      );
      const infos = [];
      for (let from = 0; from < locations.length; from += BATCH) {
        const batch = locations.slice(from, from + BATCH);
        const answer = await client.call('BatchGetApplicationRevisions', { applicationName, revisions: batch });
        infos.push(...(answer.revisions ?? []));
      }
      const rows = infos.map(({ revisionLocation, genericRevisionInfo: info }) => [
        renderTime(info?.registerTime),
        info?.lastUsedTime === undefined ? 'never' : renderTime(info.lastUsedTime),
        info?.deploymentGroups?.join(' ') || '-',
        revisionLocation === undefined ? '?' : renderLocation(revisionLocation),
      ]);
      const header = ['REGISTERED (UTC)', 'LAST DEPLOYED', 'GROUPS', 'REVISION'];
      printResult(ctx, options, infos, renderTable([header, ...rows]));
    });

  addRevisionOptions(
    addConnectionOptions(revisions.command('show').description('show one revision and which groups have it')),
  )
    .requiredOption('--application <name>', 'the application')
    .option('--json', 'as JSON')
    .action(async (options: Options) => {
      const { client } = connect(ctx, options);
      const revision = requireLocation(options);
      const answer = await client.call('GetApplicationRevision', { applicationName: options.application, revision });
      const {
        description,
        deploymentGroups = [],
        registerTime,
        firstUsedTime,
        lastUsedTime,
      } = answer.revisionInfo ?? {};
      const rows = [
        ['revision', renderLocation(answer.revision ?? revision)],
        ['description', description ?? '-'],
        ['groups that have it', deploymentGroups.join(' ') || '-'],
        ['registered (UTC)', renderTime(registerTime) || '-'],
        ['first deployed', renderTime(firstUsedTime) || 'never'],
        ['last deployed', renderTime(lastUsedTime) || 'never'],
      ];
      printResult(ctx, options, answer, renderTable(rows));
    });

  addRevisionOptions(
    addConnectionOptions(revisions.command('register').description('register a revision that is somewhere already')),
  )
    .requiredOption('--application <name>', 'the application')
    .option('--description <text>', 'what it is')
    .option('--json', 'as JSON')
    .action(async (options: Options & { readonly description?: string }) => {
      const { client } = connect(ctx, options);
      const revision = requireLocation(options);
      await client.call('RegisterApplicationRevision', {
        applicationName: options.application,
        revision,
        ...(options.description === undefined ? {} : { description: options.description }),
      });
      printLine(ctx, options, { revision }, `registered ${renderLocation(revision)}`);
    });

  addRevisionFiles(revisions, ctx);
  addRevisionHistory(revisions, ctx);
};

interface ListOptions extends ConnectionOptions, ResultOptions {
  readonly application: string;
  readonly sortBy: keyof typeof SORTED_BY;
  readonly oldestFirst?: boolean;
  readonly bucket?: string;
  readonly keyPrefix?: string;
  readonly deployed?: keyof typeof DEPLOYED;
}

const SORTED_BY = {
  registered: 'registerTime',
  'first-deployed': 'firstUsedTime',
  'last-deployed': 'lastUsedTime',
} as const;
/** Filter for revisions that a group has as its target. */
const DEPLOYED = { yes: 'include', no: 'exclude' } as const;

function addListOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--sort-by <time>', 'the time that they are sorted by')
        .choices(Object.keys(SORTED_BY))
        .default('registered'),
    )
    .option('--oldest-first', 'the other way round')
    .option('--bucket <name>', 'only those in this bucket')
    .option('--key-prefix <prefix>', 'only those in --bucket whose key begins so')
    .addOption(
      new Option('--deployed <word>', 'only those that are the target of a group, or only the others').choices(
        Object.keys(DEPLOYED),
      ),
    );
}

function listInput({ sortBy, oldestFirst, bucket, keyPrefix, deployed }: ListOptions) {
  return {
    sortBy: SORTED_BY[sortBy],
    sortOrder: oldestFirst === true ? 'ascending' : 'descending',
    ...(bucket === undefined ? {} : { s3Bucket: bucket }),
    ...(keyPrefix === undefined ? {} : { s3KeyPrefix: keyPrefix }),
    ...(deployed === undefined ? {} : { deployed: DEPLOYED[deployed] }),
  } as const;
}
