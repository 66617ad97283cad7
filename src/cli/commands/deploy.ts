import { type Command, Option } from 'commander';
import { SlipwayError } from '../../errors.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import type { BundleType, FileExistsBehavior } from '../../protocol/specification.ts';
import { parseGitHubRevision, parseS3Url } from '../arguments.ts';
import { addConnectionOptions, type Connection, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import type { AddCommand } from '../program.ts';
import { uploadRevision } from '../upload-revision.ts';
import { type FollowStyle, followDeployment } from '../view/follow.ts';

interface DeployOptions extends ConnectionOptions {
  readonly application: string;
  readonly group: string;
  readonly revision?: { readonly bucket: string; readonly key: string };
  readonly github?: { readonly repository: string; readonly commitId: string };
  readonly type: BundleType;
  readonly config?: string;
  readonly description?: string;
  readonly fileExistsBehavior?: FileExistsBehavior;
  readonly ignoreApplicationStopFailures?: boolean;
  readonly follow: boolean;
  readonly json?: boolean;
}

type RevisionLocation = ManagementOperations['CreateDeployment']['input']['revision'];

export const addDeployCommand: AddCommand = (program, ctx, conclude) => {
  const command = addConnectionOptions(
    program
      .command('deploy')
      .argument('[dir]', 'a folder to push and deploy')
      .description('create a deployment and follow it'),
  );
  addDeployOptions(command).action(async (dir: string | undefined, options: DeployOptions) => {
    const connection = connect(ctx, options);
    const { deploymentId = '' } = await connection.client.call('CreateDeployment', {
      applicationName: options.application,
      deploymentGroupName: options.group,
      revision: await chooseRevision(ctx, connection, dir, options),
      ...(options.config === undefined ? {} : { deploymentConfigName: options.config }),
      ...(options.description === undefined ? {} : { description: options.description }),
      ...(options.fileExistsBehavior === undefined ? {} : { fileExistsBehavior: options.fileExistsBehavior }),
      ...(options.ignoreApplicationStopFailures ? { ignoreApplicationStopFailures: true } : {}),
    });
    if (!options.follow) {
      ctx.stdout.write(options.json ? `${JSON.stringify({ deploymentId })}\n` : `${deploymentId}\n`);
      return;
    }
    if (!options.json) ctx.stdout.write(`deployment ${deploymentId}\n`);
    const ended = await followDeployment(
      { client: connection.client, clock: ctx.clock, stdout: ctx.stdout, interrupted: ctx.interrupted },
      deploymentId,
      followStyle(ctx, options),
    );
    if (ended === null) {
      ctx.stderr.write(
        `no longer following; the deployment goes on: slipway deployments show ${deploymentId}, or stop it: ` +
          `slipway deployments stop ${deploymentId}\n`,
      );
      conclude('interrupted');
    } else if (ended.status !== 'Succeeded') {
      conclude('failed');
    }
  });
};

function addDeployOptions(command: Command): Command {
  return command
    .requiredOption('--application <name>', 'the application')
    .requiredOption('--group <name>', 'the deployment group')
    .option('--revision <url>', 's3://BUCKET/KEY of a bundle that was pushed before', parseS3Url)
    .option('--github <revision>', 'OWNER/REPOSITORY@COMMIT on GitHub', parseGitHubRevision)
    .addOption(new Option('--type <type>', 'kind of bundle').choices(['zip', 'tgz', 'tar']).default('zip'))
    .option('--config <name>', 'deployment configuration; else the group’s')
    .option('--description <text>', 'why this deployment')
    .addOption(
      new Option('--file-exists-behavior <behavior>', 'what to do with files that another hand put there').choices([
        'DISALLOW',
        'OVERWRITE',
        'RETAIN',
      ]),
    )
    .option('--ignore-application-stop-failures', 'go on when the old revision’s stop script fails')
    .option('--no-follow', 'print the deployment id and return at once')
    .option('--json', 'one JSON object a line');
}

function followStyle(ctx: CliContext, options: DeployOptions): FollowStyle {
  if (options.json) return 'json';
  return ctx.stdout.isTerminal ? 'live' : 'plain';
}

async function chooseRevision(
  ctx: CliContext,
  connection: Connection,
  dir: string | undefined,
  options: DeployOptions,
): Promise<RevisionLocation> {
  const given = [dir, options.revision, options.github].filter((source) => source !== undefined);
  if (given.length !== 1) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `say what to deploy exactly once, not ${given.length} times`, {
      remedy: 'Give a folder, or --revision s3://BUCKET/KEY, or --github OWNER/REPOSITORY@COMMIT.',
    });
  }
  if (options.revision !== undefined) {
    return { revisionType: 'S3', s3Location: { ...options.revision, bundleType: options.type } };
  }
  if (options.github !== undefined) return { revisionType: 'GitHub', gitHubLocation: options.github };
  return uploadRevision(ctx, connection, {
    sourceDir: dir ?? '.',
    application: options.application,
    bundleType: options.type,
    s3Location: null,
    s3EndpointUrl: null,
    description: options.description ?? null,
  });
}
