/** The checksums of S3, computed while the content passes. Pure. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** FULL_OBJECT: of the content as it is. COMPOSITE: of the checksums of its parts, with their number behind it. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** Checksums that a content has, in base64. */
export type Checksums = Partial<Readonly<Record<ChecksumAlgorithm, string>>>;

/** `x-amz-checksum-crc32c`; also the name of the trailer. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The algorithm of a header or trailer; null: it is no checksum that is known here. */
export function algorithmOf(header: string): ChecksumAlgorithm | null {
  return CHECKSUM_ALGORITHMS.find((algorithm) => checksumHeader(algorithm) === header) ?? null;
}

export interface Checksum {
  update(content: Uint8Array): void;
  /** In base64, as headers and XML have it. Call it once only. */
  digest(): string;
}

/** The checksum of checksums, as S3 makes it: of their bytes one behind the other, with the number of parts behind it. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly Checksums[]): string {
  const together = createChecksum(algorithm);
  for (const part of parts) together.update(Buffer.from(part[algorithm] ?? '', 'base64'));
  return `${together.digest()}-${parts.length}`;
}

export function createChecksum(algorithm: ChecksumAlgorithm): Checksum {
  switch (algorithm) {
    case 'SHA1':
    case 'SHA256': {
      const hash = createHash(algorithm);
      return { update: (content) => void hash.update(content), digest: () => hash.digest('base64') };
    }
    case 'CRC32': {
      let crc = 0;
      return {
        update(content) {
          crc = crc32(content, crc);
        },
        digest: () => bigEndian([crc]),
      };
    }
    case 'CRC32C':
      return createCrc32c();
    case 'CRC64NVME':
      return createCrc64Nvme();
    default:
      return algorithm satisfies never;
  }
}

/** Castagnoli's polynomial, reflected. */
const CRC32C_TABLE = reflectedTable(0x82f63b78n).low;
/** CRC-64/NVME's polynomial, reflected. */
const CRC64_TABLE = reflectedTable(0x9a6c9329ac4bc9b5n);

function createCrc32c(): Checksum {
  let crc = 0xffffffff;
  return {
    update(content) {
      for (const byte of content) crc = (crc >>> 8) ^ (CRC32C_TABLE[(crc ^ byte) & 0xff] ?? 0);
    },
    digest: () => bigEndian([~crc]),
  };
}

/** In two halves of 32 bits: integers of 64 bits would take a hundred times as long. */
function createCrc64Nvme(): Checksum {
  let [high, low] = [0xffffffff, 0xffffffff];
  return {
    update(content) {
      for (const byte of content) {
        const index = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (CRC64_TABLE.low[index] ?? 0);
        high = (high >>> 8) ^ (CRC64_TABLE.high[index] ?? 0);
      }
    },
    digest: () => bigEndian([~high, ~low]),
  };
}

function reflectedTable(polynomial: bigint): { readonly high: Uint32Array; readonly low: Uint32Array } {
  const [high, low] = [new Uint32Array(256), new Uint32Array(256)];
  for (let index = 0; index < 256; index += 1) {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit += 1) value = (value & 1n) === 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    high[index] = Number(value >> 32n);
    low[index] = Number(value & 0xffffffffn);
  }
  return { high, low };
}

function bigEndian(words: readonly number[]): string {
  const bytes = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) bytes.writeUInt32BE(word >>> 0, index * 4);
  return bytes.toString('base64');
}
