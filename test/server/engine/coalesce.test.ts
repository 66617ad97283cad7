import { expect, test } from 'vitest';
import { createCoalescer } from '../../../src/server/engine/coalesce.ts';
import { eventually } from '../../support/eventually.ts';

/** Work whose end a test decides. */
function slowWork() {
  const begun: { readonly key: string; readonly end: () => void }[] = [];
  const work = (key: string) => new Promise<void>((resolve) => begun.push({ key, end: resolve }));
  return { begun, work };
}

test('a caller that asks while work is under way shares the run that comes after it', async () => {
  const { begun, work } = slowWork();
  const coalescer = createCoalescer(work);
  const first = coalescer.run('a');
  await eventually(() => begun.length === 1);
  const others = [coalescer.run('a'), coalescer.run('a'), coalescer.run('a')];
  expect(begun).toHaveLength(1);
  begun[0]?.end();
  await first;
  await eventually(() => begun.length === 2);
  const third = coalescer.run('a');
  begun[1]?.end();
  await Promise.all(others);
  await eventually(() => begun.length === 3);
  begun[2]?.end();
  await third;
  await coalescer.idle();
});

test('those who ask before work has begun share it', async () => {
  const { begun, work } = slowWork();
  const coalescer = createCoalescer(work);
  const all = Array.from({ length: 100 }, () => coalescer.run('a'));
  await eventually(() => begun.length === 1);
  begun[0]?.end();
  await Promise.all(all);
  await coalescer.idle();
  expect(begun).toHaveLength(1);
});

test('keys do not wait for each other, and idle waits for all', async () => {
  const { begun, work } = slowWork();
  const coalescer = createCoalescer(work);
  const runs = [coalescer.run('a'), coalescer.run('b')];
  let isIdle = false;
  const idle = coalescer.idle().then(() => {
    isIdle = true;
  });
  await eventually(() => begun.map(({ key }) => key).join() === 'a,b');
  begun[0]?.end();
  await runs[0];
  expect(isIdle).toBe(false);
  begun[1]?.end();
  await idle;
  expect(isIdle).toBe(true);
});
