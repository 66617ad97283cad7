/** The page of the console and its files, and what keeps other sites away from it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  askConsole,
  callConsole,
  sendToConsole,
  signInHeaders,
  signInToConsole,
} from '../../../support/console-client.ts';
import { type KeyPair, managementClient } from '../../../support/hand-driven-host.ts';
import { openRaw } from '../../../support/raw-connection.ts';
import { scratchFolder } from '../../../support/scratch.ts';
import { type TestServer, testServer } from '../../../support/test-server.ts';

const scratch = scratchFolder();
const consoleDir = scratch.at('console');
const PAGE = '<!doctype html><title>the page</title>';
const PROGRAM = 'console.log("here");'.repeat(100);
let server: TestServer;
let admin: KeyPair;
beforeAll(async () => {
  mkdirSync(scratch.at('console/assets'), { recursive: true });
  writeFileSync(scratch.at('console/index.html'), PAGE);
  writeFileSync(scratch.at('console/assets/index-1a2b.js'), PROGRAM);
  writeFileSync(scratch.at('console/assets/index-1a2b.js.gz'), gzipSync(PROGRAM));
  writeFileSync(scratch.at('console/licences.md'), 'licences');
  server = await testServer(scratch.at('data'), undefined, undefined, { consoleDir });
  admin = await server.key('admin');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const get = (path: string, headers = {}) => fetch(new URL(path, server.url), { headers, redirect: 'manual' });

describe('the page', () => {
  test.each(['/console', '/console/', '/console/deployments/d-ABCDEF123?target=web-1', '/console/hosts/a%2Fb'])(
    'is the same at %s, and is never cached',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toBe(PAGE);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    },
  );

  test.each([
    '/console//evil.example/',
    '/console/%2F%2Fevil.example',
    '/console/../../evil',
    '/console?to=//evil.example',
  ])('leads nowhere else, whatever stands in the address: %s', async (path) => {
    const answer = await get(path);
    expect(answer.headers.get('location')).toBeNull();
  });

  test('tells the browser to run nothing else, to be framed by nobody, and to send nothing away', async () => {
    for (const path of [
      '/console/',
      '/console/assets/index-1a2b.js',
      '/console/assets/missing.js',
      '/console/session',
    ]) {
      const { headers } = await get(path);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*|data:/);
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  test('says what to run where the console is not built, and is there once it is', async () => {
    const folder = scratch.at('later');
    await using unbuilt = await testServer(scratch.at('unbuilt'), undefined, undefined, { consoleDir: folder });
    const answer = await fetch(new URL('/console/', unbuilt.url));
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('npm run build:console');
    mkdirSync(scratch.at('later/assets'), { recursive: true });
    writeFileSync(scratch.at('later/index.html'), PAGE);
    expect(await (await fetch(new URL('/console/', unbuilt.url))).text()).toBe(PAGE);
  });
});

describe('a file of the page', () => {
  test('comes compressed as it was built, and may be kept for ever', async () => {
    const answer = await get('/console/assets/index-1a2b.js', { 'accept-encoding': 'gzip, br' });
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(await answer.text()).toBe(PROGRAM);
  });

  test.each([
    ['a browser that takes none of its forms', 'identity', null],
    ['a browser that refuses gzip', 'gzip;q=0', null],
    ['a browser that says nothing of it', 'br', null],
    ['a browser that takes it among others', 'deflate, GZIP;q=0.5', 'gzip'],
  ])('for %s (%s)', async (_who, accept, encoding) => {
    const head = `GET /console/assets/index-1a2b.js HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept-encoding: ${accept}\r\n\r\n`;
    using client = openRaw(server.url, head);
    await client.closed;
    expect(/content-encoding: (\S+)/i.exec(client.received())?.[1] ?? null).toBe(encoding);
  });

  test.each([
    '/console/assets/missing.js',
    '/console/assets/',
    '/console/assets/../index.html',
    '/console/assets/..%2findex.html',
    '/console/assets/%2e%2e/licences.md',
    '/console/assets/index-1a2b.js.gz',
    '/console/assets/index-1a2b.js%00',
    '/console/assets//etc/passwd',
  ])('a file of the page that is none of the console is not found: %s', async (path) => {
    using client = openRaw(server.url, `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    await client.closed;
    expect(client.received()).toMatch(/^HTTP\/1.1 404 /);
  });

  test('is sent without its bytes to who asks for its head', async () => {
    const answer = await fetch(new URL('/console/assets/index-1a2b.js', server.url), { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(0);
    expect(gunzipSync(gzipSync(await answer.text())).length).toBe(0);
  });
});

test.each([
  ['POST', '/console/', 'GET, HEAD'],
  ['PUT', '/console/assets/index-1a2b.js', 'GET, HEAD'],
  ['GET', '/console/api/ListApplications', 'POST'],
  ['PATCH', '/console/session', 'GET, POST, DELETE'],
  ['GET', '/console/sessions', 'DELETE'],
  ['POST', '/console/events', 'GET'],
])('%s %s is refused with the methods that are answered', async (method, path, allow) => {
  const answer = await askConsole(server.url, path, { method });
  expect(answer.status).toBe(405);
  expect(answer.headers.get('allow')).toBe(allow);
});

describe('a page of another site', () => {
  const foreign: [string, Record<string, string | undefined>][] = [
    ['has no header of the console', { 'x-slipway-console': undefined }],
    ['says where it comes from', { origin: 'https://evil.example' }],
    ['hides where it comes from', { origin: 'null' }],
    ['does not say where it comes from', { origin: undefined }],
    ['comes from another port', { origin: 'http://127.0.0.1:1' }],
    ['has a name that begins alike', { origin: 'http://127.0.0.1.evil.example' }],
    ['is marked by the browser', { 'sec-fetch-site': 'cross-site' }],
    ['is a neighbour of this one', { 'sec-fetch-site': 'same-site' }],
    ['is opened by hand', { 'sec-fetch-site': 'none' }],
  ];

  test.each(foreign)(
    'a page of another site that %s changes nothing with the browser’s session',
    async (_what, headers) => {
      const cookie = await signInToConsole(server.url, await server.key('admin'));
      const name = `csrf-${Math.random().toString(36).slice(2)}`;
      const answer = await callConsole(server.url, cookie, 'CreateApplication', { applicationName: name }, headers);
      expect(answer).toMatchObject({ status: 403, body: { __type: 'AccessDeniedException' } });
      const known = await managementClient(server.url, admin).call('ListApplications', {});
      expect(known.applications).not.toContain(name);
      const out = await askConsole(server.url, '/console/session', { method: 'DELETE', cookie, headers });
      expect(out.status).toBe(403);
      expect((await askConsole(server.url, '/console/session', { method: 'GET', cookie })).status).toBe(200);
    },
  );

  test.each(foreign)('a page of another site that %s signs nobody in', async (_what, headers) => {
    const signed = { ...signInHeaders(server.url, admin), ...headers };
    const answer = await askConsole(server.url, '/console/session', { headers: signed });
    expect(answer.status).toBe(403);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  test('is told nothing by the stream of changes', async () => {
    const cookie = await signInToConsole(server.url, await server.key('admin'));
    for (const headers of [{ 'x-slipway-console': undefined }, { 'sec-fetch-site': 'cross-site' }]) {
      const path = '/console/events?topic=deployments';
      const answer = await sendToConsole(server.url, path, { method: 'GET', cookie, headers });
      expect(answer.status).toBe(403);
      await answer.text();
    }
  });

  test('may not ask before it asks', async () => {
    const headers = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-slipway-console' };
    const answer = await askConsole(server.url, '/console/api/CreateApplication', { method: 'OPTIONS', headers });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});

test('a form of another site cannot be a call: its body is no JSON', async () => {
  const cookie = await signInToConsole(server.url, await server.key('admin'));
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const answer = await callConsole(
      server.url,
      cookie,
      'CreateApplication',
      { applicationName: 'x' },
      { 'content-type': type },
    );
    expect(answer.status).toBe(415);
  }
});

test('two cookies of a session are none', async () => {
  const cookie = await signInToConsole(server.url, await server.key('admin'));
  const twice = `${cookie}; slipway-console=${'x'.repeat(43)}`;
  expect((await askConsole(server.url, '/console/session', { method: 'GET', cookie: twice })).status).toBe(401);
});

test('a call of the console with a key’s signature and no session is refused', async () => {
  const headers = { ...signInHeaders(server.url, admin), 'content-type': 'application/json' };
  const answer = await askConsole(server.url, '/console/api/ListApplications', { headers, body: '{}' });
  expect(answer.status).toBe(401);
});
