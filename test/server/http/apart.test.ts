/** All doors share one address with the console. So no answer of another door may be a page that a browser runs there. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { presign } from '../../support/presigned.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const scratch = scratchFolder();
let server: TestServer;
let key: { accessKeyId: string; secretAccessKey: string };
beforeAll(async () => {
  server = await testServer(scratch.at('data'), undefined, undefined, {
    s3Listen: { host: '127.0.0.1', port: 0 },
    metricsListen: { host: '127.0.0.1', port: 0 },
  });
  key = await server.key('operator');
  const put = await presign(server.url, key, { method: 'PUT', target: PAGE });
  const headers = { 'content-type': 'text/html' };
  const stored = await fetch(put, { method: 'PUT', headers, body: '<script>alert(1)</script>' });
  expect(stored.status).toBe(200);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const PAGE = '/revisions/page.html';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const at = (path: string) => async () => new URL(path, server.url).href;

test.each<[string, () => Promise<string>, RequestInit, number]>([
  ['a page in the revision store', () => presign(server.url, key, { target: PAGE }), {}, 200],
  ['a page at the store’s own address', () => presign(server.s3Url, key, { target: PAGE }), {}, 200],
  [
    'an object that is shown as a page',
    () => presign(server.url, key, { target: `${PAGE}?response-content-type=text%2Fhtml` }),
    {},
    200,
  ],
  ['a list of objects', () => presign(server.url, key, { target: '/revisions' }), {}, 200],
  ['a refusal of the store', at('/revisions/page.html'), {}, 403],
  ['a bucket below the console', at('/console/x?X-Amz-Credential=a/20260101/r/s3/aws4_request'), {}, 403],
  ['a refusal of IAM', at('/'), { method: 'POST', headers: FORM, body: 'Action=<script>' }, 403],
  ['a refusal of the API', at('/'), { method: 'POST', body: '<script>' }, 400],
  ['the word that the server lives', at('/'), {}, 200],
  ['its health', at('/healthz'), {}, 200],
  ['its metrics', async () => `${server.metricsUrl}/metrics`, {}, 200],
])('a browser runs nothing of %s', async (_what, address, request, status) => {
  const answer = await fetch(await address(), request);
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-security-policy')).toBe("sandbox; default-src 'none'; frame-ancestors 'none'");
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
});
