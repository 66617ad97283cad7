import { Option } from 'commander';
import { SlipwayError } from '../../errors.ts';
import type { LocalBundleType } from '../../local/location.ts';
import type { FileExistsBehavior } from '../../protocol/specification.ts';
import { GROUP_ARGUMENT } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions } from '../connection.ts';
import type { CliContext } from '../context.ts';
import type { ExitReason } from '../exit-status.ts';

interface PlanOptions extends ConnectionOptions {
  readonly type?: LocalBundleType;
  readonly fileExistsBehavior: FileExistsBehavior;
  readonly group?: string;
  readonly deploymentGroup?: string;
  readonly events?: string;
  readonly agentConfigurationFile?: string;
  readonly appspecFilename: string;
  readonly githubToken?: string;
  readonly appspec?: string;
  readonly config?: string;
  readonly application?: string;
  readonly json?: boolean;
}

export const addPlanCommand: AddCommand = (program, ctx, conclude) => {
  const command = program
    .command('plan')
    .argument('[bundle]', 'a folder, a bundle file, or any other bundle location of slipway local', '.')
    .description(
      'show what Install would do to this host and which scripts would run, and change nothing; exits with 0 if Install would change nothing, 10 if it would, 1 if it cannot be done',
    )
    .addOption(
      new Option('-t, --type <type>', 'kind of bundle; else seen from the file itself').choices([
        'tgz',
        'tar',
        'zip',
        'directory',
      ]),
    )
    .addOption(
      new Option('-b, --file-exists-behavior <behavior>', 'what to do with files that another hand put there')
        .choices(['DISALLOW', 'OVERWRITE', 'RETAIN'])
        .default('DISALLOW'),
    )
    .option('--group <group>', `${GROUP_ARGUMENT}; else the only one of this host, or a new one where there is none`)
    .option('-g, --deployment-group <id>', 'deployment group by its id alone, a folder name, which may be new')
    .option('-e, --events <events>', 'lifecycle events, separated by commas, in order; else all')
    .option('-c, --agent-configuration-file <path>', 'the agent’s configuration; else the usual file')
    .option('-A, --appspec-filename <name>', 'name of the AppSpec file', 'appspec.yml')
    .option('--github-token <token>', 'for private repositories; else CODEDEPLOY_GITHUB_TOKEN')
    .option(
      '--appspec <file>',
      'Lambda and ECS: show the calls that a deployment of this AppSpec file would make; - for the standard input. With --group the server is asked how everything stands, which ECS needs',
    )
    .option('--config <name>', 'with --appspec: a deployment configuration; else the group’s, or all traffic at once')
    .option('--application <name>', 'with --appspec: the application, where the group’s name alone is not enough')
    .option('--json', 'the plan as JSON');
  addConnectionOptions(command).action(async (bundle: string, options: PlanOptions) =>
    conclude(await plan(ctx, bundle, options)),
  );
};

/** @throws SlipwayError CLI_BAD_ARGUMENT; as every call to a server */
async function planTraffic(ctx: CliContext, file: string, options: PlanOptions): Promise<ExitReason> {
  const { trafficPlan } = await import('../traffic-plan.ts');
  const { plannedCallLines } = await import('../view/traffic-plan.ts');
  const planned = await trafficPlan(ctx, file, options);
  const { calls, errorInformation: fault } = planned;
  if (options.json) ctx.stdout.writeLines([JSON.stringify(planned)]);
  else if (fault === undefined) ctx.stdout.writeLines(plannedCallLines(calls));
  else ctx.stdout.writeLines([`the deployment would fail before anything moves: ${fault.code}`, fault.message]);
  return fault === undefined ? 'ok' : 'failed';
}

async function plan(ctx: CliContext, bundle: string, options: PlanOptions): Promise<ExitReason> {
  if (options.appspec !== undefined) return planTraffic(ctx, options.appspec, options);
  const ofTraffic = ['config', 'application', 'endpointUrl', 'region', 'profile', 'caFile'] as const;
  const given = ofTraffic.find((name) => options[name] !== undefined);
  if (given !== undefined) {
    const flag = `--${given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new SlipwayError('CLI_BAD_ARGUMENT', `${flag} is for a plan of traffic, and goes with --appspec`, {
      remedy: `Leave ${flag} out: this plan is for the host itself.`,
    });
  }
  const { loadAgentConfig } = await import('../../config/agent-config.ts');
  const { createDeploymentContext } = await import('../../deployment/create-context.ts');
  const { planOnHost } = await import('../../local/plan-on-host.ts');
  const { identityFor, localPlanFor } = await import('../local-deploy.ts');
  const { groupToPlanFor } = await import('../group-to-plan.ts');
  const { renderHostPlan } = await import('../view/host-plan.ts');
  const { config } = loadAgentConfig(options.agentConfigurationFile ?? null);
  const localPlan = localPlanFor(ctx, config, {
    ...options,
    bundleLocation: bundle,
    ...groupToPlanFor(config.rootDir, options),
  });
  const identity = await identityFor(ctx, config, localPlan);
  const quiet = () => {};
  const warn = (message: string) => ctx.stderr.write(`slipway: ${message}\n`);
  const deployment = createDeploymentContext(config, {
    ...identity,
    baseEnvironment: ctx.env,
    clock: ctx.clock,
    log: { debug: quiet, info: quiet, warn, error: warn },
  });
  const hostPlan = await planOnHost(deployment, localPlan, ctx.interrupted);
  ctx.stdout.writeLines(options.json ? [JSON.stringify(hostPlan)] : renderHostPlan(hostPlan));
  switch (hostPlan.outcome) {
    case 'impossible':
      return 'failed';
    case 'changed':
      return 'changes';
    case 'unchanged':
      return 'ok';
  }
}
