import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { createGunzip } from 'node:zlib';
import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import type { BundleType } from '../protocol/specification.ts';
import { BREATH_BYTES, breathe } from './breathe.ts';
import type { UnpackLimits } from './entry-judge.ts';
import type { EntryRules } from './entry-rules.ts';
import { INFLATE_OPTIONS, inflateStream } from './inflate-stream.ts';
import { archiveError } from './problems.ts';
import { createTarReader, type TarReader } from './tar-reader.ts';
import { withoutWrapper } from './wrapper.ts';
import { type ArchiveWriter, createArchiveWriter, onDisk } from './writer.ts';
import { readZip } from './zip-reader.ts';

export interface UnpackRequest {
  readonly bundleFile: string;
  /** What the specification calls it. Whether a tar is compressed is seen from its content: GitHub's "tar" is. */
  readonly bundleType: BundleType;
  /** Must not exist; its parent must. */
  readonly archiveDir: string;
  readonly limits: UnpackLimits;
  readonly rules: EntryRules;
  readonly signal?: AbortSignal;
}

export interface UnpackReport {
  readonly entries: number;
  /** Content that was written, in bytes. */
  readonly bytes: number;
}

const CHUNK_BYTES = 1024 * 1024;
/** Tapes are padded to whole records; no record is as long as this. */
const MAX_PADDING_BYTES = 64 * 1024 * 1024;

/**
 * Unpacks a bundle, takes away a wrapping folder, and puts the result in place under its name in one step: `archiveDir` is either
 * absent or the whole revision. What a crash leaves is `<archiveDir>-temp`, which the next try removes.
 *
 * @throws SlipwayError ARCHIVE_…, naming the entry at fault; nothing is left behind then
 */
export async function unpackBundle(request: UnpackRequest): Promise<UnpackReport> {
  const { bundleFile, bundleType, archiveDir } = request;
  if (statSync(bundleFile).size === 0) throw archiveError('ARCHIVE_TRUNCATED', null, 'is empty: 0 bytes');
  if (existsSync(archiveDir)) throw new SlipwayError('ARCHIVE_CANNOT_WRITE', `${archiveDir} exists already`);
  const temporary = `${archiveDir}-temp`;
  rmSync(temporary, { recursive: true, force: true });
  let writer: ArchiveWriter | null = null;
  try {
    onDisk(null, () => mkdirSync(temporary, { mode: 0o755 }));
    writer = createArchiveWriter(temporary, request.limits, request.rules);
    if (bundleType === 'zip') await readZip(bundleFile, writer, request.signal);
    else await readTar(bundleFile, writer, request.signal);
    const report = writer.finish();
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
    writer?.abandon();
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function readTar(bundleFile: string, writer: ArchiveWriter, signal: AbortSignal | undefined): Promise<void> {
  const reader = createTarReader(writer);
  if (isGzip(bundleFile)) await readGzip(bundleFile, reader, signal);
  else await readPlain(bundleFile, reader, signal);
  reader.end();
}

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

async function readGzip(bundleFile: string, reader: TarReader, signal: AbortSignal | undefined): Promise<void> {
  let behindEnd = 0;
  try {
    await inflateStream(createGunzip(INFLATE_OPTIONS), packedChunks(bundleFile), (chunk) => {
      signal?.throwIfAborted();
      // What follows the end is read for the checksum of the whole, but not for ever.
      if (!reader.write(chunk)) behindEnd += chunk.length;
      if (behindEnd > MAX_PADDING_BYTES) throw archiveError('ARCHIVE_CORRUPT', null, 'goes on long after its end');
    });
  } catch (cause) {
    if (cause instanceof SlipwayError || signal?.aborted === true) throw cause;
    throw systemErrorCode(cause) === 'Z_BUF_ERROR'
      ? archiveError('ARCHIVE_TRUNCATED', null, 'is cut off: its compressed data ends too early', { cause })
      : archiveError('ARCHIVE_CORRUPT', null, `cannot be decompressed: ${messageOf(cause)}`, { cause });
  }
}

function* packedChunks(bundleFile: string): Generator<Buffer> {
  const file = openSync(bundleFile, 'r');
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const read = readSync(file, chunk, 0, chunk.length, null);
      if (read === 0) return;
      yield chunk.subarray(0, read);
    }
  } finally {
    closeSync(file);
  }
}

function isGzip(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const magic = Buffer.alloc(2);
    return readSync(file, magic, 0, 2, 0) === 2 && magic[0] === 0x1f && magic[1] === 0x8b;
  } finally {
    closeSync(file);
  }
}
