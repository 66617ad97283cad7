/** API and S3 API of one server by the AWS SDK with one endpoint; revisions also in host style, and on a port of their own. */
import { Agent } from 'node:http';
import { CodeDeployClient, ListApplicationsCommand } from '@aws-sdk/client-codedeploy';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { rawS3 } from '../support/raw-s3.ts';
import { scratchFolder } from '../support/scratch.ts';
import { testServer } from '../support/test-server.ts';

type Key = Awaited<ReturnType<Awaited<ReturnType<typeof testServer>>['key']>>;

/** Whatever the name, it is this machine. */
const toHere = () =>
  new Agent({
    lookup: (_name, options, callback) =>
      options.all === true ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4),
  });

function s3(endpoint: string, credentials: Key, forcePathStyle = true): S3Client {
  return new S3Client({
    ...{ endpoint, region: 'us-east-1', credentials, forcePathStyle, maxAttempts: 1 },
    requestHandler: { httpAgent: toHere() },
  });
}

async function putAndRead(client: S3Client, Bucket: string, Key: string): Promise<unknown> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body: `content of ${Key}` }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
  return [await Body?.transformToString(), Contents?.map((object) => object.Key)];
}

describe('a server at one address', () => {
  test('answers both APIs there', async () => {
    using scratch = scratchFolder();
    await using server = await testServer(scratch.at('data'));
    expect(server.s3Url).toBe(server.url);
    const key = await server.key('operator');
    const people = new CodeDeployClient({ endpoint: server.url, region: 'us-east-1', credentials: key });
    expect((await people.send(new ListApplicationsCommand({}))).applications).toEqual([]);
    const store = s3(server.url, key);
    expect(await putAndRead(store, 'revisions', 'a/b.zip')).toEqual(['content of a/b.zip', ['a/b.zip']]);
    people.destroy();
    store.destroy();
  });

  test('refuses for each API what is signed for the other', async () => {
    using scratch = scratchFolder();
    await using server = await testServer(scratch.at('data'));
    const send = rawS3(server.url, await server.key('operator'));
    const target = { 'x-amz-target': 'CodeDeploy_20141006.ListApplications' };
    const answer = await send({ method: 'POST', target: '/', headers: target, body: '{}' });
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/InvalidSignatureException|IncompleteSignatureException/);
    const put = { method: 'PUT', target: '/revisions/a.zip', headers: target, body: 'x' };
    expect((await send(put)).status).toBeGreaterThanOrEqual(400);
    expect((await send({ method: 'HEAD', target: '/revisions/a.zip' })).status).toBe(404);
  });

  test('may have a port for the S3 API beside it, and tells nobody to use that one', async () => {
    using scratch = scratchFolder();
    const s3Listen = { host: '127.0.0.1', port: 0 };
    await using server = await testServer(scratch.at('data'), undefined, undefined, { s3Listen });
    expect(server.s3Url).not.toBe(server.url);
    const key = await server.key('operator');
    for (const url of [server.url, server.s3Url]) {
      const store = s3(url, key);
      expect(await putAndRead(store, 'revisions', 'same.zip')).toEqual(['content of same.zip', ['same.zip']]);
      store.destroy();
    }
  });
});

describe('requests in host style', () => {
  test('are answered below the domain that the server was started with, beside those in path style', async () => {
    using scratch = scratchFolder();
    await using server = await testServer(scratch.at('data'), undefined, undefined, { s3Domain: 's3.example.test' });
    const endpoint = `http://s3.example.test:${new URL(server.url).port}`;
    const key = await server.key('operator');
    for (const isPathStyle of [false, true]) {
      const store = s3(endpoint, key, isPathStyle);
      await store.send(new CreateBucketCommand({ Bucket: 'my.bucket' })).catch((error: Error) => {
        expect(error.name).toBe('BucketAlreadyOwnedByYou');
      });
      expect(await putAndRead(store, 'my.bucket', 'x/y.zip')).toEqual(['content of x/y.zip', ['x/y.zip']]);
      store.destroy();
    }
  });

  test.each([
    ['another domain', 's3.example.test', 'http://other.example.test', 'revisions.other.example.test'],
    ['a server without one', undefined, 'http://s3.example.test', 'revisions.s3.example.test'],
  ])('at %s are refused, and change nothing', async (_, s3Domain, base, host) => {
    using scratch = scratchFolder();
    const addresses = s3Domain === undefined ? {} : { s3Domain };
    await using server = await testServer(scratch.at('data'), undefined, undefined, addresses);
    const key = await server.key('operator');
    const store = s3(`${base}:${new URL(server.url).port}`, key, false);
    const put = store.send(new PutObjectCommand({ Bucket: 'revisions', Key: 'revisions/a.zip', Body: 'x' }));
    await expect(put).rejects.toMatchObject({ name: 'NotImplemented', message: expect.stringContaining(host) });
    const direct = s3(server.url, key);
    expect((await direct.send(new ListObjectsV2Command({ Bucket: 'revisions' }))).KeyCount).toBe(0);
    store.destroy();
    direct.destroy();
  });
});
