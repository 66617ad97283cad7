import { rmSync } from 'node:fs';
import { GROUP_ARGUMENT } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { printResult } from '../view/result.ts';

export const addResetGroupCommand: AddCommand = (program, ctx) => {
  program
    .command('reset-group')
    .argument('<group>', GROUP_ARGUMENT)
    .description(
      'forget the last revision of a deployment group, so that the next deployment runs none of its stop scripts',
    )
    .option('--files', 'forget as well which files it has installed: they stay, and belong to nobody any more')
    .option('--json', 'as JSON')
    .option('--config-file <path>', 'the agent’s configuration; else the usual file')
    .action(async (group: string, options: { configFile?: string; files?: boolean; json?: boolean }) => {
      const { loadAgentConfig } = await import('../../config/agent-config.ts');
      const { withGroupLock } = await import('../../deployment/group-lock.ts');
      const { describeGroup } = await import('../../deployment/groups-on-host.ts');
      const { withInstallLock } = await import('../../deployment/install-lock.ts');
      const { groupPointers, installedFilesRecords, readPointer } = await import('../../deployment/layout.ts');
      const { findGroup } = await import('../../local/find-group.ts');
      const { silentLogger } = await import('../../logging/logger.ts');
      const { rootDir } = loadAgentConfig(options.configFile ?? null).config;
      const found = findGroup(rootDir, group);
      const lockContext = { rootDir, clock: ctx.clock, log: silentLogger };
      const forgotten: string[] = [];
      await withGroupLock(lockContext, found.id, 0, async () => {
        for (const pointer of Object.values(groupPointers(rootDir, found.id))) {
          const deploymentDir = readPointer(pointer);
          rmSync(pointer, { force: true });
          if (deploymentDir !== null) forgotten.push(`${deploymentDir} (${pointer})`);
        }
        if (options.files !== true) return;
        // An Install of another group may be about to take files over, and to rewrite these very records.
        await withInstallLock(lockContext, 0, async () => {
          for (const file of installedFilesRecords(rootDir, found.id)) {
            rmSync(file, { force: true });
            forgotten.push(`what ${file} lists`);
          }
        });
      });
      const kept = options.files === true ? '' : ', and are still known as this group’s';
      const text = [
        ...forgotten.map((what) => `forgot ${what}`),
        `the next deployment to ${describeGroup(found)} begins as a first one: ApplicationStop runs no scripts. Installed files stay${kept}`,
      ];
      printResult(ctx, options, { group: found, forgotten }, text);
    });
};
