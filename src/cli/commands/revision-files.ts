import type { Command } from 'commander';
import type { RevisionLocation } from '../../protocol/management/revision-location.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { addRevisionOptions, type RevisionOptions, requireLocation } from '../revision-arguments.ts';
import { printResult, type ResultOptions } from '../view/result.ts';
import { contentLines, differenceLines } from '../view/revision-content.ts';

interface Options extends ConnectionOptions, ResultOptions, RevisionOptions {
  readonly application: string;
  readonly compareWithGroup?: string;
}

/** `slipway revisions files`: what is inside a registered revision. */
export function addRevisionFiles(revisions: Command, ctx: CliContext): void {
  addRevisionOptions(
    addConnectionOptions(
      revisions.command('files').description('list the files of a registered revision, as the server reads its bundle'),
    ),
  )
    .requiredOption('--application <name>', 'the application')
    .option('--compare-with-group <name>', 'show the difference to what this deployment group had before')
    .option('--json', 'as JSON')
    .action(async (options: Options) => {
      const { client } = connect(ctx, options);
      const { application: applicationName, compareWithGroup: deploymentGroupName } = options;
      const content = await client.call('DescribeRevisionContent', {
        ...{ applicationName, revision: await registered(client, applicationName, requireLocation(options)) },
        ...(deploymentGroupName === undefined ? {} : { deploymentGroupName }),
      });
      const lines = deploymentGroupName === undefined ? contentLines(content) : differenceLines(content);
      printResult(ctx, options, content, lines);
    });
}

/** The revision as it is registered. Without a version and an ETag, the newest one of the object is meant. */
async function registered(
  client: ReturnType<typeof connect>['client'],
  applicationName: string,
  location: RevisionLocation,
): Promise<RevisionLocation> {
  const { bucket, key, version, eTag } = location.s3Location ?? {};
  if (bucket === undefined || key === undefined || (version ?? eTag) !== undefined) return location;
  const { revisions = [] } = await client.call('ListApplicationRevisions', {
    ...{ applicationName, s3Bucket: bucket, s3KeyPrefix: key },
    ...({ sortBy: 'registerTime', sortOrder: 'descending' } as const),
  });
  return revisions.find(({ s3Location }) => s3Location?.key === key) ?? location;
}
