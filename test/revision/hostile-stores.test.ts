import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { maySendOn, scopeOf } from '../../src/revision/own-addresses.ts';
import { fetchFrom, type SourceKind } from '../support/fetch-from.ts';
import { httpServer } from '../support/http-server.ts';
import { QUICK_TUNING } from '../support/revision-context.ts';

/** The same chunk for as long as somebody reads. */
function endless(chunk: Buffer): Readable {
  return new Readable({
    read: function (this: Readable) {
      this.push(chunk);
    },
  });
}

const KINDS: readonly SourceKind[] = ['HTTPS', 'GitHub', 'S3'];

describe('a store', () => {
  test.each(KINDS)(
    'a store that trickles (%s) fails the download after two windows, however long it goes on',
    async (kind) => {
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
    },
  );

  test.each(KINDS)(
    'a store whose bundle has no length and no end (%s) is given up at bundle_max_size',
    async (kind) => {
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
    },
  );

  test.each(KINDS.flatMap((kind) => [403, 404, 400, 500].map((status) => [kind, status] as const)))(
    'a store whose error text has no end (%s, %d) is read for a few KiB only',
    async (kind, status) => {
      const { fault } = await fetchFrom(kind, (_request, response) => {
        response.writeHead(status, { 'content-type': 'application/xml' });
        endless(Buffer.alloc(64 * 1024, '<')).pipe(response);
      });
      expect(fault).toMatchObject({ code: expect.stringMatching(/^REVISION_(DENIED|NOT_FOUND|UNREACHABLE)$/) });
    },
  );

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
    scopeOf: (address: string) => (looked++ === 0 ? 'anywhere' : scopeOf(address)),
    lookup: (
      _name: string,
      _options: object,
      done: (error: null, found: { address: string; family: number }[]) => void,
    ) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  };
}

test.each([
  ...['127.0.0.1', '127.255.0.3', '0.0.0.0', '0.1.2.3', '::1', '::', '[::1]', '::ffff:127.0.0.1', '::127.0.0.1'],
  ...['64:ff9b::7f00:1', '2002:7f00:1::'],
])('the address %s is this machine’s own', (address) => {
  expect(scopeOf(address)).toBe('machine');
});

test.each([
  ...['169.254.169.254', '169.254.170.2', 'fe80::1', 'fe80::1%eth0', 'febf::1', '::ffff:a9fe:a9fe', 'fd00:ec2::254'],
  ...['100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd20:ce::254', '2002:a9fe:a9fe::'],
])('the address %s is one of this machine’s link', (address) => {
  expect(scopeOf(address)).toBe('link');
});

test.each([
  ...['10.0.0.1', '192.168.1.1', '8.8.8.8', '169.253.1.1', '128.0.0.1', '2001:db8::1', 'fec0::1', '::ffff:10.0.0.1'],
  'x',
])('the address %s may be somebody else’s', (address) => {
  expect(scopeOf(address)).toBe('anywhere');
});

test('nobody is sent on to this machine or its link but from there, and from this machine not to its link', () => {
  const scopes = ['machine', 'link', 'anywhere'] as const;
  const allowed = scopes.flatMap((from) => scopes.filter((to) => maySendOn(from, to)).map((to) => `${from} → ${to}`));
  expect(allowed).toEqual([
    'machine → machine',
    'machine → anywhere',
    'link → link',
    'link → anywhere',
    'anywhere → anywhere',
  ]);
  expect(scopes.every((to) => maySendOn(null, to))).toBe(true);
});
