import { createHash, createPrivateKey, sign as signBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Envelope } from '../host-command/shapes.ts';
import type { Signer } from './authority.ts';
import { readCertificates } from './certificates.ts';
import { DER, der, derObjectIdentifier } from './der.ts';
import { decodePem, encodePem } from './pem.ts';

/** Signs a deployment specification, JSON text, into an envelope. */
export type Sealer = (json: string) => Promise<Envelope>;

const SIGNED_DATA = derObjectIdentifier('1.2.840.113549.1.7.2');
const DATA = derObjectIdentifier('1.2.840.113549.1.7.1');
const CONTENT_TYPE = derObjectIdentifier('1.2.840.113549.1.9.3');
const MESSAGE_DIGEST = derObjectIdentifier('1.2.840.113549.1.9.4');
const NULL = der(DER.null);
const SHA256 = der(DER.sequence, derObjectIdentifier('2.16.840.1.101.3.4.2.1'), NULL);
const RSA = der(DER.sequence, derObjectIdentifier('1.2.840.113549.1.1.1'), NULL);
const VERSION_1 = der(DER.integer, Buffer.of(1));

/** In OpenSSL's own threads: a fleet that asks at once must not hold up the event loop. */
const sign = promisify(signBytes);

/**
 * Makes the envelopes that agents accept: PEM with the label PKCS7, around PKCS7 SignedData with attached content and the signer's
 * certificate. The official agent refuses a `CMS` label, detached content and a missing certificate.
 *
 * Key and certificate are read once. The rest is written as bytes: PKI.js takes eight times as long as the signature itself.
 *
 * @throws Error when the signer's texts are damaged
 * @see RFC 2315, 9, for the structure
 */
export function createSealer(signer: Signer): Sealer {
  const [certificate] = readCertificates(signer.certificatePem) ?? [];
  const [certificateDer] = decodePem('CERTIFICATE', signer.certificatePem) ?? [];
  const [keyDer] = decodePem('PRIVATE KEY', signer.privateKeyPem) ?? [];
  if (certificate === undefined || certificateDer === undefined || keyDer === undefined) {
    throw new Error('the signer’s certificate or key cannot be read');
  }
  const key = createPrivateKey({ key: Buffer.from(keyDer), format: 'der', type: 'pkcs8' });
  const issuerAndSerial = der(
    DER.sequence,
    new Uint8Array(certificate.issuer.toSchema().toBER()),
    new Uint8Array(certificate.serialNumber.toBER()),
  );
  return async (json) => {
    const content = Buffer.from(json);
    const attributes = [
      attribute(CONTENT_TYPE, DATA),
      attribute(MESSAGE_DIGEST, der(DER.octetString, createHash('sha256').update(content).digest())),
    ];
    // What is signed is the set itself; in the message it stands under the tag [0].
    const signature = await sign('sha256', der(DER.set, ...attributes), key);
    const signerInfo = der(
      DER.sequence,
      VERSION_1,
      issuerAndSerial,
      SHA256,
      der(DER.context0, ...attributes),
      RSA,
      der(DER.octetString, signature),
    );
    const signedData = der(
      DER.sequence,
      VERSION_1,
      der(DER.set, SHA256),
      der(DER.sequence, DATA, der(DER.context0, der(DER.octetString, content))),
      der(DER.context0, certificateDer),
      der(DER.set, signerInfo),
    );
    const message = der(DER.sequence, SIGNED_DATA, der(DER.context0, signedData));
    return { Format: 'PKCS7/JSON', Payload: encodePem('PKCS7', message) };
  };
}

/** One envelope; for many with one signer use `createSealer`. @throws Error when the signer's texts are damaged */
export async function sealSpecification(json: string, signer: Signer): Promise<Envelope> {
  return createSealer(signer)(json);
}

function attribute(type: Buffer, value: Buffer): Buffer {
  return der(DER.sequence, type, der(DER.set, value));
}
