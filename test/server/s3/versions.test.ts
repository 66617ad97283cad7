/** Every version of an object stays until it is removed by its own name. */
import { existsSync, globSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type VersionMarker, versionsBehind } from '../../../src/server/s3/version-marker.ts';
import { type S3Ground, s3Ground } from '../../support/s3-ground.ts';

const Bucket = 'versions';
let ground: S3Ground;
beforeAll(async () => {
  ground = await s3Ground();
  await ground.operator.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => ground[Symbol.asyncDispose]());

const put = async (Key: string, Body: string) =>
  (await ground.operator.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId ?? '';
const read = async (Key: string, VersionId?: string) =>
  (
    await ground.operator.send(new GetObjectCommand({ Bucket, Key, ...(VersionId === undefined ? {} : { VersionId }) }))
  ).Body?.transformToString();
const remove = (Key: string, VersionId?: string) =>
  ground.operator.send(new DeleteObjectCommand({ Bucket, Key, ...(VersionId === undefined ? {} : { VersionId }) }));
/** Each version as `key version`, with what it is. */
const shown = ({ Versions = [], DeleteMarkers = [] }: ListObjectVersionsCommandOutput) =>
  [...Versions, ...DeleteMarkers.map((marker) => ({ ...marker, Size: 'marker' }))].map(
    ({ Key, VersionId, IsLatest, Size }) => ({ Key, VersionId, IsLatest, Size }),
  );
const versionsOf = async (Prefix: string) =>
  shown(await ground.operator.send(new ListObjectVersionsCommand({ Bucket, Prefix })));

describe('an object that is deleted', () => {
  test('an object that is deleted without a version is hidden, and comes back when its delete marker is removed', async () => {
    const [one, two] = [await put('hidden', '1'), await put('hidden', '22')];
    const { DeleteMarker, VersionId: marker = '' } = await remove('hidden');
    expect(DeleteMarker).toBe(true);
    await expect(read('hidden')).rejects.toMatchObject({ name: 'NoSuchKey' });
    const { Contents } = await ground.operator.send(new ListObjectsV2Command({ Bucket, Prefix: 'hidden' }));
    expect(Contents).toBeUndefined();
    const Key = 'hidden';
    expect(await versionsOf(Key)).toEqual([
      { Key, VersionId: two, IsLatest: false, Size: 2 },
      { Key, VersionId: one, IsLatest: false, Size: 1 },
      { Key, VersionId: marker, IsLatest: true, Size: 'marker' },
    ]);
    expect(await read(Key, one)).toBe('1');
    await expect(read(Key, marker)).rejects.toMatchObject({ name: 'MethodNotAllowed' });
    expect(await remove(Key)).toMatchObject({ VersionId: marker });
    expect(await remove(Key, marker)).toMatchObject({ DeleteMarker: true, VersionId: marker });
    expect(await read(Key)).toBe('22');
  });

  test('in its latest version is the one before it, and is gone with its last one', async () => {
    const [one, two, three] = [await put('back', '1'), await put('back', '2'), await put('back', '3')];
    await remove('back', three);
    expect(await read('back')).toBe('2');
    await remove('back', one);
    expect(await read('back')).toBe('2');
    await remove('back', two);
    await expect(read('back')).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(await versionsOf('back')).toEqual([]);
    // Once more: it is gone already, which is what was asked for.
    await remove('back', two);
    await remove('never-there');
    expect(await versionsOf('never-there')).toEqual([]);
  });

  test('is still known when the removal stops at its content, and is removed by the next request', async () => {
    const version = await put('stopped', '1');
    const [content = ''] = globSync(ground.scratch.at('data/s3', Bucket, '*', version));
    rmSync(content);
    mkdirSync(content);
    await expect(remove('stopped', version)).rejects.toMatchObject({ name: 'InternalError' });
    rmdirSync(content);
    writeFileSync(content, '1');
    expect(await versionsOf('stopped')).toMatchObject([{ VersionId: version }]);
    await remove('stopped', version);
    expect(existsSync(content)).toBe(false);
  });

  test('an object that is deleted by an empty version, or with If-Match of another object, stays', async () => {
    await put('kept', '1');
    const empty = await ground.send({ method: 'DELETE', target: `/${Bucket}/kept?versionId=` });
    expect(empty).toMatchObject({ status: 400, code: 'InvalidArgument' });
    const other = ground.operator.send(new DeleteObjectCommand({ Bucket, Key: 'kept', IfMatch: '"other"' }));
    await expect(other).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect(await read('kept')).toBe('1');
    const { ETag } = await ground.operator.send(new HeadObjectCommand({ Bucket, Key: 'kept' }));
    await ground.operator.send(new DeleteObjectCommand({ Bucket, Key: 'kept', IfMatch: ETag }));
    await expect(read('kept')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

describe('many objects', () => {
  test('are deleted by one request, each for itself', async () => {
    const names = ['many/a & <b>', 'many/ü', 'many/../../x'];
    const versions = await Promise.all(names.map((name) => put(name, name)));
    const Objects = [
      { Key: names[0] },
      { Key: names[1], VersionId: versions[1] },
      { Key: names[2], ETag: '"other"' },
      { Key: 'many/none' },
    ];
    const { Deleted, Errors } = await ground.operator.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Deleted).toMatchObject([
      { Key: names[0], DeleteMarker: true },
      { Key: names[1], VersionId: versions[1] },
      { Key: 'many/none' },
    ]);
    expect(Errors).toMatchObject([{ Key: names[2], Code: 'PreconditionFailed' }]);
    const quiet = { Objects: [{ Key: names[2] }], Quiet: true };
    expect((await ground.operator.send(new DeleteObjectsCommand({ Bucket, Delete: quiet }))).Deleted).toBeUndefined();
    const { KeyCount } = await ground.operator.send(new ListObjectsV2Command({ Bucket, Prefix: 'many/' }));
    expect(KeyCount).toBe(0);
  });

  test.each([
    ['no object', '<Delete></Delete>'],
    ['more than a thousand', `<Delete>${'<Object><Key>stays</Key></Object>'.repeat(1001)}</Delete>`],
    ['an object without a key', '<Delete><Object><VersionId>x</VersionId></Object></Delete>'],
    ['a key of 2 000 bytes', `<Delete><Object><Key>${'x'.repeat(2000)}</Key></Object></Delete>`],
    ['a condition that is not known', '<Delete><Object><Key>stays</Key><Size>1</Size></Object></Delete>'],
    ['another element', '<Delete><Object><Key>stays</Key></Object><All/></Delete>'],
    ['a Quiet that is neither', '<Delete><Object><Key>stays</Key></Object><Quiet>yes</Quiet></Delete>'],
    ['two keys in one object', '<Delete><Object><Key>stays</Key><Key>b</Key></Object></Delete>'],
  ])('stay when a request to delete them has %s', async (_, body) => {
    await put('stays', 'here');
    expect(await ground.send({ method: 'POST', target: `/${Bucket}?delete=`, body })).toMatchObject({
      ...{ status: 400, code: 'MalformedXML' },
    });
    expect(await read('stays')).toBe('here');
  });

  test('are listed in all versions, page by page, each once', async () => {
    for (const name of ['b', 'a/1', 'a/2', 'ü', 'c']) for (const body of ['1', '2']) await put(`paged/${name}`, body);
    await remove('paged/c');
    const all = await versionsOf('paged/');
    expect(all).toHaveLength(11);
    for (const MaxKeys of [1, 2, 3, 11]) {
      const found: unknown[] = [];
      let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | null = {};
      while (next !== null) {
        const page: ListObjectVersionsCommandOutput = await ground.operator.send(
          new ListObjectVersionsCommand({ ...{ Bucket, Prefix: 'paged/', MaxKeys, EncodingType: 'url' }, ...next }),
        );
        found.push(...shown(page).map(({ Key, ...rest }) => ({ ...rest, Key: decodeURIComponent(Key ?? '') })));
        next = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : null;
        if (next !== null) next.KeyMarker = decodeURIComponent(next.KeyMarker ?? '');
      }
      expect(found).toHaveLength(all.length);
      expect(found).toEqual(expect.arrayContaining(all));
    }
    const folded = { Bucket, Prefix: 'paged/', Delimiter: '/', MaxKeys: 1 };
    const first = await ground.operator.send(new ListObjectVersionsCommand(folded));
    expect(first.CommonPrefixes).toEqual([{ Prefix: 'paged/a/' }]);
    const second = await ground.operator.send(
      new ListObjectVersionsCommand({ ...folded, KeyMarker: first.NextKeyMarker }),
    );
    expect(shown(second)).toMatchObject([{ Key: 'paged/b', IsLatest: true }]);
  });

  test('go on behind a key that ends with the delimiter', async () => {
    for (const body of ['1', '22']) await put('slash/', body);
    const folded = { Bucket, Prefix: 'slash/', Delimiter: '/', MaxKeys: 1 };
    const first = await ground.operator.send(new ListObjectVersionsCommand(folded));
    const markers = { KeyMarker: first.NextKeyMarker, VersionIdMarker: first.NextVersionIdMarker };
    const second = await ground.operator.send(new ListObjectVersionsCommand({ ...folded, ...markers }));
    expect([...shown(first), ...shown(second)].map(({ Size }) => Size)).toEqual([2, 1]);
  });

  test('have in lists the very keys that they were written by', async () => {
    const keys = ['&#13;', '<&>', 'a\nb', 'a\r\nb', 'a\rb', 'a\tb'].map((name) => `odd/${name}`);
    for (const key of keys) await put(key, key);
    const { Contents = [] } = await ground.operator.send(new ListObjectsV2Command({ Bucket, Prefix: 'odd/' }));
    expect(Contents.map(({ Key }) => Key).sort()).toEqual(keys.sort());
  });

  test('are gone through to the end although each page is removed before the next one is asked for', () => {
    const version = (key: string, name: string) => {
      const one = { kind: 'delete-marker', key, version: name, sequence: 1, modifiedAtMs: 0 } as const;
      return { key, version: one, isLatest: false };
    };
    const all = [version('a', '1'), version('a', '2')];
    const behind = (marker: VersionMarker) => versionsBehind(marker, 'a', all);
    expect(behind({ key: 'a', version: '1' })).toEqual(all.slice(1));
    expect(behind({ key: 'a', version: 'removed' })).toEqual(all);
    expect(behind({ key: 'a', version: '' })).toEqual([]);
    expect(behind({ key: 'Z', version: '1' })).toEqual(all);
  });
});

describe('a bucket', () => {
  test('is deleted when it holds no version, and not before', async () => {
    const own = 'short-lived';
    await ground.operator.send(new CreateBucketCommand({ Bucket: own }));
    const { VersionId } = await ground.operator.send(new PutObjectCommand({ Bucket: own, Key: 'k', Body: 'x' }));
    const { VersionId: marker } = await ground.operator.send(new DeleteObjectCommand({ Bucket: own, Key: 'k' }));
    const drop = () => ground.operator.send(new DeleteBucketCommand({ Bucket: own }));
    await expect(drop()).rejects.toMatchObject({ name: 'BucketNotEmpty' });
    const Objects = [VersionId, marker].map((id) => ({ Key: 'k', VersionId: id }));
    await ground.operator.send(new DeleteObjectsCommand({ Bucket: own, Delete: { Objects } }));
    await drop();
    await expect(drop()).rejects.toMatchObject({ name: 'NoSuchBucket' });
    expect(readdirSync(ground.scratch.at('data/s3'))).not.toContain(own);
  });
});

describe('what a power cut leaves of an object on its way into the store', () => {
  const foldersOf = () =>
    readdirSync(ground.scratch.at('data/s3', Bucket)).map((name) => ground.scratch.at('data/s3', Bucket, name));
  test.each([
    ['its facts alone', (folder: string, version: string) => rmSync(join(folder, version))],
    ['its content alone', (folder: string, version: string) => rmSync(join(folder, `${version}.json`))],
    ['half of what is known of it', (folder: string) => writeFileSync(join(folder, '.x.json.1.tmp'), '{"key')],
  ])('(%s) is no version, and the one before is read', async (what, cut) => {
    const key = `cut/${what}`;
    const before = new Set(foldersOf());
    const first = await put(key, 'first');
    const [folder = ''] = foldersOf().filter((name) => !before.has(name));
    const second = await put(key, 'second');
    // The version is named last.
    writeFileSync(join(folder, 'latest'), first);
    cut(folder, second);
    expect(await read(key)).toBe('first');
    if (!what.startsWith('half')) {
      await expect(read(key, second)).rejects.toMatchObject({ name: 'NoSuchVersion' });
      expect(await versionsOf(key)).toMatchObject([{ VersionId: first }]);
    }
    await put(key, 'third');
    expect(await read(key)).toBe('third');
  });
});
