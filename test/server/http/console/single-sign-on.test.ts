/** Sign-in by an OpenID Connect provider: with a real one, behind a proxy that speaks HTTPS, and with everything that could be forged. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callConsole } from '../../../support/console-client.ts';
import { type KeyPair, managementClient } from '../../../support/hand-driven-host.ts';
import {
  oidcFile,
  type Seen,
  signInAtProvider,
  startProvider,
  type TestProvider,
  testBrowser,
} from '../../../support/openid-provider.ts';
import { scratchFolder } from '../../../support/scratch.ts';
import { type TestServer, testServer } from '../../../support/test-server.ts';

/** Address of the proxy that browsers see; the server itself speaks HTTP behind it. */
const PUBLIC = 'https://deploy.example.com';
const HOST = 'deploy.example.com';
const CALLBACK = `${PUBLIC}/console/single-sign-on/callback`;
const RULES = [
  { values: ['admins'], role: 'admin' },
  { values: ['shop-team', 'market-team'], role: 'operator', applications: ['shop-*'] },
  { values: ['everybody'], role: 'viewer' },
];
const PEOPLE: Record<string, Record<string, unknown>> = {
  ada: { name: 'Ada Lovelace', groups: ['everybody', 'admins'] },
  sam: { name: 'Sam <b>Shop</b>', groups: ['shop-team', 'everybody'] },
  mover: { name: 'Mover', groups: ['admins'] },
  nobody: { name: 'Nobody', groups: ['guests', '<script>alert(1)</script>'] },
  groupless: { name: 'Groupless' },
};

const scratch = scratchFolder();
let provider: TestProvider;
let server: TestServer;
let admin: KeyPair;
beforeAll(async () => {
  provider = await startProvider(CALLBACK, PEOPLE);
  const settings = { issuer: provider.issuer, serverUrl: PUBLIC, label: 'Example SSO', rules: RULES };
  server = await testServer(scratch.at('data'), undefined, undefined, { oidcFile: oidcFile(scratch, settings) });
  admin = await server.key('admin');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const OWN = { 'x-slipway-console': '1', origin: PUBLIC, 'content-type': 'application/json' };
type Browser = ReturnType<typeof testBrowser>;

/** A request of the browser to the proxy's address, which the server gets. */
function visit(browser: Browser, path: string, options: Parameters<Browser['ask']>[1] = {}): Promise<Seen> {
  return browser.ask(new URL(path, PUBLIC).href, { connectTo: server.url, ...options });
}

async function begin(browser: Browser, returnTo?: unknown, headers: Record<string, string> = {}): Promise<Seen> {
  const body = JSON.stringify({ returnTo });
  return visit(browser, '/console/single-sign-on', { method: 'POST', body, headers: { ...OWN, ...headers } });
}

/** @returns the address with which the provider sends the browser back */
async function goThroughProvider(browser: Browser, login: string, returnTo?: unknown): Promise<string> {
  const { address } = JSON.parse((await begin(browser, returnTo)).text) as { address: string };
  return signInAtProvider(browser, address, login);
}

async function signIn(login: string, browser = testBrowser()): Promise<string> {
  await visit(browser, await goThroughProvider(browser, login));
  const token = browser.cookiesOf(HOST).get('__Host-slipway-console');
  if (token === undefined) throw new Error(`${login} was not signed in`);
  return `__Host-slipway-console=${token}`;
}

async function whoIs(cookie: string) {
  const headers = { ...OWN, cookie };
  const { status, text } = await visit(testBrowser(), '/console/session', { headers });
  return { status, body: JSON.parse(text) as Record<string, unknown> };
}

function tokenOf(browser: Browser): string | undefined {
  return browser.cookiesOf(HOST).get('__Host-slipway-console');
}

test('the sign-in page is told of the provider', async () => {
  const { status, text } = await visit(testBrowser(), '/console/single-sign-on', { headers: OWN });
  expect([status, JSON.parse(text)]).toEqual([200, { label: 'Example SSO', address: PUBLIC }]);
});

describe('a person', () => {
  test('gets a session with the role of the claim, and is led back to the page that was asked for', async () => {
    const browser = testBrowser();
    const back = await goThroughProvider(browser, 'ada', '/console/hosts?state=lost');
    expect(back.startsWith(`${CALLBACK}?`)).toBe(true);
    const seen = await visit(browser, back);
    expect([seen.status, seen.location]).toEqual([303, `${PUBLIC}/console/hosts?state=lost`]);
    expect(seen.cookies.find((line) => line.startsWith('__Host-slipway-console='))).toMatch(
      /=\S{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict; Secure$/,
    );
    const { status, body } = await whoIs(`__Host-slipway-console=${tokenOf(browser)}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ accessKeyId: 'oidc:ada', name: 'Ada Lovelace', role: 'admin' });
  });

  test('changes things with that role, and the audit log has the subject and the name', async () => {
    const cookie = await signIn('ada');
    const made = await callConsole(
      server.url,
      cookie,
      'CreateApplication',
      { applicationName: 'by-ada' },
      { origin: server.url },
    );
    expect(made.status).toBe(200);
    const { entries } = await managementClient(server.url, admin).call('ListAuditEntries', { actor: 'oidc:ada' });
    expect(entries[0]).toMatchObject({
      operation: 'CreateApplication',
      role: 'admin',
      actorDescription: 'Ada Lovelace',
    });
    expect(entries.at(-1)).toMatchObject({
      operation: 'console:SignIn',
      request: { name: 'Ada Lovelace', issuer: provider.issuer },
    });
  });

  test('is limited to the applications of the rule', async () => {
    const cookie = await signIn('sam');
    expect((await whoIs(cookie)).body).toMatchObject({
      role: 'operator',
      scope: { applications: ['shop-*'], groups: [], hostTags: [] },
    });
    const other = await callConsole(server.url, cookie, 'CreateApplication', { applicationName: 'other' });
    expect(other.status).toBe(403);
  });

  test('a person whose claims have changed has the new role in all sessions', async () => {
    const before = await signIn('mover');
    expect((await whoIs(before)).body).toMatchObject({ role: 'admin' });
    PEOPLE['mover'] = { name: 'Mover', groups: ['everybody'] };
    await signIn('mover');
    expect((await whoIs(before)).body).toMatchObject({ role: 'viewer' });
  });

  test('a person to whom the claims give no role any more loses all sessions with the next sign-in', async () => {
    PEOPLE['former'] = { name: 'Former', groups: ['admins'] };
    const before = await signIn('former');
    PEOPLE['former'] = { name: 'Former', groups: ['guests'] };
    const browser = testBrowser();
    expect((await visit(browser, await goThroughProvider(browser, 'former'))).status).toBe(403);
    expect((await whoIs(before)).status).toBe(401);
  });

  test('a person without a fitting value is told which claim has what, as text', async () => {
    const browser = testBrowser();
    const seen = await visit(browser, await goThroughProvider(browser, 'nobody'));
    expect(seen.status).toBe(403);
    expect(seen.text).toContain('knows you as Nobody');
    expect(seen.text).toContain('Your claim groups has guests, &lt;script&gt;alert(1)&lt;/script&gt;');
    expect(seen.text).not.toContain('<script');
    expect(tokenOf(browser)).toBeUndefined();
  });

  test('a person without the claim is told what the administrator of the provider has to add', async () => {
    const browser = testBrowser();
    const seen = await visit(browser, await goThroughProvider(browser, 'groupless'));
    expect([seen.status, seen.text.includes('It sends no claim groups')]).toEqual([403, true]);
  });

  test('a person who signs out everywhere has no session left', async () => {
    const [one, other] = [await signIn('sam'), await signIn('sam')];
    const headers = { ...OWN, cookie: one };
    expect((await visit(testBrowser(), '/console/sessions', { method: 'DELETE', headers })).status).toBe(200);
    expect([(await whoIs(one)).status, (await whoIs(other)).status]).toEqual([401, 401]);
  });

  test('whom an admin has disabled loses the session, and does not come in again', async () => {
    PEOPLE['leaver'] = { name: 'Leaver', groups: ['everybody'] };
    const cookie = await signIn('leaver');
    await managementClient(server.url, admin).call('DisableAccessKey', { accessKeyId: 'oidc:leaver' });
    expect((await whoIs(cookie)).status).toBe(401);
    const browser = testBrowser();
    const seen = await visit(browser, await goThroughProvider(browser, 'leaver'));
    expect([seen.status, seen.text.includes('has disabled oidc:leaver')]).toEqual([403, true]);
  });

  test('whom an admin has enabled again comes in by a new sign-in, and an earlier session stays ended', async () => {
    PEOPLE['returner'] = { name: 'Returner', groups: ['everybody'] };
    const before = await signIn('returner');
    const client = managementClient(server.url, admin);
    await client.call('DisableAccessKey', { accessKeyId: 'oidc:returner' });
    await client.call('EnableAccessKey', { accessKeyId: 'oidc:returner' });
    expect((await whoIs(before)).status).toBe(401);
    expect((await whoIs(await signIn('returner'))).status).toBe(200);
    const { entries } = await client.call('ListAuditEntries', { operation: 'EnableAccessKey' });
    expect(entries).toMatchObject([{ actor: admin.accessKeyId, request: { accessKeyId: 'oidc:returner' } }]);
  });
});

test('the browser’s earlier session ends with a new sign-in', async () => {
  const browser = testBrowser();
  const before = await signIn('sam', browser);
  const after = await signIn('ada', browser);
  expect([(await whoIs(before)).status, (await whoIs(after)).status]).toEqual([401, 200]);
});

describe('a sign-in begins only', () => {
  test('a sign-in begins only from the console’s own page', async () => {
    const seen = await begin(testBrowser(), '/console/', { origin: 'https://evil.example' });
    expect([seen.status, seen.cookies]).toEqual([403, []]);
    const headers = { origin: PUBLIC, 'content-type': 'application/json' };
    const bare = await visit(testBrowser(), '/console/single-sign-on', { method: 'POST', body: '{}', headers });
    expect(bare.status).toBe(403);
  });

  test('at the address that the provider sends browsers back to, whatever the Host header says', async () => {
    const headers = { host: '10.0.0.1:8400', origin: 'http://10.0.0.1:8400' };
    const seen = await begin(testBrowser(), '/console/', headers);
    expect([seen.status, seen.text.includes(`Open ${PUBLIC}/console/`)]).toEqual([400, true]);
  });
});

test('a page to return to that is not the console’s leads to the dashboard', async () => {
  const browser = testBrowser();
  const seen = await visit(browser, await goThroughProvider(browser, 'ada', '//evil.example/'));
  expect(seen.location).toBe(`${PUBLIC}/console/`);
});

describe('an answer is refused', () => {
  const refused = async (browser: Browser, back: string) => {
    const seen = await visit(browser, back);
    expect(tokenOf(browser)).toBeUndefined();
    expect(seen.status).toBeGreaterThanOrEqual(400);
    expect(seen.text).toContain('You are not signed in');
    return seen.text;
  };

  test('in a browser that did not begin the sign-in', async () => {
    const back = await goThroughProvider(testBrowser(), 'ada');
    expect(await refused(testBrowser(), back)).toContain('did not begin a sign-in here');
  });

  test('in a browser that began another sign-in', async () => {
    const stolen = await goThroughProvider(testBrowser(), 'ada');
    const browser = testBrowser();
    await begin(browser);
    expect(await refused(browser, stolen)).toContain('belongs to another sign-in');
  });

  test.each(['state', 'both'])('with a wrong %s', async (what) => {
    const browser = testBrowser();
    const back = new URL(await goThroughProvider(browser, 'ada'));
    if (what === 'both') back.searchParams.append('state', 'x'.repeat(43));
    else back.searchParams.set('state', 'x'.repeat(43));
    await refused(browser, back.href);
  });

  test('an answer of a cookie that the server did not seal is refused', async () => {
    const browser = testBrowser();
    const back = await goThroughProvider(browser, 'ada');
    const forged = Buffer.from(JSON.stringify({ state: 'x', use: 'single-sign-on attempt' })).toString('base64url');
    browser.cookiesOf(HOST).set('__Host-slipway-sign-in', forged);
    await refused(browser, back);
  });

  test('an answer that comes a second time with the same cookie is refused', async () => {
    const browser = testBrowser();
    const back = await goThroughProvider(browser, 'ada');
    const attempt = browser.cookiesOf(HOST).get('__Host-slipway-sign-in') ?? '';
    expect((await visit(browser, back)).status).toBe(303);
    const thief = testBrowser();
    await visit(thief, '/console/single-sign-on', { headers: OWN });
    thief.cookiesOf(HOST).set('__Host-slipway-sign-in', attempt);
    expect(await refused(thief, back)).toContain('invalid_grant');
  });

  test('an answer with a code of another sign-in is refused', async () => {
    const other = new URL(await goThroughProvider(testBrowser(), 'ada'));
    const browser = testBrowser();
    const back = new URL(await goThroughProvider(browser, 'sam'));
    back.searchParams.set('code', other.searchParams.get('code') ?? '');
    expect(await refused(browser, back.href)).toContain('invalid_grant');
  });

  test('an answer of another provider is refused', async () => {
    const browser = testBrowser();
    const back = new URL(await goThroughProvider(browser, 'ada'));
    back.searchParams.set('iss', 'https://evil.example');
    await refused(browser, back.href);
  });

  // The provider knows this browser after the first time, and asks no more.
  const browser = testBrowser();
  const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  test.each<[string, (claims: Readonly<Record<string, unknown>>) => string]>([
    ['signed by another key', (claims) => provider.tokenOf(claims, { key: otherKey })],
    ['without a signature', (claims) => provider.tokenOf(claims, { alg: 'none' })],
    ['of another nonce', (claims) => provider.tokenOf({ ...claims, nonce: 'another' })],
    ['without a nonce', ({ nonce: _, ...claims }) => provider.tokenOf(claims)],
    ['that has expired', (claims) => provider.tokenOf({ ...claims, iat: 1_000, exp: 2_000 })],
    ['for another client', (claims) => provider.tokenOf({ ...claims, aud: 'another' })],
    ['of another issuer', (claims) => provider.tokenOf({ ...claims, iss: 'https://evil.example' })],
    ['without a subject', ({ sub: _, ...claims }) => provider.tokenOf(claims)],
    ['whose subject has a line break', (claims) => provider.tokenOf({ ...claims, sub: 'ada\nsam' })],
    ['that is none', () => 'nothing'],
  ])('an answer with an ID token %s is refused', async (_what, change) => {
    const back = await goThroughProvider(browser, 'ada');
    provider.changeNextToken(change);
    await refused(browser, back);
  });

  test('an answer by which the person said no is refused in the provider’s words', async () => {
    const browser = testBrowser();
    const { address } = JSON.parse((await begin(browser)).text) as { address: string };
    const state = new URL(address).searchParams.get('state') ?? '';
    const answer = { error: 'access_denied', error_description: '<i>no</i>', state, iss: provider.issuer };
    const text = await refused(browser, `${CALLBACK}?${new URLSearchParams(answer)}`);
    expect(text).toContain('access_denied: &lt;i&gt;no&lt;/i&gt;');
  });
});

test('a token that the provider’s own key has signed once more is taken, so the refusals above have the reasons that they name', async () => {
  const browser = testBrowser();
  const back = await goThroughProvider(browser, 'ada');
  provider.changeNextToken((claims) => provider.tokenOf(claims));
  expect((await visit(browser, back)).status).toBe(303);
});
