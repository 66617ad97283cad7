import { closeSync, openSync, readSync } from 'node:fs';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { SlipwayError } from '../errors.ts';
import { BREATH_BYTES, breathe } from './breathe.ts';
import { createDeflateBlocks } from './deflate-blocks.ts';
import type { OpenFile } from './file-writer.ts';
import { INFLATE_OPTIONS, inflateStream } from './inflate-stream.ts';
import { archiveError, specialFileError } from './problems.ts';
import { decodeText } from './tar-header.ts';
import type { ArchiveWriter, EntryFacts } from './writer.ts';
import { BATCHED_BYTES, createZipBatch, type ZipBatch } from './zip-batch.ts';
import { openZipDirectory, type ZipEntry } from './zip-directory.ts';
import { DEFLATED, kindOf, requireReadable, specialKindOf } from './zip-entry-kind.ts';

/** Entries up to this size, packed and unpacked, are inflated at one go, which is many times faster; larger ones are streamed. */
const AT_ONCE_BYTES = 1024 * 1024;
const PIECE_BYTES = 256 * 1024;
/** Entries mostly lie in the order in which they are read: what is read ahead saves two calls for each small one. */
const AHEAD_BYTES = 128 * 1024;
const LOCAL_HEADER = 0x04034b50;
const LOCAL_HEADER_BYTES = 30;
const MAX_LINK_BYTES = 4095;

/** Reads a zip archive into a writer. */
export async function readZip(path: string, writer: ArchiveWriter, signal: AbortSignal | undefined): Promise<void> {
  const file = openSync(path, 'r');
  try {
    const directory = openZipDirectory(file);
    const source: ZipSource = {
      file,
      read: createWindow(file),
      piece: Buffer.allocUnsafe(PIECE_BYTES),
      claims: createClaims(directory.offset),
      signal,
    };
    const batch = createZipBatch();
    let bytesSinceBreath = 0;
    for (const entry of directory.entries()) {
      if (isBatched(entry)) {
        const packed = readPacked(source, entry);
        if (!batch.add(entry, packed)) {
          writeBatch(batch, writer);
          batch.add(entry, packed);
        }
      } else {
        writeBatch(batch, writer);
        // Awaited only where there is something to wait for: a turn of the queue for each small file is a tenth of the whole.
        const pending = readEntry(source, entry, writer);
        if (pending !== null) await pending;
      }
      bytesSinceBreath += entry.uncompressedSize + 4096;
      if (bytesSinceBreath > BREATH_BYTES) {
        bytesSinceBreath = 0;
        await breathe(signal);
      }
    }
    writeBatch(batch, writer);
    source.claims.requireDisjoint();
  } finally {
    closeSync(file);
  }
}

interface ZipSource {
  readonly file: number;
  /** The result is good until the next call. At most `AT_ONCE_BYTES`. */
  read(entry: ZipEntry, offset: number, length: number): Buffer;
  /** For content that is read piece by piece. */
  readonly piece: Buffer;
  readonly claims: Claims;
  readonly signal: AbortSignal | undefined;
}

function isBatched(entry: ZipEntry): boolean {
  const isSmallest =
    entry.compressedSize > 0 && entry.compressedSize <= BATCHED_BYTES && entry.uncompressedSize <= BATCHED_BYTES;
  return isSmallest && entry.compressionMethod === DEFLATED && kindOf(entry) === 'file';
}

function writeBatch(batch: ZipBatch, writer: ArchiveWriter): void {
  for (const { entry, packed, content } of batch.drain()) {
    const output = writer.file(entry.name, factsOf(entry));
    output.write(content ?? inflateWhole(packed, entry));
    output.close();
  }
}

function factsOf({ unixMode, mtimeMs }: ZipEntry): EntryFacts {
  return { mode: unixMode, mtimeMs };
}

/** @returns null when the entry is done, otherwise a promise for the time when it is */
function readEntry(source: ZipSource, entry: ZipEntry, writer: ArchiveWriter): Promise<void> | null {
  const facts = factsOf(entry);
  const kind = kindOf(entry);
  if (kind === 'directory') {
    // Claims its place like any other, though there should be nothing to read.
    contentOffset(source, entry);
    writer.directory(entry.name, facts);
    return null;
  }
  if (kind === 'symlink') {
    if (entry.uncompressedSize > MAX_LINK_BYTES)
      throw archiveError('ARCHIVE_ENTRY_UNUSABLE', entry.name, 'is a link that is too long', {
        remedy: 'Make the link anew where the bundle is built, or leave it out.',
      });
    writer.symlink(entry.name, decodeText(readSmall(source, entry)), facts);
    return null;
  }
  if (kind === 'other') {
    throw specialFileError(entry.name, specialKindOf(entry));
  }
  const output = writer.file(entry.name, facts);
  if (!isSmall(entry)) return streamContent(source, entry, output).then(() => output.close());
  if (entry.uncompressedSize === 0 && entry.compressedSize === 0) contentOffset(source, entry);
  else output.write(readSmall(source, entry));
  output.close();
  return null;
}

function isSmall(entry: ZipEntry): boolean {
  return entry.compressedSize <= AT_ONCE_BYTES && entry.uncompressedSize <= AT_ONCE_BYTES;
}

function readPacked(source: ZipSource, entry: ZipEntry): Buffer {
  return source.read(entry, contentOffset(source, entry), entry.compressedSize);
}

function readSmall(source: ZipSource, entry: ZipEntry): Buffer {
  const packed = readPacked(source, entry);
  if (entry.compressionMethod === DEFLATED) return inflateWhole(packed, entry);
  requireWhole(entry, packed.length, crc32(packed));
  return packed;
}

function inflateWhole(packed: Buffer, entry: ZipEntry): Buffer {
  const content = inflate(packed, entry);
  requireWhole(entry, content.length, crc32(content));
  return content;
}

function inflate(packed: Buffer, entry: ZipEntry): Buffer {
  try {
    // One byte more than promised is enough to know that the promise is broken, whatever a bomb would unpack to.
    return inflateRawSync(packed, { maxOutputLength: entry.uncompressedSize + 1 });
  } catch (cause) {
    throw archiveError('ARCHIVE_CORRUPT', entry.name, 'cannot be inflated', { cause });
  }
}

async function streamContent(source: ZipSource, entry: ZipEntry, output: OpenFile): Promise<void> {
  const { signal } = source;
  let length = 0;
  let checksum = 0;
  function take(content: Buffer): void {
    signal?.throwIfAborted();
    length += content.length;
    if (length > entry.uncompressedSize) requireWhole(entry, length, checksum);
    checksum = crc32(content, checksum);
    output.write(content);
  }
  const span = { begin: contentOffset(source, entry), bytes: entry.compressedSize };
  if (entry.compressionMethod === DEFLATED) await inflateContent(source, entry, span, take);
  else {
    for (const piece of piecesOf(source, entry, span)) {
      take(piece);
      if (length % BREATH_BYTES < piece.length) await breathe(signal);
    }
  }
  requireWhole(entry, length, checksum);
}

/** A part of the archive. */
interface Span {
  readonly begin: number;
  readonly bytes: number;
}

/** Puts together what is only stored, and leaves the rest to zlib. */
async function inflateContent(
  source: ZipSource,
  entry: ZipEntry,
  span: Span,
  take: (content: Buffer) => void,
): Promise<void> {
  const blocks = createDeflateBlocks();
  let at = span.begin;
  let rest: Buffer | null = null;
  for (const piece of piecesOf(source, entry, span)) {
    at += piece.length;
    rest = blocks.read(piece, take);
    if (rest !== null || blocks.hasEnded()) break;
    if ((at - span.begin) % BREATH_BYTES < piece.length) await breathe(source.signal);
  }
  rest ??= blocks.finish(take);
  if (rest === null) {
    if (!blocks.hasEnded()) throw archiveError('ARCHIVE_CORRUPT', entry.name, 'cannot be inflated: its end is missing');
    return;
  }
  const inflater = createInflateRaw({ ...INFLATE_OPTIONS, ...blocks.window() });
  const following = piecesOf(source, entry, { begin: at, bytes: span.begin + span.bytes - at }, Buffer.allocUnsafe);
  await inflateStream(inflater, oneAfterTheOther([rest], following), take).catch((cause: unknown) => {
    if (cause instanceof SlipwayError || source.signal?.aborted === true) throw cause;
    throw archiveError('ARCHIVE_CORRUPT', entry.name, 'cannot be inflated', { cause });
  });
}

function* oneAfterTheOther(first: Iterable<Buffer>, second: Iterable<Buffer>): Generator<Buffer> {
  yield* first;
  yield* second;
}

/** Yields a part of the archive in pieces, by default each in the place of the one before it. */
function* piecesOf(
  { file, piece }: ZipSource,
  entry: ZipEntry,
  { begin, bytes }: Span,
  bufferOf = (size: number) => piece.subarray(0, size),
): Generator<Buffer> {
  for (let at = begin; at < begin + bytes; ) {
    const buffer = bufferOf(Math.min(begin + bytes - at, PIECE_BYTES));
    readAtLeast(file, buffer, buffer.length, at, entry);
    at += buffer.length;
    yield buffer;
  }
}

/** Where the entry's content begins: behind its own header, which must say the same of it as the directory does. */
function contentOffset({ read, claims }: ZipSource, entry: ZipEntry): number {
  requireReadable(entry);
  const header = read(entry, entry.headerOffset, LOCAL_HEADER_BYTES + entry.nameBytes.length);
  if (header.readUInt32LE(0) !== LOCAL_HEADER)
    throw archiveError('ARCHIVE_CORRUPT', entry.name, 'is not where the directory says');
  const name = header.subarray(LOCAL_HEADER_BYTES);
  if (header.readUInt16LE(26) !== name.length || !name.equals(entry.nameBytes)) {
    throw archiveError('ARCHIVE_CORRUPT', entry.name, 'has another name in its own header');
  }
  if (header.readUInt16LE(8) !== entry.compressionMethod || contradicts(header, entry)) {
    throw archiveError('ARCHIVE_CORRUPT', entry.name, 'is described in its own header as something else');
  }
  const offset = entry.headerOffset + header.length + header.readUInt16LE(28);
  claims.add(entry.headerOffset, offset + entry.compressedSize, entry.name);
  return offset;
}

/** Zeros are no claim: they stand where sizes follow the content. All ones mean that an extra field has the size. */
function contradicts(header: Buffer, entry: ZipEntry): boolean {
  return [
    [header.readUInt32LE(14), entry.crc32],
    [header.readUInt32LE(18), entry.compressedSize],
    [header.readUInt32LE(22), entry.uncompressedSize],
  ].some(([claimed, actual]) => claimed !== actual && claimed !== 0 && claimed !== 0xffffffff);
}

/** Which parts of the file belong to entries: the same bytes used for many of them are how a small archive becomes endless. */
interface Claims {
  /** @throws SlipwayError ARCHIVE_CORRUPT at once when it can be seen: entries mostly come in the order of their places */
  add(begin: number, end: number, name: string): void;
  /** The rest of the check, for entries in another order. */
  requireDisjoint(): void;
}

function createClaims(directoryOffset: number): Claims {
  const ranges: { readonly begin: number; readonly end: number; readonly name: string }[] = [];
  let isInOrder = true;

  function overlap(name: string): Error {
    return archiveError('ARCHIVE_CORRUPT', name, 'overlaps with another entry');
  }

  return {
    add(begin, end, name) {
      if (end > directoryOffset) throw archiveError('ARCHIVE_CORRUPT', name, 'goes on into the directory');
      const last = ranges.at(-1);
      if (last !== undefined && begin < last.begin) isInOrder = false;
      if (last !== undefined && begin >= last.begin && begin < last.end) throw overlap(name);
      ranges.push({ begin, end, name });
    },
    requireDisjoint() {
      if (isInOrder) return;
      ranges.sort((a, b) => a.begin - b.begin);
      ranges.forEach(({ begin, name }, n) => {
        if (n > 0 && begin < (ranges[n - 1]?.end ?? 0)) throw overlap(name);
      });
    },
  };
}

function createWindow(file: number): ZipSource['read'] {
  const buffer = Buffer.allocUnsafe(AT_ONCE_BYTES);
  let begin = 0;
  let end = 0;
  return (entry, offset, length) => {
    if (offset < begin || offset + length > end) {
      begin = offset;
      end = offset + readAtLeast(file, buffer, length, offset, entry);
    }
    return buffer.subarray(offset - begin, offset - begin + length);
  };
}

/** Fills the buffer as far as is read ahead. @returns how much that was, no less than `length` */
function readAtLeast(file: number, buffer: Buffer, length: number, offset: number, entry: ZipEntry): number {
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw archiveError('ARCHIVE_CORRUPT', entry.name, 'lies at an impossible place');
  const wanted = Math.min(buffer.length, Math.max(length, AHEAD_BYTES));
  let filled = 0;
  do {
    const read = readSync(file, buffer, filled, wanted - filled, offset + filled);
    if (read === 0)
      throw archiveError('ARCHIVE_TRUNCATED', entry.name, 'is cut off: the bundle ends in the middle of it');
    filled += read;
  } while (filled < length);
  return filled;
}

function requireWhole(entry: ZipEntry, length: number, checksum: number): void {
  if (length !== entry.uncompressedSize) {
    const found = length > entry.uncompressedSize ? 'more' : `${length}`;
    throw archiveError('ARCHIVE_CORRUPT', entry.name, `should have ${entry.uncompressedSize} bytes, but has ${found}`);
  }
  if (checksum !== entry.crc32) throw archiveError('ARCHIVE_CORRUPT', entry.name, 'has a wrong checksum');
}
