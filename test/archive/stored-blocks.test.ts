import { randomFillSync } from 'node:crypto';
import { constants, createInflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inflateStream } from '../../src/archive/inflate-stream.ts';
import { createStoredBlocks } from '../../src/archive/stored-blocks.ts';

/** Cut into pieces of these sizes, over and over. */
function* cut(content: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0;
  for (let n = 0; at < content.length; n += 1) {
    const size = sizes[n % sizes.length] as number;
    // Copies, because they are written into.
    yield Buffer.from(content.subarray(at, at + size));
    at += size;
  }
}

/** Reads stored blocks as far as they go, and lets zlib have the rest. */
async function unpack(deflated: Buffer, sizes: readonly number[]) {
  const blocks = createStoredBlocks();
  const found: Buffer[] = [];
  const pieces = cut(deflated, sizes);
  let inflatedFrom: number | null = null;
  for (let next = pieces.next(); next.done !== true; next = pieces.next()) {
    const { content, rest } = blocks.read(next.value);
    found.push(Buffer.from(content));
    if (rest === null) continue;
    inflatedFrom = Buffer.concat(found).length;
    const inflater = createInflateRaw(blocks.window());
    await inflateStream(inflater, [rest, ...pieces], (chunk) => found.push(Buffer.from(chunk)));
  }
  return { content: Buffer.concat(found), inflatedFrom, hasEnded: blocks.hasEnded() };
}

const incompressible = fc.integer({ min: 0, max: 90_000 }).map((size) => randomFillSync(Buffer.alloc(size)));
const repetitive = fc.integer({ min: 0, max: 90_000 }).map((size) => Buffer.alloc(size, 'the same again and again '));
const contents = fc.array(fc.oneof(incompressible, repetitive), { maxLength: 4 }).map((parts) => Buffer.concat(parts));
const levels = fc.constantFrom(0, 1, 6, 9);
const sizes = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 4 });

describe('stored blocks', () => {
  test('and what zlib makes of the rest are the content, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(contents, levels, sizes, async (content, level, pieceSizes) => {
        const { content: found } = await unpack(deflateRawSync(content, { level }), pieceSizes);
        expect(found.equals(content)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('go back to zlib where one begins that refers to what was stored before it', async () => {
    const stored = randomFillSync(Buffer.alloc(40_000));
    // A block of its own for the first half; the second is the same again, 32 000 bytes on.
    const first = deflateRawSync(stored, { finishFlush: constants.Z_SYNC_FLUSH });
    const again = stored.subarray(-32_000);
    const second = deflateRawSync(again, { dictionary: stored.subarray(-32_768) });
    expect(second.length).toBeLessThan(1000);
    const { content, inflatedFrom } = await unpack(Buffer.concat([first, second]), [7_777]);
    expect(inflatedFrom).toBe(stored.length);
    expect(content.equals(Buffer.concat([stored, again]))).toBe(true);
  });

  test('end where they say so, and what stands behind is not theirs', async () => {
    const content = randomFillSync(Buffer.alloc(100_000));
    const deflated = Buffer.concat([deflateRawSync(content, { level: 0 }), Buffer.from('something else')]);
    expect(await unpack(deflated, [50_000, 1])).toEqual({ content, inflatedFrom: null, hasEnded: true });
  });

  test('that are cut off have not ended', async () => {
    const deflated = deflateRawSync(Buffer.alloc(70_000), { level: 0 });
    for (const end of [0, 3, 5, 60_000, 65_540, 65_543, deflated.length - 1]) {
      const { hasEnded, inflatedFrom } = await unpack(deflated.subarray(0, end), [1000]);
      expect({ end, hasEnded, inflatedFrom }).toEqual({ end, hasEnded: false, inflatedFrom: null });
    }
  });

  test('whose length is damaged are judged by zlib', async () => {
    const deflated = deflateRawSync(Buffer.alloc(70_000), { level: 0 });
    deflated.writeUInt8(0x55, 3);
    expect(() => inflateRawSync(deflated)).toThrow('invalid stored block lengths');
    await expect(unpack(deflated, [2])).rejects.toThrow('invalid stored block lengths');
  });
});
