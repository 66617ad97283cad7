import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { openZipDirectory } from '../archive/zip-directory.ts';
import { isSlipwayError } from '../errors.ts';
import type { BundleType } from '../protocol/specification.ts';
import type { SpaceNeeded } from './disk-space.ts';

const GZIP_MAGIC = 0x8b1f;

/**
 * Returns the least space that an unpacked bundle takes, as far as the bundle itself says. A zip archive lists all sizes, a gzip file ends
 * with its own, and a tar is its own content. Unpacking catches false sizes, and reports a file that is no zip archive.
 */
export function unpackedSize(bundleFile: string, bundleType: BundleType, blockBytes: number): SpaceNeeded {
  const { size } = statSync(bundleFile);
  const file = openSync(bundleFile, 'r');
  try {
    if (bundleType === 'zip') return zipSize(file, blockBytes) ?? { bytes: size, inodes: 0 };
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

/** null: it is no zip archive, or a damaged one. */
function zipSize(file: number, blockBytes: number): SpaceNeeded | null {
  let bytes = 0;
  let inodes = 0;
  try {
    for (const { uncompressedSize } of openZipDirectory(file).entries()) {
      bytes += Math.ceil(uncompressedSize / blockBytes) * blockBytes;
      inodes += 1;
    }
  } catch (error) {
    if (isSlipwayError(error)) return null;
    throw error;
  }
  return { bytes, inodes };
}
