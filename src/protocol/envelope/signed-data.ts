/** The parts of a PKCS7 SignedData message that count for an envelope. Pure: nothing is verified here. */
import { BerError, type BerValue, expectTag, objectIdentifierOf, octetsOf, readBer, TAG } from './ber.ts';

export interface SignedMessage {
  readonly contentType: string;
  /** null: the content is detached. */
  readonly content: Buffer | null;
  /** DER of each certificate that the message brings along. */
  readonly certificates: readonly Buffer[];
  readonly signers: readonly SignerInfo[];
}

export interface SignerInfo {
  /** How the signer's certificate is named; null: by something else than its issuer and its number. */
  readonly certificate: { readonly issuer: Buffer; readonly serialNumber: Buffer } | null;
  readonly digestAlgorithm: string;
  readonly signatureAlgorithm: string;
  readonly signature: Buffer;
  /** Attributes that the signature covers; null: it covers the content itself. */
  readonly attributes: SignedAttributes | null;
}

export interface SignedAttributes {
  /** As they were signed: the set in DER. */
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly messageDigest: Buffer;
}

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';

/**
 * @param bytes one BER value and nothing after it
 * @throws BerError in words for the reader of a log
 * @see RFC 5652, 5
 */
export function readSignedMessage(bytes: Uint8Array): SignedMessage {
  const message = readBer(bytes);
  const following = bytes.length - message.bytes.length;
  if (following > 0) throw new BerError(`${following} bytes follow after its end`);
  const [type, explicit] = expectTag(message, TAG.sequence, 'the message').children;
  if (objectIdentifierOf(type, 'its type') !== SIGNED_DATA) throw new BerError('it is PKCS7, but not SignedData');
  const [signedData] = expectTag(explicit, TAG.context0, 'SignedData').children;
  const [, , encapsulated, ...rest] = expectTag(signedData, TAG.sequence, 'SignedData').children;
  const [contentType, content] = expectTag(encapsulated, TAG.sequence, 'the content').children;
  const certificates = rest.find(({ tag }) => tag === TAG.context0);
  const signers = rest.at(-1);
  return {
    contentType: objectIdentifierOf(contentType, 'the type of the content'),
    content: content === undefined ? null : attachedContent(content),
    certificates: (certificates?.children ?? []).filter(({ tag }) => tag === TAG.sequence).map((one) => one.bytes),
    signers: expectTag(signers, TAG.set, 'the list of signers').children.map(readSigner),
  };
}

function attachedContent(explicit: BerValue): Buffer {
  const [content, ...others] = expectTag(explicit, TAG.context0, 'the content').children;
  if (content === undefined || others.length > 0) throw new BerError('its content is not one value');
  return octetsOf(content, 'its content');
}

function readSigner(value: BerValue): SignerInfo {
  const [, name, digest, ...rest] = expectTag(value, TAG.sequence, 'a signer').children;
  const attributes = rest[0]?.tag === TAG.context0 ? rest.shift() : undefined;
  const [algorithm, signature] = rest;
  if (name === undefined || signature === undefined) throw new BerError('a signer is cut off');
  return {
    certificate: name.tag === TAG.sequence ? readName(name) : null,
    digestAlgorithm: algorithmOf(digest, 'the digest algorithm'),
    signatureAlgorithm: algorithmOf(algorithm, 'the signature algorithm'),
    signature: octetsOf(signature, 'the signature'),
    attributes: attributes === undefined ? null : readAttributes(attributes),
  };
}

function readName({ children: [issuer, serialNumber] }: BerValue): SignerInfo['certificate'] {
  return {
    issuer: expectTag(issuer, TAG.sequence, 'the issuer').bytes,
    serialNumber: expectTag(serialNumber, TAG.integer, 'the serial number').content,
  };
}

function algorithmOf(value: BerValue | undefined, what: string): string {
  return objectIdentifierOf(expectTag(value, TAG.sequence, what).children[0], what);
}

function readAttributes(value: BerValue): SignedAttributes {
  if (!value.isDefinite) throw new BerError('its signed attributes are not in DER');
  return {
    // In the message the set stands under the tag [0]; signed is the set itself (RFC 5652, 5.4).
    bytes: Buffer.concat([Buffer.of(TAG.set), value.bytes.subarray(1)]),
    contentType: objectIdentifierOf(onlyValue(value, CONTENT_TYPE), 'the signed type of the content'),
    messageDigest: octetsOf(onlyValue(value, MESSAGE_DIGEST), 'the signed digest'),
  };
}

/** Both attributes must be there once, with one value (RFC 5652, 11). */
function onlyValue(attributes: BerValue, type: string): BerValue {
  const found = attributes.children.filter(
    (attribute) => objectIdentifierOf(attribute.children[0], 'the type of an attribute') === type,
  );
  const values = found.flatMap(({ children: [, set] }) => expectTag(set, TAG.set, 'an attribute').children);
  const [value, ...others] = values;
  if (value === undefined || others.length > 0 || found.length > 1) {
    throw new BerError(`the signed attribute ${type} is not there exactly once`);
  }
  return value;
}
