import type { AddCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import type { Finding } from '../doctor/check.ts';

export const addDoctorCommand: AddCommand = (program, ctx, conclude) => {
  program
    .command('doctor')
    .description('look for what keeps the agent of this machine from working, and say what to do about it')
    .option('--json', 'findings as JSON')
    .option('--config-file <path>', 'the agent’s configuration; else the usual file')
    .action(async (options: { json?: boolean; configFile?: string }) => {
      const findings = await examine(ctx, options.configFile ?? null);
      ctx.stdout.write(options.json === true ? `${JSON.stringify(findings)}\n` : render(findings));
      if (findings.some(({ status }) => status === 'fail')) conclude('failed');
    });
};

async function examine(ctx: CliContext, configFile: string | null): Promise<readonly Finding[]> {
  const { loadAgentConfig } = await import('../../config/agent-config.ts');
  const { ok, warn } = await import('../doctor/check.ts');
  const host = await import('../doctor/host.ts');
  const { lookAtSignatures } = await import('../doctor/signatures.ts');
  const { lookAtEndpoint } = await import('../doctor/endpoint.ts');
  const { config, file, warnings } = loadAgentConfig(configFile);
  return [
    ok('configuration', file ?? 'defaults: there is no file'),
    ...warnings.map((warning) => warn('configuration', warning, 'Mend the line, or take it out.')),
    host.lookAtAgent(config),
    ...(await lookAtEndpoint(ctx, config)),
    ...host.lookAtFolders(config),
    host.lookAtDisk(config),
    host.lookAtJournals(config),
    ...lookAtSignatures(config, ctx.clock.now()),
    ...host.lookAtTools(ctx.env['PATH']),
  ];
}

function render(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ status, check, detail, remedy }) => [
    `${status.padEnd(4)}  ${check.padEnd(width)}  ${detail}`,
    ...(remedy === null ? [] : [`${' '.repeat(6 + width + 2)}to do: ${remedy}`]),
  ]);
  const count = (wanted: Finding['status'], word: string) => {
    const number = findings.filter(({ status }) => status === wanted).length;
    return `${number} ${word}${number === 1 ? '' : 's'}`;
  };
  return `${lines.join('\n')}\n${count('fail', 'fault')}, ${count('warn', 'warning')}\n`;
}
