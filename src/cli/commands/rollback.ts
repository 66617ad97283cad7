import { newLocalDeploymentId } from '../../local/plan.ts';
import type { RollbackPlan } from '../../local/rollback.ts';
import { GROUP_ARGUMENT } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { renderTable } from '../view/table.ts';

interface RollbackOptions {
  readonly group?: string;
  readonly to?: string;
  readonly list?: boolean;
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly configFile?: string;
}

export const addRollbackCommand: AddCommand = (program, ctx, conclude) => {
  program
    .command('rollback')
    .description('go back to a revision that is still on this host; needs no server and no network')
    .option('--group <group>', `${GROUP_ARGUMENT}; else the only one`)
    .option('--to <deployment>', 'a deployment of --list; else the newest that went well before the current one')
    .option('--yes', 'do not ask; where nobody sits at a terminal, nobody is asked anyway')
    .option('--list', 'show what can be gone back to, and change nothing')
    .option('--json', 'one JSON object a line; with --list one in all')
    .option('--config-file <path>', 'the agent’s configuration; else the usual file')
    .action(async (options: RollbackOptions) => {
      const { loadAgentConfig } = await import('../../config/agent-config.ts');
      const { config } = loadAgentConfig(options.configFile ?? null);
      if (options.list === true) return list(ctx, config.rootDir, options);
      const { planRollback } = await import('../../local/rollback.ts');
      const { carryOut, NO_IDENTITY } = await import('../local-deploy.ts');
      const plan = planRollback({
        rootDir: config.rootDir,
        configFile: config.configFile,
        group: options.group ?? null,
        to: options.to ?? null,
        deploymentId: newLocalDeploymentId(ctx.random),
      });
      if (!(await isWanted(ctx, plan, options))) {
        ctx.stderr.write('slipway: nothing was changed\n');
        return conclude('failed');
      }
      if (options.json !== true) ctx.stdout.write(`rolling back to the revision of ${plan.target.deploymentId}\n`);
      // The operator has asked for the files that are here; whether a server's restart may use them is another matter.
      if (!(await carryOut(ctx, { ...config, enableArchiveReuse: true }, plan, NO_IDENTITY, options)))
        conclude('failed');
    });
};

/** Says what a rollback on one host means, and asks the person at the terminal, if there is one. */
async function isWanted(ctx: CliContext, { group, target }: RollbackPlan, options: RollbackOptions): Promise<boolean> {
  const { describeGroup } = await import('../../deployment/groups-on-host.ts');
  const name = describeGroup(group);
  const { deploymentId, installedAtMs, failedStop = null } = target;
  ctx.stderr.write(
    `slipway: warning: only this host goes back; it will differ from its group ${name} until that is deployed to again, and no server is told\n`,
  );
  if (failedStop !== null) {
    ctx.stderr.write(
      `slipway: warning: ${failedStop} of that revision has failed; it may hold up the next deployment\n`,
    );
  }
  if (options.yes === true || ctx.ask === null) return true;
  const when = new Date(installedAtMs).toISOString();
  const answer = await ctx.ask(`go back to the revision of ${deploymentId}, installed ${when}? [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}

async function list(ctx: CliContext, rootDir: string, options: RollbackOptions): Promise<void> {
  const { findGroup } = await import('../../local/find-group.ts');
  const { rollbackChoices } = await import('../../local/rollback.ts');
  const { id: group } = findGroup(rootDir, options.group ?? null);
  const choices = rollbackChoices(rootDir, group);
  if (options.json === true) {
    ctx.stdout.write(`${JSON.stringify({ deploymentGroupId: group, deployments: choices })}\n`);
    return;
  }
  const rows = choices.map(({ deploymentId, installedAtMs, failedEvent, failedStop = null, isCurrent, isOnHost }) => [
    deploymentId,
    new Date(installedAtMs).toISOString(),
    `${failedEvent === null ? 'went well' : `${failedEvent} failed`}${failedStop === null ? '' : `; its ${failedStop} failed later`}`,
    isCurrent ? 'installed now' : isOnHost ? 'on this host' : 'removed',
  ]);
  ctx.stdout.writeLines(renderTable([['DEPLOYMENT', 'INSTALLED', 'ENDING', 'REVISION'], ...rows]));
}
