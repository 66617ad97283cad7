import { type Certificate, CertificateChainValidationEngine } from 'pkijs';
import { SlipwayError } from '../../errors.ts';
import { commonNameOf, isSoundSignature, nodeCryptoEngine, readCertificates } from './certificates.ts';

/**
 * Demands that one of the pinned certificates has issued the signer's, and that both are valid now.
 *
 * Only what is pinned counts as an issuer, never what an envelope brings along: who uses an intermediate authority pins that one. So
 * no certificate of an attacker takes part in building a chain; among two that issue each other the library would go round for ever.
 *
 * @param pinnedPem one or more certificates: while an authority is being replaced, the old and the new one
 * @throws SlipwayError ENVELOPE_UNTRUSTED
 */
export async function requireTrustedSigner(signer: Certificate, pinnedPem: string, nowMs: number): Promise<void> {
  const pinned = readCertificates(pinnedPem);
  if (pinned === null) {
    throw new SlipwayError('ENVELOPE_UNTRUSTED', 'the pinned certificate cannot be read, so nothing can be trusted', {
      remedy: 'Put the server’s signer-ca.pem, PEM text, into the file that deployment_spec_ca_file names.',
    });
  }
  if (!isSoundSignature(signer.signatureAlgorithm.algorithmId)) {
    throw untrusted(signer, `its certificate is signed with ${signer.signatureAlgorithm.algorithmId}, not with SHA-2`);
  }
  if (!isValidAt(signer, nowMs)) throw untrusted(signer, `its certificate ${validity(signer, nowMs)}`);
  const current = pinned.filter((certificate) => isValidAt(certificate, nowMs));
  if (current.length === 0) throw untrusted(signer, `the pinned certificate ${validity(pinned[0], nowMs)}`);
  const engine = new CertificateChainValidationEngine({
    trustedCerts: current,
    certs: [signer],
    checkDate: new Date(nowMs),
  });
  const { result, resultMessage, certificatePath } = await engine.verify({}, nodeCryptoEngine());
  if (!result) throw untrusted(signer, `the pinned certificate did not issue it (${resultMessage})`);
  if (certificatePath?.[0] !== signer) throw untrusted(signer, 'the pinned certificate itself is no signer');
}

function isValidAt(certificate: Certificate, nowMs: number): boolean {
  return certificate.notBefore.value.getTime() <= nowMs && nowMs <= certificate.notAfter.value.getTime();
}

function validity(certificate: Certificate, nowMs: number): string {
  const [from, until, now] = [certificate.notBefore.value, certificate.notAfter.value, new Date(nowMs)];
  return `is valid from ${from.toISOString()} to ${until.toISOString()}, and here it is ${now.toISOString()}`;
}

function untrusted(signer: Certificate, why: string): SlipwayError {
  const name = commonNameOf(signer.subject);
  const issuer = commonNameOf(signer.issuer);
  return new SlipwayError(
    'ENVELOPE_UNTRUSTED',
    `the deployment specification is signed by '${name}' (issued by '${issuer}'), which is not trusted here: ${why}`,
  );
}
