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

test('who is woken can wait again, and who has let go is not woken', async () => {
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
