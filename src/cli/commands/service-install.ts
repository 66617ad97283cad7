/** `slipway agent install` and `slipway server install`: what both offer, and how they tell what was done. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import type { ServiceInstallation } from '../service/install.ts';
import { printLine, printResult, type ResultOptions } from '../view/result.ts';

interface InstallOptions extends ResultOptions {
  readonly print?: boolean;
}

/** @param installationOf what is to be installed, from the command's own options */
export function addInstallAction<Options>(
  command: Command,
  ctx: CliContext,
  installationOf: (options: Options) => ServiceInstallation,
): void {
  command
    .option('--print', 'print the unit and change nothing')
    .option('--json', 'as JSON')
    .action(async (options: Options & InstallOptions) => {
      const installation = installationOf(options);
      const { describeStart, installService, unitForThisMachine } = await import('../service/install.ts');
      if (options.print === true) {
        const text = unitForThisMachine(installation);
        if (options.json === true) printResult(ctx, options, { unit: `${installation.name}.service`, text }, []);
        else ctx.stdout.writeText(text);
        return;
      }
      // Whoever watches sees each step when it is done.
      const onStep = (step: string) => {
        if (options.json !== true) ctx.stdout.writeLines([step]);
      };
      const installed = await installService(ctx, installation, onStep);
      printLine(ctx, options, installed, describeStart(installation.name, installed));
    });
}
