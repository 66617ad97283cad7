import { existsSync } from 'node:fs';
import { SlipwayError } from '../../errors.ts';
import type { SignatureFormat, Verdict } from '../../signature/verdict.ts';
import { pathFrom } from '../../system/working-folder.ts';
import type { AddCommand } from '../command.ts';
import type { CliContext } from '../context.ts';

interface VerifyOptions {
  readonly signers?: string;
  readonly signature?: string;
  readonly application: string;
  readonly agentConfigurationFile?: string;
  readonly json?: boolean;
}

export const addVerifyCommand: AddCommand = (program, ctx, conclude) => {
  program
    .command('verify')
    .argument('<bundle>', 'a bundle file, with its signature beside it')
    .description('check a bundle’s signature as the agent would; exits with 1 if it would be refused')
    .requiredOption('--application <name>', 'the application that it is to be deployed to')
    .option('--signers <file>', 'whose signatures count; else bundle_signers_file of the agent’s configuration')
    .option('--signature <file>', 'the signature; else BUNDLE.sig and BUNDLE.minisig')
    .option('-c, --agent-configuration-file <path>', 'the agent’s configuration; else the usual file')
    .option('--json', 'as JSON')
    .action(async (bundle: string, options: VerifyOptions) => {
      const verdict = await verify(ctx, bundle, options);
      ctx.stdout.write(options.json === true ? `${JSON.stringify(verdict)}\n` : `${bundle}: ${wordsOf(verdict)}\n`);
      if (!verdict.isTrusted) conclude('failed');
    });
};

async function verify(ctx: CliContext, bundle: string, options: VerifyOptions): Promise<Verdict> {
  const { judgeFile, readSigners, SIGNATURE_SUFFIXES } = await import('../../signature/signed-file.ts');
  const { loadAgentConfig } = await import('../../config/agent-config.ts');
  const at = (path: string) => pathFrom(ctx.workingDirectory, path);
  const bundleFile = at(bundle);
  if (!existsSync(bundleFile)) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `there is no bundle ${bundleFile}`, { remedy: 'Check the path.' });
  }
  const signersFile =
    options.signers === undefined
      ? loadAgentConfig(options.agentConfigurationFile ?? null).config.bundleSignatures.signersFile
      : at(options.signers);
  if (signersFile === null) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', 'nothing says whose signatures count', {
      remedy: 'Pass --signers FILE, or set bundle_signers_file in the agent’s configuration.',
    });
  }
  const signers = readSigners(signersFile);
  const formats: readonly SignatureFormat[] = ['ssh', 'minisign'];
  const signatures =
    options.signature === undefined
      ? formats.map((format) => ({ format, file: `${bundleFile}${SIGNATURE_SUFFIXES[format]}` }))
      : [{ format: formatOfName(options.signature), file: at(options.signature) }];
  return judgeFile(bundleFile, signatures, signers, options.application, ctx.clock.now(), ctx.interrupted);
}

function formatOfName(signature: string): SignatureFormat {
  return signature.endsWith('.minisig') ? 'minisign' : 'ssh';
}

function wordsOf(verdict: Verdict): string {
  return verdict.isTrusted
    ? `signed by ${verdict.signer} (${verdict.keyId})`
    : `refused: ${verdict.reason} [${verdict.code}]`;
}
