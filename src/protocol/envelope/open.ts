import * as asn1js from 'asn1js';
import { Certificate, ContentInfo, IssuerAndSerialNumber, SignedData } from 'pkijs';
import { messageOf, SlipwayError } from '../../errors.ts';
import type { Envelope } from '../host-command/shapes.ts';
import { decodePem, isSoundDigest, isSoundSignature, maySign, nodeCryptoEngine } from './certificates.ts';
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
const ID_SIGNED_DATA = '1.2.840.113549.1.7.2';
const ID_RSA_ENCRYPTION = '1.2.840.113549.1.1.1';

/**
 * Opens the envelope of a deployment specification: the signature must match the content, and its signer's certificate must have been
 * issued by the pinned authority, be valid now, and be meant for signing.
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
  const signedData = readSignedData(payload);
  const content = attachedContent(signedData);
  const signer = signerOf(signedData);
  await requireSignature(signedData);
  if (!maySign(signer)) {
    throw new SlipwayError(
      'ENVELOPE_UNTRUSTED',
      'the certificate that signed the specification is not meant for signing',
    );
  }
  if (options.caCertificatePem !== null) await requireTrustedSigner(signer, options.caCertificatePem, options.nowMs);
  return decodeUtf8(content);
}

function readSignedData(pem: string): SignedData {
  if (pem.includes('-----BEGIN CMS-----')) throw malformed("its PEM label is 'CMS', not 'PKCS7'");
  const [der, ...others] = decodePem('PKCS7', pem) ?? [];
  if (der === undefined) throw malformed('it is not PEM with the label PKCS7');
  if (others.length > 0) throw malformed(`it holds ${others.length + 1} PEM blocks instead of one`);
  const asn1 = asn1js.fromBER(der);
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
  const { eContent, eContentType } = signedData.encapContentInfo;
  if (eContent === undefined) throw malformed('its content is detached');
  // Other types mean other ways to verify: a time stamp, for one, brings the date along at which it wants to be checked.
  if (eContentType !== ID_DATA) throw malformed(`its content is of the type ${eContentType}, not data`);
  if (!(eContent instanceof asn1js.OctetString)) throw malformed('its content is no octet string');
  // BER in the wild cuts the content into pieces; getValue puts them together.
  return new Uint8Array(eContent.getValue());
}

/** The certificate that the one signer info names. The algorithms must be sound before anything is verified with them. */
function signerOf(signedData: SignedData): Certificate {
  const [signerInfo, ...others] = signedData.signerInfos;
  if (signerInfo === undefined) throw malformed('nobody has signed it');
  if (others.length > 0) throw malformed(`${others.length + 1} have signed it instead of one`);
  const digest = signerInfo.digestAlgorithm.algorithmId;
  if (!isSoundDigest(digest)) throw badSignature(`its digest algorithm ${digest} is not SHA-2`);
  // PKCS7 names the bare key algorithm and takes the digest from above; CMS may name both in one.
  const algorithm = signerInfo.signatureAlgorithm.algorithmId;
  if (algorithm !== ID_RSA_ENCRYPTION && !isSoundSignature(algorithm)) {
    throw badSignature(`its signature algorithm ${algorithm} is not RSA or ECDSA with SHA-2`);
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
  return signer;
}

async function requireSignature(signedData: SignedData): Promise<void> {
  let verified: boolean;
  try {
    verified = await signedData.verify({ signer: 0, checkChain: false }, nodeCryptoEngine());
  } catch (cause) {
    throw badSignature(messageOf(cause), cause);
  }
  if (!verified) throw badSignature('it is not the signature of this content');
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
