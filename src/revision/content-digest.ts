import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Digest that a bundle's content must have. */
export interface ExpectedDigest {
  readonly algorithm: 'md5' | 'sha1' | 'sha256' | 'crc32';
  /** Hex, in lower case. */
  readonly hex: string;
  /** Source of the digest, for messages: `the ETag`, `the SHA-256 of the revision`. */
  readonly origin: string;
}

export interface RunningDigest {
  update(chunk: Uint8Array): void;
  hex(): string;
}

/** @returns null where this machine does not compute it: OpenSSL in FIPS mode knows no MD5 */
export function createDigest(algorithm: ExpectedDigest['algorithm']): RunningDigest | null {
  if (algorithm === 'crc32') {
    let sum = 0;
    return {
      update: (chunk) => {
        sum = crc32(chunk, sum);
      },
      hex: () => sum.toString(16).padStart(8, '0'),
    };
  }
  try {
    const hash = createHash(algorithm);
    return { update: (chunk) => void hash.update(chunk), hex: () => hash.digest('hex') };
  } catch {
    return null;
  }
}
