/** Effects of each operation that the revision store knows: the SDK carries it out, and another operation looks at the result. */
import assert from 'node:assert/strict';
import * as s3 from '@aws-sdk/client-s3';
import { BUCKET as Bucket } from './model.ts';

type Effect = (client: s3.S3Client) => Promise<void>;

const put = (client: s3.S3Client, Key: string, Body: string, more: Partial<s3.PutObjectCommandInput> = {}) =>
  client.send(new s3.PutObjectCommand({ Bucket, Key, Body, ...more }));
const read = async (client: s3.S3Client, Key: string) =>
  (await client.send(new s3.GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
const keys = async (client: s3.S3Client, Prefix: string) =>
  (await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix }))).Contents?.map(({ Key }) => Key) ?? [];
const begin = async (client: s3.S3Client, Key: string) =>
  (await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key }))).UploadId ?? '';
const uploadsOf = async (client: s3.S3Client, Prefix: string) =>
  (await client.send(new s3.ListMultipartUploadsCommand({ Bucket, Prefix }))).Uploads?.map((one) => one.UploadId) ?? [];
const tagsOf = async (client: s3.S3Client, Key: string) =>
  (await client.send(new s3.GetObjectTaggingCommand({ Bucket, Key }))).TagSet;

/** Uploads one part, and completes the upload. */
async function completed(
  client: s3.S3Client,
  Key: string,
  sendPart: (UploadId: string) => Promise<string | undefined>,
) {
  const UploadId = await begin(client, Key);
  const Parts = [{ PartNumber: 1, ETag: await sendPart(UploadId) }];
  await client.send(new s3.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  return read(client, Key);
}

async function uploadedInParts(client: s3.S3Client, Key: string): Promise<void> {
  const text = await completed(client, Key, async (UploadId) => {
    const part = { Bucket, Key, UploadId, PartNumber: 1, Body: 'a part' };
    return (await client.send(new s3.UploadPartCommand(part))).ETag;
  });
  assert.equal(text, 'a part');
}

const OF_BUCKETS: Readonly<Record<string, Effect>> = {
  async CreateBucket(client) {
    await client.send(new s3.CreateBucketCommand({ Bucket: 'made' }));
    const { Buckets } = await client.send(new s3.ListBucketsCommand({}));
    assert.deepEqual(Buckets?.map(({ Name }) => Name).includes('made'), true);
  },
  async DeleteBucket(client) {
    await client.send(new s3.CreateBucketCommand({ Bucket: 'gone' }));
    await client.send(new s3.DeleteBucketCommand({ Bucket: 'gone' }));
    await assert.rejects(client.send(new s3.HeadBucketCommand({ Bucket: 'gone' })), { name: 'NotFound' });
    await assert.rejects(client.send(new s3.DeleteBucketCommand({ Bucket })), { name: 'BucketNotEmpty' });
  },
  async ListBuckets(client) {
    const { Buckets } = await client.send(new s3.ListBucketsCommand({}));
    assert.ok(Buckets?.some(({ Name }) => Name === Bucket));
  },
  async HeadBucket(client) {
    await client.send(new s3.HeadBucketCommand({ Bucket }));
  },
  async GetBucketLocation(client) {
    assert.ok(await client.send(new s3.GetBucketLocationCommand({ Bucket })));
  },
  async GetBucketVersioning(client) {
    assert.equal((await client.send(new s3.GetBucketVersioningCommand({ Bucket }))).Status, 'Enabled');
  },
  async ListObjects(client) {
    await put(client, 'list-1', 'x');
    const { Contents } = await client.send(new s3.ListObjectsCommand({ Bucket, Prefix: 'list-1' }));
    assert.equal(Contents?.[0]?.Size, 1);
  },
  async ListObjectsV2(client) {
    await put(client, 'list-2', 'x');
    assert.deepEqual(await keys(client, 'list-2'), ['list-2']);
  },
  async ListObjectVersions(client) {
    for (const body of ['1', '2']) await put(client, 'list-v', body);
    const { Versions } = await client.send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: 'list-v' }));
    assert.deepEqual(
      Versions?.map(({ IsLatest }) => IsLatest),
      [true, false],
    );
  },
  async ListMultipartUploads(client) {
    const UploadId = await begin(client, 'list-u');
    assert.deepEqual(await uploadsOf(client, 'list-u'), [UploadId]);
  },
  async DeleteObjects(client) {
    for (const key of ['many-1', 'many-2']) await put(client, key, 'x');
    const Objects = [{ Key: 'many-1' }, { Key: 'many-2' }];
    await client.send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    assert.deepEqual(await keys(client, 'many-'), []);
  },
};

const OF_OBJECTS: Readonly<Record<string, Effect>> = {
  async PutObject(client) {
    const { ETag } = await put(client, 'put', 'content', { Metadata: { a: 'b' } });
    const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key: 'put' }));
    assert.deepEqual([head.ETag, head.Metadata, await read(client, 'put')], [ETag, { a: 'b' }, 'content']);
  },
  async CopyObject(client) {
    await put(client, 'from', 'copied');
    await client.send(new s3.CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/from` }));
    assert.equal(await read(client, 'to'), 'copied');
  },
  async GetObject(client) {
    await put(client, 'get', '0123456789');
    const { Body } = await client.send(new s3.GetObjectCommand({ Bucket, Key: 'get', Range: 'bytes=2-4' }));
    assert.equal(await Body?.transformToString(), '234');
  },
  async HeadObject(client) {
    await put(client, 'head', '0123456789');
    const { ContentLength } = await client.send(new s3.HeadObjectCommand({ Bucket, Key: 'head' }));
    assert.equal(ContentLength, 10);
  },
  async GetObjectAttributes(client) {
    await put(client, 'attributes', '0123456789');
    const wanted = { Bucket, Key: 'attributes', ObjectAttributes: [s3.ObjectAttributes.OBJECT_SIZE] };
    assert.equal((await client.send(new s3.GetObjectAttributesCommand(wanted))).ObjectSize, 10);
  },
  async DeleteObject(client) {
    const { VersionId } = await put(client, 'delete', 'x');
    await client.send(new s3.DeleteObjectCommand({ Bucket, Key: 'delete' }));
    assert.deepEqual(await keys(client, 'delete'), []);
    const old = new s3.GetObjectCommand({ Bucket, Key: 'delete', VersionId });
    assert.equal(await (await client.send(old)).Body?.transformToString(), 'x');
  },
  async PutObjectTagging(client) {
    await put(client, 'tag', 'x');
    const TagSet = [{ Key: 'a', Value: '1' }];
    await client.send(new s3.PutObjectTaggingCommand({ Bucket, Key: 'tag', Tagging: { TagSet } }));
    assert.deepEqual(await tagsOf(client, 'tag'), TagSet);
  },
  async GetObjectTagging(client) {
    await put(client, 'tagged', 'x', { Tagging: 'a=1' });
    assert.deepEqual(await tagsOf(client, 'tagged'), [{ Key: 'a', Value: '1' }]);
  },
  async DeleteObjectTagging(client) {
    await put(client, 'untagged', 'x', { Tagging: 'a=1' });
    await client.send(new s3.DeleteObjectTaggingCommand({ Bucket, Key: 'untagged' }));
    assert.deepEqual(await tagsOf(client, 'untagged'), []);
  },
};

const OF_UPLOADS: Readonly<Record<string, Effect>> = {
  async CreateMultipartUpload(client) {
    assert.ok((await uploadsOf(client, 'begun')).length === 0);
    await begin(client, 'begun');
    assert.ok((await uploadsOf(client, 'begun')).length === 1);
  },
  UploadPart: (client) => uploadedInParts(client, 'part'),
  CompleteMultipartUpload: (client) => uploadedInParts(client, 'complete'),
  async UploadPartCopy(client) {
    await put(client, 'part-from', '0123456789');
    const CopySource = `${Bucket}/part-from`;
    const text = await completed(client, 'part-to', async (UploadId) => {
      const part = { Bucket, Key: 'part-to', UploadId, PartNumber: 1, CopySource, CopySourceRange: 'bytes=1-3' };
      return (await client.send(new s3.UploadPartCopyCommand(part))).CopyPartResult?.ETag;
    });
    assert.equal(text, '123');
  },
  async ListParts(client) {
    const UploadId = await begin(client, 'parts');
    await client.send(new s3.UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 7, Body: 'x' }));
    const { Parts } = await client.send(new s3.ListPartsCommand({ Bucket, Key: 'parts', UploadId }));
    assert.deepEqual(
      Parts?.map(({ PartNumber }) => PartNumber),
      [7],
    );
  },
  async AbortMultipartUpload(client) {
    const UploadId = await begin(client, 'aborted');
    await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key: 'aborted', UploadId }));
    assert.deepEqual(await uploadsOf(client, 'aborted'), []);
  },
};

export const EFFECTS: Readonly<Record<string, Effect>> = { ...OF_BUCKETS, ...OF_OBJECTS, ...OF_UPLOADS };
