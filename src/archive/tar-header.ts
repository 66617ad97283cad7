/**
 * One header block of a tar archive, in any of its dialects: v7, ustar, GNU, star. Pure: 512 bytes in, values out.
 *
 * It takes the fields where POSIX (pax, "ustar Interchange Format") and GNU tar's manual ("Basic Tar Format") put them.
 */
import { archiveError, nameNotUtf8Error } from './problems.ts';
import type { SparsePiece } from './sparse.ts';

export const BLOCK_BYTES = 512;

export interface TarHeader {
  readonly name: string;
  /** The letter that says what it is; `0` for a file of the oldest tars, which leave it empty. */
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Size of the content that follows, in bytes; an integer ≥ 0. */
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly linkName: string;
}

const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;
const CHECKSUM_AT = 148;
const CHECKSUM_END = 156;
const LINK_NAME_AT = 157;
const MAGIC_AT = 257;
const PREFIX_AT = 345;
const PREFIX_BYTES = 155;
/** The star dialect keeps two times behind a shorter prefix, and its own mark at the end of the block. */
const STAR_PREFIX_BYTES = 131;
const STAR_MARK_AT = 508;

/**
 * @returns null for a block of zeros, which is the mark of an archive's end
 * @throws SlipwayError ARCHIVE_CORRUPT for a wrong checksum, or a number that is none or that no file can have;
 * ARCHIVE_ENTRY_UNUSABLE for a name that is not UTF-8
 */
export function parseTarHeader(block: Buffer, entriesBefore: number): TarHeader | null {
  if (!hasRightChecksum(block)) {
    if (block.every((byte) => byte === 0)) return null;
    const what =
      entriesBefore === 0
        ? 'is no tar archive'
        : `has a header whose checksum is wrong (after ${entriesBefore} entries)`;
    throw archiveError('ARCHIVE_CORRUPT', null, what);
  }
  const name = nameOf(block);
  const number = (at: number, length: number, what: string) => readNumber(block, at, length, name, what);
  const sizeBytes = number(124, 12, 'size');
  if (sizeBytes < 0) throw archiveError('ARCHIVE_CORRUPT', name, `claims a size of ${sizeBytes} bytes`);
  const type = block[156] ?? 0;
  return {
    name,
    type: type === 0 ? '0' : String.fromCharCode(type),
    mode: number(100, 8, 'mode') & 0o7777,
    uid: number(108, 8, 'user'),
    gid: number(116, 8, 'group'),
    sizeBytes,
    mtimeSeconds: number(136, 12, 'time'),
    linkName: block[LINK_NAME_AT] === 0 ? '' : textAt(block, LINK_NAME_AT, 100),
  };
}

/** The pieces that a header of GNU tar's own sparse format lists, and whether another block goes on with the list. */
export function gnuSparseHeader(block: Buffer, name: string): { realSizeBytes: number } & GnuSparseList {
  return {
    realSizeBytes: readNumber(block, 483, 12, name, 'real size'),
    ...sparseList(block, 386, 4, name),
    continues: block[482] !== 0,
  };
}

/** The same for a block that goes on with the list. */
export function gnuSparseContinuation(block: Buffer, name: string): GnuSparseList {
  return { ...sparseList(block, 0, 21, name), continues: block[504] !== 0 };
}

interface GnuSparseList {
  readonly pieces: SparsePiece[];
  readonly continues: boolean;
}

function sparseList(block: Buffer, at: number, most: number, name: string): { pieces: SparsePiece[] } {
  const pieces: SparsePiece[] = [];
  for (let n = 0; n < most; n += 1) {
    const place = at + n * 24;
    if (block[place] === 0 || block[place + 12] === 0) break;
    const offset = readNumber(block, place, 12, name, 'sparse map');
    pieces.push({ offset, bytes: readNumber(block, place + 12, 12, name, 'sparse map') });
  }
  return { pieces };
}

function nameOf(block: Buffer): string {
  const name = textAt(block, 0, 100);
  // GNU's magic has a blank where POSIX's has NUL, and no prefix: other things lie in its place.
  const isPosix = block[MAGIC_AT] === 0x75 && block.toString('latin1', MAGIC_AT, MAGIC_AT + 6) === 'ustar\0';
  if (!isPosix || block[PREFIX_AT] === 0) return name;
  const isStar = block.toString('latin1', STAR_MARK_AT, BLOCK_BYTES) === 'tar\0';
  return `${textAt(block, PREFIX_AT, isStar ? STAR_PREFIX_BYTES : PREFIX_BYTES)}/${name}`;
}

function textAt(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at);
  return decodeText(block.subarray(at, end < 0 || end > at + length ? at + length : end));
}

/**
 * Names are text from here on: AppSpec files, cleanup files and logs name files by text. A name that is no UTF-8 could be unpacked, but
 * neither be installed nor removed.
 *
 * @throws SlipwayError ARCHIVE_ENTRY_UNUSABLE
 */
export function decodeText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (text.includes('\ufffd') && !Buffer.from(text).equals(bytes)) {
    throw nameNotUtf8Error(bytes.toString('latin1'));
  }
  return text;
}

/** Octal digits between blanks, or a big-endian two's complement number behind a mark, as GNU and star write what octal cannot hold. */
function readNumber(block: Buffer, at: number, length: number, entry: string, what: string): number {
  const first = block[at] ?? 0;
  if (first === 0x80 || first === 0xff) {
    // The mark is the sign as well: 0x80 for what is not negative.
    let value = first === 0xff ? -1 : 0;
    for (let n = 1; n < length; n += 1) value = value * 256 + (block[at + n] ?? 0);
    return requireInteger(value, entry, what);
  }
  let place = at;
  const end = at + length;
  while (place < end && block[place] === SPACE) place += 1;
  let value = 0;
  for (; place < end; place += 1) {
    const digit = block[place] ?? 0;
    if (digit === 0 || digit === SPACE) break;
    if (digit < ZERO || digit > SEVEN) throw archiveError('ARCHIVE_CORRUPT', entry, `has a ${what} that is no number`);
    value = value * 8 + digit - ZERO;
  }
  return requireInteger(value, entry, what);
}

function requireInteger(value: number, entry: string, what: string): number {
  if (!Number.isSafeInteger(value)) throw archiveError('ARCHIVE_CORRUPT', entry, `has a ${what} beyond all bounds`);
  return value;
}

/** The sum of all bytes, those of the checksum itself counted as blanks. Some old tars summed signed bytes. */
function hasRightChecksum(block: Buffer): boolean {
  let sum = 0;
  let negative = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    const byte = at >= CHECKSUM_AT && at < CHECKSUM_END ? SPACE : (block[at] as number);
    sum += byte;
    if (byte > 127) negative += 256;
  }
  let claimed = 0;
  let digits = 0;
  for (let at = CHECKSUM_AT; at < CHECKSUM_END; at += 1) {
    const digit = block[at] as number;
    if (digit >= ZERO && digit <= SEVEN) {
      claimed = claimed * 8 + digit - ZERO;
      digits += 1;
    } else if (digits > 0 || digit !== SPACE) break;
  }
  return digits > 0 && (claimed === sum || claimed === sum - negative);
}
