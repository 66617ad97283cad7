/** Sign-in after the server has got another OpenID Connect provider: a subject means one person at one provider only. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KeyPair, managementClient } from '../../../support/hand-driven-host.ts';
import {
  oidcFile,
  signInAtProvider,
  startProvider,
  type TestProvider,
  testBrowser,
} from '../../../support/openid-provider.ts';
import { type ScratchFolder, scratchFolder } from '../../../support/scratch.ts';
import { type TestServer, testServer } from '../../../support/test-server.ts';

const PUBLIC = 'https://deploy.example.com';
const CALLBACK = `${PUBLIC}/console/single-sign-on/callback`;
const OWN = { 'x-slipway-console': '1', origin: PUBLIC, 'content-type': 'application/json' };
const PEOPLE = { ada: { name: 'Ada', groups: ['staff'] }, sam: { name: 'Sam', groups: ['staff'] } };
/** The second provider knows an Ada, too, who is somebody else. */
const OTHERS = { ada: { name: 'Another Ada', groups: ['admins'] }, sam: { name: 'Sam', groups: [] } };
const RULES = [
  { values: ['admins'], role: 'admin' },
  { values: ['staff'], role: 'viewer' },
];

let scratch: ScratchFolder;
let providers: readonly [TestProvider, TestProvider];
let admin: KeyPair;
beforeAll(async () => {
  scratch = scratchFolder();
  providers = [await startProvider(CALLBACK, PEOPLE), await startProvider(CALLBACK, OTHERS)];
  await using server = await serverWith(0);
  admin = await server.key('admin');
});
afterAll(async () => {
  for (const provider of providers) await provider[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

/** The same server with the first provider, or with the second one. */
function serverWith(which: 0 | 1): Promise<TestServer> {
  const settings = { issuer: providers[which].issuer, serverUrl: PUBLIC, label: 'SSO', rules: RULES };
  return testServer(scratch.at('data'), undefined, undefined, { oidcFile: oidcFile(scratch, settings) });
}

/** @returns the status and the text of the answer to the browser that comes back, and its session's cookie */
async function comeBack({ url: connectTo }: TestServer, login: string) {
  const browser = testBrowser();
  const ask = (path: string, options = {}) => browser.ask(new URL(path, PUBLIC).href, { connectTo, ...options });
  const begun = await ask('/console/single-sign-on', { method: 'POST', body: '{}', headers: OWN });
  const { address } = JSON.parse(begun.text) as { address: string };
  const { status, text } = await ask(await signInAtProvider(browser, address, login));
  const token = browser.cookiesOf('deploy.example.com').get('__Host-slipway-console');
  return { status, text, cookie: `__Host-slipway-console=${token}` };
}

async function sessionStatus({ url: connectTo }: TestServer, cookie: string): Promise<number> {
  const address = new URL('/console/session', PUBLIC).href;
  return (await testBrowser().ask(address, { connectTo, headers: { ...OWN, cookie } })).status;
}

test('a person of another provider with the same subject is refused, and comes in once an admin has enabled the subject', async () => {
  {
    await using server = await serverWith(0);
    expect((await comeBack(server, 'ada')).status).toBe(303);
    const { accessKeys } = await managementClient(server.url, admin).call('ListAccessKeys', {});
    expect(accessKeys).toContainEqual(
      expect.objectContaining({ accessKeyId: 'oidc:ada', issuer: providers[0].issuer, role: 'viewer' }),
    );
  }
  await using server = await serverWith(1);
  const client = managementClient(server.url, admin);
  const refused = await comeBack(server, 'ada');
  expect(refused.status).toBe(403);
  expect(refused.text).toContain(`oidc:ada is a person of ${providers[0].issuer}`);
  const rows = async () =>
    (await client.call('ListAccessKeys', {})).accessKeys.filter(({ accessKeyId }) => accessKeyId === 'oidc:ada');
  expect(await rows()).toMatchObject([{ issuer: providers[0].issuer, role: 'viewer', description: 'Ada' }]);
  await client.call('EnableAccessKey', { accessKeyId: 'oidc:ada' });
  expect((await comeBack(server, 'ada')).status).toBe(303);
  expect(await rows()).toMatchObject([{ issuer: providers[1].issuer, role: 'admin', description: 'Another Ada' }]);
});

test('a provider that gives a subject no role ends no session of another provider’s person', async () => {
  const { cookie } = await (async () => {
    await using server = await serverWith(0);
    return await comeBack(server, 'sam');
  })();
  {
    await using server = await serverWith(1);
    expect((await comeBack(server, 'sam')).status).toBe(403);
  }
  await using server = await serverWith(0);
  expect(await sessionStatus(server, cookie)).toBe(200);
});
