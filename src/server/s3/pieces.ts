/** Content of the store, read a piece at a time while others are served. */
import { type FileHandle, open } from 'node:fs/promises';
import { systemErrorCode } from '../../errors.ts';

/** Large enough for a quick copy, small enough that its checksums hold nobody up for more than some milliseconds; bytes. */
const PIECE_BYTES = 512 * 1024;

export type OpenContent = FileHandle;

/** Both ends are bytes of the content. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Opens content, which then stays readable though it is removed meanwhile. @returns null: it is gone already */
export async function openContent(path: string): Promise<OpenContent | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * The pieces of a content, which is closed at the end. Each is to be used before the next one is asked for: they share their memory.
 *
 * @param range null: all of it
 * @throws the signal's reason when it aborts
 */
export async function* piecesOf(
  content: OpenContent,
  range: ByteRange | null,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    const buffer = Buffer.alloc(PIECE_BYTES);
    let at = range?.start ?? 0;
    const end = range?.end ?? Number.POSITIVE_INFINITY;
    while (at <= end) {
      signal.throwIfAborted();
      const { bytesRead } = await content.read(buffer, 0, Math.min(buffer.length, end - at + 1), at);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await content.close();
  }
}
