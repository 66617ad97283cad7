import { Command, CommanderError } from 'commander';
import { buildRecordOf, describeBuild } from './build-record.ts';
import type { AddCommand, Conclude } from './command.ts';
import { trustServer } from './connection.ts';
import type { CliContext } from './context.ts';
import { refuseEmptyValues } from './empty-values.ts';
import { exampleOf } from './examples.ts';
import { type ExitReason, exitStatus } from './exit-status.ts';
import { checkAfterNames, linesOfComplaint, refuseSingleDash } from './mistyped.ts';
import type { Output } from './output.ts';
import { packageRoot } from './package-root.ts';
import { packageVersion } from './package-version.ts';
import { reportError } from './report-error.ts';
import { readVariablesWhenRun } from './variables.ts';

/**
 * The subcommands in the order in which `slipway --help` shows them. Only the one that is called is loaded: a daemon must not carry what
 * the others need, nor wait for it.
 */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  push: async () => (await import('./commands/push.ts')).addPushCommand,
  deploy: async () => (await import('./commands/deploy.ts')).addDeployCommand,
  deployments: async () => (await import('./commands/deployments.ts')).addDeploymentsCommand,
  wait: async () => (await import('./commands/wait.ts')).addWaitCommand,
  applications: async () => (await import('./commands/applications.ts')).addApplicationsCommand,
  groups: async () => (await import('./commands/groups.ts')).addGroupsCommand,
  configs: async () => (await import('./commands/configs.ts')).addConfigsCommand,
  revisions: async () => (await import('./commands/revisions.ts')).addRevisionsCommand,
  hosts: async () => (await import('./commands/hosts.ts')).addHostsCommand,
  register: async () => (await import('./commands/register.ts')).addRegisterCommand,
  'migrate-from-codedeploy': async () => (await import('./commands/migrate-from-codedeploy.ts')).addMigrateCommand,
  validate: async () => (await import('./commands/validate.ts')).addValidateCommand,
  sign: async () => (await import('./commands/sign.ts')).addSignCommand,
  verify: async () => (await import('./commands/verify.ts')).addVerifyCommand,
  plan: async () => (await import('./commands/plan.ts')).addPlanCommand,
  local: async () => (await import('./commands/local.ts')).addLocalCommand,
  status: async () => (await import('./commands/status.ts')).addStatusCommand,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
  rollback: async () => (await import('./commands/rollback.ts')).addRollbackCommand,
  'reset-group': async () => (await import('./commands/reset-group.ts')).addResetGroupCommand,
  logs: async () => (await import('./commands/logs.ts')).addLogsCommand,
  agent: async () => (await import('./commands/agent.ts')).addAgentCommand,
  server: async () => (await import('./commands/server.ts')).addServerCommand,
  console: async () => (await import('./commands/console.ts')).addConsoleCommand,
  search: async () => (await import('./commands/search.ts')).addSearchCommand,
  notices: async () => (await import('./commands/notices.ts')).addNoticesCommand,
  audit: async () => (await import('./commands/audit.ts')).addAuditCommand,
  keys: async () => (await import('./commands/keys.ts')).addKeysCommand,
};

/** For these no command is needed. */
const VERSION_FLAGS: readonly string[] = ['-V', '--version'];

/**
 * The command line, ready to parse: the one subcommand that `called` names, or all when it names none. Tests and the documentation check
 * read commands and flags from the whole. A version flag needs none.
 */
export async function buildProgram(ctx: CliContext, conclude: Conclude, called = ''): Promise<Command> {
  const program = new Command('slipway')
    .description('Deploys revisions to your own servers.')
    .option('-V, --version', 'print the version, and which build it is')
    .option('--verbose', 'show stacks and causes of errors')
    // `agent install --config-file X` means install's flag, not agent's.
    .enablePositionalOptions()
    .showHelpAfterError('(slipway COMMAND --help shows what it takes)')
    // Commander's own suggestions know neither capitals nor words of other tools.
    .showSuggestionAfterError(false)
    .exitOverride()
    // Long flags leave their descriptions less than half of 80 columns, which is enough to wrap them in.
    .configureHelp({ minWidthToWrap: NARROWEST_TEXT })
    .configureOutput({
      getOutHelpWidth: () => helpWidth(ctx.stdout),
      getErrHelpWidth: () => helpWidth(ctx.stderr),
      writeOut: (text) => ctx.stdout.writeText(text),
      writeErr: (text) => ctx.stderr.writeText(text),
    });
  // Not commander's own: it would have every command look for what only this option prints.
  program.on('option:version', () => {
    ctx.stdout.writeLines([describeBuild(packageVersion(), buildRecordOf(packageRoot()))]);
    throw new CommanderError(0, 'commander.version', '');
  });
  const load = Object.hasOwn(COMMANDS, called) ? COMMANDS[called] : undefined;
  const loads = load === undefined ? Object.values(COMMANDS) : [load];
  const added = await Promise.all((VERSION_FLAGS.includes(called) ? [] : loads).map((one) => one()));
  for (const add of added) add(program, ctx, conclude);
  inheritBehaviour(program, []);
  showNearWords(program, ctx.stderr);
  const check = checkAfterNames(program);
  program.hook('preAction', (_program, action) => {
    check(action);
    refuseEmptyValues(action);
  });
  // Only commands that talk to a server need to know whom to trust.
  program.hook('preAction', async (_program, action) => {
    if (action.options.some(({ long }) => long === '--ca-file')) await trustServer(ctx, action.opts());
  });
  return program;
}

const WIDEST_HELP = 80;
const NARROWEST_TEXT = 20;

/** argv (without node and script) → exit status. The only place that words faults for people. */
export async function runCli(argv: readonly string[], ctx: CliContext): Promise<number> {
  let reason: ExitReason = 'ok';
  const conclude: Conclude = (ending) => {
    reason = ending;
  };
  try {
    const program = await buildProgram(ctx, conclude, argv[0]);
    refuseSingleDash(program, argv);
    await program.parseAsync([...argv], { from: 'user' });
    return exitStatus(reason);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitStatus('usage');
    if (ctx.interrupted.aborted) return exitStatus('interrupted');
    const report = reportError(error, argv.includes('--verbose'));
    ctx.stderr.writeLines(report.lines);
    return exitStatus(report.reason);
  }
}

/** Each complaint is followed by what was probably meant. */
function showNearWords(command: Command, stderr: Output): void {
  command.configureOutput({ outputError: (text) => stderr.writeLines(linesOfComplaint(command, text)) });
  for (const child of command.commands) showNearWords(child, stderr);
}

/** Text is read best in lines that are not too long, also on a wide terminal. */
function helpWidth({ columns }: Output): number {
  return Math.min(WIDEST_HELP, Math.max(columns, 2 * NARROWEST_TEXT));
}

/** Settings of the top command that commander does not hand down by itself; `--verbose` is understood after any command. */
function inheritBehaviour(parent: Command, words: readonly string[]): void {
  for (const command of parent.commands) {
    const path = [...words, command.name()];
    command.copyInheritedSettings(parent);
    readVariablesWhenRun(command);
    const example = exampleOf(path);
    if (example !== undefined) command.addHelpText('after', `\nExample:\n  ${example}`);
    if (!command.options.some((option) => option.long === '--verbose')) {
      command.option('--verbose', 'show stacks and causes of errors');
    }
    inheritBehaviour(command, path);
  }
}
