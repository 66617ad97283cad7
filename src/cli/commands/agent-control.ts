/** `slipway agent start|stop|restart|status`, for those who script them: exit statuses are those of the LSB. */
import type { Command } from 'commander';
import { pathFrom } from '../../system/working-folder.ts';
import type { Conclude } from '../command.ts';
import type { CliContext } from '../context.ts';

interface ControlOptions {
  readonly configFile?: string;
}

export function addAgentControl(agent: Command, ctx: CliContext, conclude: Conclude): void {
  const add = (name: string, description: string, act: (options: ControlOptions) => Promise<void>) => {
    agent
      .command(name)
      .description(description)
      .option('--config-file, --config_file <path>', 'the agent’s configuration; else the usual file')
      .action(async (options: ControlOptions & { config_file?: string }, command: Command) => {
        // `agent --config-file X status` gives it to `agent`.
        const given = options.configFile ?? options.config_file ?? command.parent?.opts<ControlOptions>().configFile;
        // The agent starts in the root folder.
        await act(given === undefined ? {} : { configFile: pathFrom(ctx.workingDirectory, given) });
      });
  };
  const say = (text: string) => ctx.stdout.write(`${text}\n`);

  add('start', 'start the agent in the background, or its service', async (options) => {
    const control = await import('../agent-process.ts');
    if (control.isService()) return say(await control.tellService('start'));
    const pid = await control.startAgent(ctx, await configOf(options), options.configFile ?? null);
    say(`The AWS CodeDeploy agent is running as PID ${pid}.`);
  });
  add('stop', 'stop the agent, or its service; refused while a command runs', async (options) => {
    const control = await import('../agent-process.ts');
    if (control.isService()) return say(await control.tellService('stop'));
    const pid = await control.stopAgent(ctx, await configOf(options));
    say(
      pid === null
        ? 'The AWS CodeDeploy agent is not running.'
        : `The AWS CodeDeploy agent with PID ${pid} has stopped.`,
    );
  });
  add('restart', 'stop and start', async (options) => {
    const control = await import('../agent-process.ts');
    if (control.isService()) return say(await control.tellService('restart'));
    const config = await configOf(options);
    await control.stopAgent(ctx, config);
    say(
      `The AWS CodeDeploy agent is running as PID ${await control.startAgent(ctx, config, options.configFile ?? null)}.`,
    );
  });
  add(
    'status',
    'tell whether the agent runs: exit status 0, or 3 when it does not, or 4 when that cannot be told',
    async (options) => {
      const { findAgent } = await import('../agent-process.ts');
      const { messageOf } = await import('../../errors.ts');
      try {
        const found = findAgent(await configOf(options));
        if (found.state === 'running') return say(`The AWS CodeDeploy agent is running as PID ${found.pid}.`);
        say('The AWS CodeDeploy agent is not running.');
        conclude('agent-stopped');
      } catch (error) {
        ctx.stderr.write(`slipway: it cannot be told whether the agent runs: ${messageOf(error)}\n`);
        conclude('agent-unknown');
      }
    },
  );
}

async function configOf({ configFile }: ControlOptions) {
  const { loadAgentConfig } = await import('../../config/agent-config.ts');
  return loadAgentConfig(configFile ?? null).config;
}
