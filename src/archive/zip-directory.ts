import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Open } from 'unzipper';
import { messageOf } from '../errors.ts';
import { archiveError } from './problems.ts';

/** One entry of a zip archive's central directory. */
export interface ZipEntry {
  readonly name: string;
  readonly nameBytes: Buffer;
  readonly flags: number;
  readonly compressionMethod: number;
  readonly crc32: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  readonly offsetToLocalFileHeader: number;
  /** Unix mode with the type of file in its upper bits; undefined when the archive was not written on Unix. */
  readonly unixMode: number | undefined;
  readonly mtimeMs: number | undefined;
}

const END_OF_DIRECTORY = Buffer.from('PK\u0005\u0006', 'latin1');
const DIRECTORY_ENTRY = 0x02014b50;
/** The end record and the longest comment that may follow it. */
const END_BYTES = 22;
const TAIL_BYTES = END_BYTES + 0xffff;
/** The least that one entry takes in the directory. */
const ENTRY_BYTES = 46;
const UNIX = 3;
const MACOS = 19;

/**
 * Reads the central directory of a zip archive, which alone says what is in it.
 *
 * The library reads the directory; before that it is made sure that there is one and that the number of entries it claims could be
 * true, because the library believes it and would make room for all of them.
 */
export async function readZipDirectory(file: string): Promise<ZipEntry[]> {
  const tailSize = requirePlausibleEnd(file);
  let files: readonly RawEntry[];
  try {
    // The library's types lack its second parameter and half of an entry's fields.
    const open = Open.file as unknown as (
      path: string,
      options: { tailSize: number },
    ) => Promise<{ files: RawEntry[] }>;
    ({ files } = await open(file, { tailSize }));
  } catch (cause) {
    throw archiveError('ARCHIVE_CORRUPT', null, `has a directory that cannot be read: ${messageOf(cause)}`, cause);
  }
  for (const entry of files) {
    if (entry.signature !== DIRECTORY_ENTRY) {
      throw archiveError('ARCHIVE_CORRUPT', entry.path, 'stands in the directory without the mark of an entry');
    }
  }
  return files.map(toEntry);
}

interface RawEntry {
  readonly signature: number;
  readonly path: string;
  readonly pathBuffer: Buffer;
  readonly flags: number;
  readonly versionMadeBy: number;
  readonly compressionMethod: number;
  readonly crc32: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  readonly offsetToLocalFileHeader: number;
  readonly externalFileAttributes: number;
  readonly lastModifiedDate: number;
  readonly lastModifiedTime: number;
}

function toEntry(raw: RawEntry): ZipEntry {
  const madeOn = raw.versionMadeBy >>> 8;
  const mode = raw.externalFileAttributes >>> 16;
  return {
    name: decodeName(raw.pathBuffer),
    nameBytes: raw.pathBuffer,
    flags: raw.flags,
    compressionMethod: raw.compressionMethod,
    crc32: raw.crc32 >>> 0,
    compressedSize: Number(raw.compressedSize),
    uncompressedSize: Number(raw.uncompressedSize),
    offsetToLocalFileHeader: Number(raw.offsetToLocalFileHeader),
    unixMode: (madeOn === UNIX || madeOn === MACOS) && mode !== 0 ? mode : undefined,
    mtimeMs: dosTime(raw.lastModifiedDate, raw.lastModifiedTime),
  };
}

/** UTF-8, which today's writers use whether they say so or not; what is none is taken byte by byte. */
function decodeName(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

/** A zip archive's times are local, and two seconds coarse. */
function dosTime(date: number, time: number): number | undefined {
  if (date === 0) return undefined;
  const moment = new Date(
    ...([
      1980 + (date >>> 9),
      ((date >>> 5) & 15) - 1,
      date & 31,
      time >>> 11,
      (time >>> 5) & 63,
      (time & 31) * 2,
    ] as const),
  );
  return Number.isNaN(moment.getTime()) ? undefined : moment.getTime();
}

/** @returns how far from the end of the file the end record is to be looked for */
function requirePlausibleEnd(path: string): number {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(file, tail, 0, tail.length, size - tail.length);
    const end = tail.lastIndexOf(END_OF_DIRECTORY);
    if (end < 0 || end + END_BYTES > tail.length) {
      throw archiveError(
        'ARCHIVE_TRUNCATED',
        null,
        'is cut off, or is no zip archive: the directory at its end is missing',
      );
    }
    const claimed = countEntries(file, tail, end, size);
    if (claimed * ENTRY_BYTES > size) {
      throw archiveError('ARCHIVE_CORRUPT', null, `claims ${claimed} entries, which do not fit into its ${size} bytes`);
    }
    return tail.length - end;
  } finally {
    closeSync(file);
  }
}

/** The number of entries that the end record claims, or the larger one of a zip64 archive. */
function countEntries(file: number, tail: Buffer, end: number, size: number): number {
  const entries = tail.readUInt16LE(end + 10);
  if (entries !== 0xffff && tail.readUInt16LE(end + 4) !== 0xffff && tail.readUInt32LE(end + 16) !== 0xffffffff)
    return entries;
  const locator = end - 20;
  if (locator < 0 || tail.readUInt32LE(locator) !== 0x07064b50) {
    throw archiveError('ARCHIVE_CORRUPT', null, 'says that it is zip64, but has no zip64 directory');
  }
  const offset = Number(tail.readBigUInt64LE(locator + 8));
  const record = Buffer.alloc(56);
  if (offset > size - record.length)
    throw archiveError('ARCHIVE_CORRUPT', null, 'has its zip64 directory beyond its end');
  readSync(file, record, 0, record.length, offset);
  return Number(record.readBigUInt64LE(32));
}
