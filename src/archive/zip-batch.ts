import { crc32, gunzipSync } from 'node:zlib';
import type { ZipEntry } from './zip-directory.ts';

/**
 * Small deflated entries that are inflated together: starting zlib for each takes longer than the inflating, and leaves garbage behind. The
 * deflated bytes of each become a member of one gzip file, which may have many.
 */
export interface ZipBatch {
  /** @returns false when there is no room left for it */
  add(entry: ZipEntry, packed: Buffer): boolean;
  /** Takes everything out again, in order. `content` is null when it is not sure to be what the directory promises. */
  drain(): Generator<{ readonly entry: ZipEntry; readonly packed: Buffer; readonly content: Buffer | null }>;
}

/** An entry that is no larger than this, packed and unpacked, fits into an empty batch. */
export const BATCHED_BYTES = 64 * 1024;
const PACKED_BYTES = 4 * BATCHED_BYTES;
const UNPACKED_BYTES = 16 * BATCHED_BYTES;
/** No name, no time, made anywhere. */
const MEMBER_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const MEMBER_TRAILER_BYTES = 8;
/** zlib takes no smaller number. */
const SMALLEST_CHUNK = 64;

export function createZipBatch(): ZipBatch {
  const buffer = Buffer.allocUnsafe(PACKED_BYTES);
  let members: { readonly entry: ZipEntry; readonly packed: Buffer }[] = [];
  let used = 0;
  let unpackedBytes = 0;

  function inflate(): Buffer | null {
    try {
      const options = { maxOutputLength: unpackedBytes + 1, chunkSize: Math.max(unpackedBytes + 1, SMALLEST_CHUNK) };
      const content = gunzipSync(buffer.subarray(0, used), options);
      return content.length === unpackedBytes ? content : null;
    } catch {
      return null;
    }
  }

  return {
    add(entry, packed) {
      const end = used + MEMBER_HEADER.length + packed.length + MEMBER_TRAILER_BYTES;
      if (end > PACKED_BYTES || unpackedBytes + entry.uncompressedSize > UNPACKED_BYTES) return false;
      const at = used + MEMBER_HEADER.copy(buffer, used);
      packed.copy(buffer, at);
      buffer.writeUInt32LE(entry.crc32, end - MEMBER_TRAILER_BYTES);
      buffer.writeUInt32LE(entry.uncompressedSize, end - 4);
      members.push({ entry, packed: buffer.subarray(at, at + packed.length) });
      used = end;
      unpackedBytes += entry.uncompressedSize;
      return true;
    },

    *drain() {
      const all = inflate();
      let at = 0;
      for (const { entry, packed } of members) {
        // A member may hold the end of itself and another member: only the checksum of this very piece counts.
        const content = all?.subarray(at, at + entry.uncompressedSize) ?? null;
        at += entry.uncompressedSize;
        yield { entry, packed, content: content !== null && crc32(content) === entry.crc32 ? content : null };
      }
      members = [];
      used = 0;
      unpackedBytes = 0;
    },
  };
}
