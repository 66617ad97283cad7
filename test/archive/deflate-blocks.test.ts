import { randomFillSync } from 'node:crypto';
import { constants, createInflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDeflateBlocks } from '../../src/archive/deflate-blocks.ts';
import { inflateStream } from '../../src/archive/inflate-stream.ts';

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

/** Reads blocks as far as they go, and lets zlib have the rest. */
async function unpack(deflated: Buffer, sizes: readonly number[]) {
  const blocks = createDeflateBlocks();
  const found: Buffer[] = [];
  const take = (content: Buffer) => void found.push(Buffer.from(content));
  const pieces = cut(deflated, sizes);
  let rest: Buffer | null = null;
  for (let next = pieces.next(); rest === null && !blocks.hasEnded(); next = pieces.next()) {
    if (next.done === true) {
      rest = blocks.finish(take);
      break;
    }
    rest = blocks.read(next.value, take);
    if (rest !== null) break;
  }
  const inflatedFrom = rest === null ? null : Buffer.concat(found).length;
  if (rest !== null) await inflateStream(createInflateRaw(blocks.window()), [rest, ...pieces], take);
  return { content: Buffer.concat(found), inflatedFrom, hasEnded: blocks.hasEnded() };
}

const incompressible = fc.integer({ min: 0, max: 90_000 }).map((size) => randomFillSync(Buffer.alloc(size)));
const repetitive = fc.integer({ min: 0, max: 90_000 }).map((size) => Buffer.alloc(size, 'the same again and again '));
const contents = fc.array(fc.oneof(incompressible, repetitive), { maxLength: 4 }).map((parts) => Buffer.concat(parts));
const levels = fc.constantFrom(0, 1, 6, 9);
const sizes = fc.array(fc.integer({ min: 40, max: 70_000 }), { minLength: 1, maxLength: 4 });

describe('blocks of deflate', () => {
  test('decoded here, and the rest decoded by zlib, give the content, wherever the input is cut', async () => {
    await fc.assert(
      fc.asyncProperty(contents, levels, sizes, async (content, level, pieceSizes) => {
        const { content: found } = await unpack(deflateRawSync(content, { level }), pieceSizes);
        expect(found.equals(content)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('go back to zlib where one begins that is too long, and refers to what was stored before it', async () => {
    const stored = randomFillSync(Buffer.alloc(40_000));
    // A block of its own for the beginning; the rest is its end again and again.
    const first = deflateRawSync(stored, { finishFlush: constants.Z_SYNC_FLUSH });
    const again = Buffer.alloc(100_000, stored.subarray(-32_000));
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

  test('cut off in their content count as unfinished; cut off in their header they are refused by zlib', async () => {
    const deflated = deflateRawSync(Buffer.alloc(70_000), { level: 0 });
    for (const end of [0, 60_000, deflated.length - 1]) {
      const { hasEnded, inflatedFrom } = await unpack(deflated.subarray(0, end), [1000]);
      expect({ end, hasEnded, inflatedFrom }).toEqual({ end, hasEnded: false, inflatedFrom: null });
    }
    for (const end of [3, 65_538]) {
      await expect(unpack(deflated.subarray(0, end), [1000])).rejects.toThrow('unexpected end of file');
    }
  });

  test('blocks of deflate that are compressed, a few between many that are stored, need no zlib', async () => {
    const parts = Array.from({ length: 4 }, (_, n) => [
      Buffer.alloc(600, `header ${n} `),
      randomFillSync(Buffer.alloc(3_000_000)),
    ]);
    const content = Buffer.concat(parts.flat());
    const { content: found, ...rest } = await unpack(deflateRawSync(content), [150_000]);
    expect(rest).toEqual({ inflatedFrom: null, hasEnded: true });
    expect(found.equals(content)).toBe(true);
  });

  test('blocks of deflate that are compressed without end are left to zlib, also when they hold nothing', async () => {
    const text = deflateRawSync(Buffer.alloc(5_000_000, 'the same again '));
    expect((await unpack(text, [70_000])).inflatedFrom).toBeLessThan(100_000);
    // Four blocks of ten bits each, of the fixed kind.
    const empty = Buffer.alloc(200_000, Buffer.from([0x02, 0x08, 0x20, 0x80, 0x00]));
    const { inflatedFrom, content } = await unpack(
      Buffer.concat([empty, deflateRawSync(Buffer.from('end'))]),
      [70_000],
    );
    expect({ inflatedFrom, content: content.toString() }).toEqual({ inflatedFrom: 0, content: 'end' });
  });

  test.each([0, 1, 100])('blocks of deflate that store %i bytes each are left to zlib after a few', async (size) => {
    const block = Buffer.concat([Buffer.from([0, size, 0, ~size & 0xff, 0xff]), Buffer.alloc(size, 'x')]);
    const content = Buffer.alloc(20_000 * size, 'x');
    const many = Buffer.alloc(20_000 * block.length, block);
    const { content: found, inflatedFrom } = await unpack(Buffer.concat([many, deflateRawSync('')]), [70_000]);
    expect(found.equals(content)).toBe(true);
    expect(inflatedFrom).toBeLessThan(100_000);
  });

  test('blocks of deflate whose length is damaged are judged by zlib', async () => {
    const deflated = deflateRawSync(Buffer.alloc(70_000), { level: 0 });
    deflated.writeUInt8(0x55, 3);
    expect(() => inflateRawSync(deflated)).toThrow('invalid stored block lengths');
    await expect(unpack(deflated, [2])).rejects.toThrow('invalid stored block lengths');
  });
});
