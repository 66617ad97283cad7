import { Command, CommanderError } from 'commander';
import { addAgentCommand } from './commands/agent.ts';
import { addApplicationsCommand } from './commands/applications.ts';
import { addDeployCommand } from './commands/deploy.ts';
import { addDeploymentsCommand } from './commands/deployments.ts';
import { addGroupsCommand } from './commands/groups.ts';
import { addHostsCommand } from './commands/hosts.ts';
import { addKeysCommand } from './commands/keys.ts';
import { addLocalCommand } from './commands/local.ts';
import { addLogsCommand } from './commands/logs.ts';
import { addPushCommand } from './commands/push.ts';
import { addRegisterCommand } from './commands/register.ts';
import { addServerCommand } from './commands/server.ts';
import { addValidateCommand } from './commands/validate.ts';
import type { CliContext } from './context.ts';
import { type ExitReason, exitStatus } from './exit-status.ts';
import { packageVersion } from './package-version.ts';
import { reportError } from './report-error.ts';

/** What a command's action tells about its end. */
export type Conclude = (reason: ExitReason) => void;

/** Adds one subcommand to `slipway`. */
export type AddCommand = (program: Command, ctx: CliContext, conclude: Conclude) => void;

/** The subcommands in the order in which `slipway --help` shows them. */
const COMMANDS: readonly AddCommand[] = [
  addPushCommand,
  addDeployCommand,
  addDeploymentsCommand,
  addApplicationsCommand,
  addGroupsCommand,
  addHostsCommand,
  addRegisterCommand,
  addValidateCommand,
  addLocalCommand,
  addLogsCommand,
  addAgentCommand,
  addServerCommand,
  addKeysCommand,
];

/** The whole command line, ready to parse. Tests and the documentation check read commands and flags from it. */
export function buildProgram(ctx: CliContext, conclude: Conclude): Command {
  const program = new Command('slipway')
    .description('Deploys revisions to your own servers.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('--verbose', 'show stacks and causes of errors')
    // `agent install --config-file X` means install's flag, not agent's.
    .enablePositionalOptions()
    .showHelpAfterError('(slipway COMMAND --help shows what it takes)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => ctx.stdout.write(text),
      writeErr: (text) => ctx.stderr.write(text),
    });
  for (const add of COMMANDS) add(program, ctx, conclude);
  inheritBehaviour(program);
  return program;
}

/** argv (without node and script) → exit status. The only place that words faults for people. */
export async function runCli(argv: readonly string[], ctx: CliContext): Promise<number> {
  let reason: ExitReason = 'ok';
  const program = buildProgram(ctx, (ending) => {
    reason = ending;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitStatus(reason);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitStatus('usage');
    if (ctx.interrupted.aborted) return exitStatus('interrupted');
    const report = reportError(error, argv.includes('--verbose'));
    ctx.stderr.write(`${report.lines.join('\n')}\n`);
    return exitStatus(report.reason);
  }
}

/** Settings of the top command that commander does not hand down by itself; `--verbose` is understood after any command. */
function inheritBehaviour(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    if (!command.options.some((option) => option.long === '--verbose')) {
      command.option('--verbose', 'show stacks and causes of errors');
    }
    inheritBehaviour(command);
  }
}
