import { createHash, verify } from 'node:crypto';
import { messageOf, SlipwayError } from '../../errors.ts';
import type { Envelope } from '../host-command/shapes.ts';
import { type Digest, digestOf, type SignatureAlgorithm, signatureAlgorithmOf } from './algorithms.ts';
import { decodePem } from './pem.ts';
import { readSignedMessage, type SignedMessage, type SignerInfo } from './signed-data.ts';
import { maySign, readSignerCertificate, type SignerCertificate } from './signer-certificate.ts';
import { requireTrustedSigner } from './trust.ts';

export interface OpenOptions {
  /** The authority that must have issued the signer. null: any signer is accepted, and trust rests on TLS alone. */
  readonly caCertificatePem: string | null;
  /** The moment at which certificates must be valid. */
  readonly nowMs: number;
  /** Only for local deployments, which never cross a network. */
  readonly allowPlainText?: boolean;
}

const ID_DATA = '1.2.840.113549.1.7.1';

/**
 * Opens the envelope of a deployment specification. The signature must match the content. The signer's certificate must be issued by the
 * pinned authority, be valid now, and be meant for signing.
 *
 * @returns the JSON text inside
 * @throws SlipwayError ENVELOPE_MISSING, ENVELOPE_FORMAT, ENVELOPE_MALFORMED, ENVELOPE_SIGNATURE or ENVELOPE_UNTRUSTED
 */
export async function openEnvelope(envelope: Envelope | undefined, options: OpenOptions): Promise<string> {
  // Both come from the wire: a server may send anything, null included.
  const { Format: format, Payload: payload } = envelope ?? {};
  if (typeof payload !== 'string' || payload === '') {
    throw new SlipwayError('ENVELOPE_MISSING', 'the answer holds no deployment specification');
  }
  const isPlainText = format === 'TEXT/JSON' || format === 'JSON';
  if (isPlainText && options.allowPlainText === true) return payload;
  if (format !== 'PKCS7/JSON') {
    throw new SlipwayError('ENVELOPE_FORMAT', `the deployment specification comes as '${format}', not as PKCS7/JSON`);
  }
  const message = readMessage(payload);
  const content = attachedContent(message);
  const signerInfo = onlySigner(message);
  const algorithms = soundAlgorithms(signerInfo);
  const signer = certificateOf(message, signerInfo);
  requireSignature(content, signerInfo, algorithms, signer);
  if (!maySign(signer)) {
    throw new SlipwayError(
      'ENVELOPE_UNTRUSTED',
      'the certificate that signed the specification is not meant for signing',
    );
  }
  if (options.caCertificatePem !== null) requireTrustedSigner(signer, options.caCertificatePem, options.nowMs);
  return decodeUtf8(content);
}

function readMessage(pem: string): SignedMessage {
  if (pem.includes('-----BEGIN CMS-----')) throw malformed("its PEM label is 'CMS', not 'PKCS7'");
  const [der, ...others] = decodePem('PKCS7', pem) ?? [];
  if (der === undefined) throw malformed('it is not PEM with the label PKCS7');
  if (others.length > 0) throw malformed(`it holds ${others.length + 1} PEM blocks instead of one`);
  return readable(() => readSignedMessage(der));
}

function attachedContent({ content, contentType }: SignedMessage): Buffer {
  if (content === null) throw malformed('its content is detached');
  // Other types mean other ways to verify: a time stamp, for one, brings the date along at which it wants to be checked.
  if (contentType !== ID_DATA) throw malformed(`its content is of the type ${contentType}, not data`);
  return content;
}

function onlySigner({ signers }: SignedMessage): SignerInfo {
  const [signer, ...others] = signers;
  if (signer === undefined) throw malformed('nobody has signed it');
  if (others.length > 0) throw malformed(`${others.length + 1} have signed it instead of one`);
  return signer;
}

interface SoundAlgorithms {
  /** Digest of the content, when the signature covers attributes that hold this digest. */
  readonly digest: Digest;
  readonly key: SignatureAlgorithm['key'];
  readonly signatureDigest: Digest;
}

/** The algorithms must be sound before anything is verified with them. */
function soundAlgorithms({ digestAlgorithm, signatureAlgorithm }: SignerInfo): SoundAlgorithms {
  const digest = digestOf(digestAlgorithm);
  if (digest === null) throw badSignature(`its digest algorithm ${digestAlgorithm} is not SHA-2`);
  const algorithm = signatureAlgorithmOf(signatureAlgorithm);
  if (algorithm === null) {
    throw badSignature(`its signature algorithm ${signatureAlgorithm} is not RSA or ECDSA with SHA-2`);
  }
  return { digest, key: algorithm.key, signatureDigest: algorithm.digest ?? digest };
}

/** The certificate that the signer info names, by its issuer and its number. */
function certificateOf({ certificates }: SignedMessage, { certificate: name }: SignerInfo): SignerCertificate {
  if (name === null) throw malformed('it names its signer in a way that is not supported');
  const found = readable(() => certificates.map(readSignerCertificate)).find(
    ({ issuer, serialNumber }) => issuer.equals(name.issuer) && serialNumber.equals(name.serialNumber),
  );
  if (found === undefined) throw malformed('its signer’s certificate is not in it');
  return found;
}

function requireSignature(
  content: Buffer,
  { attributes, signature }: SignerInfo,
  { digest, key, signatureDigest }: SoundAlgorithms,
  { x509 }: SignerCertificate,
): void {
  if (attributes !== null) {
    if (attributes.contentType !== ID_DATA) {
      throw badSignature(`it is of content of the type ${attributes.contentType}, not data`);
    }
    const isSame = createHash(digest).update(content).digest().equals(attributes.messageDigest);
    if (!isSame) throw badSignature('it is not the signature of this content');
  }
  let isVerified: boolean;
  try {
    const { publicKey } = x509;
    // A key of another type would be used in another way, such as PSS.
    if (publicKey.asymmetricKeyType !== key) {
      throw badSignature(`its algorithm is of ${key} keys, and its signer’s key is ${publicKey.asymmetricKeyType}`);
    }
    isVerified = verify(signatureDigest, attributes?.bytes ?? content, publicKey, signature);
  } catch (cause) {
    throw cause instanceof SlipwayError ? cause : badSignature(messageOf(cause), cause);
  }
  if (!isVerified) throw badSignature('it is not the signature of this content');
}

/** Runs `read` and reports its fault as a malformed envelope. */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw malformed(messageOf(cause), cause);
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed('its content is not UTF-8', cause);
  }
}

function malformed(what: string, cause?: unknown): SlipwayError {
  return new SlipwayError('ENVELOPE_MALFORMED', `the signed deployment specification cannot be read: ${what}`, {
    cause,
  });
}

function badSignature(why: string, cause?: unknown): SlipwayError {
  return new SlipwayError('ENVELOPE_SIGNATURE', `the signature of the deployment specification is refused: ${why}`, {
    cause,
  });
}
