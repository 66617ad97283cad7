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

export function nodeCryptoEngine(): ICryptoEngine {
  return new CryptoEngine({ name: 'node', crypto: webcrypto }) as ICryptoEngine;
}

export function encodePem(label: string, der: ArrayBuffer | Uint8Array): string {
  const base64 = Buffer.from(der instanceof Uint8Array ? der : new Uint8Array(der)).toString('base64');
  return `-----BEGIN ${label}-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;
}

/** The bytes of the first block with this label; null when there is none or it is not base64. */
export function decodePem(label: string, pem: string): Uint8Array<ArrayBuffer> | null {
  const match = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(pem);
  if (match?.[1] === undefined) return null;
  return Uint8Array.from(Buffer.from(match[1], 'base64'));
}

/** @returns null when the text holds no certificate that can be read */
export function readCertificate(pem: string): Certificate | null {
  const der = decodePem('CERTIFICATE', pem);
  if (der === null) return null;
  const asn1 = asn1js.fromBER(der.buffer);
  if (asn1.offset !== der.byteLength) return null;
  try {
    return new Certificate({ schema: asn1.result });
  } catch {
    return null;
  }
}

/** Where a certificate holds that it may sign: bit 0 of key usage (RFC 5280, 4.2.1.3). Without the extension it may. */
export function maySign(certificate: Certificate): boolean {
  const extension = certificate.extensions?.find(({ extnID }) => extnID === KEY_USAGE);
  if (extension === undefined) return true;
  const usage = extension.parsedValue as asn1js.BitString | undefined;
  const bits = new Uint8Array(usage?.valueBlock.valueHexView ?? []);
  return ((bits[0] ?? 0) & 0x80) !== 0;
}

export const KEY_USAGE = '2.5.29.15';
export const BASIC_CONSTRAINTS = '2.5.29.19';
export const COMMON_NAME = '2.5.4.3';
