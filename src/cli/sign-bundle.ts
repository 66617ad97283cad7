/** Signs bundles with the programs that have the keys: secret keys, passwords, agents and hardware are none of Slipway's business. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { messageOf, SlipwayError } from '../errors.ts';
import { SIGNATURE_SUFFIXES } from '../signature/signed-file.ts';
import { Malformed } from '../signature/ssh-wire.ts';
import { parseSignature, purposeText, type SignatureFormat } from '../signature/verdict.ts';
import { installationOf } from '../system/program-table.ts';
import { fileFault } from '../system/system-remedies.ts';
import type { CliContext } from './context.ts';

export interface SignRequest {
  readonly bundleFile: string;
  /** A key as `ssh-keygen -Y sign -f` takes it (private, or public with an agent), or a secret key of minisign. */
  readonly keyFile: string;
  /** Application that the bundle may be deployed to; null: any application whose hosts trust the key. */
  readonly application: string | null;
}

export interface SignedBundle {
  /** Beside the bundle. */
  readonly signatureFile: string;
  readonly suffix: string;
  /** The fingerprint, or minisign's key id. */
  readonly keyId: string;
}

/** @throws SlipwayError CLI_CANNOT_SIGN with the words of the program that signs */
export async function signBundle(
  ctx: CliContext,
  { bundleFile, keyFile, application }: SignRequest,
): Promise<SignedBundle> {
  const format = formatOfKey(keyFile);
  const suffix = SIGNATURE_SUFFIXES[format];
  const signatureFile = `${bundleFile}${suffix}`;
  const purpose = purposeText(application);
  rmSync(signatureFile, { force: true });
  if (format === 'ssh') {
    const args = ['-q', '-Y', 'sign', '-n', purpose, '-f', keyFile];
    writeFileSync(signatureFile, await run(ctx, 'ssh-keygen', args, { file: bundleFile }));
  } else {
    const args = ['-S', '-H', '-s', keyFile, '-m', bundleFile, '-x', signatureFile, '-t', purpose];
    await run(ctx, 'minisign', args, 'inherit');
  }
  try {
    const { keyId } = parseSignature(format, readFileSync(signatureFile, 'utf8'));
    return { signatureFile, suffix, keyId };
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause;
    rmSync(signatureFile);
    throw new SlipwayError('CLI_CANNOT_SIGN', `no host would accept a signature with ${keyFile}: ${cause.message}`, {
      cause,
    });
  }
}

function formatOfKey(keyFile: string): SignatureFormat {
  try {
    return readFileSync(keyFile, 'latin1').startsWith('untrusted comment:') ? 'minisign' : 'ssh';
  } catch (cause) {
    throw new SlipwayError('CLI_CANNOT_SIGN', `the key cannot be read: ${messageOf(cause)}`, fileFault(cause));
  }
}

/** Passes the program's questions to the terminal as they come. */
async function run(
  ctx: CliContext,
  program: 'ssh-keygen' | 'minisign',
  args: readonly string[],
  stdin: { readonly file: string } | 'inherit',
): Promise<string> {
  const child = execa(program, args, {
    stdin,
    env: ctx.env,
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    cancelSignal: ctx.interrupted,
  });
  child.stderr.on('data', (text: Buffer) => ctx.stderr.writeText(text.toString()));
  const { failed, code, stdout, stderr, shortMessage = '' } = await child;
  ctx.interrupted.throwIfAborted();
  if (!failed) return stdout;
  if (code === 'ENOENT') {
    throw new SlipwayError('CLI_CANNOT_SIGN', `${program} is not installed here`, {
      remedy: `${installationOf(program)}.`,
    });
  }
  throw new SlipwayError('CLI_CANNOT_SIGN', `${program} could not sign: ${stderr.trim() || shortMessage}`);
}
