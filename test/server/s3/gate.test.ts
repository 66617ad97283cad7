/** The revision store refuses everything that it does not understand, and everything stays as it was. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { privateCertificates } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { stateOf } from '../../support/folder-state.ts';
import { testWith } from '../../support/needs.ts';
import { type RawRequest, rawS3, type SendRaw } from '../../support/raw-s3.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

let scratch: ScratchFolder;
let server: TestServer;
let send: SendRaw;
let uploadId: string;
let before: string;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'));
  send = rawS3(server.s3Url, await server.key('operator'));
  await send({ method: 'PUT', target: '/revisions/bundle.zip', body: 'the bundle' });
  await send({ method: 'PUT', target: '/with.dots' });
  const created = await send({ method: 'POST', target: '/revisions/parts.zip?uploads=' });
  uploadId = /<UploadId>(\w+)</.exec(created.text)?.[1] ?? '';
  await send({ method: 'PUT', target: `/revisions/parts.zip?partNumber=1&uploadId=${uploadId}`, body: 'part one' });
});
beforeEach(() => {
  before = stateOf(scratch.at('data', 's3'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

async function refused(request: RawRequest, status: number, code: string) {
  const answer = await send(request);
  expect({ status: answer.status, code: request.method === 'HEAD' ? code : answer.code }).toEqual({ status, code });
  expect(stateOf(scratch.at('data', 's3'))).toBe(before);
  return answer;
}

const OBJECT_RESOURCES = ['acl', 'retention', 'legal-hold', 'torrent', 'restore', 'select', 'encryption'];
const BUCKET_SETTINGS = [
  ...[
    'accelerate',
    'acl',
    'analytics',
    'cors',
    'encryption',
    'intelligent-tiering',
    'inventory',
    'lifecycle',
    'logging',
  ],
  ...['metrics', 'notification', 'object-lock', 'ownershipControls', 'policy', 'policyStatus', 'publicAccessBlock'],
  ...['replication', 'requestPayment', 'tagging', 'website', 'session', 'anything-new'],
];

describe('query names that are not known', () => {
  test.each(
    OBJECT_RESOURCES.flatMap((name) => ['GET', 'HEAD', 'PUT', 'DELETE', 'POST'].map((method) => [method, name])),
  )('%s of an object with ?%s is refused, and the bundle stays', async (method, name) => {
    const body = method === 'PUT' || method === 'POST' ? '<Tagging/>' : '';
    const answer = await refused({ method, target: `/revisions/bundle.zip?${name}`, body }, 501, 'NotImplemented');
    if (method !== 'HEAD') expect(answer.text).toContain(`?${name}`);
  });

  test.each(BUCKET_SETTINGS.flatMap((name) => ['GET', 'PUT', 'DELETE'].map((method) => [method, name])))(
    '%s of a bucket with ?%s is refused, also of one that is not there, which is not made',
    async (method, name) => {
      for (const bucket of ['revisions', 'not-there']) {
        const body = method === 'PUT' ? '<Setting/>' : '';
        await refused({ method, target: `/${bucket}?${name}`, body }, 501, 'NotImplemented');
      }
    },
  );

  test.each([
    ['PUT', '/revisions?versioning='],
    ['PUT', '/revisions?versions='],
    ['DELETE', '/revisions?uploads='],
    ['PUT', '/revisions?delete='],
    ['PUT', '/revisions/bundle.zip?attributes='],
    ['POST', '/revisions/bundle.zip?tagging='],
    ['HEAD', '/revisions/bundle.zip?tagging='],
    ['GET', '/?versions='],
    ['PUT', '/'],
    ['DELETE', '/'],
    ['GET', '/revisions?list-type=3'],
    ['PUT', '/revisions/bundle.zip?versionId=abc'],
    ['PUT', '/revisions/bundle.zip?x-id=GetObject'],
    ['PUT', '/revisions/bundle.zip?partNumber=1'],
    ['GET', '/revisions/bundle.zip?uploads=&partNumber=1'],
    ['DELETE', '/revisions/bundle.zip?partNumber=1'],
    ['PATCH', '/revisions/bundle.zip'],
    ['OPTIONS', '/revisions/bundle.zip'],
  ])('%s %s is refused', async (method, target) => {
    await refused({ method, target, body: method === 'PUT' ? 'other' : '' }, 501, 'NotImplemented');
  });

  test('a query name that comes twice is refused', async () => {
    await refused({ method: 'GET', target: '/revisions?prefix=a&prefix=b' }, 400, 'InvalidArgument');
  });
});

describe('headers that change the meaning', () => {
  test.each([
    ['x-amz-copy-source-if-match', 'x'],
    ['x-amz-copy-source-range', 'bytes=0-3'],
    ['x-amz-metadata-directive', 'REPLACE'],
    ['x-amz-tagging-directive', 'REPLACE'],
    ['x-amz-acl', 'public-read'],
    ['x-amz-grant-read', 'id=1'],
    ['x-amz-server-side-encryption', 'AES256'],
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['x-amz-storage-class', 'GLACIER'],
    ['x-amz-object-lock-mode', 'COMPLIANCE'],
    ['x-amz-website-redirect-location', '/x'],
    ['x-amz-expected-bucket-owner', '000000000000'],
    ['x-amz-write-offset-bytes', '4'],
    ['x-amz-something-new', '1'],
    ['if-modified-since', 'Sat, 28 Nov 2026 10:00:00 GMT'],
    ['if-none-match', '"abc"'],
    ['range', 'bytes=0-3'],
    ['content-range', 'bytes 0-3/10'],
  ])('PutObject with %s: %s is refused, and the bundle stays', async (name, value) => {
    const request = { method: 'PUT', target: '/revisions/bundle.zip', headers: { [name]: value }, body: 'other' };
    await refused(request, 501, 'NotImplemented');
  });

  test('an MD5 behind the object may be asked for, and does not come; any other coding is refused', async () => {
    const get = (coding: string) => ({
      method: 'GET',
      target: '/revisions/bundle.zip',
      headers: { 'x-amz-te': coding },
    });
    const plain = await send({ method: 'GET', target: '/revisions/bundle.zip' });
    const asked = await send(get('append-md5'));
    expect([asked.status, asked.text]).toEqual([200, plain.text]);
    expect(asked.headers['x-amz-transfer-encoding']).toBeUndefined();
    expect(await send(get('trailers'))).toMatchObject({ status: 501, code: 'NotImplemented' });
  });

  test('If-None-Match: * refuses to write over an object, and If-Match to write over another one', async () => {
    const put = (headers: Record<string, string>) => ({
      method: 'PUT',
      target: '/revisions/bundle.zip',
      headers,
      body: 'x',
    });
    await refused(put({ 'if-none-match': '*' }), 412, 'PreconditionFailed');
    await refused(put({ 'if-match': '"other"' }), 412, 'PreconditionFailed');
    const nowhere = { ...put({ 'if-match': '"other"' }), target: '/revisions/none.zip' };
    await refused(nowhere, 404, 'NoSuchKey');
  });
});

describe('a body that is not what was promised', () => {
  const put = (headers: Record<string, string>, body = '123456789') => ({
    method: 'PUT',
    target: '/revisions/bundle.zip',
    headers,
    body,
  });
  test.each([
    ['x-amz-checksum-crc32', 'AAAAAA=='],
    ['x-amz-checksum-crc32c', 'AAAAAA=='],
    ['x-amz-checksum-crc64nvme', 'AAAAAAAAAAA='],
    ['x-amz-checksum-sha1', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    ['x-amz-checksum-sha256', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    ['content-md5', 'AAAAAAAAAAAAAAAAAAAAAA=='],
  ])('is not stored: %s', async (name, value) => {
    await refused(put({ [name]: value }), 400, 'BadDigest');
    await refused(
      { ...put({ [name]: value }), target: `/revisions/parts.zip?partNumber=1&uploadId=${uploadId}` },
      400,
      'BadDigest',
    );
  });

  test('is not stored when its checksum header is malformed, unknown or given twice', async () => {
    await refused(put({ 'content-md5': 'short' }), 400, 'InvalidDigest');
    await refused(put({ 'x-amz-checksum-md7': 'AAAA' }), 501, 'NotImplemented');
    await refused(put({ 'x-amz-sdk-checksum-algorithm': 'SHA256' }), 400, 'InvalidRequest');
    const two = { 'x-amz-checksum-crc32': 'y/Q5Jg==', 'x-amz-checksum-sha1': '98O8HYCOBHMq32eZZczDTKeuNEE=' };
    await refused(put(two), 400, 'InvalidRequest');
  });

  test.each([
    ['x-amz-checksum-crc32', 'y/Q5Jg=='],
    ['x-amz-checksum-crc32c', '4waSgw=='],
    ['x-amz-checksum-crc64nvme', 'rosUhgp5mIg='],
    ['x-amz-checksum-sha1', '98O8HYCOBHMq32eZZczDTKeuNEE='],
  ])('and one that is, is stored, and the sum is given back: %s', async (name, value) => {
    const target = `/revisions/summed-${name}`;
    expect((await send({ ...put({ [name]: value }), target })).status).toBe(200);
    const head = await send({ method: 'HEAD', target, headers: { 'x-amz-checksum-mode': 'ENABLED' } });
    expect(head.headers[name]).toBe(value);
  });

  for (const [what, body] of [
    ['is cut off', '3\r\nabc\r\n'],
    ['goes on behind its end', '3\r\nabc\r\n0\r\n\r\nmore'],
    ['has a chunk that is longer than it says', '3\r\nabcd\r\n0\r\n\r\n'],
    ['has a trailer that nobody announced', '3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'],
  ] as const)
    testWith('openssl')(`is not stored: a chunked one that ${what}`, async () => {
      using folder = scratchFolder();
      await using tls = await tlsServer(folder);
      const answer = await tls.send({
        ...put({ 'x-amz-decoded-content-length': '3', 'content-encoding': 'aws-chunked' }, body),
        contentSha256: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      });
      expect(answer.status, answer.text).toBe(400);
      expect((await tls.send({ method: 'HEAD', target: '/revisions/bundle.zip' })).status).toBe(404);
    });
});

describe('a number of bytes in a header', () => {
  test.each(['0xa', '1e1', '10.0', '+10', ' ', '', '-10', 'ten', '9'.repeat(20)])(
    'that is written as %j is refused, and nothing is stored',
    async (size) => {
      const body = '0123456789';
      for (const target of ['/revisions/bundle.zip', `/revisions/parts.zip?partNumber=1&uploadId=${uploadId}`]) {
        const headers = { 'x-amz-decoded-content-length': size };
        await refused({ method: 'PUT', target, headers, body }, 400, 'InvalidArgument');
      }
      const eTag = createHash('md5').update('part one').digest('hex');
      const part = `<Part><PartNumber>1</PartNumber><ETag>${eTag}</ETag></Part>`;
      await refused(
        {
          ...{ method: 'POST', target: `/revisions/parts.zip?uploadId=${uploadId}` },
          headers: { 'x-amz-mp-object-size': size },
          body: `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`,
        },
        400,
        'InvalidArgument',
      );
    },
  );
});

async function tlsServer(folder: ScratchFolder) {
  const { caFile, certFile, keyFile } = await privateCertificates(folder.path);
  const ca = readFileSync(caFile, 'utf8');
  const own = await testServer(folder.at('data'), undefined, { certFile, keyFile });
  const raw = rawS3(own.s3Url, await own.key('operator'));
  return {
    send: (request: RawRequest) => raw({ ...request, ca }),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}

describe('signatures', () => {
  const put = { method: 'PUT', target: '/revisions/bundle.zip', body: 'other' };
  test.each([
    'x-amz-meta-owner',
    'x-amz-tagging',
    'x-amz-checksum-crc32',
    'x-amz-sdk-checksum-algorithm',
    'x-amz-storage-class',
  ])('a request with %s that is not signed is refused', async (name) => {
    const answer = await refused({ ...put, unsigned: [[name, 'x']] }, 403, 'AccessDenied');
    expect(answer.text).toContain(`headers present in the request which were not signed: ${name}`);
  });

  test.each([
    ['host', 'other'],
    ['authorization', 'AWS4-HMAC-SHA256 x'],
    ['x-amz-date', '20260101T000000Z'],
  ])('a second %s header is refused', async (name, value) => {
    const answer = await send({ ...put, unsigned: [[name, value]] });
    // Node’s own parser refuses a second host; all others are refused here.
    expect([400, 403]).toContain(answer.status);
    expect(stateOf(scratch.at('data', 's3'))).toBe(before);
  });

  test.each(['UNSIGNED-PAYLOAD', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'])(
    'over plain HTTP a body that is not signed (%s) is refused; without a body it may be so',
    async (contentSha256) => {
      const answer = await refused({ ...put, contentSha256 }, 403, 'AccessDenied');
      expect(answer.text).toContain('https');
      if (contentSha256 === 'UNSIGNED-PAYLOAD')
        expect((await send({ method: 'GET', target: put.target, contentSha256 })).text).toBe('the bundle');
    },
  );

  testWith('openssl')('over TLS a body that is not signed is stored', async () => {
    using folder = scratchFolder();
    await using tls = await tlsServer(folder);
    expect((await tls.send({ ...put, contentSha256: 'UNSIGNED-PAYLOAD' })).status).toBe(200);
    expect((await tls.send({ method: 'GET', target: put.target })).text).toBe('other');
  });

  test('a body that is another one than the signed one is refused', async () => {
    await refused(
      { ...put, contentSha256: createHash('sha256').update('mine').digest('hex') },
      400,
      'XAmzContentSHA256Mismatch',
    );
  });
});

describe('requests that are no requests in path style', () => {
  test.each([
    ['revisions.localhost', '/name.zip', 'x'],
    ['revisions.localhost', '/name.zip', ''],
    ['revisions.deploy.example.com', '/name.zip', ''],
    ['new-bucket.127.0.0.1', '/name.zip', ''],
    ['unknown.example.com', '/name.zip', ''],
    ['revisions.deploy.example.com', '/revisions/bundle.zip', 'x'],
    ['revisions.localhost.', '/revisions/bundle.zip', 'x'],
    ['REVISIONS.localhost:9000', '/revisions/bundle.zip', 'x'],
    ['with.dots.localhost', '/revisions/bundle.zip', 'x'],
    ['with.dots.127.0.0.1', '/revisions/bundle.zip', 'x'],
    ['with.dots.deploy.example.com', '/revisions/bundle.zip', 'x'],
    ['not.there.localhost', '/revisions/bundle.zip', 'x'],
    ['sub.revisions.localhost', '/revisions/bundle.zip', 'x'],
  ])('PUT at the host %s of %s with the body %j is refused and makes nothing', async (host, target, body) => {
    const answer = await refused({ method: 'PUT', target, headers: { host }, body }, 501, 'NotImplemented');
    expect(answer.text).toContain('path style');
  });

  test.each(['127.0.0.1.', 'localhost.', '[::1]', 'deploy.example.com', 'a.b.deploy.example.com:9000'])(
    'a name of a server that begins with no bucket is taken: %s',
    async (host) => {
      const answer = await send({ method: 'GET', target: '/revisions/bundle.zip', headers: { host } });
      expect(answer).toMatchObject({ status: 200, text: 'the bundle' });
    },
  );

  test('a bucket is not made of a bundle', async () => {
    for (const body of ['PK\u0003\u0004', '<Other/>', '{}'])
      await refused({ method: 'PUT', target: '/name.zip', body }, 400, 'MalformedXML');
  });

  test('a bucket is not made of a bundle whose body was left behind', async () => {
    for (const type of ['application/zip', 'application/gzip', 'application/x-tar', 'text/plain'])
      await refused({ method: 'PUT', target: '/name.zip', headers: { 'content-type': type } }, 501, 'NotImplemented');
  });

  test('a request that has no body in S3 is refused with one', async () => {
    for (const method of ['GET', 'DELETE'])
      await refused({ method, target: '/revisions/bundle.zip', body: 'x' }, 400, 'InvalidRequest');
  });
});

describe('XML', () => {
  const complete = (body: string) => ({ method: 'POST', target: `/revisions/parts.zip?uploadId=${uploadId}`, body });
  const part = '<Part><PartNumber>1</PartNumber><ETag>"x"</ETag></Part>';
  test.each([
    ['blanks without an end', `<CompleteMultipartUpload>${'<Part><ETag>'.repeat(10)}${' '.repeat(30_000)}`],
    ['parts without an end', '<Part><ETag>'.repeat(3_000)],
    ['blanks between tags', `<CompleteMultipartUpload>${'<Part><ETag>      '.repeat(2_000)}`],
    ['a DOCTYPE', `<!DOCTYPE x [<!ENTITY a "b">]><CompleteMultipartUpload>${part}</CompleteMultipartUpload>`],
    ['CDATA', `<CompleteMultipartUpload><Part><PartNumber><![CDATA[1]]></PartNumber></Part></CompleteMultipartUpload>`],
    [
      'an entity of its own',
      '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&lol;</ETag></Part></CompleteMultipartUpload>',
    ],
    ['another element', `<CompleteMultipartUploads>${part}</CompleteMultipartUploads>`],
    ['an element that is not known', `<CompleteMultipartUpload><Copy/>${part}</CompleteMultipartUpload>`],
    [
      'a member twice',
      '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><PartNumber>2</PartNumber></Part></CompleteMultipartUpload>',
    ],
    ['no part', '<CompleteMultipartUpload></CompleteMultipartUpload>'],
    ['nothing', ''],
    ['deep nesting', `${'<a>'.repeat(200_000)}`],
    ['an attribute without an end', `<CompleteMultipartUpload a="${'x'.repeat(100_000)}`],
    ['100 KB of &', `<CompleteMultipartUpload>${'&'.repeat(100_000)}`],
    ['100 KB of <', '<'.repeat(100_000)],
  ])('XML with %s is refused within a second', async (_, body) => {
    const startedMs = performance.now();
    await refused(complete(body), 400, 'MalformedXML');
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  test('XML with parts that are not there, or not in order, is refused, and the upload stays', async () => {
    await refused(complete(`<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`), 400, 'InvalidPart');
  });

  test('as clients write it completes the upload', async () => {
    const body = `<?xml version="1.0" encoding="UTF-8"?>
      <CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Part><ETag>&quot;${createHash('md5').update('part one').digest('hex')}&quot;</ETag><PartNumber>1</PartNumber></Part>
      </CompleteMultipartUpload>`;
    expect((await send(complete(body))).status).toBe(200);
    expect((await send({ method: 'GET', target: '/revisions/parts.zip' })).text).toBe('part one');
  });
});

test('metadata and content headers are kept, given back, and can be overridden by who reads', async () => {
  const target = '/revisions/kept.zip';
  const headers = {
    'x-amz-meta-commit': 'abc',
    'cache-control': 'no-store',
    'content-disposition': 'attachment',
    'x-amz-acl': 'private',
  };
  expect((await send({ method: 'PUT', target, headers, body: 'x' })).status).toBe(200);
  const { 'x-amz-acl': _, ...kept } = headers;
  expect((await send({ method: 'GET', target })).headers).toMatchObject(kept);
  const shown = await send({ method: 'GET', target: `${target}?response-content-type=text%2Fplain` });
  expect(shown.headers['content-type']).toBe('text/plain');
  const large = { 'x-amz-meta-long': 'x'.repeat(2_100) };
  expect((await send({ method: 'PUT', target: '/revisions/large', headers: large })).code).toBe('MetadataTooLarge');
});

test('an upload whose key is disabled before its end stores nothing', async () => {
  const key = await server.key('operator');
  const uploader = rawS3(server.s3Url, key);
  const body = new PassThrough();
  const request = { method: 'PUT', target: '/revisions/late.zip', contentLength: 8, stream: body };
  const contentSha256 = createHash('sha256').update('the late').digest('hex');
  const answer = uploader({ ...request, contentSha256 });
  body.write('the ');
  await eventually(() => readdirSync(scratch.at('data', 's3', '.incoming')).length > 0);
  await server.disable(key.accessKeyId);
  body.end('late');
  expect(await answer).toMatchObject({ status: 403, code: 'AccessDenied' });
  expect((await send({ method: 'HEAD', target: '/revisions/late.zip' })).status).toBe(404);
});
