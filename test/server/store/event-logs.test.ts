import { expect, test } from 'vitest';
import { addToLog, readLog } from '../../../src/server/store/event-logs.ts';
import { deleteDeployments, deleteDiagnostics } from '../../../src/server/store/old-deployments.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { describeStores } from '../../support/stores.ts';

const KEY = { deploymentId: 'd-1', instanceId: 'i-1', position: 2 };
const MOST = 1_000_000;

const add = (store: Store, firstByte: number, text: string, most = MOST) =>
  store.transaction((tx) => addToLog(tx, KEY, { firstByte, text }, most, 5));

/** All that is kept, with its positions. */
async function readAll(store: Store, from = 0): Promise<{ parts: [number, string][]; next: number }> {
  const parts: [number, string][] = [];
  for (let next = from; ; ) {
    const part = await readLog(store.db, KEY, next, 64 * 1024);
    if (part === null) return { parts, next };
    parts.push([part.firstByte, part.text]);
    next = part.nextByte;
  }
}

describeStores('the log of an event', (kind) => {
  test('takes each byte once, whatever comes again or overlaps', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await add(store, 0, 'one\n');
    await add(store, 0, 'one\n');
    await add(store, 0, 'one\nzwei €\n');
    await add(store, 4, 'zwei €\n');
    await add(store, 13, 'three\n');
    expect(await readAll(store)).toEqual({ parts: [[0, 'one\nzwei €\nthree\n']], next: 19 });
    expect(await readAll(store, 4)).toEqual({ parts: [[4, 'zwei €\nthree\n']], next: 19 });
    // In the middle of the euro sign: from the next character on.
    expect((await readAll(store, 10)).parts).toEqual([[12, '\nthree\n']]);
  });

  test('takes each byte once, also when the same pieces come at the same time', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const lines = Array.from({ length: 3 }, (_, at) => `line ${at}\n`);
    for (const [at, line] of lines.entries()) {
      // The first one comes once with what follows, as from a host that sends more the next time.
      const more = lines.slice(0, at + 1).join('');
      await Promise.all([
        ...Array.from({ length: 5 }, () => add(store, at * line.length, line)),
        ...Array.from({ length: 5 }, () => add(store, 0, more)),
      ]);
    }
    const whole = lines.join('');
    expect(await readAll(store)).toEqual({ parts: [[0, whole]], next: whole.length });
  });

  test('shows by its positions what was left out', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await add(store, 0, 'one\n');
    await add(store, 100, 'two\n');
    expect(await readAll(store)).toEqual({
      parts: [
        [0, 'one\n'],
        [100, 'two\n'],
      ],
      next: 104,
    });
  });

  test('keeps the end of what is too much, and of many small pieces', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const text = `${'x'.repeat(1023)}\n`.repeat(20);
    for (let n = 0; n < 5; n += 1) await add(store, n * 20_480, text, 50_000);
    const { parts, next } = await readAll(store);
    const kept = parts.reduce((sum, [, part]) => sum + part.length, 0);
    expect(next).toBe(102_400);
    expect(kept).toBeLessThanOrEqual(50_000);
    expect(kept).toBeGreaterThan(20_000);
    await add(store, next, '€'.repeat(30_000), 50_000);
    expect((await readAll(store)).parts.map(([first, part]) => [first, part.length, part[0]])).toEqual([
      [102_400 + 40_002, 16_666, '€'],
    ]);
    for (let n = 0; n < 200; n += 1) await add(store, 1_000_000 + n * 10, 'x');
    expect((await readAll(store)).parts).toHaveLength(128);
  });

  test.each([
    ['the deployment is', deleteDeployments],
    [
      'its diagnostics are',
      (...[tx, ids, most]: Parameters<typeof deleteDeployments>) => deleteDiagnostics(tx, ids, most, 5),
    ],
  ] as const)('is deleted when %s', async (_, remove) => {
    await using database = await kind.create();
    const store = await database.open();
    await add(store, 0, 'one\n');
    await store.transaction((tx) => remove(tx, [KEY.deploymentId], 50));
    expect(await readAll(store)).toEqual({ parts: [], next: 0 });
  });

  test('keeps what a database cannot keep as another character of the same length', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await add(store, 0, 'a\0b\ud800c');
    await add(store, 7, '!');
    expect((await readAll(store)).parts).toEqual([[0, 'a?b\ufffdc!']]);
  });
});
