/** Sign-in to the console, what a session may, and how it ends. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { oneTimeSignIn } from '../../../../src/console/sign-in/one-time.ts';
import { MOST_SESSIONS, SESSION_MS } from '../../../../src/server/api/console-sessions.ts';
import { NO_RATE_LIMITS } from '../../../../src/server/connections/rates.ts';
import { openStore } from '../../../../src/server/store/store.ts';
import { privateCertificates } from '../../../support/certificates.ts';
import { askConsole, callConsole, cookieOf, signInHeaders, signInToConsole } from '../../../support/console-client.ts';
import { type KeyPair, managementClient } from '../../../support/hand-driven-host.ts';
import { scratchFolder } from '../../../support/scratch.ts';
import { runSlipway } from '../../../support/slipway.ts';
import { suiteDatabase } from '../../../support/suite-database.ts';
import { type TestServer, testServer } from '../../../support/test-server.ts';

const scratch = scratchFolder();
const dataDir = scratch.at('data');
let server: TestServer;
let admin: KeyPair;
beforeAll(async () => {
  server = await testServer(dataDir);
  admin = await server.key('admin');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const SESSION = '/console/session';
const whoIs = (cookie: string | null) => askConsole(server.url, SESSION, { method: 'GET', cookie });

test('a key signs in, and the session says who it is, what it may, and until when', async () => {
  const viewer = await server.key('viewer');
  const cookie = await signInToConsole(server.url, viewer);
  const { status, body } = await whoIs(cookie);
  expect(status).toBe(200);
  expect(body).toMatchObject({ accessKeyId: viewer.accessKeyId, role: 'viewer', serverVersion: '0.0.0-test' });
  expect(body['operations']).toContain('GetDeployment');
  expect(body['operations']).not.toContain('CreateDeployment');
  expect(body['expireTime']).toBeGreaterThan((Date.now() + SESSION_MS) / 1000 - 60);
});

test('the cookie is kept from programs in the page, from other sites, and from other paths', async () => {
  const answer = await askConsole(server.url, SESSION, { headers: { ...signInHeaders(server.url, admin) } });
  const [text = ''] = answer.headers.getSetCookie();
  expect(text).toMatch(/^slipway-console=[A-Za-z0-9_-]{43}; Path=\/console; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
});

test('over HTTPS the cookie goes nowhere else, and one that plain HTTP could have set does not count', async () => {
  const { caFile, certFile, keyFile } = await privateCertificates(scratch.path);
  await using secured = await testServer(scratch.at('secured'), undefined, { certFile, keyFile });
  const key = await secured.key('viewer');
  const ask = (method: string, headers: Record<string, string>) => askSecured(secured.url, caFile, method, headers);
  const [text = ''] = (await ask('POST', { ...signInHeaders(secured.url, key) })).cookies;
  expect(text).toMatch(/^__Host-slipway-console=\S{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict; Secure$/);
  const cookie = text.split(';', 1)[0] ?? '';
  expect((await ask('GET', { cookie })).status).toBe(200);
  expect((await ask('GET', { cookie: cookie.replace('__Host-', '') })).status).toBe(401);
});

/** `fetch` takes no authority of its own. */
async function askSecured(url: string, caFile: string, method: string, more: Record<string, string>) {
  const own = { 'x-slipway-console': '1', origin: url, host: new URL(url).host };
  const asked = request(new URL(SESSION, url), { method, headers: { ...own, ...more }, ca: readFileSync(caFile) });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  return { status: answer.statusCode, cookies: answer.headers['set-cookie'] ?? [] };
}

describe('a sign-in is refused', () => {
  test.each<[string, (headers: Record<string, string>) => object, number, string]>([
    ['without a signature', () => ({}), 403, 'MissingAuthenticationTokenException'],
    [
      'with another secret',
      () => signInHeaders(server.url, { ...admin, secretAccessKey: 'x'.repeat(40) }),
      400,
      'InvalidSignatureException',
    ],
    [
      'with a key that nobody has',
      () => signInHeaders(server.url, { ...admin, accessKeyId: 'AKIAUNKNOWN' }),
      400,
      'UnrecognizedClientException',
    ],
    [
      'that was signed an hour ago',
      () => signInHeaders(server.url, admin, Date.now() - 3_600_000),
      400,
      'InvalidSignatureException',
    ],
    [
      'that was signed for another server',
      () => signInHeaders('http://elsewhere:8400', admin),
      400,
      'InvalidSignatureException',
    ],
  ])('%s', async (_what, headers, status, type) => {
    const answer = await askConsole(server.url, SESSION, { headers: headers({}) as Record<string, string> });
    expect(answer).toMatchObject({ status, body: { __type: type } });
    expect(cookieOf(answer)).toBeNull();
  });

  test('a host’s key signs nobody in, and its owner is told what to do', async () => {
    const operator = managementClient(server.url, admin);
    const key = await operator.call('CreateAccessKey', { role: 'host', instanceName: 'web-1' });
    await operator.call('RegisterOnPremisesInstance', { instanceName: 'web-1', iamUserArn: key.hostArn ?? '' });
    const answer = await askConsole(server.url, SESSION, { headers: { ...signInHeaders(server.url, key) } });
    expect(answer).toMatchObject({ status: 403, body: { message: expect.stringContaining('slipway keys create') } });
  });

  test('the second time that the same signature comes', async () => {
    const headers = { ...signInHeaders(server.url, admin) };
    expect((await askConsole(server.url, SESSION, { headers })).status).toBe(200);
    const again = await askConsole(server.url, SESSION, { headers });
    expect(again).toMatchObject({ status: 400, body: { message: 'This sign-in was used before. Ask for a new one.' } });
    expect(cookieOf(again)).toBeNull();
  });
});

test('a session that somebody else has put into the browser is not the one that its owner gets', async () => {
  const planted = await signInToConsole(server.url, await server.key('viewer'));
  const headers = { ...signInHeaders(server.url, admin) };
  const cookie = cookieOf(await askConsole(server.url, SESSION, { headers, cookie: planted })) ?? '';
  expect(cookie).not.toBe(planted);
  expect((await whoIs(planted)).status).toBe(401);
  expect((await whoIs(cookie)).body).toMatchObject({ accessKeyId: admin.accessKeyId });
});

describe('a session ends', () => {
  test('when its owner signs out, and the others of the key go on', async () => {
    const [one, other] = [
      await signInToConsole(server.url, admin),
      await signInToConsole(server.url, await server.key('admin')),
    ];
    const out = await askConsole(server.url, SESSION, { method: 'DELETE', cookie: one });
    expect(out.status).toBe(200);
    expect(out.headers.getSetCookie().every((text) => text.includes('Max-Age=0'))).toBe(true);
    expect(await whoIs(one)).toMatchObject({ status: 401, body: { message: expect.stringContaining('signed out') } });
    expect((await whoIs(other)).status).toBe(200);
  });

  test('a session ends with all others of the key when its owner signs out everywhere', async () => {
    const key = await server.key('operator');
    const headers = { ...signInHeaders(server.url, key, Date.now() - 5_000) };
    const first = cookieOf(await askConsole(server.url, SESSION, { headers })) ?? '';
    const second = await signInToConsole(server.url, key);
    await askConsole(server.url, '/console/sessions', { method: 'DELETE', cookie: second });
    expect((await whoIs(first)).status).toBe(401);
    expect((await whoIs(second)).status).toBe(401);
  });

  test('a session ends with its key, and its owner is told so', async () => {
    const key = await server.key('operator');
    const cookie = await signInToConsole(server.url, key);
    await server.disable(key.accessKeyId);
    const answer = await callConsole(server.url, cookie, 'ListApplications', {});
    expect(answer).toMatchObject({ status: 401, body: { message: expect.stringContaining('was disabled') } });
  });

  test('when its key has signed in on so many other browsers since', async () => {
    const key = await server.key('viewer');
    const cookies: string[] = [];
    for (let at = 0; at <= MOST_SESSIONS; at += 1) cookies.push(await signInToConsole(server.url, key));
    const [first = '', second = ''] = cookies;
    expect(await whoIs(first)).toMatchObject({
      status: 401,
      body: { message: expect.stringContaining(`${MOST_SESSIONS} other browsers`) },
    });
    expect((await whoIs(second)).status).toBe(200);
  });

  test('when its time is over', async () => {
    const cookie = await signInToConsole(server.url, await server.key('viewer'));
    const database = suiteDatabase(dataDir);
    const store = await openStore(database === null ? { dataDir } : { databaseUrl: database });
    try {
      await store.db
        .updateTable('console_sessions')
        .set({ expires_at_ms: Date.now() - 1 })
        .execute();
    } finally {
      await store.close();
    }
    expect(await whoIs(cookie)).toMatchObject({
      status: 401,
      body: { message: expect.stringContaining('time is over') },
    });
  });
});

test('the database holds nothing that signs in', async () => {
  const cookie = await signInToConsole(server.url, await server.key('viewer'));
  const token = cookie.split('=')[1] ?? '';
  const database = suiteDatabase(dataDir);
  const store = await openStore(database === null ? { dataDir } : { databaseUrl: database });
  try {
    const rows = await store.db.selectFrom('console_sessions').selectAll().execute();
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(token);
  } finally {
    await store.close();
  }
});

describe('a call with a session', () => {
  test('is the operation that a signed request carries out, and the audit log names the key', async () => {
    const operator = await server.key('operator');
    const cookie = await signInToConsole(server.url, operator);
    const made = await callConsole(server.url, cookie, 'CreateApplication', { applicationName: 'by-console' });
    expect(made.status).toBe(200);
    const { entries } = await managementClient(server.url, admin).call('ListAuditEntries', {
      actor: operator.accessKeyId,
    });
    expect(entries.map(({ operation }) => operation).sort()).toEqual(['CreateApplication', 'console:SignIn']);
  });

  test.each([
    [
      'of a viewer that would change something',
      'viewer',
      'CreateApplication',
      { applicationName: 'x' },
      403,
      'AccessDeniedException',
    ],
    ['of an operation that is not there', 'admin', 'Nothing', {}, 400, 'UnknownOperationException'],
    ['of a name that every object has', 'admin', 'constructor', {}, 400, 'UnknownOperationException'],
    ['of the hosts’ API', 'admin', 'PollHostCommand', {}, 400, 'UnknownOperationException'],
    [
      'with a member that the operation does not have',
      'admin',
      'ListApplications',
      { all: true },
      400,
      'ValidationException',
    ],
  ] as const)('%s is refused in the words of the API', async (_what, role, operation, input, status, type) => {
    const cookie = await signInToConsole(server.url, await server.key(role));
    expect(await callConsole(server.url, cookie, operation, input)).toMatchObject({ status, body: { __type: type } });
  });

  test('a call with a session of a limited key is limited, and the session says so', async () => {
    const scope = { applications: ['shop-*'] };
    const key = await managementClient(server.url, admin).call('CreateAccessKey', { role: 'operator', scope });
    const cookie = await signInToConsole(server.url, key);
    const { body } = await whoIs(cookie);
    expect(body).toMatchObject({ scope: { applications: ['shop-*'] } });
    expect(body['operations']).not.toContain('DescribeHosts');
    expect(await callConsole(server.url, cookie, 'GetApplication', { applicationName: 'other' })).toMatchObject({
      status: 403,
    });
    expect((await callConsole(server.url, cookie, 'ListApplications', {})).body).toEqual({ applications: [] });
  });

  test('counts as its key’s, and guessed sessions as their address’s', async () => {
    const slow = { perSecond: 1 / 3600, burst: 4 };
    const rates = { ...NO_RATE_LIMITS, perKey: slow, failures: slow };
    await using limited = await testServer(scratch.at('limited'), undefined, undefined, { rates });
    const cookie = await signInToConsole(limited.url, await limited.key('viewer'));
    const statuses: number[] = [];
    for (let at = 0; at < 4; at += 1)
      statuses.push((await callConsole(limited.url, cookie, 'ListApplications', {})).status);
    expect(statuses).toEqual([200, 200, 200, 400]);
    const guesses: string[] = [];
    for (let at = 0; at < 5; at += 1) {
      const guess = `slipway-console=${String(at).repeat(43)}`;
      guesses.push(String((await callConsole(limited.url, guess, 'ListApplications', {})).body['__type']));
    }
    expect(guesses).toEqual([...Array(4).fill('MissingAuthenticationTokenException'), 'ThrottlingException']);
  });
});

test('slipway console prints an address whose fragment signs in once', async () => {
  const { accessKeyId, secretAccessKey } = await server.key('viewer');
  const env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    SLIPWAY_ENDPOINT_URL: server.url,
  };
  const { status, stdout } = await runSlipway(['console'], env);
  expect(status).toBe(0);
  const address = new URL(stdout.trim());
  expect(address.href.startsWith(`${server.url}/console/#`)).toBe(true);
  const headers = { ...(oneTimeSignIn(address.hash) ?? { authorization: '' }) };
  const cookie = cookieOf(await askConsole(server.url, SESSION, { headers })) ?? '';
  expect((await whoIs(cookie)).body).toMatchObject({ accessKeyId, role: 'viewer' });
  expect((await askConsole(server.url, SESSION, { headers })).status).toBe(400);
});

test('slipway console with a key that has no power says so, and prints no address', async () => {
  const { accessKeyId } = await server.key('viewer');
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: 'wrong', SLIPWAY_ENDPOINT_URL: server.url };
  const { status, stdout, stderr } = await runSlipway(['console'], env);
  expect(status).not.toBe(0);
  expect(stdout).toBe('');
  expect(stderr).toContain('the secret access key is another one');
});
