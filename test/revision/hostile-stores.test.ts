import type { RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createBundleFetcher } from '../../src/revision/fetch-bundle.ts';
import { isOwnAddress } from '../../src/revision/own-addresses.ts';
import type { FetchRequest, RevisionContext } from '../../src/revision/types.ts';
import { httpServer } from '../support/http-server.ts';
import { QUICK_TUNING, revisionContext } from '../support/revision-context.ts';
import { scratchFolder } from '../support/scratch.ts';

type Kind = 'HTTPS' | 'GitHub' | 'S3';

async function fetchFrom(
  kind: Kind,
  listener: RequestListener,
  overrides: Partial<RevisionContext> = {},
  limits: Partial<FetchRequest> = {},
) {
  using scratch = scratchFolder();
  let requests = 0;
  await using server = await httpServer((request, response) => {
    requests += 1;
    listener(request, response);
  });
  const ctx = revisionContext({
    s3EndpointOverride: server.url,
    gitHubEndpoint: server.url,
    credentials: async () => ({ accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }),
    clock: { now: () => 0, sleep: async () => undefined },
    ...overrides,
  });
  const revisions = {
    HTTPS: { revisionType: 'HTTPS', url: `${server.url}/a.tgz`, bundleType: 'tgz', sha256: '0'.repeat(64) },
    GitHub: { revisionType: 'GitHub', account: 'a', repository: 'r', commitId: 'c', bundleType: 'tar' },
    S3: { revisionType: 'S3', bucket: 'b', key: 'k', bundleType: 'tgz', version: null, eTag: null },
  } as const;
  const request = { bundleFile: scratch.at('bundle.tar'), gitHubAccessToken: null, ...limits };
  const fault: unknown = await createBundleFetcher(ctx)({ ...request, revision: revisions[kind] }).then(
    () => null,
    (error: unknown) => error,
  );
  return { fault, requests };
}

/** The same chunk for as long as somebody reads. */
function endless(chunk: Buffer): Readable {
  return new Readable({
    read: function (this: Readable) {
      this.push(chunk);
    },
  });
}

const KINDS: readonly Kind[] = ['HTTPS', 'GitHub', 'S3'];

describe('a store', () => {
  test.each(KINDS)('that trickles (%s) fails the download after two windows, however long it goes on', async (kind) => {
    const tuning = { ...QUICK_TUNING, pace: { leastBytesPerSecond: 1_000, windowMs: 200 } };
    const { fault, requests } = await fetchFrom(
      kind,
      (_request, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write('x'), 20);
        response.once('close', () => clearInterval(timer));
      },
      { tuning },
    );
    expect(fault).toMatchObject({ code: 'REVISION_TOO_SLOW' });
    expect(requests).toBe(2);
  });

  test.each(KINDS)('whose bundle has no length and no end (%s) is left at bundle_max_size', async (kind) => {
    const { fault } = await fetchFrom(
      kind,
      (request, response) => {
        response.writeHead(200);
        if (request.method === 'HEAD') response.end();
        else endless(Buffer.alloc(64 * 1024)).pipe(response);
      },
      {},
      { maxBytes: 1_000_000 },
    );
    expect(fault).toMatchObject({ code: 'REVISION_TOO_LARGE', message: expect.stringContaining('1000000 bytes') });
  });

  test.each(KINDS.flatMap((kind) => [403, 404, 400, 500].map((status) => [kind, status] as const)))(
    'whose error has no end (%s, %d) is listened to for a few KiB',
    async (kind, status) => {
      const { fault } = await fetchFrom(kind, (_request, response) => {
        response.writeHead(status, { 'content-type': 'application/xml' });
        endless(Buffer.alloc(64 * 1024, '<')).pipe(response);
      });
      expect(fault).toMatchObject({ code: expect.stringMatching(/^REVISION_(DENIED|NOT_FOUND|UNREACHABLE)$/) });
    },
  );

  test.each(KINDS.flatMap((kind) => [400, 401, 403, 404, 405, 410, 501].map((status) => [kind, status] as const)))(
    'that says what no other try can mend (%s, %d) is asked once',
    async (kind, status) => {
      const { fault, requests } = await fetchFrom(kind, (_request, response) => void response.writeHead(status).end());
      expect(fault).toMatchObject({ code: expect.stringMatching(/^REVISION_/) });
      expect(requests).toBe(1);
    },
  );

  test.each([408, 429, 500, 502, 503, 504])('that may be better soon (%d) is asked again', async (status) => {
    for (const kind of ['HTTPS', 'GitHub'] as const) {
      const { requests } = await fetchFrom(kind, (_request, response) => void response.writeHead(status).end());
      expect(requests).toBeGreaterThan(3);
    }
  });

  test.each(['ftp://127.0.0.1/a', 'file:///etc/passwd', 'gopher://x/', 'data:text/plain,x', 'http://['])(
    'may send on to web addresses only, not to %s',
    async (location) => {
      const { fault, requests } = await fetchFrom(
        'HTTPS',
        (_request, response) => void response.writeHead(302, { location }).end(),
      );
      expect(fault).toMatchObject({ code: 'REVISION_REDIRECT_REFUSED' });
      expect(requests).toBe(1);
    },
  );

  test.each(['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '[::ffff:127.0.0.1]', 'own.test'])(
    'outside may not send on to this machine (%s)',
    async (host) => {
      let reached = false;
      await using own = await httpServer((_request, response) => {
        reached = true;
        response.end();
      });
      const { fault } = await fetchFrom(
        'HTTPS',
        (_request, response) => void response.writeHead(302, { location: `http://${host}:${own.port}/` }).end(),
        // The server stands for one outside by its first connection; what it sends on to is judged by the real rules.
        { network: outsideFirst() },
      );
      expect(fault).toMatchObject({ code: 'REVISION_REDIRECT_REFUSED' });
      expect(reached).toBe(false);
    },
  );
});

function outsideFirst() {
  let looked = 0;
  return {
    isOwn: (address: string) => (looked++ === 0 ? false : isOwnAddress(address)),
    lookup: (
      _name: string,
      _options: object,
      done: (error: null, found: { address: string; family: number }[]) => void,
    ) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  };
}

test.each([
  ...['127.0.0.1', '127.255.0.3', '0.0.0.0', '0.1.2.3', '169.254.169.254', '169.254.170.2', '::1', '::', 'fe80::1'],
  ...['fe80::1%eth0', 'febf::1', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::127.0.0.1', '64:ff9b::7f00:1'],
  ...['2002:7f00:1::', 'fd00:ec2::254', '[::1]', '100.100.100.200', '168.63.129.16'],
])('the address %s is this machine’s own, or its link’s', (address) => {
  expect(isOwnAddress(address)).toBe(true);
});

test.each([
  '10.0.0.1',
  '192.168.1.1',
  '8.8.8.8',
  '169.253.1.1',
  '128.0.0.1',
  '2001:db8::1',
  'fec0::1',
  '::ffff:10.0.0.1',
  'x',
])('the address %s may be somebody else’s', (address) => {
  expect(isOwnAddress(address)).toBe(false);
});
