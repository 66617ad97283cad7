import { describe, expect, test } from 'vitest';
import { collectPages } from '../../src/cli/paging.ts';

describe('a list of several pages', () => {
  test('is collected to its end', async () => {
    const pages = [{ items: [1, 2], nextToken: 'a' }, { items: [3], nextToken: 'b' }, { items: [4] }];
    const asked: (string | undefined)[] = [];
    const fetchPage = async (token: string | undefined) => {
      asked.push(token);
      return pages[asked.length - 1] ?? { items: [] };
    };
    expect(await collectPages(fetchPage, ({ items }) => items)).toEqual([1, 2, 3, 4]);
    expect(asked).toEqual([undefined, 'a', 'b']);
  });

  test.each([
    ['gives the same page again', (count: number) => `token ${count % 3}`, 'gives the same page again', 4],
    ['always has one more', (count: number) => `token ${count}`, 'more than 10000 pages', 10_001],
  ])('a list of a server that %s is refused', async (_, tokenOf, why, most) => {
    let count = 0;
    const fetchPage = async () => {
      count += 1;
      return { nextToken: tokenOf(count) };
    };
    await expect(collectPages(fetchPage, () => [])).rejects.toMatchObject({
      code: 'SERVER_ANSWER_INVALID',
      message: expect.stringContaining(why),
    });
    expect(count).toBe(most);
  });
});
