/** Objects and parts that are made of what the store has, and the tags and headers that go with them. */
import { globSync, truncateSync, writeFileSync } from 'node:fs';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateMultipartUploadCommand,
  DeleteObjectTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type S3Ground, s3Ground } from '../../support/s3-ground.ts';

const Bucket = 'revisions';
const Source = 'source ü (1)+.zip';
const CopySource = `/${Bucket}/${encodeURIComponent(Source)}`;
let ground: S3Ground;
let first: string;

beforeAll(async () => {
  ground = await s3Ground();
  const { operator } = ground;
  first = (await operator.send(new PutObjectCommand({ Bucket, Key: Source, Body: 'first' }))).VersionId ?? '';
  await operator.send(
    new PutObjectCommand({
      ...{ Bucket, Key: Source, Body: 'the source', ContentType: 'text/plain', CacheControl: 'no-store' },
      ...{ Metadata: { owner: 'me' }, Tagging: 'team=a%20b&stage=' },
    }),
  );
});
afterAll(() => ground[Symbol.asyncDispose]());

const copy = (input: Partial<CopyObjectCommandInput> & { Key: string }) =>
  ground.operator.send(new CopyObjectCommand({ Bucket, CopySource, ...input }));
const read = async (Key: string) =>
  (await ground.operator.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
const head = (Key: string) => ground.operator.send(new HeadObjectCommand({ Bucket, Key }));
const tags = async (Key: string) => (await ground.operator.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet;

describe('a copy', () => {
  test('has the content, the headers, the metadata and the tags of its source', async () => {
    const { CopyObjectResult, VersionId } = await copy({ Key: 'same' });
    expect(CopyObjectResult?.ETag).toBe((await head(Source)).ETag);
    expect(await read('same')).toBe('the source');
    expect(await head('same')).toMatchObject({
      ...{ VersionId, ContentType: 'text/plain', CacheControl: 'no-store', Metadata: { owner: 'me' }, TagCount: 2 },
    });
    expect(await tags('same')).toEqual([
      { Key: 'team', Value: 'a b' },
      { Key: 'stage', Value: '' },
    ]);
  });

  test('has others where its directives say so, and is of an older version where that is named', async () => {
    await copy({
      ...{ Key: 'other', CopySource: `${CopySource}?versionId=${first}`, MetadataDirective: 'REPLACE' },
      ...{ Metadata: { owner: 'you' }, ContentType: 'text/css', TaggingDirective: 'REPLACE', Tagging: 'x=y' },
    });
    expect(await read('other')).toBe('first');
    expect(await head('other')).toMatchObject({ ContentType: 'text/css', Metadata: { owner: 'you' }, TagCount: 1 });
  });

  test('a copy of an object to itself changes its headers, and is refused where it would change nothing', async () => {
    await ground.operator.send(new PutObjectCommand({ Bucket, Key: 'self', Body: 'self' }));
    const own = { Key: 'self', CopySource: `${Bucket}/self` };
    await expect(copy(own)).rejects.toMatchObject({ name: 'InvalidRequest' });
    await copy({ ...own, MetadataDirective: 'REPLACE', Metadata: { a: 'b' } });
    expect([await read('self'), (await head('self')).Metadata]).toEqual(['self', { a: 'b' }]);
  });

  test('has the checksum that is asked for, else one as its source has', async () => {
    const { CopyObjectResult } = await copy({ Key: 'summed', ChecksumAlgorithm: 'SHA256' });
    expect(CopyObjectResult).toMatchObject({ ChecksumSHA256: 'tggIlzSHnPsGyXTVklN90+KAhlkvf1VWuCyDbI9+2xc=' });
  });

  test.each<[string, Omit<Partial<CopyObjectCommandInput>, 'Key'>, string]>([
    ['without a source of that name', { CopySource: `${Bucket}/none` }, 'NoSuchKey'],
    ['from a bucket that is not there', { CopySource: 'nowhere/x' }, 'NoSuchBucket'],
    ['of a version that is not there', { CopySource: `${CopySource}?versionId=none` }, 'NoSuchVersion'],
    ['from a path that leads out', { CopySource: '../etc/passwd' }, 'InvalidBucketName'],
    ['from a bucket that is a folder of the store', { CopySource: '.uploads/x' }, 'InvalidBucketName'],
    ['from nothing but a bucket', { CopySource: Bucket }, 'InvalidArgument'],
    ['from a name that is not encoded', { CopySource: `${Bucket}/%zz` }, 'InvalidArgument'],
    ['from an access point', { CopySource: 'arn:aws:s3:us-east-1:1:accesspoint/a/object/x' }, 'NotImplemented'],
    ['from another query', { CopySource: `${CopySource}?acl` }, 'InvalidArgument'],
    ['if the source is another', { CopySourceIfMatch: '"other"' }, 'PreconditionFailed'],
    ['if the source is not older', { CopySourceIfModifiedSince: new Date(Date.now() - 1000) }, 'none'],
    ['if the source is newer', { CopySourceIfUnmodifiedSince: new Date(0) }, 'PreconditionFailed'],
    ['if there is nothing yet', { IfNoneMatch: '*' }, 'PreconditionFailed'],
    ['with a directive that is none', { MetadataDirective: 'KEEP' as 'COPY' }, 'InvalidArgument'],
    ['with an algorithm that is not known', { ChecksumAlgorithm: 'MD7' as 'SHA1' }, 'NotImplemented'],
    ['for all the world', { ACL: 'public-read' }, 'NotImplemented'],
    ['that is encrypted', { ServerSideEncryption: 'AES256' }, 'NotImplemented'],
  ])('%s is made only if it may be, and else leaves what is there', async (_, input, error) => {
    await ground.operator.send(new PutObjectCommand({ Bucket, Key: 'target', Body: 'before' }));
    const made = copy({ ...input, Key: 'target' });
    if (error === 'none') await made;
    else await expect(made).rejects.toMatchObject({ name: error });
    expect(await read('target')).toBe(error === 'none' ? 'the source' : 'before');
  });
});

test.each<[string, (content: string) => void]>([
  ['has lost its end', (content) => truncateSync(content, 4)],
  ['has another byte', (content) => writeFileSync(content, 'damagEd')],
])('a source that %s on the disk is not copied as if it were whole', async (what, damage) => {
  const Key = `damaged ${what}`;
  const { VersionId = '' } = await ground.operator.send(new PutObjectCommand({ Bucket, Key, Body: 'damaged' }));
  const [content = ''] = globSync(ground.scratch.at('data/s3', Bucket, '*', VersionId));
  damage(content);
  const refused = copy({ Key: `copy of ${what}`, CopySource: `${Bucket}/${encodeURIComponent(Key)}` });
  await expect(refused).rejects.toMatchObject({ name: 'InternalError' });
  await expect(head(`copy of ${what}`)).rejects.toMatchObject({ name: 'NotFound' });
});

describe('a part that is copied', () => {
  test('is the bytes of the source that were named', async () => {
    const Key = 'of parts';
    const { UploadId } = await ground.operator.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = async (PartNumber: number, CopySourceRange?: string) => {
      const range = CopySourceRange === undefined ? {} : { CopySourceRange };
      const { CopyPartResult } = await ground.operator.send(
        new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber, CopySource, ...range }),
      );
      return { PartNumber, ETag: CopyPartResult?.ETag };
    };
    const Parts = [await part(1, 'bytes=4-9'), await part(2), await part(3, 'bytes=0-0')];
    for (const range of ['bytes=4-', 'bytes=4-10', 'bytes=5-4', 'bytes=-4', 'lines=1-2'])
      await expect(part(4, range)).rejects.toMatchObject({ name: /^Invalid(Range|Argument)$/ });
    await ground.operator.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
    );
    expect(await read(Key)).toBe('sourcethe sourcet');
  });
});

describe('tags', () => {
  test('are put, got and deleted, and change nothing else of the object', async () => {
    const Key = 'tagged';
    const { VersionId } = await ground.operator.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Tagging: 'a=1' }));
    const TagSet = [{ Key: 'owner:ü', Value: 'a + b = c/d@e' }];
    await ground.operator.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet } }));
    expect(await tags(Key)).toEqual(TagSet);
    expect(await head(Key)).toMatchObject({ VersionId, TagCount: 1 });
    await ground.operator.send(new DeleteObjectTaggingCommand({ Bucket, Key }));
    expect(await tags(Key)).toEqual([]);
    expect([(await head(Key)).TagCount, await read(Key)]).toEqual([undefined, 'x']);
  });

  const tag = (key: string, value = '') => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;
  const set = (...all: string[]) => `<Tagging><TagSet>${all.join('')}</TagSet></Tagging>`;
  test.each([
    ['eleven', set(...Array.from({ length: 11 }, (_, at) => tag(`k${at}`))), 'BadRequest'],
    ['one without a name', set(tag('')), 'InvalidTag'],
    ['a name of 129 characters', set(tag('k'.repeat(129))), 'InvalidTag'],
    ['a value of 257 characters', set(tag('k', 'v'.repeat(257))), 'InvalidTag'],
    ['a name twice', set(tag('k', '1'), tag('k', '2')), 'InvalidTag'],
    ['a name of AWS', set(tag('aws:x')), 'InvalidTag'],
    ['a character that no tag has', set(tag('k', '&#60;script&#62;')), 'InvalidTag'],
    ['no TagSet', '<Tagging></Tagging>', 'MalformedXML'],
    ['a tag without a value', set('<Tag><Key>k</Key></Tag>'), 'MalformedXML'],
    ['another element', set(tag('k'), '<Other/>'), 'MalformedXML'],
  ])('tags that are %s are refused, and those before stay', async (_, body, code) => {
    const target = '/revisions/strict';
    await ground.send({ method: 'PUT', target, body: 'x', headers: { 'x-amz-tagging': 'a=1' } });
    expect(await ground.send({ method: 'PUT', target: `${target}?tagging=`, body })).toMatchObject({
      status: 400,
      code,
    });
    expect(await tags('strict')).toEqual([{ Key: 'a', Value: '1' }]);
  });

  test('tags that cannot be read in the header keep the object from being written', async () => {
    for (const header of ['a=1&a=2', '=x', 'a=%zz', 'a=<b>']) {
      const answer = await ground.send({
        ...{ method: 'PUT', target: '/revisions/never', body: 'x', headers: { 'x-amz-tagging': header } },
      });
      expect(answer.status).toBe(400);
    }
    await expect(head('never')).rejects.toMatchObject({ name: 'NotFound' });
  });
});
