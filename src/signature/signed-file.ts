/** Signatures as files beside what they are of. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import { fileFault } from '../system/system-remedies.ts';
import { parseSigners, type Signer } from './signers.ts';
import { Malformed } from './ssh-wire.ts';
import { judge, parseSignature, refused, type SignatureFormat, unreadable, type Verdict } from './verdict.ts';

/** More than any signature has, certificates and the longest keys included. */
export const MAX_SIGNATURE_BYTES = 64 * 1024;
/** Endings of a signature's name, after the whole name of the bundle, as `ssh-keygen -Y sign` and `minisign -S` have it. */
export const SIGNATURE_SUFFIXES: Readonly<Record<SignatureFormat, string>> = { ssh: '.sig', minisign: '.minisig' };

const READ_BYTES = 1024 * 1024;

/** @throws SlipwayError SIGNERS_UNUSABLE when the file cannot be read, has no key, or a line that is not understood */
export function readSigners(file: string | null): readonly Signer[] {
  if (file === null) throw new SlipwayError('SIGNERS_UNUSABLE', 'no bundle_signers_file says whose signatures count');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SlipwayError(
      'SIGNERS_UNUSABLE',
      `the file of trusted signers cannot be read: ${messageOf(cause)}`,
      fileFault(cause),
    );
  }
  const { signers, problems } = parseSigners(text);
  if (problems.length > 0) throw new SlipwayError('SIGNERS_UNUSABLE', `${file}: ${problems.join('; ')}`);
  if (signers.length === 0) throw new SlipwayError('SIGNERS_UNUSABLE', `${file} has no key in it`);
  return signers;
}

export interface SignatureFile {
  readonly format: SignatureFormat;
  readonly file: string;
}

/** Holds a bundle against the signatures that there are: one that counts is enough; else the first says what is wrong. */
export async function judgeFile(
  bundleFile: string,
  signatures: readonly SignatureFile[],
  signers: readonly Signer[],
  application: string,
  nowMs: number,
  signal?: AbortSignal,
): Promise<Verdict> {
  let first: Verdict | null = null;
  for (const { format, file } of signatures) {
    const bytes = readBounded(file);
    if (bytes === null) continue;
    let verdict: Verdict;
    try {
      if (bytes.length > MAX_SIGNATURE_BYTES) throw new Malformed(`it is larger than ${MAX_SIGNATURE_BYTES} bytes`);
      const signature = parseSignature(format, bytes.toString('utf8'));
      const digest = await digestOfFile(bundleFile, signature.digest, signal);
      verdict = judge(signature, digest, signers, { kind: 'bundle', application }, nowMs);
    } catch (error) {
      verdict = unreadable(error);
    }
    if (verdict.isTrusted) return verdict;
    first ??= verdict;
  }
  return first ?? refused('SIGNATURE_MISSING', 'there is no signature');
}

/** A file that is small if it is what it should be: one byte more than that at most. @returns null when there is none */
export function readBounded(path: string): Buffer | null {
  let file: number;
  try {
    if (!statSync(path).isFile()) return null;
    file = openSync(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const buffer = Buffer.alloc(MAX_SIGNATURE_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(file, buffer, length, buffer.length - length, length);
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/** Synchronous, piece by piece, as all work on bundles is; a stop is heard between the pieces. */
async function digestOfFile(path: string, algorithm: string, signal: AbortSignal | undefined): Promise<Buffer> {
  const hash = createHash(algorithm);
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const file = openSync(path, 'r');
  try {
    for (;;) {
      signal?.throwIfAborted();
      const length = readSync(file, buffer, 0, buffer.length, null);
      if (length === 0) return hash.digest();
      hash.update(buffer.subarray(0, length));
      await new Promise(setImmediate);
    }
  } finally {
    closeSync(file);
  }
}
