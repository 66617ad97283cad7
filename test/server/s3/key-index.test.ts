/** Lists of objects by the index of keys: the right ones at any time, and a page that costs what it shows. */
import { createHash } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ListPage, listPage } from '../../../src/server/s3/listing.ts';
import { createLocks } from '../../../src/server/s3/locks.ts';
import { type ObjectStore, openObjectStore } from '../../../src/server/s3/object-store.ts';
import { mergeKeys, sortKeys } from '../../../src/server/s3/sort-keys.ts';
import type { ListedVersion } from '../../../src/server/s3/version-marker.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { seededRandom } from '../../support/random.ts';
import { scratchFolder } from '../../support/scratch.ts';

const FACTS = { eTag: '', headers: {}, checksums: {}, checksumType: 'FULL_OBJECT', tags: [] } as const;
const ANY = () => undefined;
const signal = new AbortController().signal;

/** @param lateMs how far its clock is behind the folders' times: with it they count as settled at once */
const storeIn = (root: string, lateMs = 0): ObjectStore =>
  openObjectStore(root, {
    ...{ random: systemRandom, isShared: true, locks: createLocks() },
    clock: { now: () => systemClock.now() + lateMs },
  });

async function put(store: ObjectStore, key: string): Promise<void> {
  const content = store.incoming();
  await content.settle();
  await store.put('bucket', key, content, FACTS, { mayReplace: ANY });
}

test('lists hold what is there, also while two servers of the folder put, hide and remove keys', async () => {
  using scratch = scratchFolder();
  const stores = [storeIn(scratch.path), storeIn(scratch.path)] as const;
  stores[0].createBucket('bucket');
  const random = seededRandom(5);
  const keys = ['a', 'a/1', 'a/2', 'a/b/1', 'b', 'c/', 'c/\u{1F6A2}', 'c/\uFFFD', 'd'] as const;
  const there = new Set<string>();
  for (let turn = 0; turn < 80; turn += 1) {
    const store = random.pick(stores);
    const key = random.pick(keys);
    if (random.chance(0.6)) {
      await put(store, key);
      there.add(key);
    } else {
      if (random.chance(0.5)) await store.hide('bucket', key, ANY);
      else
        for (const { version } of (await versionsIn(store)).filter((one) => one.key === key))
          await store.remove('bucket', key, version.version, ANY);
      there.delete(key);
    }
    const request = {
      prefix: random.pick(['', 'a', 'a/', 'c/']),
      delimiter: random.pick(['', '/']),
      after: random.pick(['', 'a/1', 'a/', 'b', 'zzz']),
      limit: random.integer(0, 5),
    };
    const sorted = [...there].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const expected = listPage(
      sorted.map((name) => ({ key: name })),
      request,
    );
    const { entries, ...rest } = await random.pick(stores).list('bucket', request, signal);
    const shown = entries.map((entry) => ('object' in entry ? { object: { key: entry.object.key } } : entry));
    expect({ turn, request, entries: shown, ...rest }).toEqual({ turn, request, ...expected });
  }
});

test('pages of versions, one after another, hold each version once and in order', async () => {
  using scratch = scratchFolder();
  const store = storeIn(scratch.path);
  store.createBucket('bucket');
  const random = seededRandom(11);
  for (const key of ['a', 'a/1', 'a/2', 'a/b/1', 'b', 'c/\u{1F6A2}', 'c/\uFFFD'])
    for (let count = random.integer(1, 4); count > 0; count -= 1)
      if (random.chance(0.7)) await put(store, key);
      else await store.hide('bucket', key, ANY);
  const named = (versions: readonly ListedVersion[]) => versions.map(({ key, version }) => `${key} ${version.version}`);
  for (const prefix of ['', 'a', 'a/', 'c/'])
    for (const limit of [1, 2, 3, 5]) {
      const walked: ListedVersion[] = [];
      let marker = { key: '', version: '' };
      for (let more = true; more; ) {
        const page = await store.listVersions('bucket', { ...PAGE, prefix, limit, marker }, signal);
        walked.push(...objectsOf(page));
        const last = walked.at(-1);
        marker = { key: last?.key ?? '', version: last?.version.version ?? '' };
        more = page.isTruncated;
      }
      const all = (await versionsIn(store)).filter(({ key }) => key.startsWith(prefix));
      expect(named(walked), `${prefix} by ${limit}`).toEqual(named(all));
    }
});

test('a bucket of many keys is put in order without holding up anybody', async () => {
  const random = seededRandom(3);
  const keys = Array.from({ length: 60_000 }, () => `${random.integer(0, 1e9)}/\u{1F6A2}${random.integer(0, 9)}`);
  const inOrder = (some: readonly string[]) => [...some].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  let turns = 0;
  const watch = setInterval(() => (turns += 1), 1);
  const sorted = await sortKeys(keys, signal);
  clearInterval(watch);
  expect(sorted).toEqual(inOrder(keys));
  expect(turns).toBeGreaterThan(3);
  const gone = new Set(sorted.filter((_, at) => at % 3 === 0));
  const merged = await mergeKeys(sorted, ['', '5', '\uFFFF'], gone, signal);
  expect(merged).toEqual(inOrder([...sorted.filter((key) => !gone.has(key)), '', '5', '\uFFFF']));
});

test('a key that is only now coming into being is listed as soon as it has an object', async () => {
  using scratch = scratchFolder();
  const store = storeIn(scratch.path, 60_000);
  store.createBucket('bucket');
  const list = async () => (await store.list('bucket', PAGE, signal)).entries.length;
  await put(store, 'first');
  expect(await list()).toBe(1);
  mkdirSync(folderOf(scratch.path, 'second'));
  expect(await list()).toBe(1);
  writeObject(scratch.path, 'second');
  expect(await list()).toBe(2);
});

test('a page of a bucket costs no more when the bucket holds forty times as many keys', async () => {
  using scratch = scratchFolder();
  const [few, many] = [await filled(scratch.at('few'), 20), await filled(scratch.at('many'), 800)];
  const timeOf = async (store: ObjectStore) => {
    const startedMs = performance.now();
    const { entries } = await store.list('bucket', PAGE, signal);
    expect(entries).toHaveLength(PAGE.limit);
    return performance.now() - startedMs;
  };
  await timeOf(many);
  let [fewMs, manyMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  // A busy machine makes any look dear, but not so many in a row.
  for (let look = 0; look < 40 && (look < 3 || manyMs > 8 * fewMs); look += 1) {
    fewMs = Math.min(fewMs, await timeOf(few));
    manyMs = Math.min(manyMs, await timeOf(many));
  }
  expect(manyMs / fewMs).toBeLessThan(8);
});

/** Every version of the bucket. */
const versionsIn = async (store: ObjectStore) =>
  objectsOf(await store.listVersions('bucket', { ...PAGE, limit: 1_000, marker: { key: '', version: '' } }, signal));

const objectsOf = <T>({ entries }: ListPage<T>): T[] =>
  entries.flatMap((entry) => ('object' in entry ? [entry.object] : []));

const PAGE = { prefix: '', delimiter: '', after: '', limit: 10 };

/** A page of objects and one more, and behind them so many keys that were deleted: those take the fewest files. */
async function filled(root: string, deleted: number): Promise<ObjectStore> {
  const store = storeIn(root);
  store.createBucket('bucket');
  for (let n = 0; n <= PAGE.limit + deleted; n += 1) {
    const key = `key-${String(n).padStart(4, '0')}`;
    mkdirSync(folderOf(root, key));
    if (n <= PAGE.limit) writeObject(root, key);
    else
      writeFileSync(join(folderOf(root, key), 'v.json'), JSON.stringify({ key, version: 'v', kind: 'delete-marker' }));
  }
  // As a bucket that nobody has changed for a while.
  const longAgo = Date.now() / 1000 - 60;
  utimesSync(join(root, 'bucket'), longAgo, longAgo);
  return store;
}

function folderOf(root: string, key: string): string {
  return join(root, 'bucket', createHash('sha256').update(key).digest('hex'));
}

function writeObject(root: string, key: string): void {
  const folder = folderOf(root, key);
  writeFileSync(join(folder, 'v.json'), JSON.stringify({ key, version: 'v', kind: 'object', ...FACTS }));
  writeFileSync(join(folder, 'v'), '');
  writeFileSync(join(folder, 'latest'), 'v');
}
