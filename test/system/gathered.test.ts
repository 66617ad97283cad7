import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { gathered } from '../../src/system/gathered.ts';

const doubled = async (items: readonly number[]) => items.map((item) => 2 * item);
const never = () => false;

describe('work that is gathered', () => {
  test('begins at once for the first, is done together for what comes in that turn of the event loop, and each gets its own result', async () => {
    const groups: (readonly number[])[] = [];
    const double = gathered({
      ...{ most: 3, isOfAll: never },
      work: (items: readonly number[]) => {
        groups.push(items);
        return doubled(items);
      },
    });
    const asked = [1, 2, 3, 4, 5].map(double);
    expect(groups).toEqual([[1]]);
    expect(await Promise.all(asked)).toEqual([2, 4, 6, 8, 10]);
    expect(groups).toEqual([[1], [2, 3, 4], [5]]);
    expect(await double(6)).toBe(12);
  });

  test('is done alone for each after an error, so that one item spoils no other', async () => {
    const double = gathered({
      ...{ most: 10, isOfAll: never },
      work: async (items: readonly number[]) => {
        if (items.includes(13)) throw new Error('13 is refused');
        return doubled(items);
      },
    });
    const results = await Promise.allSettled([7, 1, 13, 2].map(double));
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'refused'))).toEqual([
      14,
      2,
      'refused',
      4,
    ]);
  });

  test('fails for all at once when the error is of all', async () => {
    let runs = 0;
    const double = gathered({
      ...{ most: 10, isOfAll: () => true },
      work: async (): Promise<number[]> => {
        runs += 1;
        throw new Error('away');
      },
    });
    expect((await Promise.allSettled([1, 2, 3].map(double))).map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
      'rejected',
    ]);
    expect(runs).toBe(2);
  });

  test('goes on for later items while an earlier group waits, and never with more than four groups', async () => {
    const held = Promise.withResolvers<void>();
    const groups: (readonly number[])[] = [];
    const double = gathered({
      ...{ most: 10, isOfAll: never },
      work: async (items: readonly number[]) => {
        groups.push(items);
        await held.promise;
        return doubled(items);
      },
    });
    const asked: Promise<number>[] = [];
    for (const item of [1, 2, 3, 4, 5, 6]) {
      asked.push(double(item));
      await setImmediate();
      await setImmediate();
    }
    expect(groups).toEqual([[1], [2], [3], [4]]);
    held.resolve();
    expect(await Promise.all(asked)).toEqual([2, 4, 6, 8, 10, 12]);
    expect(groups.slice(4)).toEqual([[5, 6]]);
  });
});
