/** Sparse files in tar archives: content is only what lies between the holes, and a map says where it belongs. Pure but for the file. */

import type { WritableFile } from './file-writer.ts';
import { archiveError } from './problems.ts';

/** Content at a place of the unpacked file; bytes ≥ 0. */
export interface SparsePiece {
  readonly offset: number;
  readonly bytes: number;
}

/** The map of format 1.0 is text; no honest file needs more than this. */
const MAX_MAP_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Spreads what is written over the pieces of a map, with holes between them.
 *
 * @param contentBytes how much the archive holds: exactly what the pieces need, or the map lies
 * @throws SlipwayError ARCHIVE_CORRUPT for pieces that overlap, go backwards, or end beyond the file
 */
export function spreadOver(
  file: WritableFile,
  name: string,
  pieces: readonly SparsePiece[],
  realSizeBytes: number,
  contentBytes: number,
): WritableFile {
  requireSoundMap(name, pieces, realSizeBytes, contentBytes);
  let at = 0;
  let next = 0;
  let leftOfPiece = 0;

  function holeUpTo(offset: number): void {
    if (offset > at) file.hole(offset - at);
    at = offset;
  }

  return {
    write(content) {
      for (let taken = 0; taken < content.length; ) {
        while (leftOfPiece === 0) {
          const piece = pieces[next];
          // The map has been summed up: there is a piece for every byte.
          if (piece === undefined) return;
          next += 1;
          holeUpTo(piece.offset);
          leftOfPiece = piece.bytes;
        }
        const length = Math.min(leftOfPiece, content.length - taken);
        file.write(content.subarray(taken, taken + length));
        taken += length;
        at += length;
        leftOfPiece -= length;
      }
    },
    hole: (bytes) => file.hole(bytes),
    close() {
      try {
        holeUpTo(realSizeBytes);
      } finally {
        file.close();
      }
    },
  };
}

function requireSoundMap(
  name: string,
  pieces: readonly SparsePiece[],
  realSizeBytes: number,
  contentBytes: number,
): void {
  let end = 0;
  let sum = 0;
  for (const { offset, bytes } of pieces) {
    if (offset < end || bytes < 0) throw archiveError('ARCHIVE_CORRUPT', name, 'has a sparse map whose pieces overlap');
    end = offset + bytes;
    sum += bytes;
  }
  if (end > realSizeBytes) throw archiveError('ARCHIVE_CORRUPT', name, 'has a sparse map that goes beyond its end');
  if (sum !== contentBytes) {
    throw archiveError('ARCHIVE_CORRUPT', name, `has a sparse map for ${sum} bytes, but holds ${contentBytes}`);
  }
}

/**
 * Reads the map that format 1.0 puts in front of the content. It holds the number of pieces, then offset and length of each, a line a
 * number.
 */
export interface SparseMapReader {
  /** Takes one block. @returns the pieces when the block was the last one of the map, otherwise null */
  block(block: Uint8Array): SparsePiece[] | null;
}

export function createSparseMapReader(name: string): SparseMapReader {
  const numbers: number[] = [];
  let current: number | null = null;
  let bytes = 0;

  return {
    block(block) {
      bytes += block.length;
      if (bytes > MAX_MAP_BYTES) throw archiveError('ARCHIVE_CORRUPT', name, 'has a sparse map without an end');
      for (const byte of block) {
        if (byte >= ZERO && byte <= NINE) {
          current = (current ?? 0) * 10 + byte - ZERO;
          continue;
        }
        if (byte !== NEWLINE || current === null || !Number.isSafeInteger(current)) {
          throw archiveError('ARCHIVE_CORRUPT', name, 'has a sparse map that cannot be read');
        }
        numbers.push(current);
        current = null;
        const [pieces = 0] = numbers;
        if (numbers.length === 1 + 2 * pieces) {
          return Array.from({ length: pieces }, (_, n) => ({
            offset: numbers[1 + 2 * n] ?? 0,
            bytes: numbers[2 + 2 * n] ?? 0,
          }));
        }
      }
      return null;
    },
  };
}
