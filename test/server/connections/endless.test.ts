/** Clients that never come to an end, each in another way. All are closed in bounded time, before and after they have proved who they are. */
import type { ServerResponse } from 'node:http';
import { setTimeout as delay, setInterval as every } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PrivateCertificates, privateCertificates } from '../../support/certificates.ts';
import { type GuardedListener, guardedServer } from '../../support/guarded-server.ts';
import { describeWith, testWith } from '../../support/needs.ts';
import { hasPrograms } from '../../support/programs.ts';
import { openRaw, type RawConnection } from '../../support/raw-connection.ts';
import { scratchFolder } from '../../support/scratch.ts';

/** Long enough for a machine under load to be honest within, short enough for a test. */
const LIMITS = { headMs: 600, handshakeMs: 600, windowMs: 600, lookEveryMs: 50, lingerMs: 300, keepAliveMs: 1_500 };
const STEP_MS = 50;
const MIB = 1024 * 1024;

const CHUNKED = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** Bytes that are sent at once, and those that are sent again and again; null: none. */
const ENDLESS: readonly (readonly [what: string, start: string, again: string | null])[] = [
  ['nothing', '', null],
  ['empty lines', '', '\r\n'],
  ['a head, letter by letter', 'GET / HTTP/1.1\r\nHost: x\r\nA: ', 'b'],
  ['a request line, letter by letter', 'GET /', 'a'],
  ['a body, letter by letter', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n', 'x'],
  ['chunks of one letter', CHUNKED, '1\r\nx\r\n'],
  ['one chunk extension', `${CHUNKED}1;`, 'e'],
  ['one chunk size', CHUNKED, '0'],
  ['a trailer, letter by letter', `${CHUNKED}0\r\nA: `, 'b'],
  ['trailers, line by line', `${CHUNKED}0\r\n`, 'a: b\r\n'],
  [
    'a promise of a body that it asks leave for',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n',
    null,
  ],
  ['requests with an expectation that nobody has', '', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: nothing\r\n\r\n'],
  ['a change to HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0\0\0\x04\0\0\0\0\0'],
  ['a change to another protocol', 'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n', 'x'],
  ['a request for a tunnel', 'CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n', 'x'],
  ['a request of HTTP/1.0 that is to be kept', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', null],
];

const scratch = scratchFolder();
let certificates: PrivateCertificates;
beforeAll(async () => {
  if (hasPrograms('openssl')) certificates = await privateCertificates(scratch.path);
});
afterAll(() => scratch[Symbol.dispose]());

/** Reads the body and answers. */
const answer: GuardedListener = (request, response, connections) =>
  void connections
    .readBody(request, response, MIB)
    .then(() => response.end('answered'))
    .catch(() => response.writeHead(400).end());

async function sendUntilClosed(client: RawConnection, again: string | null): Promise<number> {
  const startedMs = performance.now();
  for await (const _ of every(STEP_MS)) {
    if (client.socket.destroyed) break;
    if (performance.now() - startedMs > 15_000) throw new Error(`still open: '${client.received().slice(0, 300)}'`);
    if (again !== null && client.socket.writable) client.socket.write(again, 'latin1');
  }
  return performance.now() - startedMs;
}

/** Proves a key with each request. */
const answerKnown: GuardedListener = (request, response, connections) => {
  connections.verified(request, 'AKIA');
  return answer(request, response, connections);
};

for (const [scheme, ...programs] of [['http'], ['https', 'openssl']] as const)
  describeWith(...programs)(`over ${scheme}`, () => {
    const tls = () => (scheme === 'https' ? certificates : null);

    test.concurrent.each(ENDLESS)('a stranger who sends %s is closed', async (_, start, again) => {
      await using server = await guardedServer(answer, LIMITS, tls());
      using client = openRaw(server.url, start);
      await sendUntilClosed(client, again);
    });

    test.concurrent.each(ENDLESS)(
      'a client that has proved its key and sends %s is closed',
      async (_, start, again) => {
        await using server = await guardedServer(answerKnown, LIMITS, tls());
        using client = openRaw(server.url, GET);
        await client.until('answered');
        client.socket.write(start, 'latin1');
        await sendUntilClosed(client, again);
      },
    );
  });

testWith('openssl')('a TLS handshake that comes byte by byte is cut off', async () => {
  await using server = await guardedServer(answer, LIMITS, certificates);
  // The head of a ClientHello that announces 508 bytes.
  using client = openRaw(server.url.replace('https:', 'http:'), '\x16\x03\x01\x01\xfc\x01\x00\x01\xf8\x03\x03');
  await sendUntilClosed(client, 'x');
});

test('a client that ends its side while its request is held is closed, and the request learns of it', async () => {
  const gone = Promise.withResolvers<void>();
  await using server = await guardedServer((request, response, connections) => {
    connections.verified(request, 'AKIA');
    response.once('close', gone.resolve);
  }, LIMITS);
  using client = openRaw(server.url, GET);
  client.socket.end();
  await Promise.all([client.closed, gone.promise]);
});

test('a client that ends its side and reads nothing of a large answer is closed', async () => {
  const gone = Promise.withResolvers<void>();
  await using server = await guardedServer(
    (request, response, connections) => {
      connections.verified(request, 'AKIA');
      request.socket.once('close', gone.resolve);
      response.end(Buffer.alloc(24 * MIB));
    },
    { ...LIMITS, leastBytesPerSecond: 64 * MIB },
  );
  using client = openRaw(server.url, GET);
  client.socket.pause();
  client.socket.end();
  await gone.promise;
});

test.each([
  ['never comes', null],
  ['comes letter by letter', 'x'],
])('a request with a proved key that was answered while its body %s does not keep the connection', async (_, again) => {
  await using server = await guardedServer((request, response, connections) => {
    connections.verified(request, 'AKIA');
    response.end('answered');
  }, LIMITS);
  using client = openRaw(server.url, 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n');
  await client.until('answered');
  await sendUntilClosed(client, again);
});

test('a held request is left alone for many times the limits, and its connection is used again', async () => {
  const held = Promise.withResolvers<ServerResponse>();
  const limits = { ...LIMITS, keepAliveMs: 1_000, headMs: 300 };
  await using server = await guardedServer((request, response, connections) => {
    connections.verified(request, 'AKIA');
    if (request.url === '/held') held.resolve(response);
    else response.end('answered');
  }, limits);
  using client = openRaw(server.url, 'GET /held HTTP/1.1\r\nHost: x\r\n\r\n');
  const response = await held.promise;
  await delay(2 * (limits.keepAliveMs + limits.headMs));
  response.end('after long');
  await client.until('after long');
  client.socket.write(GET);
  await client.until('answered');
});

test('one key alone does not take all places: its further connections are closed after their answers, and others get in', async () => {
  await using server = await guardedServer(
    (request, response, connections) => {
      connections.verified(request, request.headers.host ?? '');
      response.end('answered');
    },
    { connections: 6, knownPerKey: 4 },
  );
  const open = async (key: string) => {
    const client = openRaw(server.url, `GET / HTTP/1.1\r\nHost: ${key}\r\n\r\n`);
    await client.until('answered');
    return client;
  };
  const clients: RawConnection[] = [];
  for (let number = 0; number < 8; number += 1) clients.push(await open('greedy'));
  clients.push(await open('modest'));
  const kept = clients.map((client) => /connection: keep-alive/i.test(client.received()));
  for (const client of clients) client[Symbol.dispose]();
  expect(kept).toEqual([true, true, true, true, false, false, false, false, true]);
});
