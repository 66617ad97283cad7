import { DEFAULT_CONFIG_FILE } from '../../config/default-config-file.ts';
import { pathFrom } from '../../system/working-folder.ts';
import type { AddCommand } from '../command.ts';
import { packageVersion } from '../package-version.ts';
import { addAgentControl } from './agent-control.ts';
import { addInstallAction } from './service-install.ts';

export const addAgentCommand: AddCommand = (program, ctx, conclude) => {
  const agent = program
    .command('agent')
    .description('run the host agent in the foreground')
    .option('--config-file <path>', `configuration; else ${DEFAULT_CONFIG_FILE}`)
    .action(async (options: { configFile?: string }) => {
      const { runAgent } = await import('../../agent/main.ts');
      const { interrupted } = ctx;
      const configFile = options.configFile ?? null;
      process.exitCode = await runAgent({ configFile, version: packageVersion(), interrupted });
    });

  addAgentControl(agent, ctx, conclude);
  const install = agent
    .command('install')
    .description('put the agent in place as a systemd service and start it')
    .option('--config-file <path>', 'configuration that the service runs with', DEFAULT_CONFIG_FILE);
  addInstallAction<{ configFile: string }>(install, ctx, ({ configFile }) => ({
    name: 'slipway-agent',
    // systemd starts it in the root folder.
    args: ['agent', '--config-file', pathFrom(ctx.workingDirectory, configFile)],
    user: null,
    hiddenFolders: [],
    environmentFile: null,
  }));
};
