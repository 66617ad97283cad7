import { createReadStream, createWriteStream, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create } from 'tar';
import { ZipFile } from 'yazl';
import { messageOf, SlipwayError } from '../errors.ts';
import type { BundleType } from '../protocol/specification.ts';

export interface PackRequest {
  readonly sourceDir: string;
  readonly bundleFile: string;
  readonly bundleType: BundleType;
}

export interface PackReport {
  readonly entries: number;
  /** Content that went in, in bytes. */
  readonly bytes: number;
}

interface SourceEntry {
  /** Relative to the source folder. */
  readonly name: string;
  readonly path: string;
  readonly stats: Stats;
}

/**
 * Makes a bundle of everything in a folder, hidden files and empty folders included, in the order of the names: the same folder gives
 * the same entries in the same order.
 *
 * @throws SlipwayError ARCHIVE_CANNOT_READ naming what cannot be read, or is no file, folder or symbolic link
 */
export async function packBundle(request: PackRequest): Promise<PackReport> {
  const entries = listEntries(request.sourceDir, '');
  try {
    if (request.bundleType === 'zip') await packZip(entries, request.bundleFile);
    else await packTar(entries, request);
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    throw new SlipwayError(
      'ARCHIVE_CANNOT_READ',
      `no bundle could be made of ${request.sourceDir}: ${messageOf(cause)}`,
      { cause },
    );
  }
  const bytes = entries.reduce((sum, { stats }) => sum + (stats.isFile() ? stats.size : 0), 0);
  return { entries: entries.length, bytes };
}

function listEntries(root: string, below: string): SourceEntry[] {
  const folder = join(root, below);
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (cause) {
    throw new SlipwayError('ARCHIVE_CANNOT_READ', `the folder ${folder} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
  return names.flatMap((base) => {
    const name = below === '' ? base : `${below}/${base}`;
    const path = join(root, name);
    const stats = lstatSync(path);
    if (!stats.isFile() && !stats.isDirectory() && !stats.isSymbolicLink()) {
      throw new SlipwayError(
        'ARCHIVE_CANNOT_READ',
        `${path} is no file, folder or symbolic link and cannot be part of a bundle`,
      );
    }
    const entry = { name, path, stats };
    return stats.isDirectory() ? [entry, ...listEntries(root, name)] : [entry];
  });
}

async function packTar(entries: readonly SourceEntry[], request: PackRequest): Promise<void> {
  await create(
    {
      cwd: request.sourceDir,
      file: request.bundleFile,
      gzip: request.bundleType === 'tgz' ? { portable: true } : false,
      // Who built the bundle is nobody's business on the host. Modes and times are: tar's own portable mode would change both.
      onWriteEntry(entry) {
        const { mode, mtime, size } = entry.stat ?? lstatSync(entry.absolute);
        entry.stat = { mode, mtime, size } as Stats;
      },
      noDirRecurse: true,
      strict: true,
      preservePaths: false,
    },
    // A name that begins with @ would be read as an archive to add.
    entries.map(({ name }) => `./${name}`),
  );
}

async function packZip(entries: readonly SourceEntry[], bundleFile: string): Promise<void> {
  const zip = new ZipFile();
  const failed = new Promise<never>((_, reject) => zip.once('error', reject));
  for (const { name, path, stats } of entries) {
    const options = { mtime: stats.mtime, mode: stats.mode };
    if (stats.isDirectory()) zip.addEmptyDirectory(name, options);
    else if (stats.isSymbolicLink()) zip.addBuffer(Buffer.from(readlinkSync(path)), name, options);
    else {
      // Opened when its turn comes: thousands of files at once would be too many.
      zip.addReadStreamLazy(name, { ...options, size: stats.size }, (give) => give(null, createReadStream(path)));
    }
  }
  zip.end();
  await Promise.race([pipeline(zip.outputStream, createWriteStream(bundleFile)), failed]);
}
