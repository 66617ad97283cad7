/** `slipway migrate-from-codedeploy`: this host's official agent makes room for Slipway's, and can come back. */
import { SlipwayError } from '../../errors.ts';
import { pathFrom } from '../../system/working-folder.ts';
import type { AddCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { printResult, type ResultOptions } from '../view/result.ts';

interface MigrateOptions extends ResultOptions {
  readonly dryRun?: boolean;
  readonly undo?: boolean;
  readonly yes?: boolean;
  readonly root?: string;
}

export const addMigrateCommand: AddCommand = (program, ctx) => {
  program
    .command('migrate-from-codedeploy')
    .description('take over the official agent of this host: its configuration, identity, deployments and service')
    .option('--dry-run', 'say what would be done, and change nothing')
    .option('--undo', 'go back to the official agent')
    .option('--yes', 'do it without asking')
    .option('--root <dir>', 'the file system of another machine that is mounted there; its services start when it does')
    .option('--json', 'as JSON')
    .action((options: MigrateOptions) => (options.undo === true ? goBack(ctx, options) : takeOver(ctx, options)));
};

async function takeOver(ctx: CliContext, options: MigrateOptions): Promise<void> {
  const { findOfficialAgent } = await import('../migration/facts.ts');
  const { describeStep, planMigration } = await import('../migration/plan.ts');
  const { carryOutMigration } = await import('../migration/carry-out.ts');
  const root = rootOf(ctx, options);
  const plan = planMigration(findOfficialAgent(root, ctx.clock.now()), root);
  const lines = [
    ...plan.found.map((line) => `found: ${line}`),
    ...plan.steps.map((step) => `to do: ${describeStep(step)}`),
    ...plan.notes.map((line) => `note: ${line}`),
  ];
  const todo = plan.steps.map(describeStep);
  if (!(await isAgreed(ctx, options, lines, { ...plan, steps: todo, done: false }))) return;
  await carryOutMigration(await contextOf(ctx, options, root), plan);
  printResult(ctx, options, { ...plan, steps: todo, done: true }, [
    'taken over; `slipway doctor` looks whether all is well, and `slipway migrate-from-codedeploy --undo` goes back',
  ]);
}

async function goBack(ctx: CliContext, options: MigrateOptions): Promise<void> {
  const { describeUndoing, planUndo, undoMigration } = await import('../migration/carry-out.ts');
  const root = rootOf(ctx, options);
  const steps = planUndo(root).map(describeUndoing);
  const lines = steps.map((step) => `to do: ${step}`);
  if (!(await isAgreed(ctx, options, lines, { steps, done: false }))) return;
  await undoMigration(await contextOf(ctx, options, root));
  printResult(ctx, options, { steps, done: true }, ['everything is as it was found']);
}

/** Shows the plan; without `--yes` a person says whether to go on. */
async function isAgreed(ctx: CliContext, options: MigrateOptions, lines: readonly string[], plan: object) {
  const isDry = options.dryRun === true;
  if (isDry || options.json !== true) printResult(ctx, options, plan, lines);
  if (isDry) return false;
  if (options.root === undefined && process.getuid?.() !== 0) {
    throw new SlipwayError('CLI_NOT_ROOT', 'only root can change the services of this machine', {
      remedy: 'Run it as root; with --dry-run anybody who may read the configuration sees the plan.',
    });
  }
  if (options.yes === true) return true;
  if (ctx.ask === null) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', 'nobody is at a terminal to agree to this', {
      remedy: 'Nothing was changed. Add --yes to carry it out, or --dry-run to see the plan.',
    });
  }
  if (/^y(es)?$/i.test((await ctx.ask('carry this out? [y/N] ')).trim())) return true;
  ctx.stderr.write('slipway: nothing was changed\n');
  return false;
}

async function contextOf(ctx: CliContext, options: MigrateOptions, root: string) {
  const { agentServices } = await import('../migration/services.ts');
  const { installService } = await import('../service/install.ts');
  const { DEFAULT_CONFIG_FILE } = await import('../../config/default-config-file.ts');
  const services = agentServices(root);
  services.require();
  const onStep = (text: string) => {
    if (options.json !== true) ctx.stdout.writeLines([text]);
  };
  return {
    ...{ root, services, onStep },
    installService: async () => {
      const args = ['agent', '--config-file', DEFAULT_CONFIG_FILE];
      const service = { name: 'slipway-agent', args, user: null, hiddenFolders: [], environmentFile: null } as const;
      await installService(ctx, service, onStep);
    },
  };
}

function rootOf(ctx: CliContext, { root }: MigrateOptions): string {
  return root === undefined ? '/' : pathFrom(ctx.workingDirectory, root);
}
