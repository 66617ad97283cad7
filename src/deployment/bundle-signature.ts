/** Whether a bundle may be unpacked here, by what its signature says and what this host asks for. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, linkSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { SignatureRules } from '../config/group-settings.ts';
import { isSlipwayError, SlipwayError } from '../errors.ts';
import { nameOfRevision } from '../protocol/revision-name.ts';
import type { DeploymentSpecification } from '../protocol/specification.ts';
import type { FetchRequest } from '../revision/fetch-bundle.ts';
import { commitIdOf, splitCommit } from '../signature/signed-commit.ts';
import {
  judgeFile,
  MAX_SIGNATURE_BYTES,
  readBounded,
  readSigners,
  SIGNATURE_SUFFIXES,
} from '../signature/signed-file.ts';
import type { Signer } from '../signature/signers.ts';
import { Malformed } from '../signature/ssh-wire.ts';
import { judge, parseSignature, type Verdict } from '../signature/verdict.ts';
import type { DeploymentContext } from './context.ts';
import { archiveDirOf, type DeploymentPaths, deploymentPaths } from './layout.ts';

export type SignatureContext = Pick<
  DeploymentContext,
  'rootDir' | 'signatureRules' | 'fetchSignature' | 'clock' | 'log'
>;

/** Where the signatures of a bundle come from: its source, or this host, which has kept them. */
export type SignatureOrigin = 'source' | 'host';

/** The commit object, for a bundle from git. */
const COMMIT_SUFFIX = '.commit';
const SUFFIXES = [...Object.values(SIGNATURE_SUFFIXES), COMMIT_SUFFIX];

/** What a download has to do so that signatures can be held against what it brings. */
export function forSignature(
  ctx: Pick<DeploymentContext, 'signatureRules'>,
  specification: DeploymentSpecification,
  bundleFile: string,
): Pick<FetchRequest, 'isOwnCopy' | 'commitFile'> {
  const isWanted = ctx.signatureRules(specification).policy !== 'off';
  return isWanted ? { isOwnCopy: true, commitFile: commitFileOf(bundleFile) } : {};
}

function commitFileOf(bundleFile: string): string {
  return `${bundleFile}${COMMIT_SUFFIX}`;
}

/**
 * Holds a bundle, as it is on disk and before anything is unpacked, against the signatures that count for its deployment group.
 *
 * What vouches for the bundle stays beside it, so that a later deployment which takes the same files again can ask again, by the rules and keys
 * of its own day.
 *
 * @param bundleFile null: there is none, because the revision is a folder
 * @throws SlipwayError SIGNATURE_…, SIGNERS_UNUSABLE or REVISION_… under the policy `enforce`; under `warn` the log is told
 */
export async function requireSignature(
  ctx: SignatureContext,
  specification: DeploymentSpecification,
  bundleFile: string | null,
  origin: SignatureOrigin,
  signal?: AbortSignal,
): Promise<void> {
  const rules = ctx.signatureRules(specification);
  if (rules.policy === 'off') return;
  const { deploymentId } = specification;
  try {
    const verdict = await lookForSignature(ctx, { specification, rules, bundleFile, origin }, signal);
    ctx.log.info('the bundle is signed', { deploymentId, signer: verdict.signer, key: verdict.keyId });
  } catch (error) {
    signal?.throwIfAborted();
    if (rules.policy === 'enforce' || !isSlipwayError(error)) throw error;
    const { code, message, remedy } = error;
    ctx.log.warn(`${message}; bundle_signature_policy is warn, so it is deployed`, { deploymentId, code, remedy });
  }
}

interface Question {
  readonly specification: DeploymentSpecification;
  readonly rules: SignatureRules;
  readonly bundleFile: string | null;
  readonly origin: SignatureOrigin;
}

type Trusted = Extract<Verdict, { isTrusted: true }>;

/** @returns the first signature that is trusted. @throws SlipwayError saying why there is none */
async function lookForSignature(
  ctx: SignatureContext,
  { specification, rules, bundleFile, origin }: Question,
  signal: AbortSignal | undefined,
): Promise<Trusted> {
  const { revision, applicationName: application } = specification;
  const name = nameOfRevision(revision);
  const signersFile = rules.signersFile ?? '';
  const signers = readSigners(signersFile);
  if (bundleFile === null || revision.revisionType === 'GitHub') {
    const why = bundleFile === null ? 'is a folder' : 'is packed anew by GitHub each time that it is asked for';
    throw new SlipwayError('SIGNATURE_IMPOSSIBLE', `${name} ${why}, so it can have no signature`);
  }
  const nowMs = ctx.clock.now();
  const commitId = revision.revisionType === 'Git' ? revision.commitId : null;
  const commit = readBounded(commitFileOf(bundleFile));
  if (commitId !== null || commit !== null) {
    const verdict = judgeCommit(commit, commitId, signers, nowMs);
    if (verdict.isTrusted) return verdict;
    throw refusal(verdict, name, signersFile, signers);
  }
  const faults: SlipwayError[] = [];
  for (const format of new Set(signers.map((signer) => signer.format))) {
    const suffix = SIGNATURE_SUFFIXES[format];
    const file = `${bundleFile}${suffix}`;
    try {
      if (origin === 'source' && revision.revisionType !== 'Local Directory') {
        const abort = signal === undefined ? {} : { signal };
        rmSync(file, { force: true });
        await ctx.fetchSignature({ revision, suffix, signatureFile: file, maxBytes: MAX_SIGNATURE_BYTES, ...abort });
      }
      const verdict = await judgeFile(bundleFile, { format, file }, signers, application, nowMs, signal);
      if (verdict?.isTrusted === true) return verdict;
      if (verdict !== null) faults.push(refusal(verdict, name, signersFile, signers));
    } catch (error) {
      signal?.throwIfAborted();
      if (!isSlipwayError(error)) throw error;
      faults.push(error);
    }
  }
  const fault = faults.find(({ code }) => code.startsWith('SIGNATURE_')) ?? faults[0];
  throw fault ?? missing(name, origin, signersFile, signers);
}

/** A commit is named by the hash of all that it is of, so whoever has signed it has signed that. */
function judgeCommit(raw: Buffer | null, commitId: string | null, signers: readonly Signer[], nowMs: number): Verdict {
  if (raw === null || (commitId !== null && commitIdOf(raw) !== commitId)) {
    return {
      isTrusted: false,
      code: 'SIGNATURE_MISSING',
      reason: 'the commit that it comes from is not kept on this host',
    };
  }
  const { payload, signature } = splitCommit(raw);
  if (signature === null) return { isTrusted: false, code: 'SIGNATURE_MISSING', reason: 'the commit is not signed' };
  try {
    const parsed = parseSignature('ssh', signature);
    const digest = createHash(parsed.digest).update(payload).digest();
    return judge(parsed, digest, signers, { kind: 'commit' }, nowMs);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const kind = signature.startsWith('-----BEGIN PGP')
      ? 'commits are to be signed with SSH keys, not with PGP'
      : error.message;
    return { isTrusted: false, code: 'SIGNATURE_UNREADABLE', reason: `its signature cannot be read: ${kind}` };
  }
}

function refusal(
  { code, reason }: Exclude<Verdict, Trusted>,
  name: string,
  signersFile: string,
  signers: readonly Signer[],
): SlipwayError {
  return new SlipwayError(code, `${name} is refused: ${reason}. ${trustedIn(signersFile, signers)}`);
}

function missing(name: string, origin: SignatureOrigin, signersFile: string, signers: readonly Signer[]): SlipwayError {
  const formats = [...new Set(signers.map(({ format }) => format))];
  const suffixes = formats.map((format) => `${basename(name)}${SIGNATURE_SUFFIXES[format]}`).join(' and no ');
  const where = origin === 'source' ? 'beside it' : 'kept on this host';
  return new SlipwayError(
    'SIGNATURE_MISSING',
    `${name} is not signed: there is no ${suffixes} ${where}. ${trustedIn(signersFile, signers)}`,
  );
}

/** More would only hide the rest. */
const LISTED_SIGNERS = 5;

function trustedIn(signersFile: string, signers: readonly Signer[]): string {
  const listed = signers.slice(0, LISTED_SIGNERS).map(({ name, keyId }) => `${name} (${keyId})`);
  const more = signers.length - listed.length;
  return `Trusted in ${signersFile}: ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The bundle that a kept archive of this group was unpacked from; null: the folder is none, or its bundle is not kept. */
export function bundleOfArchive(rootDir: string, groupId: string, folder: string): string | null {
  const deploymentDir = dirname(folder);
  const { groupDir, bundleFile } = deploymentPaths(rootDir, groupId, basename(deploymentDir));
  const isArchive = dirname(deploymentDir) === groupDir && folder === archiveDirOf(deploymentDir);
  return isArchive && existsSync(bundleFile) ? bundleFile : null;
}

/** Takes a kept bundle, and what vouches for it, over into another deployment. */
export function keepBundle(source: string, own: string): void {
  rmSync(own, { force: true });
  linkSync(source, own);
  for (const suffix of SUFFIXES) {
    if (existsSync(`${source}${suffix}`)) copyFileSync(`${source}${suffix}`, `${own}${suffix}`);
  }
}

export function removeSignatures({ bundleFile }: Pick<DeploymentPaths, 'bundleFile'>): void {
  for (const suffix of SUFFIXES) rmSync(`${bundleFile}${suffix}`, { force: true });
}
