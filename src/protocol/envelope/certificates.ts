/** Certificates as this project makes and reads them: PEM outside, PKI.js inside. */
import { webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import { Certificate, CryptoEngine, type ICryptoEngine } from 'pkijs';
import { decodePem } from './pem.ts';

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

export function nodeCryptoEngine(): ICryptoEngine {
  return new CryptoEngine({ name: 'node', crypto: webcrypto }) as ICryptoEngine;
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
