/** Checksums in answers: as headers and as elements. */
import type { ServerResponse } from 'node:http';
import { CHECKSUM_ALGORITHMS, type Checksums, checksumHeader } from './checksums.ts';
import type { ObjectVersion } from './stored-version.ts';

type Summed = Pick<ObjectVersion, 'checksums' | 'checksumType'>;

/** Says an object's checksums, and of what they are. */
export function setChecksums(response: ServerResponse, { checksums, checksumType }: Summed): void {
  setPartChecksums(response, checksums);
  if (Object.keys(checksums).length > 0) response.setHeader('x-amz-checksum-type', checksumType);
}

/** Says a part's checksums, which are always of its content. */
export function setPartChecksums(response: ServerResponse, checksums: Checksums): void {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = checksums[algorithm];
    if (value !== undefined) response.setHeader(checksumHeader(algorithm), value);
  }
}

/** The same as elements of an answer in XML. */
export function checksumElements({ checksums, checksumType }: Summed): Record<string, string> {
  const parts = partChecksumElements(checksums);
  return Object.keys(parts).length === 0 ? {} : { ...parts, ChecksumType: checksumType };
}

export function partChecksumElements(checksums: Checksums): Record<string, string> {
  return Object.fromEntries(Object.entries(checksums).map(([algorithm, value]) => [`Checksum${algorithm}`, value]));
}
