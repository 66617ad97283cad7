import type { AgentConfig, LoadedConfig } from '../../config/agent-config.ts';
import { isSlipwayError, messageOf } from '../../errors.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { pathFrom } from '../../system/working-folder.ts';
import type { AddCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import type { Finding } from '../doctor/check.ts';
import type { Surroundings } from '../doctor/surroundings.ts';
import { printResult } from '../view/result.ts';

export const addDoctorCommand: AddCommand = (program, ctx, conclude) => {
  program
    .command('doctor')
    .description('look for what keeps the agent of this machine from working, and say what to do about it')
    .option('--json', 'findings as JSON')
    .option('--config-file <path>', 'the agent’s configuration; else that of its service, or the usual file')
    .action(async (options: { json?: boolean; configFile?: string }) => {
      const findings = await examine(ctx, options.configFile ?? null);
      const { findingLines, hasFault } = await import('../doctor/report.ts');
      printResult(ctx, options, findings, findingLines(findings));
      if (hasFault(findings)) conclude('failed');
    });
};

async function examine(ctx: CliContext, configFile: string | null): Promise<readonly Finding[]> {
  const { loadAgentConfig } = await import('../../config/agent-config.ts');
  const { canReadAs } = await import('../doctor/access.ts');
  const { fail, warn } = await import('../doctor/check.ts');
  const { findSurroundings } = await import('../doctor/surroundings.ts');
  const wanted = configFile === null ? null : pathFrom(ctx.workingDirectory, configFile);
  const around = await findSurroundings(wanted, ctx.env);
  const { serviceConfigFile } = around;
  const isOther = wanted !== null && around.service === null && serviceConfigFile !== null;
  const findings: Finding[] = [...around.findings];
  if (isOther) {
    const remedy = `Leave --config-file away to look at the service, or \`${shellCommand('slipway', 'agent', 'install', '--config-file', wanted)}\`.`;
    findings.push(warn('service', `runs with ${serviceConfigFile}, and not with ${wanted}`, remedy));
  }
  let loaded: LoadedConfig;
  try {
    loaded = loadAgentConfig(wanted ?? serviceConfigFile);
  } catch (error) {
    const remedy = isSlipwayError(error) ? error.remedy : 'Correct the file.';
    findings.push(fail('configuration', messageOf(error), remedy));
    return [...findings, ...(await lookAtServiceAlone(around))];
  }
  const { config, file, warnings } = loaded;
  return [
    lookAtFile(file, around.user, canReadAs),
    ...warnings.map((warning) => warn('configuration', warning, 'Correct the line, or take it out.')),
    ...findings,
    ...(await lookAround(ctx, config, around)),
  ];
}

/** A person who asks may read what the service's user may not. */
function lookAtFile(
  file: string | null,
  user: string | null,
  canRead: (file: string, user: string) => boolean | null,
): Finding {
  const finding = {
    check: 'configuration',
    status: 'ok',
    detail: file ?? 'defaults: there is no file',
    remedy: null,
  } as const;
  if (file === null || user === null || canRead(file, user) !== false) return finding;
  const command = shellCommand('chown', `${user}:`, file);
  return {
    ...finding,
    status: 'fail',
    detail: `${file} cannot be read by ${user}, whom the service runs as`,
    remedy: `Let that user read it: \`${command}\`, or \`${shellCommand('chmod', 'o+r', file)}\`. The folders on the way must be open to it, too.`,
  };
}

async function lookAround(ctx: CliContext, config: AgentConfig, around: Surroundings): Promise<readonly Finding[]> {
  const { lookAtAgent } = await import('../doctor/agent.ts');
  const { environmentOf } = await import('../doctor/service-environment.ts');
  const { lookAtJournals, lookAtMachine, lookAtTools } = await import('../doctor/host.ts');
  const { readMachineFacts } = await import('../../system/machine-facts.ts');
  const { lookAtDisk, lookAtFolders } = await import('../doctor/folders.ts');
  const { lookAtSignatures } = await import('../doctor/signatures.ts');
  const { lookAtOrders } = await import('../doctor/orders.ts');
  const { explainFailingPolls } = await import('../doctor/kept-away.ts');
  const { lookAtEndpoint } = await import('../doctor/endpoint.ts');
  const { findings, pid } = await lookAtAgent(ctx, config, around);
  // An agent that somebody has started by hand has an environment of its own, too.
  const env = (around.envOf === 'caller' && pid !== null ? environmentOf(pid) : null) ?? around.env;
  const { user } = around;
  const ofEndpoint = await lookAtEndpoint({ clock: ctx.clock, env, user }, config);
  return [
    ...(around.service === null ? findings : explainFailingPolls(findings, ofEndpoint)),
    ...ofEndpoint,
    ...lookAtFolders(config, { pid, user, env }),
    ...lookAtDisk(config),
    lookAtJournals(config),
    ...lookAtSignatures(config, ctx.clock.now()),
    ...(await lookAtOrders(config, env)),
    ...lookAtTools(env['PATH']),
    ...lookAtMachine(readMachineFacts(), user),
  ];
}

/** Checks what needs no configuration, where it cannot be read. */
async function lookAtServiceAlone({ service }: Surroundings): Promise<readonly Finding[]> {
  if (service === null) return [];
  const { lookAtService } = await import('../doctor/service-state.ts');
  const { AGENT_SERVICE } = await import('../doctor/surroundings.ts');
  return lookAtService(service, AGENT_SERVICE, 'slipway agent install');
}
