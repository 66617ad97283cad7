/**
 * Unpacks a gzip file: what is only stored in it is put together here, everything else is left to zlib.
 *
 * @see RFC 1952
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { crc32, createGunzip, createInflateRaw } from 'node:zlib';
import { BREATH_BYTES, breathe } from './breathe.ts';
import { createDeflateBlocks, type DeflateBlocks, type TakeContent } from './deflate-blocks.ts';
import { INFLATE_OPTIONS, inflateStream } from './inflate-stream.ts';
import { archiveError } from './problems.ts';

const PIECE_BYTES = 1024 * 1024;
const FIXED_HEADER_BYTES = 10;
/** The longest header that is read here: a name is part of most. */
const MOST_HEADER_BYTES = 512;
const DEFLATE = 8;
const HAS_NAME = 0b1000;
/** Checksum and length of the content. */
const TRAILER_BYTES = 8;

interface GzipSource {
  readonly file: number;
  readonly signal: AbortSignal | undefined;
  readonly take: TakeContent;
}

/**
 * Gives the content of all members, in order, in buffers that are used again. Zeros behind the last member are padding.
 *
 * @throws SlipwayError ARCHIVE_TRUNCATED, ARCHIVE_CORRUPT; what zlib says; what `take` throws
 */
export async function readGzipFile(path: string, take: TakeContent, signal: AbortSignal | undefined): Promise<void> {
  const file = openSync(path, 'r');
  try {
    const source = { file, signal, take };
    const next = await readStoredMember(source);
    // zlib reads any further members, and judges what is none.
    if (next === null || readAt(file, 1, next)[0]) await gunzip(source, next ?? 0);
  } finally {
    closeSync(file);
  }
}

/**
 * Reads the first member if most of its beginning is only stored.
 *
 * @returns where the next one begins; null: nothing has been taken, and zlib is to read the whole file
 */
async function readStoredMember(source: GzipSource): Promise<number | null> {
  const begin = contentOffset(readAt(source.file, MOST_HEADER_BYTES, 0));
  if (begin === null) return null;
  const first = readAt(source.file, PIECE_BYTES, begin);
  // Of so little there is nothing to gain.
  if (first.length < PIECE_BYTES) return null;
  const blocks = createDeflateBlocks();
  const content: Buffer[] = [];
  const isLeftToZlib = blocks.read(first, (chunk) => content.push(Buffer.from(chunk))) !== null;
  if (isLeftToZlib) return null;
  const counted = countedTake(source.take);
  for (const chunk of content) counted.take(chunk);
  const end = await readBlocks({ ...source, take: counted.take }, blocks, begin + first.length);
  counted.require(readAt(source.file, TRAILER_BYTES, end));
  return end + TRAILER_BYTES;
}

/** Goes on with the blocks, and with zlib where it is its turn. @returns where the deflated data ends */
async function readBlocks({ file, signal, take }: GzipSource, blocks: DeflateBlocks, begin: number): Promise<number> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  let at = begin;
  let rest: Buffer | null = null;
  while (rest === null && !blocks.hasEnded()) {
    const read = readSync(file, piece, 0, piece.length, at);
    at += read;
    rest = read === 0 ? blocks.finish(take) : blocks.read(piece.subarray(0, read), take);
    if (read === 0 && rest === null && !blocks.hasEnded()) throw cutOff();
    if (at % BREATH_BYTES < read) await breathe(signal);
  }
  if (rest === null) return at - blocks.behindEnd();
  const inflater = createInflateRaw({ ...INFLATE_OPTIONS, ...blocks.window() });
  await inflateStream(inflater, piecesFrom(file, at, rest), take);
  return at - rest.length + inflater.bytesWritten;
}

/** @returns where a usual header ends; null: it is another, or none */
function contentOffset(header: Buffer): number | null {
  const [magic, andMagic, method, flags = 0] = header;
  if (magic !== 0x1f || andMagic !== 0x8b || method !== DEFLATE || (flags & ~HAS_NAME) !== 0) return null;
  if (header.length < FIXED_HEADER_BYTES) return null;
  if (flags === 0) return FIXED_HEADER_BYTES;
  const nameEnd = header.indexOf(0, FIXED_HEADER_BYTES);
  return nameEnd < 0 ? null : nameEnd + 1;
}

/** Counts and sums up what goes through, for the member's own claims about that. */
function countedTake(take: TakeContent) {
  let length = 0;
  let checksum = 0;
  return {
    take(content: Buffer): void {
      length += content.length;
      checksum = crc32(content, checksum);
      take(content);
    },
    require(trailer: Buffer): void {
      if (trailer.length < TRAILER_BYTES) throw cutOff();
      if (trailer.readUInt32LE(0) !== checksum) throw corrupt('incorrect data check');
      // Of more than 4 GiB it has the lower part.
      if (trailer.readUInt32LE(4) !== length % 2 ** 32) throw corrupt('incorrect length check');
    },
  };
}

/** @param why in zlib's words, which say the same of members that it reads */
function corrupt(why: string): Error {
  return archiveError('ARCHIVE_CORRUPT', null, `cannot be decompressed: ${why}`);
}

function cutOff(): Error {
  return archiveError('ARCHIVE_TRUNCATED', null, 'is cut off: its compressed data ends too early');
}

async function gunzip({ file, take }: GzipSource, begin: number): Promise<void> {
  await inflateStream(createGunzip(INFLATE_OPTIONS), piecesFrom(file, begin), take);
}

/** Each in a buffer of its own: zlib's thread still reads the one before. */
function* piecesFrom(file: number, begin: number, first: Buffer | null = null): Generator<Buffer> {
  if (first !== null) yield first;
  for (let at = begin; ; ) {
    const piece = readAt(file, PIECE_BYTES, at);
    if (piece.length === 0) return;
    at += piece.length;
    yield piece;
  }
}

/** As much as there is of so many bytes. */
function readAt(file: number, length: number, position: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  return buffer.subarray(0, readSync(file, buffer, 0, length, position));
}
