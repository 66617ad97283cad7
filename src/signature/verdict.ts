/** Whether a signature makes a bundle, or a commit, one that may be deployed. Pure: bytes and keys in, verdict out. */
import type { ErrorCode } from '../errors.ts';
import { isMinisignedBy, type MinisignSignature, parseMinisignSignature } from './minisign.ts';
import { type MinisignSigner, matchesPatterns, type Signer, type SshSigner } from './signers.ts';
import type { SshCertificate } from './ssh-certificate.ts';
import { hasSigned } from './ssh-key.ts';
import { parseSshSignature, type SshSignature } from './ssh-signature.ts';
import { Malformed, quoted } from './ssh-wire.ts';

export type SignatureFormat = 'ssh' | 'minisign';
export type Signature = SshSignature | MinisignSignature;

export type Verdict = TrustedVerdict | RefusedVerdict;

export interface TrustedVerdict {
  readonly isTrusted: true;
  readonly signer: string;
  readonly keyId: string;
}

export interface RefusedVerdict {
  readonly isTrusted: false;
  readonly code: SignatureFault;
  /** Fault of the signature: a clause whose subject is `it`. */
  readonly reason: string;
}

export type SignatureFault = Extract<ErrorCode, `SIGNATURE_${string}`>;

/** Purpose that a signature must have. */
export type Purpose =
  | { readonly kind: 'bundle'; readonly application: string }
  /** A commit in git is signed by its author, which is no word on deploying it unless the signers’ file says so. */
  | { readonly kind: 'commit' };

/** Purpose in all signatures of bundles: the namespace of SSH's, the trusted comment of minisign's. */
const BUNDLE_PURPOSE = 'slipway-bundle';
const COMMIT_NAMESPACE = 'git';

/** @param application null: the signature counts for a bundle of any */
export function purposeText(application: string | null): string {
  return application === null ? BUNDLE_PURPOSE : `${BUNDLE_PURPOSE}:${application}`;
}

/** @throws Malformed saying what is wrong with it */
export function parseSignature(format: SignatureFormat, text: string): Signature {
  return format === 'ssh' ? parseSshSignature(text) : parseMinisignSignature(text);
}

/** @param digest of the content, by the hash that the signature names */
export function judge(
  signature: Signature,
  digest: Buffer,
  signers: readonly Signer[],
  purpose: Purpose,
  nowMs: number,
): Verdict {
  const lines = signers.filter((signer) => isOf(signer, signature));
  const isCertified = signature.format === 'ssh' && signature.certificate !== null;
  const whose = isCertified ? 'a certificate of the authority' : 'the key';
  const unknown = refused(
    'SIGNATURE_UNTRUSTED',
    `it is signed with ${whose} ${signature.keyId}, which is not trusted here`,
  );
  // A signer with several lines may do what any of them allows.
  const verdicts = lines.map((signer) => judgeBy(signer, signature, digest, purpose, nowMs));
  return verdicts.find(({ isTrusted }) => isTrusted) ?? verdicts[0] ?? unknown;
}

function isOf(signer: Signer, signature: Signature): boolean {
  if (signer.keyId !== signature.keyId) return false;
  if (signer.format === 'minisign' || signature.format === 'minisign') return signer.format === signature.format;
  return signer.isAuthority === (signature.certificate !== null);
}

function judgeBy(signer: Signer, signature: Signature, digest: Buffer, purpose: Purpose, nowMs: number): Verdict {
  try {
    const fault = faultOf(signer, signature, digest, purpose, nowMs);
    return fault ?? { isTrusted: true, signer: signer.name, keyId: signer.keyId };
  } catch (error) {
    return unreadable(error);
  }
}

/** @throws what is no fault of the signature's */
export function unreadable(error: unknown): RefusedVerdict {
  if (!(error instanceof Malformed)) throw error;
  return refused('SIGNATURE_UNREADABLE', `its signature cannot be read: ${error.message}`);
}

function faultOf(
  signer: Signer,
  signature: Signature,
  digest: Buffer,
  purpose: Purpose,
  nowMs: number,
): RefusedVerdict | null {
  if (signer.format === 'ssh' && signature.format === 'ssh')
    return faultOfSsh(signer, signature, digest, purpose, nowMs);
  if (signer.format === 'minisign' && signature.format === 'minisign')
    return faultOfMinisign(signer, signature, digest, purpose);
  return mismatch(signer);
}

function faultOfSsh(
  signer: SshSigner,
  signature: SshSignature,
  digest: Buffer,
  purpose: Purpose,
  nowMs: number,
): RefusedVerdict | null {
  const { name, keyId, namespaces, validAfterMs, validBeforeMs } = signer;
  const { namespace, certificate } = signature;
  // Whose key it is comes first: nothing is computed with one that nobody vouches for.
  const uncertified = certificate === null ? null : faultOfCertificate(signer, certificate, nowMs);
  if (uncertified !== null) return uncertified;
  const signed = signature.signedBytes(digest);
  const isSigned =
    certificate === null
      ? signer.key.hasSigned(signed, signature.signature)
      : hasSigned(certificate.material, signed, signature.signature);
  if (!isSigned) return mismatch(signer);
  const isAllowed = namespaces === null ? purpose.kind === 'bundle' : matchesPatterns(namespaces, namespace);
  if (!isAllowed) {
    const what = namespaces === null ? 'does not name it' : `allows ${namespaces}`;
    return refused(
      'SIGNATURE_WRONG_PURPOSE',
      `it is signed by ${name} (${keyId}) for the namespace ${quoted(namespace)}, but the signer’s line ${what}`,
    );
  }
  if (validAfterMs !== null && nowMs < validAfterMs) return outdated(signer, 'is not valid before', validAfterMs);
  if (validBeforeMs !== null && nowMs >= validBeforeMs) return outdated(signer, 'was valid until', validBeforeMs);
  if (purpose.kind === 'bundle') return faultOfPurpose(signer, namespace, purpose.application);
  return namespace === COMMIT_NAMESPACE ? null : wrongPurpose(signer, namespace, COMMIT_NAMESPACE);
}

/** @see OpenSSH, `check_allowed_keys_line` in `sshsig.c` */
function faultOfCertificate(authority: SshSigner, certificate: SshCertificate, nowMs: number): RefusedVerdict | null {
  const { name, principals, validAfterMs, validBeforeMs } = certificate;
  const what = `it is signed with the certificate ${quoted(name)}`;
  if (!authority.key.hasSigned(certificate.signed, certificate.signature)) {
    return refused('SIGNATURE_UNTRUSTED', `${what}, which ${authority.name} (${authority.keyId}) has not issued`);
  }
  if (!principals.some((principal) => matchesPatterns(authority.name, principal))) {
    const whose = principals.map(quoted).join(', ') || 'nobody';
    return refused(
      'SIGNATURE_UNTRUSTED',
      `${what}, which is for ${whose}, but its authority counts for ${authority.name}`,
    );
  }
  if (nowMs >= validAfterMs && nowMs < validBeforeMs) return null;
  return refused('SIGNATURE_EXPIRED', `${what}, which is not valid now`);
}

function faultOfMinisign(
  signer: MinisignSigner,
  signature: MinisignSignature,
  digest: Buffer,
  purpose: Purpose,
): RefusedVerdict | null {
  if (!isMinisignedBy(signer.key, signature, digest)) return mismatch(signer);
  // minisign's own comment, with time and file name, says nothing about what the signature is for; its keys have one use.
  const { trustedComment } = signature;
  const says = trustedComment.startsWith(BUNDLE_PURPOSE) ? trustedComment : BUNDLE_PURPOSE;
  return purpose.kind === 'bundle' ? faultOfPurpose(signer, says, purpose.application) : null;
}

/** A signature for one application is none for another, so that nobody can deploy what was meant for elsewhere. */
function faultOfPurpose(signer: Signer, says: string, application: string): RefusedVerdict | null {
  const accepted = [purposeText(null), purposeText(application)];
  return accepted.includes(says) ? null : wrongPurpose(signer, says, accepted.join(' or '));
}

function wrongPurpose({ name, keyId }: Signer, says: string, wanted: string): RefusedVerdict {
  return refused(
    'SIGNATURE_WRONG_PURPOSE',
    `it is signed by ${name} (${keyId}) for ${quoted(says)}, not for ${wanted}`,
  );
}

function mismatch({ name, keyId }: Signer): RefusedVerdict {
  return refused(
    'SIGNATURE_MISMATCH',
    `its signature names the key of ${name} (${keyId}), but does not fit these bytes`,
  );
}

function outdated({ name, keyId }: Signer, how: string, timeMs: number): RefusedVerdict {
  const time = new Date(timeMs).toISOString();
  return refused('SIGNATURE_EXPIRED', `it is signed by ${name} (${keyId}), whose key ${how} ${time}`);
}

export function refused(code: SignatureFault, reason: string): RefusedVerdict {
  return { isTrusted: false, code, reason };
}
