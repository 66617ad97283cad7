import { fstatSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { archiveError } from './problems.ts';
import { decodeZipName } from './zip-name.ts';

/** One entry of a zip archive's central directory. */
export interface ZipEntry {
  readonly name: string;
  /** As it stands in the directory; the entry's own header must have the same bytes. */
  readonly nameBytes: Buffer;
  readonly flags: number;
  readonly compressionMethod: number;
  readonly crc32: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  /** Where its own header begins in the file. */
  readonly headerOffset: number;
  /** Unix mode with the type of file in its upper bits; undefined when the archive was not written on Unix. */
  readonly unixMode: number | undefined;
  readonly isDosDirectory: boolean;
  readonly mtimeMs: number | undefined;
}

export interface ZipDirectory {
  /** Where the directory begins, and the content of entries must have ended. */
  readonly offset: number;
  entries(): Generator<ZipEntry>;
}

/** Where the directory lies, from the record at the end of the file. */
interface DirectoryPlace {
  /** Number of entries in the whole archive; a file that is all of it has as many. */
  readonly entries: number;
  readonly offset: number;
  readonly bytes: number;
  /** Bytes in front of the archive, such as a self-extracting one's program: every offset counts from behind them. */
  readonly shift: number;
}

const END_MARK = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ZIP64_LOCATOR_MARK = 0x07064b50;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END_MARK = 0x06064b50;
const ZIP64_END_BYTES = 56;
const ENTRY_MARK = 0x02014b50;
const ENTRY_BYTES = 46;
/** An entry with the longest name, extra fields and comment. */
const MAX_ENTRY_BYTES = ENTRY_BYTES + 3 * 0xffff;
const WINDOW_BYTES = 1024 * 1024;
const IN_ZIP64_16 = 0xffff;
const IN_ZIP64_32 = 0xffffffff;

const MADE_ON_FAT = 0;
const MADE_ON_UNIX = 3;
const MADE_ON_MACOS = 19;
const DOS_DIRECTORY = 0x10;

const EXTRA_ZIP64 = 0x0001;
const EXTRA_UNIX_TIME = 0x5455;
const EXTRA_UNICODE_NAME = 0x7075;

/**
 * Finds the central directory of a zip archive, which alone says what is in it. It is read a piece at a time as its entries are taken,
 * so an archive that claims a million of them costs no memory.
 *
 * @throws SlipwayError ARCHIVE_TRUNCATED without a directory, ARCHIVE_CORRUPT for one that cannot be where it is said to be
 */
export function openZipDirectory(file: number): ZipDirectory {
  const place = findDirectory(file, fstatSync(file).size);
  return { offset: place.offset, entries: () => readEntries(file, place) };
}

function findDirectory(file: number, size: number): DirectoryPlace {
  const tail = readAt(
    file,
    Math.max(0, size - END_BYTES - MAX_COMMENT_BYTES),
    Math.min(size, END_BYTES + MAX_COMMENT_BYTES),
  );
  const at = findEnd(tail);
  if (at === null) {
    throw archiveError(
      'ARCHIVE_TRUNCATED',
      null,
      'is cut off, or is no zip archive: the directory at its end is missing',
    );
  }
  if (tail.readUInt16LE(at + 4) !== tail.readUInt16LE(at + 6)) {
    throw archiveError('ARCHIVE_ENTRY_UNUSABLE', null, 'is one part of a zip archive that was split', {
      remedy: 'Put the parts together (zip -s 0 ARCHIVE.zip --out WHOLE.zip), and upload the whole.',
    });
  }
  const endAt = size - tail.length + at;
  const small = {
    entriesHere: tail.readUInt16LE(at + 8),
    entries: tail.readUInt16LE(at + 10),
    bytes: tail.readUInt32LE(at + 12),
    offset: tail.readUInt32LE(at + 16),
  };
  const isZip64 = small.entries === IN_ZIP64_16 || small.bytes === IN_ZIP64_32 || small.offset === IN_ZIP64_32;
  const { entriesHere, entries, bytes, offset, behindAt } = (isZip64 ? readZip64End(file, endAt) : null) ?? {
    ...small,
    behindAt: endAt,
  };
  if (entriesHere !== entries) {
    throw archiveError('ARCHIVE_CORRUPT', null, `claims ${entries} entries, but ${entriesHere} of them in this file`);
  }
  const shift = behindAt - bytes - offset;
  if (shift < 0) throw archiveError('ARCHIVE_CORRUPT', null, 'claims a directory that does not fit where it should be');
  if (entries * ENTRY_BYTES > bytes) {
    throw archiveError('ARCHIVE_CORRUPT', null, `claims ${entries} entries, which do not fit into its directory`);
  }
  return { entries, bytes, offset: offset + shift, shift };
}

/** The last end record whose comment ends with the file; else the last one, with something behind it that is no part of the archive. */
function findEnd(tail: Buffer): number | null {
  let other: number | null = null;
  for (let at = tail.length - END_BYTES; at >= 0; at -= 1) {
    if (tail[at] !== 0x50 || tail.readUInt32LE(at) !== END_MARK) continue;
    const end = at + END_BYTES + tail.readUInt16LE(at + 20);
    if (end === tail.length) return at;
    if (end < tail.length) other ??= at;
  }
  return other;
}

/** @returns null when there is none: an archive with exactly 65 535 entries need not be zip64 */
function readZip64End(file: number, endAt: number) {
  const locatorAt = endAt - ZIP64_LOCATOR_BYTES;
  const locator = locatorAt < 0 ? null : readAt(file, locatorAt, ZIP64_LOCATOR_BYTES);
  if (locator?.readUInt32LE(0) !== ZIP64_LOCATOR_MARK) return null;
  // Right before its locator, wherever that says: with a program in front of the archive the number is too small.
  const behindAt = locatorAt - ZIP64_END_BYTES;
  const claimedAt = Number(locator.readBigUInt64LE(8));
  const at = [claimedAt, behindAt].find((offset) => {
    return offset >= 0 && offset <= behindAt && readAt(file, offset, 4).readUInt32LE(0) === ZIP64_END_MARK;
  });
  if (at === undefined)
    throw archiveError('ARCHIVE_CORRUPT', null, 'says that it is zip64, but has no zip64 directory');
  const record = readAt(file, at, ZIP64_END_BYTES);
  return {
    entriesHere: safe(record.readBigUInt64LE(24)),
    entries: safe(record.readBigUInt64LE(32)),
    bytes: safe(record.readBigUInt64LE(40)),
    offset: safe(record.readBigUInt64LE(48)),
    behindAt: at,
  };
}

function* readEntries(file: number, place: DirectoryPlace): Generator<ZipEntry> {
  let window = Buffer.alloc(0);
  let at = 0;
  let left = place.bytes;
  let offset = place.offset;
  for (let n = 0; n < place.entries; n += 1) {
    if (window.length - at < MAX_ENTRY_BYTES && left > 0) {
      const more = readAt(file, offset, Math.min(left, WINDOW_BYTES));
      window = Buffer.concat([window.subarray(at), more]);
      at = 0;
      left -= more.length;
      offset += more.length;
    }
    const length = entryLength(window, at, n);
    yield toEntry(window.subarray(at, at + length), place.shift);
    at += length;
  }
  if (left > 0 || at < window.length) {
    throw archiveError(
      'ARCHIVE_CORRUPT',
      null,
      `has more in its directory than the ${place.entries} entries it claims`,
    );
  }
}

function entryLength(window: Buffer, at: number, number: number): number {
  if (window.length - at < ENTRY_BYTES || window.readUInt32LE(at) !== ENTRY_MARK) {
    throw archiveError(
      'ARCHIVE_CORRUPT',
      null,
      `has no entry in its directory where the one after ${number} should be`,
    );
  }
  const texts = window.readUInt16LE(at + 28) + window.readUInt16LE(at + 30) + window.readUInt16LE(at + 32);
  if (at + ENTRY_BYTES + texts > window.length) {
    throw archiveError('ARCHIVE_CORRUPT', null, 'has an entry that goes beyond its directory');
  }
  return ENTRY_BYTES + texts;
}

function toEntry(raw: Buffer, shift: number): ZipEntry {
  const nameEnd = ENTRY_BYTES + raw.readUInt16LE(28);
  // Copied: the window is gone when the entry is read.
  const nameBytes = Buffer.from(raw.subarray(ENTRY_BYTES, nameEnd));
  const extra = raw.subarray(nameEnd, nameEnd + raw.readUInt16LE(30));
  const flags = raw.readUInt16LE(8);
  const madeOn = raw[5] ?? 0;
  const mode = raw.readUInt32LE(38) >>> 16;
  const name = decodeZipName(nameBytes, flags, unicodeName(extra, nameBytes));
  const sizes = readSizes(raw, extra, name);
  return {
    ...sizes,
    headerOffset: sizes.headerOffset + shift,
    // DOS writes paths with backslashes; on Unix they are part of a name.
    name: madeOn === MADE_ON_FAT && !name.includes('/') ? name.replaceAll('\\', '/') : name,
    nameBytes,
    flags,
    compressionMethod: raw.readUInt16LE(10),
    crc32: raw.readUInt32LE(16),
    unixMode: (madeOn === MADE_ON_UNIX || madeOn === MADE_ON_MACOS) && mode !== 0 ? mode : undefined,
    isDosDirectory: madeOn === MADE_ON_FAT && (raw.readUInt32LE(38) & DOS_DIRECTORY) !== 0,
    mtimeMs: unixTime(extra) ?? dosTime(raw.readUInt16LE(14), raw.readUInt16LE(12)),
  };
}

/** Sizes and place; those that do not fit into 32 bits are in an extra field, in this order. */
function readSizes(raw: Buffer, extra: Buffer, name: string) {
  const large = findExtra(extra, EXTRA_ZIP64);
  let taken = 0;
  const take = (value: number): number => {
    if (value !== IN_ZIP64_32 || large === null) return value;
    if (taken + 8 > large.length) throw archiveError('ARCHIVE_CORRUPT', name, 'lacks its zip64 sizes');
    taken += 8;
    return safe(large.readBigUInt64LE(taken - 8));
  };
  const uncompressedSize = take(raw.readUInt32LE(24));
  const compressedSize = take(raw.readUInt32LE(20));
  return { uncompressedSize, compressedSize, headerOffset: take(raw.readUInt32LE(42)) };
}

function findExtra(extra: Buffer, id: number): Buffer | null {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === id && end <= extra.length) return extra.subarray(at + 4, end);
    at = end;
  }
  return null;
}

/** Info-ZIP's UTF-8 name, which counts only as long as the plain name is the one that it was made for. */
function unicodeName(extra: Buffer, nameBytes: Buffer): Buffer | null {
  const field = findExtra(extra, EXTRA_UNICODE_NAME);
  if (field === null || field.length < 6 || field[0] !== 1) return null;
  return field.readUInt32LE(1) === crc32(nameBytes) ? field.subarray(5) : null;
}

function unixTime(extra: Buffer): number | undefined {
  const field = findExtra(extra, EXTRA_UNIX_TIME);
  if (field === null || field.length < 5 || ((field[0] ?? 0) & 1) === 0) return undefined;
  return field.readInt32LE(1) * 1000;
}

/** A zip archive's own times are local, and two seconds coarse. */
function dosTime(date: number, time: number): number | undefined {
  if (date === 0) return undefined;
  const day = [1980 + (date >>> 9), ((date >>> 5) & 15) - 1, date & 31] as const;
  const moment = new Date(...day, time >>> 11, (time >>> 5) & 63, (time & 31) * 2);
  return Number.isNaN(moment.getTime()) ? undefined : moment.getTime();
}

/** Beyond what a number can hold is beyond what a disk can hold. */
function safe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw archiveError('ARCHIVE_CORRUPT', null, `claims ${value} of something, which is beyond all bounds`);
  }
  return Number(value);
}

function readAt(file: number, offset: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length; ) {
    const read = readSync(file, buffer, filled, length - filled, offset + filled);
    if (read === 0) throw archiveError('ARCHIVE_TRUNCATED', null, 'ends in the middle of its directory');
    filled += read;
  }
  return buffer;
}
