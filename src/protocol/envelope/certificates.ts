/** Certificates as this project makes and reads them: PEM outside, PKI.js inside. */
import { webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import { Certificate, CryptoEngine, type ICryptoEngine } from 'pkijs';

/** RSA with SHA-256: what every agent's OpenSSL can verify. */
export const KEY_ALGORITHM = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
} as const;

export const COMMON_NAME = '2.5.4.3';
export const SUBJECT_KEY_IDENTIFIER = '2.5.29.14';
export const KEY_USAGE = '2.5.29.15';
export const BASIC_CONSTRAINTS = '2.5.29.19';
export const AUTHORITY_KEY_IDENTIFIER = '2.5.29.35';

/** SHA-256, SHA-384, SHA-512. SHA-1 and MD5 can be forged. */
const SOUND_DIGESTS: ReadonlySet<string> = new Set([
  '2.16.840.1.101.3.4.2.1',
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
]);

/** RSA (PKCS #1 v1.5) and ECDSA, each with one of the digests above. */
const SOUND_SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
]);

export function isSoundDigest(algorithmId: string): boolean {
  return SOUND_DIGESTS.has(algorithmId);
}

/** Whether a signature algorithm names a sound digest of its own. */
export function isSoundSignature(algorithmId: string): boolean {
  return SOUND_SIGNATURES.has(algorithmId);
}

export function nodeCryptoEngine(): ICryptoEngine {
  return new CryptoEngine({ name: 'node', crypto: webcrypto }) as ICryptoEngine;
}

export function encodePem(label: string, der: ArrayBuffer | Uint8Array): string {
  const base64 = Buffer.from(der instanceof Uint8Array ? der : new Uint8Array(der)).toString('base64');
  return `-----BEGIN ${label}-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*)-----END ([A-Z0-9 ]{1,40})-----/g;

/** The bytes of each block with this label, in order; null when one of them is not base64. */
export function decodePem(label: string, pem: string): readonly Uint8Array<ArrayBuffer>[] | null {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for (const [, begin, text = '', end] of pem.matchAll(PEM_BLOCK)) {
    if (begin !== label || end !== label) continue;
    const base64 = text.replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
    blocks.push(Uint8Array.from(Buffer.from(base64, 'base64')));
  }
  return blocks;
}

/** All certificates of a PEM text; null when there is none, or one that cannot be read. */
export function readCertificates(pem: string): readonly [Certificate, ...Certificate[]] | null {
  const blocks = decodePem('CERTIFICATE', pem) ?? [];
  const [first, ...rest] = blocks.map(readCertificate);
  if (first === undefined || first === null) return null;
  const others = rest.filter((certificate) => certificate !== null);
  return others.length === rest.length ? [first, ...others] : null;
}

function readCertificate(der: Uint8Array<ArrayBuffer>): Certificate | null {
  const asn1 = asn1js.fromBER(der);
  if (asn1.offset !== der.byteLength) return null;
  try {
    return new Certificate({ schema: asn1.result });
  } catch {
    return null;
  }
}

/** The common name of a certificate's subject or issuer, for messages. */
export function commonNameOf(name: Certificate['subject']): string {
  const found = name.typesAndValues.find(({ type }) => type === COMMON_NAME) ?? name.typesAndValues[0];
  return String(found?.value.valueBlock.value ?? '');
}

/** Whether a certificate's key usage lets it sign data: bit 0 (RFC 5280, 4.2.1.3). Without the extension it may. */
export function maySign(certificate: Certificate): boolean {
  const extension = certificate.extensions?.find(({ extnID }) => extnID === KEY_USAGE);
  if (extension === undefined) return true;
  const usage = extension.parsedValue;
  const [firstByte = 0] = usage instanceof asn1js.BitString ? usage.valueBlock.valueHexView : [];
  return (firstByte & 0x80) !== 0;
}
