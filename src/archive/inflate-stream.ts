import { once } from 'node:events';
import type { Transform } from 'node:stream';
import { createBufferSweeper } from '../system/spent-buffers.ts';

/** Inflating goes on in a thread of zlib's own while what it gave before is written: a few pieces wait before it and behind it. */
const PIECE_BYTES = 256 * 1024;
const WAITING_PIECES = 4;
export const INFLATE_OPTIONS = {
  chunkSize: PIECE_BYTES,
  writableHighWaterMark: WAITING_PIECES * PIECE_BYTES,
  // Piece by piece: of bytes, all that wait would be put together into one.
  readableObjectMode: true,
  readableHighWaterMark: WAITING_PIECES,
} as const;

/**
 * Sends pieces through a stream that inflates them and hands each piece of the result to `take`, in order.
 *
 * @throws what the stream fails with, or what `take` throws; the stream is done with in any case
 */
export async function inflateStream(
  inflater: Transform,
  packed: Iterable<Buffer>,
  take: (chunk: Buffer) => void,
): Promise<void> {
  const sweep = createBufferSweeper();
  const ended = new Promise<void>((resolve, reject) => {
    inflater.once('end', resolve).once('error', reject);
    // Not by 'data', which comes before the thread is given its next piece.
    inflater.on('readable', () => {
      try {
        for (let chunk: Buffer | null = inflater.read(); chunk !== null; chunk = inflater.read()) {
          take(chunk);
          sweep(chunk.length);
        }
      } catch (error) {
        inflater.destroy(error as Error);
      }
    });
  });
  const fed = feed(inflater, packed, sweep, ended);
  try {
    await Promise.all([fed, ended]);
  } finally {
    inflater.destroy();
  }
}

async function feed(
  inflater: Transform,
  packed: Iterable<Buffer>,
  sweep: (spentBytes: number) => void,
  ended: Promise<void>,
): Promise<void> {
  for (const chunk of packed) {
    if (inflater.destroyed || inflater.readableEnded) return;
    // The stream may end, or fail, before it has taken all.
    if (!inflater.write(chunk)) await Promise.race([once(inflater, 'drain'), ended]);
    sweep(chunk.length);
  }
  inflater.end();
}
