import { type Command, Option } from 'commander';
import { SlipwayError } from '../../errors.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import type { FileExistsBehavior } from '../../protocol/specification.ts';
import { printable } from '../../system/printable.ts';
import { appSpecRevision } from '../appspec-argument.ts';
import { collect } from '../arguments.ts';
import { addSuspensionOption, parseNames, type SuspensionOptions, suspensionInput } from '../auto-scaling-options.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type Connection, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { followUntilEnd } from '../follow-deployment.ts';
import {
  type AlarmOptions,
  addAlarmOptions,
  addRollbackOptions,
  alarmsOf,
  autoRollbackOf,
  type RollbackCause,
} from '../group-settings.ts';
import { addRevisionOptions, locationOfOptions, type RevisionOptions } from '../revision-arguments.ts';
import { addApplicationOption, findServerGroup, SERVER_GROUP_ARGUMENT } from '../server-group.ts';
import { parseTagFilter, parseTagSet, type TagFilter } from '../tag-filters.ts';
import { uploadRevision } from '../upload-revision.ts';

interface DeployOptions extends ConnectionOptions, RevisionOptions, AlarmOptions, SuspensionOptions {
  readonly application?: string;
  readonly group: string;
  readonly autoRollback?: readonly RollbackCause[];
  readonly outdatedOnly?: boolean;
  readonly greenTag?: readonly TagFilter[];
  readonly greenTagSet?: readonly (readonly TagFilter[])[];
  readonly greenAutoScalingGroups?: readonly string[];
  readonly restart?: boolean;
  readonly appspec?: string;
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
    checkRevision(source, options);
    const overrideAlarmConfiguration = alarmsOf(options);
    const group = await findServerGroup(connection.client, options.group, options);
    const { deploymentId = '' } = await connection.client.call('CreateDeployment', {
      ...group,
      ...(options.restart
        ? { deploymentMode: 'RESTART' as const }
        : { revision: await locationOf(ctx, connection, source, options, group.applicationName) }),
      ...(options.autoRollback === undefined
        ? {}
        : { autoRollbackConfiguration: autoRollbackOf(options.autoRollback) }),
      ...(overrideAlarmConfiguration === null ? {} : { overrideAlarmConfiguration }),
      ...replacementOf(options),
      ...suspensionInput(options),
      ...(options.outdatedOnly ? { updateOutdatedInstancesOnly: true } : {}),
      ...(options.config === undefined ? {} : { deploymentConfigName: options.config }),
      ...(options.description === undefined ? {} : { description: options.description }),
      ...(options.fileExistsBehavior === undefined ? {} : { fileExistsBehavior: options.fileExistsBehavior }),
      ...(options.ignoreApplicationStopFailures ? { ignoreApplicationStopFailures: true } : {}),
    });
    if (!options.follow) {
      ctx.stdout.write(options.json ? `${JSON.stringify({ deploymentId })}\n` : `${printable(deploymentId)}\n`);
      return;
    }
    await followUntilEnd(ctx, connection, deploymentId, options, conclude);
  });
};

function addDeployOptions(command: Command): Command {
  const ofGroup = addApplicationOption(command.requiredOption('--group <group>', SERVER_GROUP_ARGUMENT));
  return addSuspensionOption(addAlarmOptions(addRollbackOptions(addRevisionOptions(ofGroup))))
    .option('--restart', 'the last successful revision of the group once more, from the files that its hosts have')
    .option('--appspec <file>', 'Lambda and ECS: this AppSpec file is the revision; - for the standard input')
    .option('--outdated-only', 'only hosts that have not the group’s last successful revision')
    .option(
      '--green-tag <key=value>',
      'blue/green: hosts with this tag are the replacement; may be repeated, any one suffices',
      collect(parseTagFilter),
    )
    .option(
      '--green-tag-set <tags>',
      'blue/green: hosts with one of these tags are; may be repeated, then a host must have one of each',
      collect(parseTagSet),
    )
    .option(
      '--green-auto-scaling-groups <names>',
      'blue/green: members of these Auto Scaling groups are the replacement, names with a comma between',
      parseNames,
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

/** @throws SlipwayError CLI_BAD_ARGUMENT when both forms are given */
function replacementOf(options: DeployOptions): Pick<CreateDeploymentInput, 'targetInstances'> {
  const { greenTag, greenTagSet, greenAutoScalingGroups: groups } = options;
  if (greenTag !== undefined && greenTagSet !== undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--green-tag and --green-tag-set cannot be given together', {
      remedy: 'Give one of the two: --green-tag-set for hosts that need several tags.',
    });
  }
  if ((greenTag ?? greenTagSet ?? groups) === undefined) return {};
  return {
    targetInstances: {
      ...(greenTag === undefined ? {} : { tagFilters: [...greenTag] }),
      ...(greenTagSet === undefined ? {} : { ec2TagSet: { ec2TagSetList: greenTagSet.map((list) => [...list]) } }),
      ...(groups === undefined ? {} : { autoScalingGroups: [...groups] }),
    },
  };
}

function checkRevision(source: string | undefined, options: DeployOptions): void {
  const { revision, github, git, url, restart, appspec } = options;
  const given = [source, revision, github, git, url, restart, appspec].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `say what to deploy exactly once, not ${given.length} times`, {
      remedy:
        'Give a folder or a bundle, or --revision s3://BUCKET/KEY, --github OWNER/REPOSITORY@COMMIT, --git URL@COMMIT, --url with --sha256, --appspec FILE, or --restart.',
    });
  }
  // Flags that belong to another one are refused without it, also where the revision is not named by flags.
  locationOfOptions(options);
  if (options.signKey !== undefined && source === undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--sign-key signs what is pushed; what is elsewhere is signed there', {
      remedy: 'Sign a bundle file with `slipway sign`, and put the signature beside it.',
    });
  }
}

async function locationOf(
  ctx: CliContext,
  connection: Connection,
  source: string | undefined,
  options: DeployOptions,
  application: string,
): Promise<CreateDeploymentInput['revision']> {
  if (options.appspec !== undefined) return appSpecRevision(ctx, options.appspec);
  return (
    locationOfOptions(options) ??
    uploadRevision(ctx, connection, {
      source: source ?? '.',
      application,
      bundleType: options.type ?? null,
      s3Location: null,
      s3EndpointUrl: null,
      description: options.description ?? null,
      signKey: options.signKey ?? null,
      agentConfigurationFile: options.agentConfigurationFile ?? null,
    })
  );
}
