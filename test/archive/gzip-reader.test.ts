import { randomFillSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, crc32, createGunzip, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readGzipFile } from '../../src/archive/gzip-reader.ts';
import { inflateStream } from '../../src/archive/inflate-stream.ts';
import { scratchFolder } from '../support/scratch.ts';

/** So much that it is not left to zlib from the beginning. */
const noise = randomFillSync(Buffer.alloc(3_000_000));
const text = Buffer.alloc(1_500_000, 'what can be compressed, again and again ');

async function read(path: string): Promise<Buffer> {
  const found: Buffer[] = [];
  await readGzipFile(path, (content) => void found.push(Buffer.from(content)), undefined);
  return Buffer.concat(found);
}

async function readByZlib(packed: Buffer): Promise<Buffer> {
  const found: Buffer[] = [];
  await inflateStream(createGunzip(), [packed], (content) => void found.push(Buffer.from(content)));
  return Buffer.concat(found);
}

/** The content, or that there is none. */
async function verdict(reading: Promise<Buffer>): Promise<string> {
  return reading.then(
    (content) => `${content.length} bytes, ${crc32(content)}`,
    () => 'refused',
  );
}

const shapes: readonly (readonly [string, Buffer])[] = [
  ['only stored', noise],
  ['stored, then compressed', Buffer.concat([noise, text])],
  ['compressed, then stored', Buffer.concat([text, noise])],
  [
    'stored with a little text in between',
    Buffer.concat([text.subarray(0, 700), noise, text.subarray(0, 5000), noise]),
  ],
  ['small', noise.subarray(0, 1000)],
  ['empty', noise.subarray(0, 0)],
];

describe('a gzip file', () => {
  test.each(shapes)('a gzip file that is %s has the content that zlib finds', async (_shape, content) => {
    using scratch = scratchFolder();
    const path = join(scratch.path, 'file.gz');
    for (const packed of [gzipSync(content), gzipSync(content, { level: 0 }), named(gzipSync(content))]) {
      for (const behind of ['', '\0'.repeat(5000), gzipSync('another member')]) {
        writeFileSync(path, Buffer.concat([packed, Buffer.from(behind)]));
        const whole = Buffer.concat([content, Buffer.from(typeof behind === 'string' ? '' : 'another member')]);
        expect((await read(path)).equals(whole)).toBe(true);
      }
    }
  });

  test('a gzip file that is damaged, cut off or followed by something is judged as zlib judges it', async () => {
    using scratch = scratchFolder();
    const path = join(scratch.path, 'file.gz');
    const content = Buffer.concat([text.subarray(0, 700), noise.subarray(0, 1_200_000), text.subarray(0, 100_000)]);
    const whole = gzipSync(content);
    const place = fc.oneof(
      fc.nat(40),
      fc.nat(whole.length - 1),
      fc.nat(400).map((n) => whole.length - 1 - n),
    );
    const damage = fc.record({
      changes: fc.array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { maxLength: 2 }),
      cut: fc.option(place),
      behind: fc.uint8Array({ maxLength: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ changes, cut, behind }) => {
        const packed = Buffer.from(whole);
        for (const [at, bits] of changes) packed[at] = (packed[at] ?? 0) ^ bits;
        const damaged = Buffer.concat([packed.subarray(0, cut ?? packed.length), behind]);
        writeFileSync(path, damaged);
        expect(await verdict(read(path))).toBe(await verdict(readByZlib(damaged)));
      }),
      { numRuns: 80 },
    );
  });

  test.each([
    [-8, 'incorrect data check'],
    [-4, 'incorrect length check'],
  ])('a gzip file whose trailer is wrong %i bytes from its end is refused', async (at, why) => {
    using scratch = scratchFolder();
    const packed = gzipSync(noise);
    const place = packed.length + at;
    packed[place] = (packed[place] ?? 0) ^ 1;
    const path = join(scratch.path, 'file.gz');
    writeFileSync(path, packed);
    expect(() => gunzipSync(packed)).toThrow(why);
    await expect(read(path)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT', message: expect.stringContaining(why) });
  });

  test('a gzip file that ends in the middle of what is stored is cut off', async () => {
    using scratch = scratchFolder();
    const path = join(scratch.path, 'file.gz');
    writeFileSync(path, gzipSync(noise).subarray(0, 2_000_000));
    await expect(read(path)).rejects.toMatchObject({ code: 'ARCHIVE_TRUNCATED' });
  });

  test('a gzip file whose blocks end at every bit of a byte is followed to its trailer', async () => {
    using scratch = scratchFolder();
    const path = join(scratch.path, 'file.gz');
    for (let length = 1; length <= 16; length += 1) {
      const content = Buffer.concat([noise, text.subarray(0, length)]);
      const first = deflateRawSync(noise, { finishFlush: constants.Z_SYNC_FLUSH });
      const deflated = Buffer.concat([first, deflateRawSync(text.subarray(0, length))]);
      const trailer = Buffer.alloc(8);
      trailer.writeUInt32LE(crc32(content), 0);
      trailer.writeUInt32LE(content.length, 4);
      writeFileSync(path, Buffer.concat([gzipSync('').subarray(0, 10), deflated, trailer]));
      expect((await read(path)).equals(content)).toBe(true);
    }
  });
});

/** As `gzip` packs a file: with its name. */
function named(packed: Buffer): Buffer {
  const header = Buffer.from(packed.subarray(0, 10));
  header[3] = 0b1000;
  return Buffer.concat([header, Buffer.from('bundle.tar\0'), packed.subarray(10)]);
}
