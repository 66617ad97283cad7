import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ApiPage, newWalk, readPage } from '../../src/console/api/page-walk.ts';

const { signal } = new AbortController();

/** A list whose pages have these lengths; a token is the page's number. */
function listOf(lengths: readonly number[], total?: number) {
  const asked: number[] = [];
  const load = async (token: string | undefined): Promise<ApiPage<number>> => {
    const at = Number(token ?? 0);
    asked.push(at);
    const before = lengths.slice(0, at).reduce((sum, length) => sum + length, 0);
    const entries = Array.from({ length: lengths[at] ?? 0 }, (_, index) => before + index);
    return { entries, nextToken: at + 1 < lengths.length ? String(at + 1) : undefined, ...(at === 0 && { total }) };
  };
  return { load, asked };
}

test('the shown pages together are the list, however long the pages of the API are', async () => {
  const lengths = fc.array(fc.nat(7), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.integer({ min: 1, max: 5 }), async (list, size) => {
      const [walk, { load }] = [newWalk(), listOf(list)];
      const found: number[] = [];
      for (let page = 0, isMore = true; isMore; page += 1) {
        const shown = await readPage(walk, page, size, load, signal);
        if (shown.page === page) found.push(...shown.entries);
        isMore = shown.page === page && (shown.isOpenEnded || page + 1 < shown.pages);
        expect(shown.entries.length).toBeLessThanOrEqual(size);
      }
      expect(found).toEqual(Array.from({ length: list.reduce((sum, length) => sum + length, 0) }, (_, at) => at));
    }),
  );
});

test('a page that was passed is read without those before it', async () => {
  const [walk, { load, asked }] = [newWalk(), listOf([4, 4, 4])];
  await readPage(walk, 5, 2, load, signal);
  expect(asked).toEqual([0, 1, 2]);
  await readPage(walk, 3, 2, load, signal);
  expect(asked).toEqual([0, 1, 2, 1]);
});

test('a list whose length is known has all its pages from the first one on', async () => {
  const shown = await readPage(newWalk(), 0, 2, listOf([4, 4, 1], 9).load, signal);
  expect(shown).toEqual({ entries: [0, 1], page: 0, pages: 5, isOpenEnded: false, total: 9 });
});

test('a page behind the end of a list that became shorter is its last one', async () => {
  const walk = newWalk();
  await readPage(walk, 4, 2, listOf([4, 4, 4]).load, signal);
  expect(await readPage(walk, 4, 2, listOf([3]).load, signal)).toMatchObject({ entries: [2], page: 1, pages: 2 });
});
