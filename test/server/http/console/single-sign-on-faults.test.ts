/** Single sign-on while the provider is away, sends little, or is not the server's any more. */
import { expect, test } from 'vitest';
import { NO_RATE_LIMITS } from '../../../../src/server/connections/rates.ts';
import { askConsole, signInToConsole } from '../../../support/console-client.ts';
import { oidcFile, signInAtProvider, startProvider, testBrowser } from '../../../support/openid-provider.ts';
import { scratchFolder } from '../../../support/scratch.ts';
import { testServer } from '../../../support/test-server.ts';

const PUBLIC = 'https://deploy.example.com';
const OWN = { 'x-slipway-console': '1', origin: PUBLIC, 'content-type': 'application/json' };
const RULES = [{ values: ['everybody'], role: 'viewer' }];
const START = { method: 'POST', body: '{}' };

test('claims of the user info count, and a provider that goes away before the end is named', async () => {
  using scratch = scratchFolder();
  const people = { ada: { name: 'Ada', groups: ['everybody'] } };
  const provider = await startProvider(`${PUBLIC}/console/single-sign-on/callback`, people, { inIdToken: false });
  const settings = { issuer: provider.issuer, serverUrl: PUBLIC, rules: RULES };
  await using server = await testServer(scratch.at('data'), undefined, undefined, {
    oidcFile: oidcFile(scratch, settings),
  });
  const browser = testBrowser();
  const start = () =>
    browser.ask(`${PUBLIC}/console/single-sign-on`, { ...START, headers: OWN, connectTo: server.url });
  const { address } = JSON.parse((await start()).text) as { address: string };
  const back = await signInAtProvider(browser, address, 'ada');
  expect((await browser.ask(back, { connectTo: server.url })).status).toBe(303);
  const cookie = `__Host-slipway-console=${browser.cookiesOf('deploy.example.com').get('__Host-slipway-console')}`;
  expect((await askConsole(server.url, '/console/session', { method: 'GET', cookie })).body).toMatchObject({
    role: 'viewer',
  });

  const again = JSON.parse((await start()).text) as { address: string };
  const second = await signInAtProvider(browser, again.address, 'ada');
  await provider[Symbol.asyncDispose]();
  const away = await browser.ask(second, { connectTo: server.url });
  expect([away.status, away.text.includes('cannot be asked just now')]).toEqual([502, true]);
});

test('nobody comes in by a provider that is gone, and its sessions end', async () => {
  using scratch = scratchFolder();
  const people = { ada: { name: 'Ada', groups: ['everybody'] } };
  await using provider = await startProvider(`${PUBLIC}/console/single-sign-on/callback`, people);
  const settings = { issuer: provider.issuer, serverUrl: PUBLIC, rules: RULES };
  const browser = testBrowser();
  const file = oidcFile(scratch, settings);
  {
    await using server = await testServer(scratch.at('data'), undefined, undefined, { oidcFile: file });
    const place = { connectTo: server.url };
    const begun = await browser.ask(`${PUBLIC}/console/single-sign-on`, { ...START, headers: OWN, ...place });
    const { address } = JSON.parse(begun.text) as { address: string };
    await browser.ask(await signInAtProvider(browser, address, 'ada'), place);
  }
  await using server = await testServer(scratch.at('data'));
  const cookie = `__Host-slipway-console=${browser.cookiesOf('deploy.example.com').get('__Host-slipway-console')}`;
  expect(await askConsole(server.url, '/console/session', { method: 'GET', cookie })).toMatchObject({
    status: 401,
    body: { message: expect.stringContaining('sign nobody in any more') },
  });
  expect((await askConsole(server.url, '/console/single-sign-on', { method: 'GET' })).body).toEqual({});
  expect((await askConsole(server.url, '/console/single-sign-on/callback?code=x', { method: 'GET' })).status).toBe(404);
});

test('a server whose provider is away starts, says so, and signs in by key; answers that nobody asked for count', async () => {
  using scratch = scratchFolder();
  const rates = { ...NO_RATE_LIMITS, failures: { perSecond: 1 / 3600, burst: 3 } };
  const settings = { issuer: 'http://127.0.0.1:9', serverUrl: PUBLIC, rules: RULES };
  const options = { rates, oidcFile: oidcFile(scratch, settings) };
  await using server = await testServer(scratch.at('data'), undefined, undefined, options);
  const place = { connectTo: server.url };
  const refused = await testBrowser().ask(`${PUBLIC}/console/single-sign-on`, { ...START, headers: OWN, ...place });
  expect([refused.status, refused.text]).toEqual([502, expect.stringContaining('or sign in with an access key')]);
  expect(await signInToConsole(server.url, await server.key('viewer'))).toContain('slipway-console=');
  const statuses: number[] = [];
  for (let at = 0; at < 4; at += 1) {
    const path = '/console/single-sign-on/callback?state=x&code=y';
    statuses.push((await askConsole(server.url, path, { method: 'GET' })).status);
  }
  expect(statuses).toEqual([400, 400, 400, 429]);
});
