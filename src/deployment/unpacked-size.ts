import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { readZipDirectory } from '../archive/zip-directory.ts';
import type { BundleType } from '../protocol/specification.ts';
import type { SpaceNeeded } from './disk-space.ts';

const GZIP_MAGIC = 0x8b1f;

/**
 * The least that a bundle takes when it is unpacked, as far as it says so itself: a zip archive lists all sizes, a gzip file ends with its
 * own, and a tar is its own content. What lies about it is caught while it is unpacked.
 *
 * @throws SlipwayError ARCHIVE_CORRUPT for a zip archive without a directory
 */
export async function unpackedSize(
  bundleFile: string,
  bundleType: BundleType,
  blockBytes: number,
): Promise<SpaceNeeded> {
  if (bundleType === 'zip') {
    const entries = await readZipDirectory(bundleFile);
    const inBlocks = (bytes: number) => Math.ceil(bytes / blockBytes) * blockBytes;
    return {
      bytes: entries.reduce((sum, { uncompressedSize }) => sum + inBlocks(uncompressedSize), 0),
      inodes: entries.length,
    };
  }
  const { size } = statSync(bundleFile);
  const file = openSync(bundleFile, 'r');
  try {
    const number = Buffer.alloc(4);
    const isGzip = readSync(file, number, 0, 2, 0) === 2 && number.readUInt16LE() === GZIP_MAGIC;
    if (!isGzip || size < 18) return { bytes: size, inodes: 0 };
    readSync(file, number, 0, 4, size - 4);
    // It is told modulo 4 GiB, and by a file of several members only for the last: never less than the bundle itself, then.
    return { bytes: Math.max(size, number.readUInt32LE()), inodes: 0 };
  } finally {
    closeSync(file);
  }
}
