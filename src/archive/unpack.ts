import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { isSlipwayError, messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import type { BundleType } from '../protocol/specification.ts';
import { BREATH_BYTES, breathe } from './breathe.ts';
import { BUILD_ANEW, contentKind } from './content-kind.ts';
import type { UnpackLimits } from './entry-judge.ts';
import type { EntryRules } from './entry-rules.ts';
import { readGzipFile } from './gzip-reader.ts';
import { onDisk } from './on-disk.ts';
import { archiveError } from './problems.ts';
import type { SecondWriters } from './small-files.ts';
import { createTarReader, type TarReader } from './tar-reader.ts';
import { withoutWrapper } from './wrapper.ts';
import { type ArchiveWriter, createArchiveWriter } from './writer.ts';
import { readZip } from './zip-reader.ts';

export interface UnpackRequest {
  readonly bundleFile: string;
  /** Type that the specification gives the bundle. Whether a tar is compressed is seen from its content: GitHub's "tar" is. */
  readonly bundleType: BundleType;
  /** Must not exist; its parent must. */
  readonly archiveDir: string;
  readonly limits: UnpackLimits;
  readonly rules: EntryRules;
  readonly signal?: AbortSignal;
  /** Start a second thread where there are many files; absent: one thread writes everything. */
  readonly secondWriters?: SecondWriters;
}

export interface UnpackReport {
  readonly entries: number;
  /** Content that was written, in bytes. */
  readonly bytes: number;
}

const CHUNK_BYTES = 1024 * 1024;
/** As much as tells what a file is. */
const BEGINNING_BYTES = 512;
/** Tapes are padded to whole records; no record is as long as this. */
const MAX_PADDING_BYTES = 64 * 1024 * 1024;

/**
 * Unpacks a bundle, takes away a wrapping folder, and puts the result in place under its name in one step. So `archiveDir` is either absent
 * or the whole revision. A crash leaves `<archiveDir>-temp`, which the next try removes.
 *
 * @throws SlipwayError ARCHIVE_…, naming the entry at fault; nothing is left behind then
 */
export async function unpackBundle(request: UnpackRequest): Promise<UnpackReport> {
  const { bundleFile, bundleType, archiveDir } = request;
  if (statSync(bundleFile).size === 0) {
    throw archiveError('ARCHIVE_TRUNCATED', null, 'is empty: 0 bytes', { remedy: BUILD_ANEW });
  }
  if (existsSync(archiveDir))
    throw new SlipwayError('ARCHIVE_CANNOT_WRITE', `${archiveDir} exists already`, {
      remedy: 'Deploy again, which is another deployment with a folder of its own.',
    });
  const temporary = `${archiveDir}-temp`;
  rmSync(temporary, { recursive: true, force: true });
  let writer: ArchiveWriter | null = null;
  try {
    onDisk(null, () => mkdirSync(temporary, { mode: 0o755 }));
    writer = createArchiveWriter(temporary, request.limits, request.rules, request.secondWriters);
    if (bundleType === 'zip') await readZipFile(bundleFile, writer, request.signal);
    else await readTar(bundleFile, bundleType, writer, request.signal);
    const report = await writer.finish();
    const revision = onDisk(null, () => withoutWrapper(temporary));
    // A link may lead out of the wrapping folder and yet not out of the archive; that folder will be the root.
    if (revision !== temporary) writer.judgeLinksBelow(basename(revision));
    onDisk(null, () => {
      // The archive may close its root to other users; scripts that run as one must get in.
      chmodSync(revision, 0o755);
      renameSync(revision, archiveDir);
      rmSync(temporary, { recursive: true, force: true });
    });
    return report;
  } catch (error) {
    const reason = await writer?.abandon();
    rmSync(temporary, { recursive: true, force: true });
    throw reason ?? error;
  } finally {
    await writer?.[Symbol.asyncDispose]();
  }
}

async function readZipFile(bundleFile: string, writer: ArchiveWriter, signal: AbortSignal | undefined): Promise<void> {
  try {
    await readZip(bundleFile, writer, signal);
  } catch (error) {
    throw namedForWhatItIs(error, beginningOf(bundleFile), 'zip');
  }
}

async function readTar(
  bundleFile: string,
  bundleType: BundleType,
  writer: ArchiveWriter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reader = createTarReader(writer);
  const beginning = beginningOf(bundleFile);
  const isPacked = beginning[0] === 0x1f && beginning[1] === 0x8b;
  let unpacked: Buffer = isPacked ? Buffer.alloc(0) : beginning;
  /** Remembers what the stream begins with: what is no tar archive is named for what it is. */
  const watched: TarReader = {
    write(chunk) {
      if (unpacked.length < BEGINNING_BYTES) {
        unpacked = Buffer.concat([unpacked, chunk.subarray(0, BEGINNING_BYTES - unpacked.length)]);
      }
      return reader.write(chunk);
    },
    end: reader.end,
  };
  try {
    if (isPacked) await readGzip(bundleFile, watched, signal);
    else await readPlain(bundleFile, reader, signal);
    reader.end();
  } catch (error) {
    throw namedForWhatItIs(error, unpacked, bundleType, isPacked);
  }
}

/**
 * Renames a fault of an archive as a whole when the file is something else. An error page, for instance, is not cut off, however short it
 * is.
 */
function namedForWhatItIs(error: unknown, beginning: Buffer, wanted: BundleType, isUnpacked = false): unknown {
  const isOfWhole = isSlipwayError(error, 'ARCHIVE_CORRUPT') || isSlipwayError(error, 'ARCHIVE_TRUNCATED');
  // Of a stream that is cut off at its very beginning nothing is known.
  const kind = beginning.length === 0 ? null : contentKind(beginning);
  const isAsWanted = kind?.is === (wanted === 'zip' ? 'a zip archive' : 'a tar archive');
  if (!isOfWhole || kind === null || isAsWanted) return error;
  const what = `is no ${wanted === 'zip' ? 'zip' : 'tar'} archive, but ${kind.is}`;
  const type = TYPE_OF_KIND[kind.is];
  if (isUnpacked) {
    const isTwice = kind.is === 'a gzip file';
    const inGzip = isTwice ? 'is compressed twice: a gzip file in a gzip file' : `${what} in a gzip file`;
    return archiveError('ARCHIVE_CORRUPT', null, inGzip, { cause: error, remedy: kind.remedy });
  }
  const remedy = type === undefined ? kind.remedy : `Say that its bundle type is ${type}, or pack it anew.`;
  return archiveError('ARCHIVE_CORRUPT', null, what, { cause: error, remedy });
}

const TYPE_OF_KIND: Readonly<Record<string, BundleType>> = {
  'a zip archive': 'zip',
  'a gzip file': 'tgz',
  'a tar archive': 'tar',
};

async function readPlain(bundleFile: string, reader: TarReader, signal: AbortSignal | undefined): Promise<void> {
  const file = openSync(bundleFile, 'r');
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    let sinceBreath = 0;
    for (;;) {
      const read = readSync(file, buffer, 0, buffer.length, null);
      if (read === 0) return;
      if (!reader.write(buffer.subarray(0, read))) return;
      sinceBreath += read;
      if (sinceBreath >= BREATH_BYTES) {
        sinceBreath = 0;
        await breathe(signal);
      }
    }
  } finally {
    closeSync(file);
  }
}

const NOTHING_BEHIND =
  'Find out what was written behind the archive, such as a signature or a message, and upload it without that.';

async function readGzip(bundleFile: string, reader: TarReader, signal: AbortSignal | undefined): Promise<void> {
  let behindEnd = 0;
  const take = (chunk: Buffer) => {
    signal?.throwIfAborted();
    // What follows the end is read for the checksum of the whole, but not for ever.
    if (!reader.write(chunk)) behindEnd += chunk.length;
    if (behindEnd > MAX_PADDING_BYTES) throw archiveError('ARCHIVE_CORRUPT', null, 'goes on long after its end');
  };
  try {
    await readGzipFile(bundleFile, take, signal);
  } catch (cause) {
    if (cause instanceof SlipwayError || signal?.aborted === true) throw cause;
    // The first header was seen before: this is said of what stands where another member would begin.
    if (messageOf(cause) === 'incorrect header check') {
      const what = 'goes on behind its end with bytes that are no gzip data';
      throw archiveError('ARCHIVE_CORRUPT', null, what, { cause, remedy: NOTHING_BEHIND });
    }
    throw systemErrorCode(cause) === 'Z_BUF_ERROR'
      ? archiveError('ARCHIVE_TRUNCATED', null, 'is cut off: its compressed data ends too early', { cause })
      : archiveError('ARCHIVE_CORRUPT', null, `cannot be decompressed: ${messageOf(cause)}`, { cause });
  }
}

function beginningOf(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(BEGINNING_BYTES);
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(file);
  }
}
