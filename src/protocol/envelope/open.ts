import * as asn1js from 'asn1js';
import { Certificate, ContentInfo, IssuerAndSerialNumber, SignedData, SignedDataVerifyError } from 'pkijs';
import { messageOf, SlipwayError } from '../../errors.ts';
import type { Envelope } from '../host-command/shapes.ts';
import { decodePem, maySign, nodeCryptoEngine, readCertificate } from './certificates.ts';

export interface OpenOptions {
  /** The authority that must have issued the signer. null: any signer is accepted, and trust rests on TLS alone. */
  readonly caCertificatePem: string | null;
  /** The moment at which certificates must be valid. */
  readonly nowMs: number;
  /** Only for local deployments, which never cross a network. */
  readonly allowPlainText?: boolean;
}

const ID_SIGNED_DATA = '1.2.840.113549.1.7.2';
/** SHA-256, SHA-384, SHA-512. SHA-1 and MD5 can be forged. */
const SOUND_DIGESTS: ReadonlySet<string> = new Set([
  '2.16.840.1.101.3.4.2.1',
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
]);

/**
 * Opens the envelope of a deployment specification: the signature must match the content, and its signer's certificate must have been
 * issued by the pinned authority, be valid now, and be meant for signing.
 *
 * @returns the JSON text inside
 * @throws SlipwayError ENVELOPE_MISSING, ENVELOPE_FORMAT, ENVELOPE_MALFORMED, ENVELOPE_SIGNATURE or ENVELOPE_UNTRUSTED
 */
export async function openEnvelope(envelope: Envelope | undefined, options: OpenOptions): Promise<string> {
  if (envelope === undefined || !envelope.Payload) {
    throw new SlipwayError('ENVELOPE_MISSING', 'the answer holds no deployment specification');
  }
  const isPlainText = envelope.Format === 'TEXT/JSON' || envelope.Format === 'JSON';
  if (isPlainText && options.allowPlainText === true) return envelope.Payload;
  if (envelope.Format !== 'PKCS7/JSON') {
    throw new SlipwayError(
      'ENVELOPE_FORMAT',
      `the deployment specification comes as '${envelope.Format}', not as PKCS7/JSON`,
    );
  }
  const signedData = readSignedData(envelope.Payload);
  const content = attachedContent(signedData);
  const signer = requireSoundSigner(signedData);
  await requireSignature(signedData, signer, options);
  return decodeUtf8(content);
}

function readSignedData(pem: string): SignedData {
  if (/-----BEGIN CMS-----/.test(pem)) throw malformed("its PEM label is 'CMS', not 'PKCS7'");
  const der = decodePem('PKCS7', pem);
  if (der === null) throw malformed('it is not PEM with the label PKCS7');
  const asn1 = asn1js.fromBER(der.buffer);
  if (asn1.offset === -1) throw malformed(`it is not BER: ${asn1.result.error}`);
  if (asn1.offset !== der.byteLength) throw malformed(`${der.byteLength - asn1.offset} bytes follow after its end`);
  try {
    const contentInfo = new ContentInfo({ schema: asn1.result });
    if (contentInfo.contentType !== ID_SIGNED_DATA) throw malformed('it is PKCS7, but not SignedData');
    return new SignedData({ schema: contentInfo.content });
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    throw malformed(messageOf(cause), cause);
  }
}

function attachedContent(signedData: SignedData): Uint8Array {
  const content = signedData.encapContentInfo.eContent;
  if (content === undefined) throw malformed('its content is detached');
  // BER in the wild cuts the content into pieces; getValue puts them together.
  return new Uint8Array(content.getValue());
}

/** The one certificate that the signer info names; its kind and its digest must be sound before anything is verified. */
function requireSoundSigner(signedData: SignedData): Certificate {
  const [signerInfo, ...others] = signedData.signerInfos;
  if (signerInfo === undefined) throw malformed('nobody has signed it');
  if (others.length > 0) throw malformed(`${signedData.signerInfos.length} have signed it instead of one`);
  if (!SOUND_DIGESTS.has(signerInfo.digestAlgorithm.algorithmId)) {
    throw new SlipwayError(
      'ENVELOPE_SIGNATURE',
      `its digest algorithm ${signerInfo.digestAlgorithm.algorithmId} is not SHA-2`,
    );
  }
  const { sid } = signerInfo;
  if (!(sid instanceof IssuerAndSerialNumber)) throw malformed('it names its signer in a way that is not supported');
  const signer = signedData.certificates?.find(
    (candidate) =>
      candidate instanceof Certificate &&
      candidate.issuer.isEqual(sid.issuer) &&
      candidate.serialNumber.isEqual(sid.serialNumber),
  );
  if (!(signer instanceof Certificate)) throw malformed('its signer’s certificate is not in it');
  if (!maySign(signer))
    throw new SlipwayError('ENVELOPE_UNTRUSTED', 'its signer’s certificate is not meant for signing');
  return signer;
}

async function requireSignature(signedData: SignedData, signer: Certificate, options: OpenOptions): Promise<void> {
  const pinned = options.caCertificatePem === null ? null : readCertificate(options.caCertificatePem);
  if (options.caCertificatePem !== null && pinned === null) {
    throw new SlipwayError('ENVELOPE_UNTRUSTED', 'the pinned certificate cannot be read, so nothing can be trusted', {
      remedy: 'Put the server’s signer-ca.pem, PEM text, into the file that deployment_spec_ca_file names.',
    });
  }
  try {
    // The library checks a chain only when told to, and throws on failure; success is its code 14.
    const result = await signedData.verify(
      {
        signer: 0,
        checkDate: new Date(options.nowMs),
        ...(pinned === null ? { checkChain: false } : { checkChain: true, trustedCerts: [pinned] }),
        extendedMode: true,
      },
      nodeCryptoEngine(),
    );
    if (result.signatureVerified !== true) throw badSignature(result.message);
    if (pinned !== null && result.signerCertificateVerified !== true) throw untrusted(signer, result.message);
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    if (cause instanceof SignedDataVerifyError) {
      throw cause.signatureVerified === false || isDigestFailure(cause)
        ? badSignature(cause.message, cause)
        : untrusted(signer, cause.message, cause);
    }
    throw malformed(messageOf(cause), cause);
  }
}

function isDigestFailure(error: SignedDataVerifyError): boolean {
  return /message digest|signed attributes|signature/i.test(error.message) && !/certificate/i.test(error.message);
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
  return new SlipwayError(
    'ENVELOPE_SIGNATURE',
    `the deployment specification was changed after it was signed: ${why}`,
    {
      cause,
    },
  );
}

function untrusted(signer: Certificate, why: string, cause?: unknown): SlipwayError {
  const name = signer.subject.typesAndValues.map(({ value }) => String(value.valueBlock.value)).join(', ');
  const issuer = signer.issuer.typesAndValues.map(({ value }) => String(value.valueBlock.value)).join(', ');
  return new SlipwayError(
    'ENVELOPE_UNTRUSTED',
    `the deployment specification is signed by '${name}' (issued by '${issuer}'), which the pinned certificate does not vouch for: ${why}`,
    { cause },
  );
}
