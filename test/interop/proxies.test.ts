/**
 * Everything that the agent talks to by HTTPS, through a real proxy. The names are in no DNS, and only the environment names the authority
 * of the certificates. A request that arrives at the other end of the tunnel has gone by the rules.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createHostCommandClient } from '../../src/protocol/host-command/client.ts';
import type { Revision } from '../../src/protocol/specification.ts';
import { createBundleFetcher } from '../../src/revision/fetch-bundle.ts';
import type { RevisionContext } from '../../src/revision/types.ts';
import { systemClock } from '../../src/system/clock.ts';
import { createTrust, readAuthorities, trustAuthorities } from '../../src/system/trust.ts';
import { describeWith, testWith } from '../support/needs.ts';
import { revisionContext } from '../support/revision-context.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type TunnellingProxy, tunnellingProxy } from '../support/tunnelling-proxy.ts';

const CONTENT = Buffer.from('a bundle');
const AUTHORIZATION = `Basic ${Buffer.from('me:pass word').toString('base64')}`;
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const credentials = async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'secret' });

let scratch: ScratchFolder;
let server: Server;
let proxy: TunnellingProxy;
let caFile: string;
/** `METHOD https://host/path` as it came out of the tunnel. */
const arrived: string[] = [];

beforeAll(async () => {
  scratch = scratchFolder();
  const [keyFile, certFile] = [scratch.at('key.pem'), scratch.at('cert.pem')];
  const name = ['-subj', '/CN=test', '-addext', 'subjectAltName=DNS:*.example.test,DNS:*.s3.us-east-1.amazonaws.com'];
  const files = ['-keyout', keyFile, '-out', certFile];
  await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...name, ...files]);
  caFile = certFile;
  server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
    arrived.push(`${request.method} https://${request.headers.host}${request.url?.replace(/\?.*$/, '')}`);
    answer(request, (status, headers, body) => response.writeHead(status, headers).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await tunnellingProxy((server.address() as AddressInfo).port, AUTHORIZATION);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  scratch[Symbol.dispose]();
});

function answer(
  { method, url = '', headers }: IncomingMessage,
  end: (status: number, headers: Record<string, string>, body: string | Buffer) => void,
): void {
  if (method === 'POST') end(200, {}, '{}');
  else if (url.startsWith('/repos/')) end(302, { location: 'https://codeload.example.test/archive' }, '');
  else if (url.startsWith('/shop.git/')) end(404, {}, '');
  else if (headers['range']?.startsWith('bytes=0-') === true) {
    end(206, { etag: '"e"', 'content-range': `bytes 0-${CONTENT.length - 1}/${CONTENT.length}` }, CONTENT);
  } else end(200, { etag: '"e"' }, CONTENT);
}

const withPassword = () => proxy.url.replace('//', '//me:pass%20word@');
const s3: Revision = {
  revisionType: 'S3',
  bucket: 'revisions',
  key: 'a.tgz',
  bundleType: 'tgz',
  version: null,
  eTag: null,
};
const SOURCES: readonly (readonly [string, Revision, Partial<RevisionContext>, readonly string[]])[] = [
  ['S3', s3, {}, ['GET https://revisions.s3.us-east-1.amazonaws.com/a.tgz']],
  [
    'a store of one’s own',
    s3,
    { s3EndpointOverride: 'https://store.example.test' },
    ['GET https://store.example.test/revisions/a.tgz'],
  ],
  [
    'GitHub',
    { revisionType: 'GitHub', account: 'a', repository: 'r', commitId: 'c', bundleType: null },
    { gitHubEndpoint: 'https://api.example.test' },
    ['GET https://api.example.test/repos/a/r/tarball/c', 'GET https://codeload.example.test/archive'],
  ],
  [
    'a web server',
    {
      revisionType: 'HTTPS',
      url: 'https://files.example.test/app.tgz',
      bundleType: 'tgz',
      sha256: createHash('sha256').update(CONTENT).digest('hex'),
    },
    {},
    ['GET https://files.example.test/app.tgz'],
  ],
  [
    'git',
    { revisionType: 'Git', url: 'https://git.example.test/shop.git', commitId: COMMIT },
    {},
    ['GET https://git.example.test/shop.git/info/refs'],
  ],
];

for (const [source, revision, settings, requests] of SOURCES)
  describeWith('openssl', ...(revision.revisionType === 'Git' ? ['git'] : []))(`a revision from ${source}`, () => {
    const trusted = getCACertificates('default');
    afterEach(() => setDefaultCACertificates(trusted));

    const fetchWith = async (through: Partial<RevisionContext>) => {
      const before = { arrived: arrived.length, asked: proxy.asked.length };
      const environment = { PATH: process.env['PATH'], SSL_CERT_FILE: caFile, ...through.proxyEnvironment };
      const ctx = revisionContext({
        credentials,
        ...settings,
        ...through,
        proxyEnvironment: environment,
        trustFor: createTrust({ env: environment, caFile: null }),
        namedAuthorities: () => readAuthorities({ env: environment, caFile: null }),
        tuning: { ...revisionContext().tuning, retryWaitsMs: [] },
      });
      using folder = scratchFolder();
      const request = { revision: revision as never, bundleFile: folder.at('bundle.tar'), gitHubAccessToken: null };
      const error = await createBundleFetcher({ ...ctx, clock: impatient })(request).then(
        () => null,
        (fault: Error) => fault,
      );
      return { error, arrived: arrived.slice(before.arrived), asked: proxy.asked.slice(before.asked) };
    };
    /** A source that cannot be reached is asked again after minutes; here at once. */
    const impatient = { ...systemClock, sleep: async () => undefined };

    test.each([
      ['proxy_uri', (address: string) => ({ proxyUri: address })],
      ['https_proxy', (address: string) => ({ proxyEnvironment: { https_proxy: address } })],
      ['HTTPS_PROXY', (address: string) => ({ proxyEnvironment: { HTTPS_PROXY: address } })],
    ])('comes through the proxy that %s names, with its user and password', async (_name, through) => {
      const fetched = await fetchWith(through(withPassword()));
      const got = fetched.arrived.filter((request) => request.startsWith('GET '));
      expect([...new Set(got)], String(fetched.error)).toEqual(requests);
      const targets = requests.map((request) => `${new URL(request.replace('GET ', '')).hostname}:443`);
      expect(new Set(fetched.asked.map(({ target }) => target))).toEqual(new Set(targets));
      expect(fetched.asked.at(-1)?.authorization).toBe(AUTHORIZATION);
      if (revision.revisionType !== 'Git') expect(fetched.error).toBeNull();
      else expect(fetched.error).toMatchObject({ code: 'REVISION_NOT_FOUND' });
    });

    test('does not where no_proxy exempts its host', async () => {
      const hosts = requests.map((request) => new URL(request.replace('GET ', '')).hostname).join(',');
      const fetched = await fetchWith({ proxyUri: proxy.url, proxyEnvironment: { no_proxy: hosts } });
      // Nobody of that name is there, and that nobody is asked for it is what was wanted.
      expect(fetched.error).not.toBeNull();
      expect(fetched.asked).toEqual([]);
    });

    test('does not where the authorities that the environment names cannot be read, and says which', async () => {
      const fetched = await fetchWith({ proxyUri: proxy.url, proxyEnvironment: { SSL_CERT_FILE: '/nowhere/ca.pem' } });
      expect(fetched.error).toMatchObject({
        code: 'CONFIG_UNREADABLE',
        message: expect.stringContaining('SSL_CERT_FILE names /nowhere/ca.pem'),
      });
      expect(fetched.asked).toEqual([]);
    });
  });

testWith('openssl')(
  'the control endpoint is reached through the proxy, and its certificate is checked by name',
  async () => {
    const clientOf = (endpoint: string) =>
      createHostCommandClient({
        ...{ endpoint, region: 'us-east-1', hostIdentifier: 'arn:host', agentVersion: 'T', credentials },
        ...{ enableAuthPolicy: false, readTimeoutMs: 10_000, proxyUri: withPassword(), proxyEnvironment: {} },
        clock: systemClock,
      });
    await trustAuthorities({ env: {}, caFile });
    expect(await clientOf('https://control.example.test').pollHostCommand()).toBeNull();
    expect(arrived.at(-1)).toBe('POST https://control.example.test/');
    await expect(clientOf('https://control.other.test').pollHostCommand()).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: expect.stringContaining('altnames'),
    });
  },
);
