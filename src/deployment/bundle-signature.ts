/** Whether a bundle may be unpacked here, by what its signature says and what this host asks for. */
import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import type { SignatureRules } from '../config/group-settings.ts';
import { isSlipwayError, SlipwayError } from '../errors.ts';
import { nameOfRevision } from '../protocol/revision-name.ts';
import type { DeploymentSpecification } from '../protocol/specification.ts';
import type { FetchRequest } from '../revision/types.ts';
import { judgeCommit } from '../signature/signed-commit.ts';
import {
  judgeFile,
  MAX_SIGNATURE_BYTES,
  readBounded,
  readSigners,
  SIGNATURE_SUFFIXES,
} from '../signature/signed-file.ts';
import type { Signer } from '../signature/signers.ts';
import type { TrustedVerdict } from '../signature/verdict.ts';
import type { DeploymentContext } from './context.ts';
import { commitFileOf } from './kept-bundle.ts';

export type SignatureContext = Pick<DeploymentContext, 'signatureRules' | 'fetchSignature' | 'clock' | 'log'>;

/** A bundle on this host, and where its signatures are: at its source, or on this host, too, which has kept them. */
export interface BundleToJudge {
  /** null: there is none, because the revision is a folder. */
  readonly bundleFile: string | null;
  readonly signaturesAt: 'source' | 'host';
}

/** Settings of the download under which its bundle's signature can be checked. */
export function forSignature(
  ctx: Pick<DeploymentContext, 'signatureRules'>,
  specification: DeploymentSpecification,
  bundleFile: string,
): Pick<FetchRequest, 'isOwnCopy' | 'commitFile'> {
  const isWanted = ctx.signatureRules(specification).policy !== 'off';
  return isWanted ? { isOwnCopy: true, commitFile: commitFileOf(bundleFile) } : {};
}

/**
 * Checks a bundle on disk, before anything is unpacked, against the signatures that its deployment group demands, by the rules and keys of
 * this moment.
 *
 * @throws SlipwayError SIGNATURE_…, SIGNERS_UNUSABLE or REVISION_… under the policy `enforce`; under `warn` the log is told
 */
export async function requireSignature(
  ctx: SignatureContext,
  specification: DeploymentSpecification,
  bundle: BundleToJudge,
  signal?: AbortSignal,
): Promise<void> {
  const rules = ctx.signatureRules(specification);
  if (rules.policy === 'off') return;
  const { deploymentId } = specification;
  try {
    const { signer, keyId } = await findSignature(ctx, specification, rules, bundle, signal);
    ctx.log.info('the bundle is signed', { deploymentId, signer, key: keyId });
  } catch (error) {
    signal?.throwIfAborted();
    if (rules.policy === 'enforce' || !isSlipwayError(error)) throw error;
    const { code, message, remedy } = error;
    ctx.log.warn(`${message}; bundle_signature_policy is warn, so it is deployed`, { deploymentId, code, remedy });
  }
}

/** @throws SlipwayError saying why there is none that counts */
async function findSignature(
  ctx: SignatureContext,
  specification: DeploymentSpecification,
  { signersFile }: SignatureRules,
  { bundleFile, signaturesAt }: BundleToJudge,
  signal: AbortSignal | undefined,
): Promise<TrustedVerdict> {
  const { revision, applicationName } = specification;
  const name = nameOfRevision(revision);
  const signers = readSigners(signersFile);
  if (bundleFile === null || revision.revisionType === 'GitHub') {
    const why = bundleFile === null ? 'is a folder' : 'is packed anew by GitHub each time that it is asked for';
    throw new SlipwayError('SIGNATURE_IMPOSSIBLE', `${name} ${why}, so it can have no signature`);
  }
  const trusted = trustedIn(signersFile, signers);
  const nowMs = ctx.clock.now();
  const commitId = revision.revisionType === 'Git' ? revision.commitId : null;
  const commit = readBounded(commitFileOf(bundleFile));
  if (commitId !== null || commit !== null) {
    const verdict = judgeCommit(commit, commitId, signers, nowMs);
    if (verdict.isTrusted) return verdict;
    throw new SlipwayError(verdict.code, `${name} is refused: ${verdict.reason}. ${trusted}`);
  }
  const formats = [...new Set(signers.map(({ format }) => format))];
  const signatures = formats.map((format) => ({ format, file: `${bundleFile}${SIGNATURE_SUFFIXES[format]}` }));
  const faults: SlipwayError[] = [];
  if (signaturesAt === 'source' && revision.revisionType !== 'Local Directory') {
    for (const { format, file: signatureFile } of signatures) {
      rmSync(signatureFile, { force: true });
      const request = { revision, suffix: SIGNATURE_SUFFIXES[format], signatureFile, maxBytes: MAX_SIGNATURE_BYTES };
      try {
        await ctx.fetchSignature({ ...request, ...(signal === undefined ? {} : { signal }) });
      } catch (error) {
        signal?.throwIfAborted();
        if (!isSlipwayError(error)) throw error;
        // Another kind of signature may be there, and be good.
        faults.push(error);
      }
    }
  }
  const verdict = await judgeFile(bundleFile, signatures, signers, applicationName, nowMs, signal);
  if (verdict.isTrusted) return verdict;
  if (verdict.code !== 'SIGNATURE_MISSING') {
    throw new SlipwayError(verdict.code, `${name} is refused: ${verdict.reason}. ${trusted}`);
  }
  const [fault] = faults;
  if (fault !== undefined) throw fault;
  // A signature has no version of its own.
  const bundle = basename(revision.revisionType === 'S3' ? revision.key : name);
  const names = formats.map((format) => `${bundle}${SIGNATURE_SUFFIXES[format]}`).join(' and no ');
  const where = signaturesAt === 'source' ? 'beside it' : 'kept on this host';
  throw new SlipwayError(verdict.code, `${name} is not signed: there is no ${names} ${where}. ${trusted}`);
}

/** More would only hide the rest. */
const LISTED_SIGNERS = 5;

function trustedIn(signersFile: string | null, signers: readonly Signer[]): string {
  const listed = signers.slice(0, LISTED_SIGNERS).map(({ name, keyId }) => `${name} (${keyId})`);
  const more = signers.length - listed.length;
  return `Trusted in ${signersFile}: ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
