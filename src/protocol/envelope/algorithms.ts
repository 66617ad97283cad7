/** The algorithms that a signature may use: SHA-2 with RSA (PKCS #1 v1.5) or ECDSA. SHA-1 and MD5 can be forged. Pure. */

export type Digest = 'sha256' | 'sha384' | 'sha512';

export interface SignatureAlgorithm {
  /** The type of the key, in the words of `node:crypto`. */
  readonly key: 'rsa' | 'ec';
  /** null: the digest is named beside the signature. */
  readonly digest: Digest | null;
}

const DIGESTS: Readonly<Record<string, Digest>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

const CERTIFICATE_SIGNATURES: Readonly<Record<string, SignatureAlgorithm>> = {
  '1.2.840.113549.1.1.11': { key: 'rsa', digest: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', digest: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', digest: 'sha512' },
  '1.2.840.10045.4.3.2': { key: 'ec', digest: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', digest: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', digest: 'sha512' },
};

/** PKCS7 names the bare key algorithm and takes the digest from beside it; CMS may name both in one. */
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';

/** @returns null: not a sound one */
export function digestOf(id: string): Digest | null {
  return Object.hasOwn(DIGESTS, id) ? (DIGESTS[id] ?? null) : null;
}

/** The algorithm of a signature in an envelope. @returns null: not a sound one */
export function signatureAlgorithmOf(id: string): SignatureAlgorithm | null {
  return id === RSA_ENCRYPTION ? { key: 'rsa', digest: null } : certificateSignatureOf(id);
}

/** The algorithm that a certificate is signed with, which always names its digest. @returns null: not a sound one */
export function certificateSignatureOf(id: string): SignatureAlgorithm | null {
  return Object.hasOwn(CERTIFICATE_SIGNATURES, id) ? (CERTIFICATE_SIGNATURES[id] ?? null) : null;
}
