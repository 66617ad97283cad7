import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareKeys, type ListEntry, listPage } from '../../../src/server/s3/listing.ts';

const objects = (...keys: readonly string[]) => [...keys].sort(compareKeys).map((key) => ({ key }));
const shown = (entries: readonly ListEntry<{ key: string }>[]) =>
  entries.map((entry) => ('object' in entry ? entry.object.key : `${entry.commonPrefix}*`));

/** All pages, as a client that follows them sees them. */
function allPages(keys: readonly { key: string }[], prefix: string, delimiter: string, limit: number): string[] {
  const found: string[] = [];
  let after = '';
  for (let pages = 0; ; pages += 1) {
    expect(pages, 'the pages have no end').toBeLessThanOrEqual(keys.length + 1);
    const page = listPage(keys, { prefix, delimiter, after, limit });
    found.push(...shown(page.entries));
    if (!page.isTruncated || page.last === null) return found;
    after = page.last;
  }
}

describe('a list of objects', () => {
  test('puts keys together by their common prefix, in the order of their bytes', () => {
    const keys = objects('a/1', 'a/2', 'b', 'c/d/1', 'a', '\u{1f600}', '\uffee');
    expect(allPages(keys, '', '/', 1000)).toEqual(['a', 'a/*', 'b', 'c/*', '\uffee', '\u{1f600}']);
    expect(allPages(keys, 'c/', '/', 1000)).toEqual(['c/d/*']);
  });

  test('is in the order of the bytes of UTF-8, whatever the characters are', () => {
    const key = fc.string({
      unit: fc.constantFrom('a', 'b', '\u00e4', '\ud7ff', '\ue000', '\uffee', '\u{10000}', '\u{1f600}', '\u{1f601}'),
      maxLength: 4,
    });
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('begins behind a marker, also one inside of a common prefix', () => {
    const keys = objects('a/1', 'a/2', 'b');
    const behind = (marker: string) =>
      shown(listPage(keys, { prefix: '', delimiter: '/', after: marker, limit: 10 }).entries);
    expect([behind('a/'), behind('a/1'), behind('a/2'), behind('b')]).toEqual([['b'], ['a/*', 'b'], ['b'], []]);
  });

  test('a list of objects of no entries is empty and has no next page', () => {
    const page = listPage(objects('a', 'b'), { prefix: '', delimiter: '', after: '', limit: 0 });
    expect(page).toEqual({ entries: [], isTruncated: false, last: null });
  });

  test('has the same entries, each once, whatever the size of its pages', () => {
    const key = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '-', '\u{1f600}', '\uffee'),
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { maxLength: 30 }),
        fc.constantFrom('', '/', '-', '/a'),
        fc.constantFrom('', 'a', 'a/'),
        fc.integer({ min: 1, max: 7 }),
        (keys, delimiter, prefix, limit) => {
          const all = objects(...keys);
          const whole = allPages(all, prefix, delimiter, 1000);
          expect(allPages(all, prefix, delimiter, limit)).toEqual(whole);
          expect(new Set(whole).size).toBe(whole.length);
        },
      ),
    );
  });
});
