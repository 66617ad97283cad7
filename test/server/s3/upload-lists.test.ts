/** Uploads in parts: their checksums, their lists, and how long they are kept. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type ChecksumType,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { type ChecksumAlgorithm, createChecksum } from '../../../src/server/s3/checksums.ts';
import { createLocks } from '../../../src/server/s3/locks.ts';
import { openObjectStore } from '../../../src/server/s3/object-store.ts';
import { startUploadRetention, UPLOAD_LIFE_MS } from '../../../src/server/s3/upload-retention.ts';
import { openUploadStore } from '../../../src/server/s3/upload-store.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { manualClock } from '../../support/clock.ts';
import { type S3Ground, s3Ground } from '../../support/s3-ground.ts';
import { scratchFolder } from '../../support/scratch.ts';

const Bucket = 'revisions';
let ground: S3Ground;
beforeAll(async () => {
  ground = await s3Ground();
});
afterAll(() => ground[Symbol.asyncDispose]());

const begin = async (
  Key: string,
  summed: { ChecksumAlgorithm?: ChecksumAlgorithm; ChecksumType?: ChecksumType } = {},
) => ground.operator.send(new CreateMultipartUploadCommand({ Bucket, Key, ...summed }));
const sumOf = (algorithm: ChecksumAlgorithm, content: Uint8Array) => {
  const sum = createChecksum(algorithm);
  sum.update(content);
  return sum.digest();
};

describe('the checksum of an object in parts', () => {
  const contents = [Buffer.alloc(5 * 1024 * 1024, 'a'), Buffer.from('the end')] as const;
  test.each<[ChecksumAlgorithm, ChecksumType | undefined, ChecksumType]>([
    ['CRC32', undefined, 'COMPOSITE'],
    ['CRC32', 'FULL_OBJECT', 'FULL_OBJECT'],
    ['CRC32C', 'COMPOSITE', 'COMPOSITE'],
    ['CRC32C', 'FULL_OBJECT', 'FULL_OBJECT'],
    ['CRC64NVME', undefined, 'FULL_OBJECT'],
    ['SHA1', undefined, 'COMPOSITE'],
    ['SHA256', 'COMPOSITE', 'COMPOSITE'],
  ])('%s, asked for as %s, is %s: verified, kept and given back', async (algorithm, asked, type) => {
    const { operator } = ground;
    const Key = `${algorithm} ${asked}`;
    const begun = await begin(Key, {
      ChecksumAlgorithm: algorithm,
      ...(asked === undefined ? {} : { ChecksumType: asked }),
    });
    expect(begun).toMatchObject({ ChecksumAlgorithm: algorithm, ChecksumType: type });
    const { UploadId } = begun;
    const field = `Checksum${algorithm}`;
    const Parts: Record<string, unknown>[] = [];
    for (const [index, Body] of contents.entries()) {
      const part = { Bucket, Key, UploadId, PartNumber: index + 1, Body, ChecksumAlgorithm: algorithm };
      const sent = await operator.send(new UploadPartCommand(part));
      expect(sent).toMatchObject({ [field]: sumOf(algorithm, Body) });
      Parts.push({ ETag: sent.ETag, PartNumber: index + 1, [field]: sumOf(algorithm, Body) });
    }
    const composite = Buffer.concat(contents.map((content) => Buffer.from(sumOf(algorithm, content), 'base64')));
    const whole = type === 'COMPOSITE' ? `${sumOf(algorithm, composite)}-2` : sumOf(algorithm, Buffer.concat(contents));
    const complete = (promised: string, ChecksumType: ChecksumType = type) =>
      operator.send(
        new CompleteMultipartUploadCommand({
          ...{ Bucket, Key, UploadId, MultipartUpload: { Parts }, ChecksumType, [field]: promised },
        }),
      );
    await expect(complete(sumOf(algorithm, Buffer.from('other')))).rejects.toMatchObject({ name: 'BadDigest' });
    const otherType = type === 'COMPOSITE' ? 'FULL_OBJECT' : 'COMPOSITE';
    await expect(complete(whole, otherType)).rejects.toMatchObject({ name: 'InvalidRequest' });
    expect(await complete(whole)).toMatchObject({ [field]: whole, ChecksumType: type });
    const shown = { [field]: whole, ChecksumType: type };
    expect(await operator.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))).toMatchObject(shown);
    const got = await operator.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    expect(got).toMatchObject(shown);
    expect((await got.Body?.transformToByteArray())?.length).toBe(contents[0].length + contents[1].length);
    const ObjectAttributes = ['Checksum', 'ObjectParts', 'ObjectSize', 'ETag', 'StorageClass'] as const;
    expect(
      await operator.send(new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: [...ObjectAttributes] })),
    ).toMatchObject({ Checksum: shown, ObjectParts: { TotalPartsCount: 2 }, ObjectSize: contents[0].length + 7 });
  });

  test.each<[string, { ChecksumAlgorithm?: ChecksumAlgorithm; ChecksumType?: ChecksumType }]>([
    ['SHA-256 of the full object', { ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' }],
    ['SHA-1 of the full object', { ChecksumAlgorithm: 'SHA1', ChecksumType: 'FULL_OBJECT' }],
    ['a composite CRC64NVME', { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' }],
    ['a type that is none', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'HALF' as 'COMPOSITE' }],
  ])('cannot be %s, as in S3', async (_, summed) => {
    await expect(begin('refused', summed)).rejects.toMatchObject({ name: 'InvalidRequest' });
  });

  test('is of one algorithm: a part with another is refused', async () => {
    const { UploadId } = await begin('mixed', { ChecksumAlgorithm: 'SHA256' });
    const part = { Bucket, Key: 'mixed', UploadId, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'CRC32' } as const;
    await expect(ground.operator.send(new UploadPartCommand(part))).rejects.toMatchObject({ name: 'InvalidRequest' });
  });
});

describe('lists', () => {
  test('lists of the parts that an upload has are given page by page', async () => {
    const Key = 'with parts';
    const { UploadId } = await begin(Key);
    for (const PartNumber of [3, 1, 10, 2]) {
      const Body = `part ${PartNumber}`;
      await ground.operator.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
    }
    const first = await ground.operator.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 3 }));
    expect(first.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, 6],
      [2, 6],
      [3, 6],
    ]);
    const page = { Bucket, Key, UploadId, PartNumberMarker: first.NextPartNumberMarker };
    const second = await ground.operator.send(new ListPartsCommand(page));
    expect([second.IsTruncated, second.Parts?.map(({ PartNumber }) => PartNumber)]).toEqual([false, [10]]);
    const other = new ListPartsCommand({ Bucket, Key: 'another', UploadId });
    await expect(ground.operator.send(other)).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  test('lists of the uploads of a bucket are given page by page', async () => {
    const ids: (string | undefined)[] = [];
    for (const Key of ['lists/a', 'lists/a', 'lists/b']) ids.push((await begin(Key)).UploadId);
    const found: (string | undefined)[] = [];
    let next: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | null = {};
    while (next !== null) {
      const input = { Bucket, Prefix: 'lists/', MaxUploads: 1, ...next };
      const page: Awaited<ReturnType<typeof list>> = await list(input);
      found.push(...(page.Uploads ?? []).map(({ UploadId }) => UploadId));
      next = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : null;
    }
    expect([...found].sort()).toEqual([...ids].sort());
    expect((await list({ Bucket, Prefix: 'lists/', Delimiter: '/' })).CommonPrefixes).toBeUndefined();
    expect((await list({ Bucket, Delimiter: '/' })).CommonPrefixes).toEqual([{ Prefix: 'lists/' }]);
  });

  test('go on behind a key that ends with the delimiter', async () => {
    const ids = [(await begin('slash/')).UploadId, (await begin('slash/')).UploadId];
    const folded = { Bucket, Prefix: 'slash/', Delimiter: '/', MaxUploads: 1 };
    const first = await list(folded);
    const markers = { KeyMarker: first.NextKeyMarker, UploadIdMarker: first.NextUploadIdMarker };
    const second = await list({ ...folded, ...markers });
    const found = [first, second].flatMap(({ Uploads = [] }) => Uploads.map(({ UploadId }) => UploadId));
    expect(found.sort()).toEqual(ids.sort());
  });

  const list = (input: ListMultipartUploadsCommand['input']) =>
    ground.operator.send(new ListMultipartUploadsCommand(input));
});

describe('parts of an object', () => {
  const md5 = (body: string) => createHash('md5').update(body).digest('hex');
  const bodies = ['aaaa', 'bbbb', '', 'cc', 'dddd'];
  /** Uploaded as the parts 2, 4, 6, …: what counts afterwards is their order. */
  const make = async (key: string) => {
    const { UploadId: id = '' } = await begin(key);
    const parts = await Promise.all(
      bodies.map(async (body, at) => {
        const number = 2 * (at + 1);
        await ground.send({ method: 'PUT', target: `/${Bucket}/${key}?partNumber=${number}&uploadId=${id}`, body });
        return `<Part><PartNumber>${number}</PartNumber><ETag>${md5(body)}</ETag></Part>`;
      }),
    );
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
    return ground.send({ method: 'POST', target: `/${Bucket}/${key}?uploadId=${id}`, body });
  };
  const read = (key: string, more: string, headers: Record<string, string> = {}, method = 'GET') =>
    ground.send({ method, target: `/${Bucket}/${key}?partNumber=${more}`, headers });

  test('are read one by one, as they were uploaded', async () => {
    await make('in-parts');
    for (const [at, body] of bodies.entries()) {
      const { status, text, headers } = await read('in-parts', String(at + 1));
      expect({ at, status, text }).toEqual({ at, status: 206, text: body });
      expect(headers['x-amz-mp-parts-count']).toBe('5');
      expect(headers['content-length']).toBe(String(body.length));
    }
    expect((await read('in-parts', '4')).headers['content-range']).toBe('bytes 8-9/14');
    expect(await read('in-parts', '6')).toMatchObject({ status: 416 });
    expect(await read('in-parts', '0')).toMatchObject({ status: 400 });
    expect(await read('in-parts', '1', { range: 'bytes=0-1' })).toMatchObject({ status: 400 });
    const { operator } = ground;
    expect(await operator.send(new HeadObjectCommand({ Bucket, Key: 'in-parts', PartNumber: 5 }))).toMatchObject({
      ...{ ContentLength: 4, PartsCount: 5 },
    });
  });

  test('are listed with their sizes page by page', async () => {
    await make('listed');
    const list = async (PartNumberMarker?: string) =>
      (
        await ground.operator.send(
          new GetObjectAttributesCommand({
            ...{ Bucket, Key: 'listed', ObjectAttributes: ['ObjectParts'], MaxParts: 2 },
            ...(PartNumberMarker === undefined ? {} : { PartNumberMarker }),
          }),
        )
      ).ObjectParts;
    const sizes: (number | undefined)[] = [];
    for (let marker: string | undefined = '0'; marker !== undefined; ) {
      const page = await list(marker);
      expect(page).toMatchObject({ TotalPartsCount: 5, MaxParts: 2 });
      sizes.push(...(page?.Parts ?? []).map(({ Size }) => Size));
      marker = page?.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    }
    expect(sizes).toEqual(bodies.map(({ length }) => length));
  });

  test('parts of an object in one piece are one, and those of an earlier server are not known', async () => {
    await ground.send({ method: 'PUT', target: `/${Bucket}/one-piece`, body: 'content' });
    expect(await read('one-piece', '1')).toMatchObject({ status: 206, text: 'content' });
    expect(await read('one-piece', '2')).toMatchObject({ status: 416 });
    await make('earlier');
    const folder = ground.scratch.at('data/s3', Bucket, createHash('sha256').update('earlier').digest('hex'));
    const name = readdirSync(folder).find((file) => file.endsWith('.json')) ?? '';
    const { parts: _, ...facts } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, unknown>;
    writeFileSync(join(folder, name), JSON.stringify(facts));
    expect(await read('earlier', '1')).toMatchObject({ status: 501 });
    expect((await ground.send({ method: 'GET', target: `/${Bucket}/earlier` })).text).toBe(bodies.join(''));
  });
});

test('an upload that nobody goes on with is removed after a week, and one that goes on is not', async () => {
  using scratch = scratchFolder();
  const clock = manualClock(Date.now());
  const ctx = { clock, random: systemRandom, isShared: true, locks: createLocks(), log: silentLogger };
  const store = openObjectStore(scratch.path, ctx);
  store.createBucket(Bucket);
  const uploads = openUploadStore(scratch.path, store, ctx);
  const summed = { headers: {}, tags: [], algorithm: null, checksumType: 'FULL_OBJECT' } as const;
  const idle = await uploads.create({ bucket: Bucket, key: 'idle', ...summed });
  const busy = await uploads.create({ bucket: Bucket, key: 'busy', ...summed });
  writeFileSync(scratch.at('.incoming/left'), 'x');
  const old = (Date.now() - UPLOAD_LIFE_MS - 1000) / 1000;
  for (const name of [`.uploads/${idle.uploadId}`, '.incoming/left']) utimesSync(scratch.at(name), old, old);
  const retention = startUploadRetention({ ...ctx, store, uploads });
  await clock.nextSleep();
  await retention.close();
  expect(readdirSync(scratch.at('.uploads'))).toEqual([busy.uploadId]);
  expect(existsSync(scratch.at('.incoming/left'))).toBe(false);
});

describe('an upload whose server was killed while it was completed', () => {
  const md5 = (body: string) => createHash('md5').update(body).digest('hex');
  const put = (key: string, id: string, body: string) =>
    ground.send({ method: 'PUT', target: `/${Bucket}/${key}?partNumber=1&uploadId=${id}`, body });
  const complete = (key: string, id: string, body: string) =>
    ground.send({
      ...{ method: 'POST', target: `/${Bucket}/${key}?uploadId=${id}` },
      body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${md5(body)}</ETag></Part></CompleteMultipartUpload>`,
    });
  const read = async (key: string) => (await ground.send({ method: 'GET', target: `/${Bucket}/${key}` })).text;
  /** Completes an upload, and puts the upload's folder back as it was before. */
  const completeAndKeep = async (key: string, body: string) => {
    const { UploadId: id = '' } = await begin(key);
    await put(key, id, body);
    const folder = ground.scratch.at('data/s3/.uploads', id);
    cpSync(folder, ground.scratch.at('kept', id), { recursive: true });
    expect(await complete(key, id, body)).toMatchObject({ status: 200 });
    cpSync(ground.scratch.at('kept', id), folder, { recursive: true });
    return id;
  };

  test('before the key pointed to the object is completed by the next CompleteMultipartUpload', async () => {
    const id = await completeAndKeep('unnamed', 'whole');
    const [content = ''] = globSync(ground.scratch.at('data/s3', Bucket, '*', id));
    rmSync(join(dirname(content), 'latest'));
    expect(await read('unnamed')).toContain('NoSuchKey');
    expect(await complete('unnamed', id, 'whole')).toMatchObject({ status: 200 });
    expect(await read('unnamed')).toBe('whole');
  });

  test('before its parts were removed stays complete: its object keeps its content', async () => {
    const id = await completeAndKeep('named', 'whole');
    expect(await put('named', id, 'other')).toMatchObject({ status: 200 });
    expect(await complete('named', id, 'other')).toMatchObject({ status: 404, code: 'NoSuchUpload' });
    expect(await complete('named', id, 'whole')).toMatchObject({ status: 200 });
    expect(await read('named')).toBe('whole');
  });
});
