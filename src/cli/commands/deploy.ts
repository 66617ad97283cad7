import { type Command, Option } from 'commander';
import { SlipwayError } from '../../errors.ts';
import { bundleTypeOfName } from '../../local/location.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import type { BundleType, FileExistsBehavior } from '../../protocol/specification.ts';
import { printable } from '../../system/printable.ts';
import { parseBundleUrl, parseGitHubRevision, parseGitRevision, parseS3Url } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type Connection, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { uploadRevision } from '../upload-revision.ts';
import { type FollowStyle, followDeployment } from '../view/follow.ts';

interface DeployOptions extends ConnectionOptions {
  readonly application: string;
  readonly group: string;
  readonly revision?: { readonly bucket: string; readonly key: string };
  readonly github?: { readonly repository: string; readonly commitId: string };
  readonly git?: { readonly repository: string; readonly commitId: string };
  readonly url?: string;
  readonly sha256?: string;
  readonly restart?: boolean;
  readonly type?: BundleType;
  readonly config?: string;
  readonly description?: string;
  readonly signKey?: string;
  readonly agentConfigurationFile?: string;
  readonly fileExistsBehavior?: FileExistsBehavior;
  readonly ignoreApplicationStopFailures?: boolean;
  readonly follow: boolean;
  readonly json?: boolean;
}

type CreateDeploymentInput = ManagementOperations['CreateDeployment']['input'];

export const addDeployCommand: AddCommand = (program, ctx, conclude) => {
  const command = addConnectionOptions(
    program
      .command('deploy')
      .argument('[source]', 'a folder or a bundle (tar, tgz, zip) to push and deploy')
      .description('create a deployment and follow it'),
  );
  addDeployOptions(command).action(async (source: string | undefined, options: DeployOptions) => {
    const connection = connect(ctx, options);
    const { deploymentId = '' } = await connection.client.call('CreateDeployment', {
      applicationName: options.application,
      deploymentGroupName: options.group,
      ...(await chooseRevision(ctx, connection, source, options)),
      ...(options.config === undefined ? {} : { deploymentConfigName: options.config }),
      ...(options.description === undefined ? {} : { description: options.description }),
      ...(options.fileExistsBehavior === undefined ? {} : { fileExistsBehavior: options.fileExistsBehavior }),
      ...(options.ignoreApplicationStopFailures ? { ignoreApplicationStopFailures: true } : {}),
    });
    if (!options.follow) {
      ctx.stdout.write(options.json ? `${JSON.stringify({ deploymentId })}\n` : `${printable(deploymentId)}\n`);
      return;
    }
    if (!options.json) ctx.stdout.write(`deployment ${printable(deploymentId)}\n`);
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
    .option('--git <revision>', 'URL@COMMIT in any git repository, URL being https://… or ssh://…', parseGitRevision)
    .option('--url <url>', 'https://… of a bundle on any web server; needs --sha256', parseBundleUrl)
    .option('--sha256 <digest>', 'what the bundle at --url must have')
    .option('--restart', 'the last successful revision of the group once more, from the files that its hosts have')
    .addOption(
      new Option(
        '--type <type>',
        'kind of bundle; of what is pushed, what a folder becomes; else what the name says, else zip',
      ).choices(['zip', 'tgz', 'tar']),
    )
    .option('--config <name>', 'deployment configuration; else the group’s')
    .option('--description <text>', 'why this deployment')
    .option('--sign-key <file>', 'sign what is pushed with this SSH key or secret key of minisign')
    .option(
      '-c, --agent-configuration-file <path>',
      'the agent’s configuration, for what hosts take; else the usual file',
    )
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
  source: string | undefined,
  options: DeployOptions,
): Promise<Pick<CreateDeploymentInput, 'revision' | 'deploymentMode'>> {
  const { revision, github, git, url, restart } = options;
  const given = [source, revision, github, git, url, restart].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `say what to deploy exactly once, not ${given.length} times`, {
      remedy:
        'Give a folder or a bundle, or --revision s3://BUCKET/KEY, --github OWNER/REPOSITORY@COMMIT, --git URL@COMMIT, --url with --sha256, or --restart.',
    });
  }
  if (options.sha256 !== undefined && url === undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--sha256 is the digest of the bundle at --url, which is not given');
  }
  if (options.signKey !== undefined && source === undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--sign-key signs what is pushed; what is elsewhere is signed there', {
      remedy: 'Sign a bundle file with `slipway sign`, and put the signature beside it.',
    });
  }
  if (restart) return { deploymentMode: 'RESTART' };
  return { revision: await locationOf(ctx, connection, source, options) };
}

async function locationOf(
  ctx: CliContext,
  connection: Connection,
  source: string | undefined,
  options: DeployOptions,
): Promise<CreateDeploymentInput['revision']> {
  if (options.revision !== undefined) {
    const bundleType = options.type ?? bundleTypeOfName(options.revision.key) ?? 'zip';
    return { revisionType: 'S3', s3Location: { ...options.revision, bundleType } };
  }
  const repository = options.github ?? options.git;
  if (repository !== undefined) return { revisionType: 'GitHub', gitHubLocation: repository };
  if (options.url !== undefined) {
    if (options.sha256 === undefined) {
      throw new SlipwayError('CLI_BAD_ARGUMENT', '--url needs --sha256: without it nobody could tell what is deployed');
    }
    const { origin, pathname, search } = new URL(options.url);
    const bundleType = options.type ?? bundleTypeOfName(pathname) ?? 'zip';
    const key = `${pathname.slice(1)}${search}`;
    return { revisionType: 'S3', s3Location: { bucket: origin, key, bundleType, eTag: `sha256:${options.sha256}` } };
  }
  return uploadRevision(ctx, connection, {
    source: source ?? '.',
    application: options.application,
    bundleType: options.type ?? null,
    s3Location: null,
    s3EndpointUrl: null,
    description: options.description ?? null,
    signKey: options.signKey ?? null,
    agentConfigurationFile: options.agentConfigurationFile ?? null,
  });
}
