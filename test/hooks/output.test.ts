import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLineSplitter, createLogTail, plainLine } from '../../src/hooks/output.ts';

/** The lines that come of these pieces of output. */
function linesOf(chunks: readonly Uint8Array[]): string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.write(Buffer.from(chunk));
  splitter.end();
  return lines;
}

/** A text's bytes, cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

describe('output', () => {
  test('is the same lines however it is cut into pieces, also in the middle of a character', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).map((text) => plainLine(text.toWellFormed()))),
        fc.array(fc.nat()),
        (lines, places) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          expect(linesOf(cut(bytes, places))).toEqual(lines);
        },
      ),
    );
  });

  test('output that is no UTF-8 is repaired, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (chunks) => {
        for (const line of linesOf(chunks)) {
          expect(line.isWellFormed()).toBe(true);
          expect(line).not.toMatch(/(?!\t)\p{Cc}/u);
        }
      }),
    );
    expect(linesOf([Buffer.from([0x61, 0xff, 0x62, 0x0a])])).toEqual(['a\ufffdb']);
  });

  test('loses colours, cursor movements, titles and other controls', () => {
    const text = '\u001b[31mred\u001b[0m\u001b[2K\u001b[1A\u001b]0;title\u0007 tab\tbell\u0007 back\b\u009b1m.\r\n';
    expect(linesOf([Buffer.from(text)])).toEqual(['red tab\tbell back.']);
  });

  test('output without an end of line is cut into pieces of 64 Ki characters, and none is lost or broken', () => {
    const long = 'x'.repeat(65_535) + '😀'.repeat(50_000);
    const lines = linesOf(cut(Buffer.from(`${long}\nnext\nlast`), [1, 65_534, 65_536, 65_537, 200_000]));
    expect(lines.slice(-2)).toEqual(['next', 'last']);
    expect(lines.slice(0, -2).join('')).toBe(long);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(64 * 1024);
  });

  test('keeps its empty lines', () => {
    expect(linesOf([Buffer.from('\n\na\r\n\r\n')])).toEqual(['', '', 'a', '']);
  });
});

describe('the tail', () => {
  test('is whole entries, the newest, always below 2048 bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 900 })), (entries) => {
        const tail = createLogTail();
        for (const entry of entries) tail.add(entry);
        const text = tail.text();
        const all = entries.map((entry) => `${entry}\n`);
        expect(Buffer.byteLength(text)).toBeLessThan(2048);
        const newest = all.at(-1) ?? '';
        if (Buffer.byteLength(newest) >= 2048) {
          expect(newest.endsWith(text)).toBe(true);
        } else {
          const kept = all.findIndex((_, index) => all.slice(index).join('') === text);
          expect(kept >= 0 || entries.length === 0).toBe(true);
          // One more would have been too much.
          if (kept > 0) expect(Buffer.byteLength(all.slice(kept - 1).join(''))).toBeGreaterThanOrEqual(2048);
        }
      }),
    );
  });

  test('stays below the limit where two entries would just reach it', () => {
    const tail = createLogTail();
    tail.add('a'.repeat(1023));
    tail.add('b'.repeat(1022));
    expect(Buffer.byteLength(tail.text())).toBe(2047);
    tail.add('c'.repeat(1024));
    expect(tail.text()).toBe(`${'c'.repeat(1024)}\n`);
  });

  test('keeps the end of an entry that is too long, beginning with a whole character', () => {
    const tail = createLogTail();
    tail.add('before');
    tail.add(`${'€'.repeat(3000)} the reason`);
    expect(tail.text()).toMatch(/^€+ the reason\n$/);
    expect(Buffer.byteLength(tail.text())).toBeGreaterThan(2040);
    expect(Buffer.byteLength(tail.text())).toBeLessThan(2048);
  });
});
