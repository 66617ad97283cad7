import { webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import { AuthorityKeyIdentifier, BasicConstraints } from 'pkijs';
import {
  certificatePem,
  extension,
  keyUsage,
  type MakingOptions,
  newCertificate,
  privateKeyPem,
  subjectKeyIdentifier,
  USAGE_CERT_SIGN,
  USAGE_DIGITAL_SIGNATURE,
} from './certificate-writer.ts';
import {
  AUTHORITY_KEY_IDENTIFIER,
  BASIC_CONSTRAINTS,
  KEY_ALGORITHM,
  nodeCryptoEngine,
  readCertificates,
} from './certificates.ts';
import { decodePem } from './pem.ts';

/** The root of trust of one server: agents pin its certificate, and it signs nothing but signers. */
export interface SigningAuthority {
  readonly caCertificatePem: string;
  readonly caPrivateKeyPem: string;
}

/**
 * A key and its certificate that sign deployment specifications. Short-lived and replaceable: agents trust the authority, not the signer.
 */
export interface Signer {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly caCertificatePem: string;
  readonly notAfterMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** As long as the service life of a server; it is replaced by enrolling hosts again. */
const AUTHORITY_LIFE_MS = 20 * 365 * DAY_MS;
const SIGNER_LIFE_MS = 90 * DAY_MS;
/** Makes the keys and the self-signed certificate of a new authority. */
export async function createSigningAuthority(options: MakingOptions): Promise<SigningAuthority> {
  const keys = await makeKeys();
  const certificate = await newCertificate(options, AUTHORITY_LIFE_MS, keys.publicKey);
  certificate.issuer = certificate.subject;
  certificate.extensions?.push(
    extension(BASIC_CONSTRAINTS, new BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema(), {
      critical: true,
    }),
    keyUsage(USAGE_CERT_SIGN),
  );
  await certificate.sign(keys.privateKey, 'SHA-256', nodeCryptoEngine());
  return { caCertificatePem: certificatePem(certificate), caPrivateKeyPem: await privateKeyPem(keys.privateKey) };
}

/** @throws Error when the authority's texts are damaged */
export async function issueSigner(authority: SigningAuthority, options: MakingOptions): Promise<Signer> {
  const [ca] = readCertificates(authority.caCertificatePem) ?? [];
  const [caKeyDer] = decodePem('PRIVATE KEY', authority.caPrivateKeyPem) ?? [];
  if (ca === undefined || caKeyDer === undefined) {
    throw new Error('the signing authority’s certificate or key cannot be read');
  }
  const caKey = await webcrypto.subtle.importKey('pkcs8', caKeyDer, KEY_ALGORITHM, false, ['sign']);
  const keys = await makeKeys();
  const certificate = await newCertificate(options, SIGNER_LIFE_MS, keys.publicKey);
  certificate.issuer = ca.subject;
  certificate.extensions?.push(
    extension(BASIC_CONSTRAINTS, new BasicConstraints({ cA: false }).toSchema(), { critical: true }),
    keyUsage(USAGE_DIGITAL_SIGNATURE),
    extension(
      AUTHORITY_KEY_IDENTIFIER,
      new AuthorityKeyIdentifier({
        keyIdentifier: new asn1js.OctetString({ valueHex: subjectKeyIdentifier(ca) }),
      }).toSchema(),
    ),
  );
  await certificate.sign(caKey, 'SHA-256', nodeCryptoEngine());
  return {
    certificatePem: certificatePem(certificate),
    privateKeyPem: await privateKeyPem(keys.privateKey),
    caCertificatePem: authority.caCertificatePem,
    notAfterMs: certificate.notAfter.value.getTime(),
  };
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}
