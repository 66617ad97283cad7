/** The record at the end of a zip archive, which says how many entries there are. An archive may claim any number. */
import type { ReadRange } from './messages.ts';

const END_MARK = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const COUNT_AT = 10;
const LOCATOR_MARK = 0x07064b50;
const LOCATOR_BYTES = 20;
const END64_MARK = 0x06064b50;
const END64_BYTES = 56;
const COUNT64_AT = 32;

export interface DirectoryEnd {
  /** Where the record begins. */
  readonly offset: number;
  /** Whether there are more entries than are listed. */
  readonly hasMore: boolean;
  /** Reads the archive with no more entries than are listed: the library that lists them believes the number. */
  patched(read: ReadRange): ReadRange;
}

/** @throws Error for what is no zip archive */
export async function findDirectoryEnd(sizeBytes: number, read: ReadRange, maxEntries: number): Promise<DirectoryEnd> {
  const from = Math.max(0, sizeBytes - END_BYTES - MAX_COMMENT_BYTES);
  const tail = Buffer.from(await read(from, sizeBytes));
  const at = lastEnd(tail);
  if (at === -1) throw new Error('it is no zip archive, or it is cut off');
  const offset = from + at;
  const locator = at >= LOCATOR_BYTES ? tail.subarray(at - LOCATOR_BYTES, at) : null;
  const is64 = locator?.length === LOCATOR_BYTES && locator.readUInt32LE(0) === LOCATOR_MARK;
  if (is64) return end64(offset, Number(locator.readBigUInt64LE(8)), read, maxEntries);
  const count = tail.readUInt16LE(at + COUNT_AT);
  const most = Buffer.alloc(2);
  most.writeUInt16LE(Math.min(count, maxEntries));
  return { offset, hasMore: count > maxEntries, patched: (below) => patchedAt(below, offset + COUNT_AT, most) };
}

async function end64(offset: number, place: number, read: ReadRange, maxEntries: number): Promise<DirectoryEnd> {
  if (!Number.isSafeInteger(place) || place > offset) throw new Error('its directory is damaged');
  const record = Buffer.from(await read(place, place + END64_BYTES));
  if (record.length < END64_BYTES || record.readUInt32LE(0) !== END64_MARK) throw new Error('its directory is damaged');
  const count = Number(record.readBigUInt64LE(COUNT64_AT));
  const most = Buffer.alloc(8);
  most.writeBigUInt64LE(BigInt(Math.min(count, maxEntries)));
  return { offset, hasMore: count > maxEntries, patched: (below) => patchedAt(below, place + COUNT64_AT, most) };
}

/** Place of the last record whose comment ends with the file; -1: there is none. */
function lastEnd(tail: Buffer): number {
  for (let at = tail.length - END_BYTES; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) === END_MARK && tail.readUInt16LE(at + 20) === tail.length - at - END_BYTES) return at;
  }
  return -1;
}

function patchedAt(read: ReadRange, place: number, bytes: Uint8Array): ReadRange {
  return async (from, to) => {
    const found = Uint8Array.from(await read(from, to));
    for (const [index, byte] of bytes.entries()) {
      const at = place + index - from;
      if (at >= 0 && at < found.length) found[at] = byte;
    }
    return found;
  };
}
