import { getHeapStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import { createRest } from '../../src/agent/rest.ts';
import { collectHeap } from '../../src/system/collect-heap.ts';

const usedBytes = () => getHeapStatistics().used_heap_size;

test('an object that nobody uses any more is gone from the heap when it was collected, and one in use is not', () => {
  const kept = Array.from({ length: 100_000 }, (_, n) => ({ n }));
  let unused: object[] | null = Array.from({ length: 500_000 }, (_, n) => ({ n }));
  const before = usedBytes();
  expect(unused).toHaveLength(500_000);
  unused = null;
  collectHeap();
  expect(before - usedBytes()).toBeGreaterThan(10e6);
  expect(kept.at(-1)).toEqual({ n: 99_999 });
});

test('a daemon that comes to rest several times in a row collects once, and not at all when it ends before', async () => {
  let collections = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const rest = createRest(() => {
    collections += 1;
    resolve();
  });
  const ended = createRest(() => {
    throw new Error('collected after its end');
  });
  for (const one of [rest, ended, rest, ended, rest]) one.begins();
  ended.close();
  // The timer alone keeps no process.
  const alive = setInterval(() => undefined, 10_000);
  await promise;
  clearInterval(alive);
  expect(collections).toBe(1);
});
