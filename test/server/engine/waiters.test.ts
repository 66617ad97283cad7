import { expect, test } from 'vitest';
import { createWaiters } from '../../../src/server/engine/waiters.ts';

test('a wake-up between the look and the wait is not lost', async () => {
  const waiters = createWaiters();
  const watch = waiters.watch('a', 'AKIA');
  waiters.wake('a');
  await watch.woken();
  watch.release();
});

test('a host is woken and no other, the newest poll first', async () => {
  const waiters = createWaiters();
  const order: string[] = [];
  const watch = (host: string, name: string) =>
    waiters
      .watch(host, 'AKIA')
      .woken()
      .then(() => order.push(name));
  const woken = [watch('a', 'older'), watch('a', 'newer')];
  const other = watch('b', 'other host');
  waiters.wake('a');
  await Promise.all(woken);
  expect(order).toEqual(['newer', 'older']);
  waiters.wakeAll();
  await other;
});

test('a waiter that was woken can wait again, and one that has let go is not woken', async () => {
  const waiters = createWaiters();
  const watch = waiters.watch('a', 'AKIA');
  waiters.wake('a');
  await watch.woken();
  let isWoken = false;
  const second = watch.woken().then(() => {
    isWoken = true;
  });
  const gone = waiters.watch('a', 'AKIA');
  gone.release();
  await Promise.resolve();
  expect(isWoken).toBe(false);
  waiters.wake('a');
  await second;
  watch.release();
  waiters.wake('a');
});

test('a watch that has ended says so at once and ever after, but not before it has told of a wake-up', async () => {
  const waiters = createWaiters();
  const watch = waiters.watch('a', 'AKIA');
  const waits = watch.woken();
  watch.end();
  expect(await waits).toBe(false);
  waiters.wake('a');
  expect([await watch.woken(), await watch.woken()]).toEqual([true, false]);
});

test('polls of one host are known one by one, in whatever order they let go', () => {
  const waiters = createWaiters();
  const [first, second, third] = ['AKIA1', 'AKIA2', 'AKIA2'].map((key) => waiters.watch('a', key));
  waiters.watch('b', 'AKIA3');
  const keys = () => waiters.waiting().map(({ accessKeyId }) => accessKeyId);
  expect([waiters.size, keys()]).toEqual([4, ['AKIA2', 'AKIA1', 'AKIA3']]);
  second?.release();
  second?.release();
  expect([waiters.size, keys()]).toEqual([3, ['AKIA2', 'AKIA1', 'AKIA3']]);
  third?.release();
  first?.release();
  expect([waiters.size, keys()]).toEqual([1, ['AKIA3']]);
});
