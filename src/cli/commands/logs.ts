import { findDeploymentLog, findLatestDeploymentLog, showFile, showJournal } from '../agent-logs.ts';
import { parseCount } from '../arguments.ts';
import type { AddCommand } from '../command.ts';

interface LogsOptions {
  readonly configFile?: string;
  readonly follow?: boolean;
  readonly lines: number;
  readonly journal?: boolean;
}

export const addLogsCommand: AddCommand = (program, ctx) => {
  program
    .command('logs')
    .argument('[deployment]', 'a deployment id, or `latest`, for the output of its scripts; else the agent’s own log')
    .description('show the logs that the agent on this machine has written')
    .option('-f, --follow', 'go on showing what is added')
    .option('-n, --lines <count>', 'how many of the last lines', parseCount, 200)
    .option('--journal', 'the agent’s log from the journal instead of its file')
    .option('--config-file <path>', 'the agent’s configuration; else the usual file')
    .action(async (deployment: string | undefined, options: LogsOptions) => {
      if (options.journal) return showJournal(ctx, 'slipway-agent', options.lines, options.follow ?? false);
      const { loadAgentConfig } = await import('../../config/agent-config.ts');
      const { config } = loadAgentConfig(options.configFile ?? null);
      const file =
        deployment === undefined
          ? `${config.logDir}/${config.programName}.log`
          : deployment === 'latest'
            ? findLatestDeploymentLog(config.rootDir)
            : findDeploymentLog(config.rootDir, deployment);
      return showFile(ctx, file, options.lines, options.follow ?? false);
    });
};
