import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { openZipDirectory } from '../archive/zip-directory.ts';
import type { BundleType } from '../protocol/specification.ts';
import type { SpaceNeeded } from './disk-space.ts';

const GZIP_MAGIC = 0x8b1f;

/**
 * The least that a bundle takes when it is unpacked, as far as it says so itself: a zip archive lists all sizes, a gzip file ends with its
 * own, and a tar is its own content. What lies about it is caught while it is unpacked.
 *
 * @throws SlipwayError ARCHIVE_CORRUPT for a zip archive without a directory
 */
export function unpackedSize(bundleFile: string, bundleType: BundleType, blockBytes: number): SpaceNeeded {
  const { size } = statSync(bundleFile);
  const file = openSync(bundleFile, 'r');
  try {
    if (bundleType === 'zip') return zipSize(file, blockBytes);
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

function zipSize(file: number, blockBytes: number): SpaceNeeded {
  let bytes = 0;
  let inodes = 0;
  for (const { uncompressedSize } of openZipDirectory(file).entries()) {
    bytes += Math.ceil(uncompressedSize / blockBytes) * blockBytes;
    inodes += 1;
  }
  return { bytes, inodes };
}
