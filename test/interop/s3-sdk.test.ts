/** The real AWS SDK as a client of the revision store, and our own download from it. */

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { CodeDeployClient, RegisterOnPremisesInstanceCommand } from '@aws-sdk/client-codedeploy';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { S3Revision } from '../../src/protocol/specification.ts';
import { createBundleFetcher } from '../../src/revision/fetch-bundle.ts';
import { revisionContext } from '../support/revision-context.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type TestServer, testServer } from '../support/test-server.ts';

const Bucket = 'revisions';
let scratch: ScratchFolder;
let server: TestServer;
let operator: S3Client;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'));
  operator = clientWith(await server.key('operator'));
});
afterAll(async () => {
  operator.destroy();
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

function clientWith(credentials: { accessKeyId: string; secretAccessKey: string }): S3Client {
  return new S3Client({
    endpoint: server.s3Url,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });
}

async function textOf(body: unknown): Promise<string> {
  return (body as { transformToString(): Promise<string> }).transformToString();
}

describe('objects', () => {
  test('are put, read, looked at, listed and deleted; every version stays readable', async () => {
    const Key = 'site/ünï çødé & <x> 日本.zip';
    const first = await operator.send(new PutObjectCommand({ Bucket, Key, Body: 'one', ContentType: 'text/plain' }));
    const second = await operator.send(new PutObjectCommand({ Bucket, Key, Body: 'two' }));
    expect(first.ETag).toBe('"f97c5d29941bfb1b2fdab0874906ab82"');
    expect(first.VersionId).not.toBe(second.VersionId);
    expect(await textOf((await operator.send(new GetObjectCommand({ Bucket, Key }))).Body)).toBe('two');
    const old = await operator.send(new GetObjectCommand({ Bucket, Key, VersionId: first.VersionId }));
    expect([await textOf(old.Body), old.ContentType, old.ETag]).toEqual(['one', 'text/plain', first.ETag]);
    expect(await operator.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({
      ContentLength: 3,
      ETag: second.ETag,
    });
    const { Contents } = await operator.send(new ListObjectsV2Command({ Bucket, Prefix: 'site/' }));
    expect(Contents).toMatchObject([{ Key, Size: 3 }]);
    await operator.send(new DeleteObjectCommand({ Bucket, Key }));
    await expect(operator.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('objects with names that look like paths stay objects', async () => {
    for (const Key of ['../../../tmp/escaped', 'a//b', './x', '%2e%2e/x', 'latest']) {
      await operator.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
      expect(await textOf((await operator.send(new GetObjectCommand({ Bucket, Key }))).Body)).toBe(Key);
    }
    expect(existsSync('/tmp/escaped')).toBe(false);
  });

  test('are read in ranges, and only as long as they are the same', async () => {
    const Key = 'ranges';
    const { ETag } = await operator.send(new PutObjectCommand({ Bucket, Key, Body: '0123456789' }));
    const read = async (Range: string) =>
      textOf((await operator.send(new GetObjectCommand({ Bucket, Key, Range, IfMatch: ETag }))).Body);
    expect([await read('bytes=2-4'), await read('bytes=7-'), await read('bytes=-2')]).toEqual(['234', '789', '89']);
    await expect(operator.send(new GetObjectCommand({ Bucket, Key, IfMatch: '"other"' }))).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    await expect(operator.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=50-60' }))).rejects.toMatchObject({
      name: 'InvalidRange',
    });
  });

  test('come in parts', async () => {
    const Key = 'parts';
    const { UploadId } = await operator.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const parts = [randomBytes(5 * 1024 * 1024), Buffer.from('the end')];
    const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
    for (const [index, Body] of parts.entries()) {
      const { ETag } = await operator.send(
        new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: index + 1, Body }),
      );
      Parts.push({ ETag, PartNumber: index + 1 });
    }
    const wrong = [{ ETag: '"00000000000000000000000000000000"', PartNumber: 1 }];
    const complete = (MultipartUpload: { Parts: typeof Parts }) =>
      operator.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    await expect(complete({ Parts: wrong })).rejects.toMatchObject({ name: 'InvalidPart' });
    expect((await complete({ Parts })).ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
    const read = await (await operator.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToByteArray();
    expect(Buffer.from(read ?? []).equals(Buffer.concat(parts))).toBe(true);
    await expect(operator.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))).rejects.toMatchObject({
      name: 'NoSuchUpload',
    });
  });

  test('are listed in pages, by either version of the list, each once', async () => {
    const own = 'listed/';
    for (const name of ['a/1', 'a/2', 'b', 'c/1', 'd']) {
      await operator.send(new PutObjectCommand({ Bucket, Key: own + name, Body: name }));
    }
    const wanted = ['listed/a/', 'listed/b', 'listed/c/', 'listed/d'];
    const page = { Bucket, Prefix: own, Delimiter: '/', MaxKeys: 1 };
    const found: (string | undefined)[][] = [[], []];
    let Marker: string | undefined;
    do {
      const list = await operator.send(
        new ListObjectsCommand({ ...page, ...(Marker === undefined ? {} : { Marker }) }),
      );
      found[0]?.push(
        ...(list.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
        ...(list.Contents ?? []).map(({ Key }) => Key),
      );
      Marker = list.IsTruncated === true ? list.NextMarker : undefined;
    } while (Marker !== undefined);
    for await (const list of paginateListObjectsV2({ client: operator }, page)) {
      found[1]?.push(
        ...(list.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
        ...(list.Contents ?? []).map(({ Key }) => Key),
      );
    }
    expect(found).toEqual([wanted, wanted]);
  });

  test('objects of which only a part arrives do not exist', async () => {
    const { port, hostname } = new URL(server.s3Url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(`PUT /${Bucket}/half HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf`);
        socket.end();
      });
      socket.on('close', () => resolve());
      socket.resume();
    });
    await expect(operator.send(new HeadObjectCommand({ Bucket, Key: 'half' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
  });
});

describe('who may do what', () => {
  test('a viewer may read and not write; a host without a deployment, a wrong secret and an unknown key may do nothing', async () => {
    const key = await server.key('viewer');
    const viewer = clientWith(key);
    const hostArn = 'arn:aws:iam::000000000000:user/h';
    const host = clientWith(await server.key('host', hostArn));
    const people = new CodeDeployClient({
      endpoint: server.url,
      region: 'us-east-1',
      credentials: await server.key('admin'),
    });
    await people.send(new RegisterOnPremisesInstanceCommand({ instanceName: 'h', iamUserArn: hostArn }));
    people.destroy();
    await operator.send(new PutObjectCommand({ Bucket, Key: 'readable', Body: 'x' }));
    expect(await textOf((await viewer.send(new GetObjectCommand({ Bucket, Key: 'readable' }))).Body)).toBe('x');
    await expect(host.send(new GetObjectCommand({ Bucket, Key: 'readable' }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    await expect(host.send(new ListBucketsCommand({}))).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(viewer.send(new PutObjectCommand({ Bucket, Key: 'w', Body: 'x' }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    const get = new GetObjectCommand({ Bucket, Key: 'readable' });
    await expect(clientWith({ ...key, secretAccessKey: 'wrong' }).send(get)).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    });
    await expect(clientWith({ accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' }).send(get)).rejects.toMatchObject({
      name: 'InvalidAccessKeyId',
    });
    expect((await fetch(`${server.s3Url}/${Bucket}/readable`)).status).toBe(403);
  });

  test('buckets are listed to people by name, with the day they were made', async () => {
    await operator.send(new CreateBucketCommand({ Bucket: 'another' }));
    const { Buckets, Owner } = await clientWith(await server.key('viewer')).send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['another', Bucket]);
    expect(Math.abs(Date.now() - (Buckets?.[0]?.CreationDate?.getTime() ?? 0))).toBeLessThan(60_000);
    expect(Owner).toMatchObject({ ID: '000000000000' });
  });

  test('a bucket that does not exist is reported as NoSuchBucket', async () => {
    await operator.send(new HeadBucketCommand({ Bucket }));
    await expect(operator.send(new HeadBucketCommand({ Bucket: 'nowhere' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
    await expect(operator.send(new PutObjectCommand({ Bucket: 'nowhere', Key: 'k', Body: 'x' }))).rejects.toMatchObject(
      { name: 'NoSuchBucket' },
    );
  });
});

describe('a host’s download', () => {
  const revision: S3Revision = {
    revisionType: 'S3',
    bucket: Bucket,
    key: 'bundle.zip',
    bundleType: 'zip',
    version: null,
    eTag: null,
  };

  async function fetcher(endpoint = server.s3Url) {
    const credentials = await server.key('viewer');
    return createBundleFetcher(revisionContext({ credentials: async () => credentials, s3EndpointOverride: endpoint }));
  }

  test('brings the version that was asked for, and holds it against its ETag', async () => {
    using folder = scratchFolder();
    const fetchBundle = await fetcher();
    const first = await operator.send(new PutObjectCommand({ Bucket, Key: revision.key, Body: 'first' }));
    await operator.send(new PutObjectCommand({ Bucket, Key: revision.key, Body: 'second' }));
    const request = { bundleFile: folder.at('bundle.tar'), gitHubAccessToken: null };
    const eTag = first.ETag?.replaceAll('"', '') ?? null;
    const fetched = await fetchBundle({
      ...request,
      revision: { ...revision, version: first.VersionId ?? null, eTag },
    });
    expect(fetched).toEqual({ eTag, sizeBytes: 5 });
    expect(readFileSync(request.bundleFile, 'utf8')).toBe('first');
    await expect(fetchBundle({ ...request, revision: { ...revision, eTag } })).rejects.toMatchObject({
      code: 'REVISION_CHANGED',
      message: expect.stringContaining(eTag ?? ''),
    });
  });

  test('a download that cannot be says why, and leaves nothing', async () => {
    using folder = scratchFolder();
    const request = { bundleFile: folder.at('bundle.tar'), gitHubAccessToken: null };
    const missing = { ...revision, key: 'gone.zip' };
    await expect((await fetcher())({ ...request, revision: missing })).rejects.toMatchObject({
      code: 'REVISION_NOT_FOUND',
      message: expect.stringContaining('s3://revisions/gone.zip'),
    });
    await expect((await fetcher('http://127.0.0.1:9'))({ ...request, revision })).rejects.toMatchObject({
      code: 'REVISION_UNREACHABLE',
    });
    expect(existsSync(request.bundleFile)).toBe(false);
  });
});
