import { SlipwayError } from '../../errors.ts';
import { certificateSignatureOf } from './algorithms.ts';
import { commonNameOf, readSignerCertificates, type SignerCertificate } from './signer-certificate.ts';

/**
 * Demands that one of the pinned certificates has issued the signer's, and that both are valid now.
 *
 * Only what is pinned counts as an issuer, never what an envelope brings along: who uses an intermediate authority pins that one. So
 * no certificate of an attacker takes part.
 *
 * @param pinnedPem one or more certificates: while an authority is being replaced, the old and the new one
 * @throws SlipwayError ENVELOPE_UNTRUSTED
 */
export function requireTrustedSigner(signer: SignerCertificate, pinnedPem: string, nowMs: number): void {
  const pinned = readSignerCertificates(pinnedPem);
  if (pinned === null) {
    throw new SlipwayError('ENVELOPE_UNTRUSTED', 'the pinned certificate cannot be read, so nothing can be trusted', {
      remedy: 'Put the server’s signer-ca.pem, PEM text, into the file that deployment_spec_ca_file names.',
    });
  }
  if (certificateSignatureOf(signer.signatureAlgorithm) === null) {
    throw untrusted(signer, `its certificate is signed with ${signer.signatureAlgorithm}, not with SHA-2`);
  }
  if (!isValidAt(signer, nowMs)) throw untrusted(signer, `its certificate ${validity(signer, nowMs)}`);
  requireKnownExtensions(signer, signer, 'its certificate');
  const current = pinned.filter((certificate) => isValidAt(certificate, nowMs));
  if (current.length === 0) throw untrusted(signer, `the pinned certificate ${validity(pinned[0], nowMs)}`);
  if (pinned.some(({ x509 }) => x509.raw.equals(signer.x509.raw))) {
    throw untrusted(signer, 'the pinned certificate itself is no signer');
  }
  const issuer = current.find((authority) => hasIssued(authority, signer));
  if (issuer === undefined) throw untrusted(signer, 'the pinned certificate did not issue it');
  requireKnownExtensions(signer, issuer, 'the pinned certificate');
}

/** Compares names and key identifiers, and checks key usage and the signature itself; the issuer must be an authority. */
function hasIssued(authority: SignerCertificate, { x509 }: SignerCertificate): boolean {
  return authority.x509.ca && x509.checkIssued(authority.x509) && x509.verify(authority.x509.publicKey);
}

/** A critical extension may restrict a certificate in a way that nobody here would notice (RFC 5280, 4.2). */
function requireKnownExtensions(signer: SignerCertificate, { unknownCritical }: SignerCertificate, what: string): void {
  const [first] = unknownCritical;
  if (first !== undefined) throw untrusted(signer, `${what} has the critical extension ${first}, which is not known`);
}

function isValidAt({ x509 }: SignerCertificate, nowMs: number): boolean {
  return x509.validFromDate.getTime() <= nowMs && nowMs <= x509.validToDate.getTime();
}

function validity(certificate: SignerCertificate | undefined, nowMs: number): string {
  const [from, until, now] = [certificate?.x509.validFromDate, certificate?.x509.validToDate, new Date(nowMs)];
  return `is valid from ${from?.toISOString()} to ${until?.toISOString()}, and here it is ${now.toISOString()}`;
}

function untrusted({ x509 }: SignerCertificate, why: string): SlipwayError {
  return new SlipwayError(
    'ENVELOPE_UNTRUSTED',
    `the deployment specification is signed by '${commonNameOf(x509.subject)}' (issued by '${commonNameOf(x509.issuer)}'), which is not trusted here: ${why}`,
  );
}
