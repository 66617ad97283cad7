import { randomFillSync } from 'node:crypto';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { beginAtByte } from '../../src/archive/empty-blocks.ts';
import { inflateBlock } from '../../src/archive/inflate-block.ts';

const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;

const WORDS = 'hook bundle revision host agent deployment group target event '.repeat(3);
const noise = randomFillSync(Buffer.alloc(8192));
const parts = fc.oneof(
  fc.integer({ min: 1, max: 8000 }).map((size) => noise.subarray(0, size).map((byte) => byte & 0x3f)),
  fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 20_000 })).map(([from, size]) => {
    return Buffer.alloc(size, WORDS.slice(from, from + 97));
  }),
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
);
const contents = fc.array(parts, { maxLength: 6 }).map((all) => Buffer.concat(all));
const options = fc.record({
  level: fc.constantFrom(1, 6, 9),
  memLevel: fc.constantFrom(1, 8),
  strategy: fc.constantFrom(Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE),
});

const MOST_BYTES = 1_000_000;

interface Step {
  /** Where the block begins, in bits. */
  readonly at: number;
  readonly before: Buffer;
}

/** Block by block to the first that is not compressed, or to the end. */
function follow(deflated: Buffer): {
  readonly content: Buffer;
  readonly steps: readonly Step[];
  readonly isWhole: boolean;
} {
  const steps: Step[] = [];
  let content: Buffer = Buffer.alloc(0);
  for (let at = 0; ; ) {
    const before = content.subarray(-32_768);
    steps.push({ at, before });
    const block = inflateBlock(deflated, at, before, MOST_BYTES);
    if (block === null) return { content, steps, isWhole: false };
    content = Buffer.concat([content, block.content]);
    at = block.end;
    if (block.isLast) return { content, steps, isWhole: true };
  }
}

describe('a compressed block', () => {
  test('is decoded as zlib does it, with every strategy and level', () => {
    fc.assert(
      fc.property(contents, options, (content, how) => {
        const { content: found, isWhole } = follow(deflateRawSync(content, how));
        if (isWhole) expect(found.equals(content)).toBe(true);
        else expect(found.equals(content.subarray(0, found.length))).toBe(true);
      }),
      { numRuns: 80 },
    );
  });

  test('a compressed block that is cut off or damaged never gives other content than zlib gives', () => {
    const damages = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(contents, options, damages, fc.nat(), (content, how, changes, cut) => {
        const deflated = deflateRawSync(content, how);
        for (const [at, bits] of changes) deflated[at % deflated.length] = (deflated[at % deflated.length] ?? 0) ^ bits;
        const damaged = deflated.subarray(0, deflated.length - (cut % 3));
        const { content: found, isWhole } = follow(damaged);
        if (isWhole) expect(inflateRawSync(damaged).equals(found)).toBe(true);
      }),
      { numRuns: 120 },
    );
  });

  test('a compressed block that is longer than allowed is not decoded', () => {
    const deflated = deflateRawSync(Buffer.alloc(1000, 'x'));
    expect(inflateBlock(deflated, 0, Buffer.alloc(0), 999)).toBeNull();
    expect(inflateBlock(deflated, 0, Buffer.alloc(0), 1000)?.content.length).toBe(1000);
  });

  test('a compressed block that refers to what was before the beginning is not decoded', () => {
    const dictionary = Buffer.from(WORDS);
    const deflated = deflateRawSync(dictionary, { dictionary });
    expect(inflateBlock(deflated, 0, dictionary, 1000)?.content.equals(dictionary)).toBe(true);
    expect(inflateBlock(deflated, 0, Buffer.alloc(0), 1000)).toBeNull();
  });
});

test('zlib goes on at a block that begins at any bit of a byte', () => {
  const seen = new Set<number>();
  for (let length = 30_000; length < 30_200; length += 1) {
    const content = Buffer.concat([Buffer.from(noise.map((byte) => byte & 0x3f)), Buffer.alloc(length, WORDS)]);
    const deflated = deflateRawSync(content, { memLevel: 1 });
    const { steps } = follow(deflated);
    let known = 0;
    for (const { at, before } of steps) {
      const bit = at & 7;
      known =
        content.length - inflateRawSync(beginAtByte(deflated.subarray(at >> 3), bit), dictionaryOf(before)).length;
      expect(content.subarray(Math.max(0, known - before.length), known).equals(before)).toBe(true);
      seen.add(bit);
    }
    if (seen.size === 8) return;
  }
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

function dictionaryOf(before: Buffer): { readonly dictionary?: Buffer } {
  return before.length === 0 ? {} : { dictionary: before };
}
