/** `slipway agent start|stop|restart|status`, for those who script them: exit statuses are those of the LSB. */
import type { Command } from 'commander';
import { pathFrom } from '../../system/working-folder.ts';
import type { Conclude } from '../command.ts';
import type { CliContext } from '../context.ts';
import { printLine, type ResultOptions } from '../view/result.ts';

interface ControlOptions extends ResultOptions {
  readonly configFile?: string;
}

/** How the agent stands after the command: what `--json` prints. */
interface AgentStands {
  readonly state: 'running' | 'stopped' | 'unknown';
  readonly pid: number | null;
  /** Unit of the service that the command went to; null: the agent is a process without one. */
  readonly unit: string | null;
  /** Why the state is not known. */
  readonly why?: string;
}

export function addAgentControl(agent: Command, ctx: CliContext, conclude: Conclude): void {
  const add = (name: string, description: string, act: (options: ControlOptions) => Promise<void>) => {
    agent
      .command(name)
      .description(description)
      .option('--config-file, --config_file <path>', 'the agent’s configuration; else the usual file')
      .option('--json', 'as JSON')
      .action(async (options: ControlOptions & { config_file?: string }, command: Command) => {
        // `agent --config-file X status` gives it to `agent`.
        const given = options.configFile ?? options.config_file ?? command.parent?.opts<ControlOptions>().configFile;
        // The agent starts in the root folder.
        const configFile = given === undefined ? {} : { configFile: pathFrom(ctx.workingDirectory, given) };
        await act({ ...(options.json === true && { json: true }), ...configFile });
      });
  };
  const say = (options: ControlOptions, stands: AgentStands, text: string) => printLine(ctx, options, stands, text);
  const sayRunning = (options: ControlOptions, pid: number) =>
    say(options, { state: 'running', pid, unit: null }, `The Slipway agent is running as PID ${pid}.`);
  const tellService = async (options: ControlOptions, verb: 'start' | 'stop' | 'restart') => {
    const { tellService } = await import('../agent-process.ts');
    const { unit, pid } = await tellService(verb);
    const state = verb === 'stop' ? 'stopped' : 'running';
    say(options, { state, pid, unit }, `${unit}: ${verb} done by systemd`);
  };

  add('start', 'start the agent in the background, or its service', async (options) => {
    const control = await import('../agent-process.ts');
    if (control.isService()) return tellService(options, 'start');
    sayRunning(options, await control.startAgent(ctx, await configOf(options), options.configFile ?? null));
  });
  add('stop', 'stop the agent, or its service; refused while a command runs', async (options) => {
    const control = await import('../agent-process.ts');
    if (control.isService()) return tellService(options, 'stop');
    const pid = await control.stopAgent(ctx, await configOf(options));
    const did = pid === null ? 'is not running' : `with PID ${pid} has stopped`;
    say(options, { state: 'stopped', pid: null, unit: null }, `The Slipway agent ${did}.`);
  });
  add('restart', 'stop and start', async (options) => {
    const control = await import('../agent-process.ts');
    if (control.isService()) return tellService(options, 'restart');
    const config = await configOf(options);
    await control.stopAgent(ctx, config);
    sayRunning(options, await control.startAgent(ctx, config, options.configFile ?? null));
  });
  add(
    'status',
    'tell whether the agent runs: exit status 0, or 3 when it does not, or 4 when that cannot be told',
    async (options) => {
      const { findAgent } = await import('../agent-process.ts');
      const { messageOf } = await import('../../errors.ts');
      try {
        const found = findAgent(await configOf(options));
        // Scripts look for these words of the official agent in the answer to `status`.
        if (found.state === 'running') {
          const { pid } = found;
          return say(
            options,
            { state: 'running', pid, unit: null },
            `The AWS CodeDeploy agent is running as PID ${pid}.`,
          );
        }
        say(options, { state: 'stopped', pid: null, unit: null }, 'The AWS CodeDeploy agent is not running.');
        conclude('agent-stopped');
      } catch (error) {
        const why = messageOf(error);
        ctx.stderr.write(`slipway: it cannot be told whether the agent runs: ${why}\n`);
        if (options.json === true) say(options, { state: 'unknown', pid: null, unit: null, why }, '');
        conclude('agent-unknown');
      }
    },
  );
}

async function configOf({ configFile }: ControlOptions) {
  const { loadAgentConfig } = await import('../../config/agent-config.ts');
  return loadAgentConfig(configFile ?? null).config;
}
