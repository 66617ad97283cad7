import { SlipwayError } from '../../errors.ts';
import { findDeploymentLog, findLatestDeploymentLog, type ShowOptions, showFile, showJournal } from '../agent-logs.ts';
import { GROUP_ARGUMENT, parseCount } from '../arguments.ts';
import type { AddCommand } from '../command.ts';

interface LogsOptions extends ShowOptions {
  readonly configFile?: string;
  readonly journal?: boolean;
  readonly group?: string;
}

export const addLogsCommand: AddCommand = (program, ctx) => {
  program
    .command('logs')
    .argument('[deployment]', 'a deployment id, or `latest`, for the output of its scripts; else the agent’s own log')
    .description('show the logs that the agent on this machine has written')
    .option('-f, --follow', 'go on showing what is added')
    .option('-n, --lines <count>', 'how many of the last lines', parseCount, 200)
    .option('--group <group>', `with \`latest\`: ${GROUP_ARGUMENT}`)
    .option('--journal', 'the agent’s log from the journal instead of its file')
    .option('--json', 'each line as one JSON object')
    .option('--config-file <path>', 'the agent’s configuration; else the usual file')
    .action(async (deployment: string | undefined, options: LogsOptions) => {
      if (options.group !== undefined && deployment !== 'latest') {
        throw new SlipwayError(
          'CLI_BAD_ARGUMENT',
          '--group goes with `latest`, as in `slipway logs latest --group GROUP`',
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
            : findDeploymentLog(config.rootDir, deployment);
      return showFile(ctx, file, options);
    });
};

/** null: that of any group. */
async function groupIdOf(rootDir: string, group: string | undefined): Promise<string | null> {
  if (group === undefined) return null;
  const { findGroup } = await import('../../local/find-group.ts');
  return findGroup(rootDir, group).id;
}
