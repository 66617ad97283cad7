import { createReadStream, createWriteStream, lstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create } from 'tar';
import { ZipFile } from 'yazl';
import { messageOf, SlipwayError } from '../errors.ts';
import type { BundleType } from '../protocol/specification.ts';
import type { UnpackLimits } from './entry-judge.ts';
import { type EntryRules, NEVER_BROUGHT_BITS } from './entry-rules.ts';
import { judgeFolder } from './folder-bundle.ts';
import { archiveError } from './problems.ts';
import type { FolderEntry } from './read-folder.ts';

export interface PackRequest {
  readonly sourceDir: string;
  readonly bundleFile: string;
  readonly bundleType: BundleType;
  /** Limits and rules of the host that the bundle is for; without them only what no host takes is refused. */
  readonly limits?: UnpackLimits;
  readonly rules?: EntryRules;
  readonly signal?: AbortSignal;
}

const NO_LIMITS: UnpackLimits = { maxBytes: Number.POSITIVE_INFINITY, maxEntries: Number.POSITIVE_INFINITY };
const NO_RULES: EntryRules = { rejectSymlinks: false, keepOwnership: false };

export interface PackReport {
  readonly entries: number;
  /** Content that went in, in bytes. */
  readonly bytes: number;
}

/**
 * Makes a bundle of everything in a folder, hidden files and empty folders included. It goes in the order of the names, so the same folder
 * gives the same entries in the same order. Links go in as they are, a file with several names as a file for each of them.
 *
 * @throws SlipwayError ARCHIVE_… for what no host would unpack, before anything is written, and for what cannot be read
 */
export async function packBundle(request: PackRequest): Promise<PackReport> {
  const entries = await judgeFolder({ limits: NO_LIMITS, rules: NO_RULES, ...request });
  try {
    if (request.bundleType === 'zip') await packZip(entries, request);
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

/** On Windows a backslash divides names, and a letter with a colon is a disk: a reader of a zip may take them for that. */
export function isPlainInZip(name: string): boolean {
  return !name.includes('\\') && !/^[a-z]:/i.test(name);
}

async function packTar(entries: readonly FolderEntry[], request: PackRequest): Promise<void> {
  await create(
    {
      cwd: request.sourceDir,
      file: request.bundleFile,
      gzip: request.bundleType === 'tgz' ? { portable: true } : false,
      // Who built the bundle is nobody's business on the host. Modes and times are: tar's own portable mode would change both.
      onWriteEntry(entry) {
        const { mode, mtime, size } = entry.stat ?? lstatSync(entry.absolute);
        entry.stat = { mode: mode & ~NEVER_BROUGHT_BITS, mtime, size } as Stats;
      },
      noDirRecurse: true,
      strict: true,
      preservePaths: false,
    },
    // A name that begins with @ would be read as an archive to add.
    entries.map(({ name }) => `./${name}`),
  );
}

async function packZip(
  entries: readonly FolderEntry[],
  { sourceDir, bundleFile }: Pick<PackRequest, 'sourceDir' | 'bundleFile'>,
): Promise<void> {
  const odd = entries.find(({ name }) => !isPlainInZip(name));
  if (odd !== undefined) {
    const what = 'has a name that means another file in a zip: a backslash in it, or a letter and a colon in front';
    throw archiveError('ARCHIVE_ENTRY_UNUSABLE', odd.name, what, { remedy: 'Pack it as tgz, or rename it.' });
  }
  const zip = new ZipFile();
  const failed = new Promise<never>((_, reject) => zip.once('error', reject));
  for (const { name, kind, stats, target } of entries) {
    const options = { mtime: stats.mtime, mode: stats.mode & ~NEVER_BROUGHT_BITS };
    const path = join(sourceDir, name);
    if (kind === 'directory') zip.addEmptyDirectory(name, options);
    else if (kind === 'symlink') zip.addBuffer(Buffer.from(target), name, options);
    else {
      // Opened when its turn comes: thousands of files at once would be too many.
      zip.addReadStreamLazy(name, { ...options, size: stats.size }, (give) => give(null, createReadStream(path)));
    }
  }
  zip.end();
  await Promise.race([pipeline(zip.outputStream, createWriteStream(bundleFile)), failed]);
}
