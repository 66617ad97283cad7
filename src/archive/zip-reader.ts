import { closeSync, openSync, readSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { SlipwayError } from '../errors.ts';
import { archiveError } from './problems.ts';
import type { ArchiveWriter, EntryFacts, OpenFile } from './writer.ts';
import { readZipDirectory, type ZipEntry } from './zip-directory.ts';

/** Entries up to this size, packed and unpacked, are inflated at one go, which is many times faster; larger ones are streamed. */
const AT_ONCE_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const LOCAL_HEADER = 0x04034b50;
const LOCAL_HEADER_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 0x1;
const MAX_LINK_BYTES = 4095;

const FILE_TYPE = 0o170000;
const TYPE_DIRECTORY = 0o040000;
const TYPE_REGULAR = 0o100000;
const TYPE_SYMLINK = 0o120000;

/** Reads a zip archive into a writer; `breathe` is awaited now and then, so that a signal can stop the work. */
export async function readZip(path: string, writer: ArchiveWriter, breathe: () => Promise<void>): Promise<void> {
  const entries = await readZipDirectory(path);
  const file = openSync(path, 'r');
  try {
    let bytesSinceBreath = 0;
    for (const entry of entries) {
      await readEntry(file, entry, writer);
      bytesSinceBreath += entry.uncompressedSize + 4096;
      if (bytesSinceBreath > 16 * CHUNK_BYTES) {
        bytesSinceBreath = 0;
        await breathe();
      }
    }
  } finally {
    closeSync(file);
  }
}

async function readEntry(file: number, entry: ZipEntry, writer: ArchiveWriter): Promise<void> {
  const facts: EntryFacts = { mode: entry.unixMode, mtimeMs: entry.mtimeMs };
  const type = (entry.unixMode ?? 0) & FILE_TYPE;
  if (type === TYPE_DIRECTORY || entry.name.endsWith('/')) return writer.directory(entry.name, facts);
  if (type === TYPE_SYMLINK) {
    if (entry.uncompressedSize > MAX_LINK_BYTES)
      throw archiveError('ARCHIVE_ENTRY_UNUSABLE', entry.name, 'is a link that is too long');
    return writer.symlink(entry.name, (await readSmall(file, entry)).toString('utf8'), facts);
  }
  if (type !== 0 && type !== TYPE_REGULAR) {
    throw archiveError('ARCHIVE_ENTRY_UNUSABLE', entry.name, 'is no file, folder or symbolic link');
  }
  const output = writer.file(entry.name, facts);
  try {
    if (isSmall(entry)) output.write(await readSmall(file, entry));
    else await streamContent(file, entry, output);
  } finally {
    output.close();
  }
}

function isSmall(entry: ZipEntry): boolean {
  return entry.compressedSize <= AT_ONCE_BYTES && entry.uncompressedSize <= AT_ONCE_BYTES;
}

async function readSmall(file: number, entry: ZipEntry): Promise<Buffer> {
  const packed = Buffer.alloc(entry.compressedSize);
  readFully(file, packed, contentOffset(file, entry), entry);
  const content = entry.compressionMethod === STORED ? packed : inflate(packed, entry);
  requireWhole(entry, content.length, crc32(content));
  return content;
}

function inflate(packed: Buffer, entry: ZipEntry): Buffer {
  try {
    // One byte more than promised is enough to know that the promise is broken, whatever a bomb would unpack to.
    return inflateRawSync(packed, { maxOutputLength: entry.uncompressedSize + 1 });
  } catch (cause) {
    throw archiveError('ARCHIVE_CORRUPT', entry.name, 'cannot be inflated', cause);
  }
}

async function streamContent(file: number, entry: ZipEntry, output: OpenFile): Promise<void> {
  let length = 0;
  let checksum = 0;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        length += chunk.length;
        if (length > entry.uncompressedSize) requireWhole(entry, length, checksum);
        checksum = crc32(chunk, checksum);
        output.write(chunk);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  const source = Readable.from(packedChunks(file, entry));
  try {
    if (entry.compressionMethod === STORED) await pipeline(source, sink);
    else await pipeline(source, createInflateRaw({ chunkSize: CHUNK_BYTES }), sink);
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    throw archiveError('ARCHIVE_CORRUPT', entry.name, 'cannot be inflated', cause);
  }
  requireWhole(entry, length, checksum);
}

function* packedChunks(file: number, entry: ZipEntry): Generator<Buffer> {
  let offset = contentOffset(file, entry);
  for (let left = entry.compressedSize; left > 0; ) {
    const chunk = Buffer.alloc(Math.min(left, CHUNK_BYTES));
    readFully(file, chunk, offset, entry);
    offset += chunk.length;
    left -= chunk.length;
    yield chunk;
  }
}

/** Where the entry's content begins: behind its local header, which must be the same entry's. */
function contentOffset(file: number, entry: ZipEntry): number {
  if ((entry.flags & ENCRYPTED) !== 0) throw archiveError('ARCHIVE_ENTRY_UNUSABLE', entry.name, 'is encrypted');
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    throw archiveError(
      'ARCHIVE_ENTRY_UNUSABLE',
      entry.name,
      `is compressed with method ${entry.compressionMethod}; only deflate is read`,
    );
  }
  const header = Buffer.alloc(LOCAL_HEADER_BYTES);
  readFully(file, header, entry.offsetToLocalFileHeader, entry);
  if (header.readUInt32LE(0) !== LOCAL_HEADER)
    throw archiveError('ARCHIVE_CORRUPT', entry.name, 'is not where the directory says');
  const name = Buffer.alloc(header.readUInt16LE(26));
  readFully(file, name, entry.offsetToLocalFileHeader + LOCAL_HEADER_BYTES, entry);
  if (!name.equals(entry.nameBytes)) {
    throw archiveError('ARCHIVE_CORRUPT', entry.name, `has another name in its own header: '${name.toString('utf8')}'`);
  }
  return entry.offsetToLocalFileHeader + LOCAL_HEADER_BYTES + name.length + header.readUInt16LE(28);
}

function readFully(file: number, buffer: Buffer, offset: number, entry: ZipEntry): void {
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw archiveError('ARCHIVE_CORRUPT', entry.name, 'lies at an impossible place');
  for (let filled = 0; filled < buffer.length; ) {
    const read = readSync(file, buffer, filled, buffer.length - filled, offset + filled);
    if (read === 0)
      throw archiveError('ARCHIVE_TRUNCATED', entry.name, 'is cut off: the bundle ends in the middle of it');
    filled += read;
  }
}

function requireWhole(entry: ZipEntry, length: number, checksum: number): void {
  if (length !== entry.uncompressedSize) {
    const found = length > entry.uncompressedSize ? 'more' : `${length}`;
    throw archiveError('ARCHIVE_CORRUPT', entry.name, `should have ${entry.uncompressedSize} bytes, but has ${found}`);
  }
  if (checksum !== entry.crc32) throw archiveError('ARCHIVE_CORRUPT', entry.name, 'has a wrong checksum');
}
