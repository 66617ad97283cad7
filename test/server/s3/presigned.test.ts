/** A presigned address is good for one request, for its time, and for nothing else. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Presigning, presign } from '../../support/presigned.ts';
import { rawS3, type SendRaw } from '../../support/raw-s3.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const WEEK = 7 * 24 * 60 * 60;
const HOUR_MS = 60 * 60_000;
const target = '/revisions/a%20bundle%20%28%C3%BC%29.zip';

let scratch: ScratchFolder;
let server: TestServer;
let key: { accessKeyId: string; secretAccessKey: string };
let send: SendRaw;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'));
  key = await server.key('operator');
  send = rawS3(server.url, key);
  await send({ method: 'PUT', target, body: 'the bundle' });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const address = (presigning: Partial<Presigning> = {}) => presign(server.url, key, { target, ...presigning });
/** The answer's status and the code of its error. */
async function outcome(response: Response): Promise<string> {
  return `${response.status} ${/<Code>(.*)<\/Code>/.exec(await response.text())?.[1] ?? ''}`.trim();
}

describe('a presigned address', () => {
  test('reads, looks at, writes and removes an object, without any other signature', async () => {
    expect(await (await fetch(await address())).text()).toBe('the bundle');
    const head = await fetch(await address({ method: 'HEAD' }), { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
    const own = '/revisions/written.zip';
    const put = await fetch(await address({ method: 'PUT', target: own }), { method: 'PUT', body: 'written' });
    expect(put.status).toBe(200);
    expect(await (await fetch(await address({ target: own }))).text()).toBe('written');
    const gone = await fetch(await address({ method: 'DELETE', target: own }), { method: 'DELETE' });
    expect(gone.status).toBe(204);
    expect(await outcome(await fetch(await address({ target: own })))).toBe('404 NoSuchKey');
  });

  test('may show an object under another name', async () => {
    const shown = `${target}?response-content-disposition=${encodeURIComponent('attachment; filename="x y.zip"')}`;
    const answer = await fetch(await address({ target: shown }));
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="x y.zip"');
  });

  test('means by x-amz-… in its query what such a header means', async () => {
    const sha256 = createHash('sha256').update('promised').digest('base64');
    const headers = { 'x-amz-checksum-sha256': sha256, 'x-amz-meta-owner': 'me', 'x-amz-tagging': 'a=b' };
    const own = '/revisions/promised.zip';
    const put = async (body: string) =>
      fetch(await address({ method: 'PUT', target: own, headers }), { method: 'PUT', body });
    expect(await outcome(await put('other'))).toBe('400 BadDigest');
    expect((await put('promised')).status).toBe(200);
    const { headers: shown } = await send({ method: 'HEAD', target: own });
    expect(shown).toMatchObject({ 'x-amz-meta-owner': 'me', 'x-amz-tagging-count': '1' });
    const acl = { 'x-amz-acl': 'public-read' };
    const refused = await fetch(await address({ method: 'PUT', target: own, headers: acl }), {
      method: 'PUT',
      body: 'x',
    });
    expect(await outcome(refused)).toBe('501 NotImplemented');
  });

  test('stores nothing by a name in its query that no header has', async () => {
    const own = '/revisions/unnameable.zip';
    for (const name of ['x-amz-meta-a b', 'x-amz-meta-ü', 'x-amz-meta-a:b', 'x-amz-meta-a\n']) {
      const url = await address({ method: 'PUT', target: `${own}?${encodeURIComponent(name)}=1` });
      const put = await fetch(url, { method: 'PUT', body: 'x' });
      expect(await outcome(put), name).toBe('400 AuthorizationQueryParametersError');
    }
    expect(await outcome(await fetch(await address({ target: own })))).toBe('404 NoSuchKey');
  });

  test('is valid for up to a week, and for no longer than it says', async () => {
    expect((await fetch(await address({ expiresIn: WEEK }))).status).toBe(200);
    const justGood = { signedAtMs: Date.now() - HOUR_MS, expiresIn: 2 * 3600 };
    expect((await fetch(await address(justGood))).status).toBe(200);
    const over = await fetch(await address({ signedAtMs: Date.now() - HOUR_MS, expiresIn: 3599 }));
    expect(await outcome(over)).toBe('403 AccessDenied');
    const early = await fetch(await address({ signedAtMs: Date.now() + HOUR_MS }));
    expect(await outcome(early)).toBe('403 AccessDenied');
  });

  test('a presigned address of a key that is disabled is good for nothing', async () => {
    const other = await server.key('operator');
    const url = await presign(server.url, other, { target });
    expect((await fetch(url)).status).toBe(200);
    await server.disable(other.accessKeyId);
    expect(await outcome(await fetch(url))).toBe('403 InvalidAccessKeyId');
  });

  test('gives no more power than its key has', async () => {
    const viewer = await server.key('viewer');
    const put = await presign(server.url, viewer, { method: 'PUT', target });
    expect(await outcome(await fetch(put, { method: 'PUT', body: 'other' }))).toBe('403 AccessDenied');
    const host = await server.key('host', 'arn:aws:iam::000000000000:user/nobody');
    expect((await fetch(await presign(server.url, host, { target }))).status).toBe(403);
    expect(await (await fetch(await address())).text()).toBe('the bundle');
  });
});

describe('a presigned address that was changed is refused, and changes nothing', () => {
  const set = (name: string, value: string) => (url: string) => {
    const changed = new URL(url);
    changed.searchParams.set(name, value);
    return changed.href;
  };
  test.each<[string, (url: string) => string, string]>([
    ['another object', (url) => url.replace('bundle', 'other'), '403 SignatureDoesNotMatch'],
    ['another method', (url) => url, '403 SignatureDoesNotMatch'],
    ['a longer time', set('X-Amz-Expires', '600'), '403 SignatureDoesNotMatch'],
    ['more than a week', set('X-Amz-Expires', String(WEEK + 1)), '400 AuthorizationQueryParametersError'],
    ['no time at all', set('X-Amz-Expires', '0'), '400 AuthorizationQueryParametersError'],
    ['a time that is no number', set('X-Amz-Expires', '6e1'), '400 AuthorizationQueryParametersError'],
    ['a time below nothing', set('X-Amz-Expires', '-60'), '400 AuthorizationQueryParametersError'],
    ['a date that is none', set('X-Amz-Date', '20261399T000000Z'), '400 AuthorizationQueryParametersError'],
    ['another day', set('X-Amz-Date', '20200101T000000Z'), '400 AuthorizationQueryParametersError'],
    ['another algorithm', set('X-Amz-Algorithm', 'AWS4-NONE'), '400 AuthorizationQueryParametersError'],
    ['no signed headers', set('X-Amz-SignedHeaders', ''), '400 AuthorizationQueryParametersError'],
    ['another header signed', set('X-Amz-SignedHeaders', 'host;x-amz-acl'), '403 AccessDenied'],
    ['an empty signature', set('X-Amz-Signature', ''), '403 SignatureDoesNotMatch'],
    ['a signature that is no text in hex', set('X-Amz-Signature', 'zz'.repeat(32)), '403 SignatureDoesNotMatch'],
    ['one more name in the query', (url) => `${url}&versionId=abc`, '403 SignatureDoesNotMatch'],
    ['one more header in the query', (url) => `${url}&x-amz-meta-a=b`, '403 SignatureDoesNotMatch'],
    ['a copy in the query', (url) => `${url}&x-amz-copy-source=revisions/b`, '403 SignatureDoesNotMatch'],
    ['a name twice', (url) => `${url}&X-Amz-Expires=600`, '400 InvalidArgument'],
    ['another name in upper case', (url) => `${url}&X-AMZ-EXPIRES=600`, '403 SignatureDoesNotMatch'],
  ])('a presigned address that was changed to %s is refused', async (what, change, expected) => {
    const method = what === 'another method' ? 'GET' : 'PUT';
    const url = change(await address({ method }));
    expect(await outcome(await fetch(url, { method: 'PUT', body: 'other' }))).toBe(expected);
    expect(await (await fetch(await address())).text()).toBe('the bundle');
  });

  test('a presigned address with headers that were not signed, a second signature, or one for another API is refused', async () => {
    const url = await address({ method: 'PUT' });
    const put = { method: 'PUT', body: 'other' };
    const meta = await fetch(url, { ...put, headers: { 'x-amz-meta-a': 'b' } });
    expect(await outcome(meta)).toBe('403 AccessDenied');
    const twice = await fetch(url, {
      ...put,
      headers: { authorization: 'AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request' },
    });
    expect(await outcome(twice)).toBe('400 InvalidArgument');
    const old = await fetch(
      `${server.url}${target}?AWSAccessKeyId=${key.accessKeyId}&Signature=x&Expires=9999999999`,
      put,
    );
    expect(await outcome(old)).toBe('400 InvalidRequest');
    const foreign = await fetch(await address({ method: 'PUT', service: 'codedeploy' }), put);
    expect(foreign.ok).toBe(false);
    expect(await (await fetch(await address())).text()).toBe('the bundle');
  });
});

test('a name of an object that looks like a signature leads to the revision store', async () => {
  const named = `/revisions/${encodeURIComponent('a&X-Amz-Credential=')}x/codedeploy/aws4_request`;
  expect((await send({ method: 'PUT', target: named, body: 'x' })).status).toBe(200);
  expect(await (await fetch(await address({ target: named }))).text()).toBe('x');
  const unsigned = await fetch(`${server.url}/revisions/x/codedeploy/aws4_request`);
  expect(await outcome(unsigned)).toBe('403 AccessDenied');
});
