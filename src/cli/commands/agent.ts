import { DEFAULT_CONFIG_FILE } from '../../config/default-config-file.ts';
import { pathFrom } from '../../system/working-folder.ts';
import type { AddCommand } from '../command.ts';
import { packageVersion } from '../package-version.ts';
import type { ServiceInstallation } from '../service/install.ts';
import { addAgentControl } from './agent-control.ts';

export const addAgentCommand: AddCommand = (program, ctx, conclude) => {
  const agent = program
    .command('agent')
    .description('run the host agent in the foreground')
    .option('--config-file <path>', `configuration; else ${DEFAULT_CONFIG_FILE}`)
    .action(async (options: { configFile?: string }) => {
      const { runAgent } = await import('../../agent/main.ts');
      process.exitCode = await runAgent({ configFile: options.configFile ?? null, version: packageVersion() });
    });

  addAgentControl(agent, ctx, conclude);
  agent
    .command('install')
    .description('put the agent in place as a systemd service and start it')
    .option('--config-file <path>', 'configuration that the service runs with', DEFAULT_CONFIG_FILE)
    .option('--print', 'print the unit and change nothing')
    .action(async (options: { configFile: string; print?: boolean }) => {
      const installation: ServiceInstallation = {
        name: 'slipway-agent',
        // systemd starts it in the root folder.
        args: ['agent', '--config-file', pathFrom(ctx.workingDirectory, options.configFile)],
        user: null,
        hiddenFolders: [],
        environmentFile: null,
      };
      const { installService, unitForThisMachine } = await import('../service/install.ts');
      if (options.print) ctx.stdout.writeText(unitForThisMachine(installation));
      else await installService(ctx, installation);
    });
};
