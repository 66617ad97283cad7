import { pathFrom } from '../../system/working-folder.ts';
import type { AddCommand } from '../command.ts';

interface SignOptions {
  readonly key: string;
  readonly application?: string;
  readonly json?: boolean;
}

export const addSignCommand: AddCommand = (program, ctx) => {
  program
    .command('sign')
    .argument('<bundle>', 'a bundle file')
    .description('sign a bundle; the signature goes beside it, as BUNDLE.sig or BUNDLE.minisig, and must go with it')
    .requiredOption('--key <file>', 'an SSH key (private, or public with an agent), or a secret key of minisign')
    .option(
      '--application <name>',
      'the only application that it may be deployed to; else any whose hosts trust the key',
    )
    .option('--json', 'as JSON')
    .action(async (bundle: string, options: SignOptions) => {
      const { signBundle } = await import('../sign-bundle.ts');
      const at = (path: string) => pathFrom(ctx.workingDirectory, path);
      const { signatureFile, keyId } = await signBundle(ctx, {
        bundleFile: at(bundle),
        keyFile: at(options.key),
        application: options.application ?? null,
      });
      ctx.stdout.write(
        options.json === true
          ? `${JSON.stringify({ signatureFile, key: keyId })}\n`
          : `signed with ${keyId}: ${signatureFile}\n`,
      );
    });
};
