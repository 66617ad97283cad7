import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { setInterval as every } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectionLimits } from '../../../src/server/connections/limits.ts';
import { type PrivateCertificates, privateCertificates } from '../../support/certificates.ts';
import { type GuardedListener, guardedServer } from '../../support/guarded-server.ts';
import { testWith } from '../../support/needs.ts';
import { hasPrograms } from '../../support/programs.ts';
import { openRaw } from '../../support/raw-connection.ts';
import { scratchFolder } from '../../support/scratch.ts';

/** Each with the programs that a server of it needs here. */
const SCHEMES = [['http'], ['https', 'openssl']] as const;
const MIB = 1024 * 1024;
const SHORT = { headMs: 400, handshakeMs: 400, windowMs: 400, lookEveryMs: 50, lingerMs: 300, bodyMs: 20_000 };

const scratch = scratchFolder();
let certificates: PrivateCertificates;
beforeAll(async () => {
  if (hasPrograms('openssl')) certificates = await privateCertificates(scratch.path);
});
afterAll(() => scratch[Symbol.dispose]());

const guarded = (listener: GuardedListener, limits: Partial<ConnectionLimits> = {}, scheme = 'http') =>
  guardedServer(listener, { ...SHORT, ...limits }, scheme === 'https' ? certificates : null);

/** Reads the body, and answers with its length. */
const readAll: GuardedListener = async (request, response, connections) => {
  connections.verified(request, 'AKIA');
  const body = await connections.readBody(request, response, 64 * MIB).catch(() => null);
  response.end(`read ${body?.length}`);
};

const post = (length: number, more = '') => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n${more}\r\n`;

for (const [scheme, ...programs] of SCHEMES) {
  testWith(...programs)(
    `over ${scheme} a body that trickles is closed, and one that comes slowly is read`,
    async () => {
      await using server = await guarded(readAll, {}, scheme);
      using trickle = openRaw(server.url, post(1000));
      using slow = openRaw(server.url, post(60_000));
      let sent = 0;
      for await (const _ of every(40)) {
        trickle.socket.write('x');
        slow.socket.write('y'.repeat(1_000));
        sent += 1_000;
        if (sent === 60_000) break;
      }
      await trickle.closed;
      expect(trickle.received()).toBe('');
      await slow.until('read 60000');
    },
  );

  testWith(...programs)(`over ${scheme} a reader that takes nothing of a large answer is closed`, async () => {
    const ended = Promise.withResolvers<string | undefined>();
    await using server = await guarded(
      (request, response, connections) => {
        connections.verified(request, 'AKIA');
        response.once('close', () => ended.resolve(request.url));
        response.end(Buffer.alloc(24 * MIB, 'z'));
      },
      { leastBytesPerSecond: 64 * MIB },
      scheme,
    );
    using never = openRaw(server.url, 'GET /never HTTP/1.1\r\nHost: x\r\n\r\n');
    never.socket.pause();
    expect(await ended.promise).toBe('/never');
  });
}

test('a reader that takes a large answer piece by piece gets all of it', async () => {
  await using server = await guarded((request, response, connections) => {
    connections.verified(request, 'AKIA');
    response.end(Buffer.alloc(16 * MIB, 'z'));
  });
  const { port } = new URL(server.url);
  const socket = connect({ port: Number(port), host: '127.0.0.1' });
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let bytes = 0;
  socket.on('data', (piece) => {
    bytes += piece.length;
    socket.pause();
  });
  const reading = setInterval(() => socket.resume(), 5);
  await once(socket, 'close');
  clearInterval(reading);
  expect(bytes).toBeGreaterThan(16 * MIB);
});

test('a long poll is left alone for many windows', async () => {
  const release = Promise.withResolvers<void>();
  await using server = await guarded(async (request, response, connections) => {
    connections.verified(request, 'AKIA');
    await connections.readBody(request, response, 1000).catch(() => undefined);
    await release.promise;
    response.end('at last');
  });
  using poll = openRaw(server.url, `${post(2)}{}`);
  using trickle = openRaw(server.url, post(1000));
  let windows = 0;
  for await (const _ of every(SHORT.windowMs)) if (++windows === 4) break;
  await trickle.closed;
  release.resolve();
  await poll.until('at last');
});

testWith('openssl')('a client that does not finish its TLS handshake is closed', async () => {
  await using server = await guarded(readAll, {}, 'https');
  using silent = openRaw(server.url.replace('https', 'http'));
  using half = openRaw(server.url.replace('https', 'http'), Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]));
  await Promise.all([silent.closed, half.closed]);
});

testWith('openssl')('connections over TLS that end give their places back', async () => {
  await using server = await guarded(readAll, { connections: 3, silentPerAddress: 3 }, 'https');
  for (let times = 0; times < 12; times += 1) {
    const call = httpsRequest(server.url, { agent: false, ca: readFileSync(certificates.caFile), method: 'POST' });
    const [answer] = (await once(call.end('four'), 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(200);
    await once(answer.resume(), 'close');
  }
});

test('when places run out the oldest silent connection leaves, and one that has proved who it is stays', async () => {
  const answers: ServerResponse[] = [];
  await using server = await guarded(
    (request, response, connections) => {
      connections.verified(request, 'AKIA');
      answers.push(response);
      response.write('held');
    },
    { connections: 4, silentPerAddress: 4, headMs: 60_000 },
  );
  using known = openRaw(server.url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await known.until('held');
  using oldest = openRaw(server.url);
  await once(oldest.socket, 'connect');
  using second = openRaw(server.url, 'GET');
  await once(second.socket, 'connect');
  using third = openRaw(server.url, 'GET');
  await once(third.socket, 'connect');
  using last = openRaw(server.url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await oldest.closed;
  await last.until('held');
  answers[0]?.end('still here');
  await known.until('still here');
  expect(second.socket.closed || third.socket.closed).toBe(false);
});

test('bodies of one address have a bound together, and what is above it gets 503', async () => {
  await using server = await guarded(
    (request, response, connections) => {
      connections.readBody(request, response, MIB).then(
        (body) => response.end(`read ${body.length}`),
        (error: { status: number }) => response.writeHead(error.status).end(),
      );
    },
    { bodyBytesPerAddress: 150_000, bodyBytes: MIB },
  );
  using first = openRaw(server.url, `${post(100_000)}${'a'.repeat(90_000)}`);
  await once(first.socket, 'connect');
  using second = openRaw(server.url, `${post(100_000)}${'b'.repeat(90_000)}`);
  await Promise.race([first.until(' 503 '), second.until(' 503 ')]);
  const other = first.received() === '' ? first : second;
  other.socket.write('c'.repeat(10_000));
  await other.until('read 100000');
});

test('a client that is refused in the middle of a large body can read the answer', async () => {
  await using server = await guarded((_request, response) => void response.writeHead(403).end('you are not known'));
  const { port } = new URL(server.url);
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket
    .on('error', () => undefined)
    .on('data', (piece) => {
      text += piece.toString();
    });
  socket.write(post(8 * MIB));
  socket.write(Buffer.alloc(8 * MIB));
  await once(socket, 'end');
  expect(text).toMatch(/^HTTP\/1.1 403 .*connection: close.*you are not known/is);
  socket.destroy();
});

test.each([
  [
    'an endless chunk extension',
    413,
    `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;${'e'.repeat(100_000)}`,
  ],
  ['thousands of header lines', 431, `GET / HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(2_000)}\r\n`],
  ['one endless header', 431, `GET / HTTP/1.1\r\nHost: x\r\na: ${'b'.repeat(100_000)}`],
  ['what is no HTTP', 400, 'SSH-2.0-OpenSSH_9.9\r\n\r\n'],
  ['both ways to say how long a body is', 400, `${post(5, 'Transfer-Encoding: chunked\r\n')}0\r\n\r\n`],
])('a client that sends %s is answered with %i and closed', async (_what, status, text) => {
  await using server = await guarded(readAll);
  using client = openRaw(server.url, text);
  await client.closed;
  expect(client.received()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

test('an endless trailer ends the connection', async () => {
  await using server = await guarded(readAll);
  const head = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n';
  using client = openRaw(server.url, `${head}${'a: b\r\n'.repeat(20_000)}`);
  await client.closed;
  expect(client.received()).not.toContain(' 200 ');
});

test('a client that sends many requests and waits for no answer is closed', async () => {
  await using server = await guarded((request, _response, connections) => connections.verified(request, 'AKIA'));
  using client = openRaw(server.url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50));
  await client.closed;
});

test('a connection whose request has proved nothing is closed after the answer, and another one is kept', async () => {
  await using server = await guarded((request, response, connections) => {
    if (request.url === '/known') connections.verified(request, 'AKIA');
    response.end('answered');
  });
  using stranger = openRaw(server.url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await stranger.closed;
  expect(stranger.received()).toMatch(/connection: close/i);
  using known = openRaw(server.url, 'GET /known HTTP/1.1\r\nHost: x\r\n\r\n');
  await known.until('answered');
  expect(known.received()).toMatch(/connection: keep-alive/i);
});

test('closing sends silent clients away at once', async () => {
  const limits = { headMs: 600_000, handshakeMs: 600_000 };
  const plain = await guarded(readAll, limits);
  using silent = openRaw(plain.url);
  await once(silent.socket, 'connect');
  await plain[Symbol.asyncDispose]();
  await silent.closed;
});

test('an answer that is ended twice costs its own connection nothing, and the server nothing', async () => {
  await using server = await guarded((request, response, connections) => {
    connections.verified(request, 'AKIA');
    if (request.url === '/waits') return void setImmediate(() => setImmediate(() => response.end('first')));
    // It has to wait for the answer before it, so its first end is not sent yet.
    response.end('second');
    response.end('once more');
  });
  using client = openRaw(server.url, 'GET /waits HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.until('second');
  expect(client.received()).not.toContain('once more');
  using next = openRaw(server.url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await next.until('second');
});
