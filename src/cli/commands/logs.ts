import { isSlipwayError, SlipwayError } from '../../errors.ts';
import { findDeploymentLog, findLatestDeploymentLog, type ShowOptions, showFile, showJournal } from '../agent-logs.ts';
import { GROUP_ARGUMENT, parseCount } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect, endpointOf } from '../connection.ts';
import type { CliContext } from '../context.ts';

interface LogsOptions extends ShowOptions, ConnectionOptions {
  readonly configFile?: string;
  readonly journal?: boolean;
  readonly group?: string;
  readonly host?: string;
  readonly event?: string;
}

export const addLogsCommand: AddCommand = (program, ctx) => {
  const logs = program
    .command('logs')
    .argument('[deployment]', 'a deployment id, or `latest`, for the output of its scripts; else the agent’s own log')
    .description(
      'show the logs that the agent on this machine has written; else what the server has of a deployment, from anywhere',
    )
    .option('-f, --follow', 'go on showing what is added')
    .option('-n, --lines <count>', 'how many of the last lines', parseCount, 200)
    .option('--group <group>', `with \`latest\`: ${GROUP_ARGUMENT}`)
    .option('--journal', 'the agent’s log from the journal instead of its file')
    .option('--json', 'each line as one JSON object')
    .option('--config-file <path>', 'the agent’s configuration; else the usual file')
    .option('--host <host>', 'from the server: only of this target of the deployment')
    .option('--event <event>', 'from the server: only of this lifecycle event, such as AfterInstall');
  addConnectionOptions(logs).action(async (deployment: string | undefined, options: LogsOptions) => {
    if (options.group !== undefined && deployment !== 'latest') {
      throw new SlipwayError(
        'CLI_BAD_ARGUMENT',
        '--group goes with `latest`, as in `slipway logs latest --group GROUP`',
      );
    }
    if (isOfServer(options)) {
      if (deployment !== undefined && deployment !== 'latest') return showFromServer(ctx, deployment, options);
      throw new SlipwayError(
        'CLI_BAD_ARGUMENT',
        '--host, --event and the flags of the connection go with the id of a deployment, as in `slipway logs d-ABCDEFGHI --host web-1`',
      );
    }
    if (options.journal) return showJournal(ctx, 'slipway-agent', options);
    const { loadAgentConfig } = await import('../../config/agent-config.ts');
    const { config } = loadAgentConfig(options.configFile ?? null);
    const file =
      deployment === undefined
        ? `${config.logDir}/${config.programName}.log`
        : deployment === 'latest'
          ? findLatestDeploymentLog(config.rootDir, await groupIdOf(config.rootDir, options.group))
          : localLog(ctx, config.rootDir, deployment, options);
    if (file === null) return showFromServer(ctx, deployment ?? '', options);
    return showFile(ctx, file, options);
  });
};

/** Whether the command line asks for the logs of the server, whatever this machine has. */
function isOfServer({ host, event, endpointUrl, region, profile }: LogsOptions): boolean {
  return [host, event, endpointUrl, region, profile].some((option) => option !== undefined);
}

/** The scripts' log of a deployment on this machine; null: there is none, and there is a server to ask. */
function localLog(ctx: CliContext, rootDir: string, deployment: string, options: LogsOptions): string | null {
  try {
    return findDeploymentLog(rootDir, deployment);
  } catch (error) {
    const isServerNamed = (endpointOf(ctx, options) ?? '') !== '';
    if (isSlipwayError(error, 'CLI_NO_LOGS') && isServerNamed) return null;
    throw error;
  }
}

async function showFromServer(ctx: CliContext, deployment: string, options: LogsOptions): Promise<void> {
  const { showServerLogs } = await import('../server-logs.ts');
  return showServerLogs(ctx, connect(ctx, options), deployment, options);
}

/** null: that of any group. */
async function groupIdOf(rootDir: string, group: string | undefined): Promise<string | null> {
  if (group === undefined) return null;
  const { findGroup } = await import('../../local/find-group.ts');
  return findGroup(rootDir, group).id;
}
