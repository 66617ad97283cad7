import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type AwsJsonClientOptions, createAwsJsonClient } from '../../src/protocol/aws-json-client.ts';
import { systemClock } from '../../src/system/clock.ts';
import { answeringServer, httpServer, tcpServer } from '../support/http-server.ts';
import { tunnellingProxy } from '../support/tunnelling-proxy.ts';

function clientOf(endpoint: string, changes: Partial<AwsJsonClientOptions> = {}) {
  return createAwsJsonClient({
    endpoint,
    region: 'us-east-1',
    signingName: 'codedeploy',
    credentials: async () => ({ accessKeyId: 'AKIATEST', secretAccessKey: 'a secret key', sessionToken: 'a token' }),
    clock: systemClock,
    readTimeoutMs: 20_000,
    proxyUri: null,
    proxyEnvironment: {},
    ...changes,
  });
}

const thrownBy = (call: Promise<unknown>) =>
  call.then(
    () => expect.unreachable('nothing was thrown'),
    (error: unknown) => error,
  );

describe('an endpoint', () => {
  test.each([
    'control.example',
    'ftp://control.example',
    'http://',
    '',
    'https://user:hunter2@control.example/',
    'https://control.example/?stage=prod',
    'https://control.example/#top',
  ])('%j is no address to talk to, and is refused at once, without showing a password', (endpoint) => {
    expect(() => clientOf(endpoint)).toThrow(
      expect.objectContaining({ code: 'SERVER_ADDRESS_INVALID', message: expect.not.stringContaining('hunter2') }),
    );
  });
});

describe('an answer', () => {
  test.each([
    ['<html>', 'not JSON'],
    ['[1]', 'no JSON object'],
    ['null', 'no JSON object'],
    ['"text"', 'no JSON object'],
  ])('an answer of status 200 that is %j is not usable', async (body, words) => {
    await using server = await answeringServer(() => ({ body }));
    expect(await thrownBy(clientOf(server.url).call('Api.Op', {}))).toMatchObject({
      code: 'SERVER_ANSWER_INVALID',
      message: expect.stringMatching(new RegExp(`${server.url}.*${words}`)),
    });
  });

  test('an answer that is larger than any of these APIs gives is not read to its end', async () => {
    await using server = await httpServer((request, response) => {
      request.resume();
      const chunk = Buffer.alloc(1024 * 1024, ' ');
      const write = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', write);
      write();
    });
    expect(await thrownBy(clientOf(server.url).call('Api.Op', {}))).toMatchObject({ code: 'SERVER_ANSWER_INVALID' });
  });

  test('an answer that redirects is an error, and the other address hears nothing', async () => {
    await using other = await answeringServer(() => ({}));
    await using server = await answeringServer(() => ({ status: 307, headers: { location: other.url } }));
    expect(await thrownBy(clientOf(server.url).call('Api.Op', {}))).toMatchObject({ type: 'HTTP 307', status: 307 });
    expect(other.received).toEqual([]);
  });
});

describe('a server that does not answer', () => {
  test('because nobody listens is named, and the cause holds nothing secret', async () => {
    const server = await answeringServer(() => ({}));
    await server[Symbol.asyncDispose]();
    const error = await thrownBy(clientOf(server.url).call('Api.Op', {}));
    expect(error).toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
      cause: { code: 'ECONNREFUSED' },
    });
    const { cause } = error as Error;
    expect(JSON.stringify({ ...(cause as object) })).not.toMatch(/token|AKIATEST/);
  });

  test.each([
    ['says nothing', () => undefined],
    [
      'trickles its answer',
      (socket: Socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
        const timer = setInterval(() => socket.write(' '), 20);
        socket.once('close', () => clearInterval(timer));
      },
    ],
  ])('because it %s is given up after the read timeout', async (_, behave) => {
    await using server = await tcpServer((socket) => socket.once('data', () => behave(socket)));
    const error = await thrownBy(clientOf(server.url, { readTimeoutMs: 200 }).call('Api.Op', {}));
    expect(error).toMatchObject({ code: 'SERVER_UNREACHABLE', message: expect.stringContaining('within 0.2 seconds') });
  });

  test('and a connection that breaks in the middle', async () => {
    await using server = await answeringServer(() => Promise.reject(new Error('hang up')));
    expect(await thrownBy(clientOf(server.url).call('Api.Op', {}))).toMatchObject({ code: 'SERVER_UNREACHABLE' });
    expect(server.received).toHaveLength(1);
  });
});

describe('an abort', () => {
  test('ends a call that is held open, with the reason of the signal, and hangs up', async () => {
    const arrived = Promise.withResolvers<void>();
    const hungUp = Promise.withResolvers<void>();
    await using server = await httpServer((request, response) => {
      request.resume();
      response.once('close', () => hungUp.resolve());
      arrived.resolve();
    });
    const controller = new AbortController();
    const call = thrownBy(clientOf(server.url).call('Api.Op', {}, controller.signal));
    await arrived.promise;
    controller.abort(new Error('the agent stops'));
    expect(await call).toMatchObject({ message: 'the agent stops' });
    await hungUp.promise;
  });

  test('before the call means that nothing is sent', async () => {
    await using server = await answeringServer(() => ({}));
    const signal = AbortSignal.abort(new Error('the agent stops'));
    expect(await thrownBy(clientOf(server.url).call('Api.Op', {}, signal))).toMatchObject({
      message: 'the agent stops',
    });
    expect(server.received).toEqual([]);
  });
});

describe('connections', () => {
  test('are kept open between calls', async () => {
    await using server = await answeringServer(() => ({}));
    let connections = 0;
    server.server.on('connection', () => {
      connections += 1;
    });
    const client = clientOf(server.url);
    for (let call = 0; call < 5; call += 1) await client.call('Api.Op', {});
    expect(connections).toBe(1);
  });

  test('connections that the server closes just as they are used again are replaced without a fault', async () => {
    const seen: number[] = [];
    // Answers the first request and resets the connection when the second comes, as a server does whose idle time has just run out.
    await using server = await tcpServer((socket) => {
      let requests = 0;
      socket.on('data', (data) => {
        if (!data.toString().startsWith('POST')) return;
        requests += 1;
        seen.push(requests);
        if (requests === 2) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
      });
    });
    const client = clientOf(server.url);
    expect(await client.call('Api.Op', {})).toEqual({});
    expect(await client.call('Api.Op', {})).toEqual({});
    expect(seen).toEqual([1, 2, 1]);
  });
});

describe('through a proxy', () => {
  test.each(['proxyUri', 'environment'])(
    'named by %s a server is reached by its own name, in one tunnel',
    async (how) => {
      await using server = await answeringServer(({ headers }) => ({
        body: JSON.stringify({ host: headers['host'] }),
      }));
      await using proxy = await tunnellingProxy(server.port);
      const address = proxy.url.replace('//', '//user:pass%20word@');
      const client = clientOf('http://control.example:8080', {
        proxyUri: how === 'proxyUri' ? address : null,
        proxyEnvironment: how === 'environment' ? { http_proxy: address } : {},
      });
      expect(await client.call('Api.Op', {})).toEqual({ host: 'control.example:8080' });
      expect(await client.call('Api.Op', {})).toEqual({ host: 'control.example:8080' });
      expect(proxy.asked).toEqual([
        { target: 'control.example:8080', authorization: `Basic ${Buffer.from('user:pass word').toString('base64')}` },
      ]);
    },
  );

  test('no_proxy is honoured', async () => {
    await using server = await answeringServer(() => ({}));
    await using proxy = await tunnellingProxy(server.port);
    const client = clientOf('http://control.invalid:8080', {
      proxyUri: proxy.url,
      proxyEnvironment: { no_proxy: '.invalid' },
    });
    expect(await thrownBy(client.call('Api.Op', {}))).toMatchObject({ code: 'SERVER_UNREACHABLE' });
    expect(proxy.asked).toEqual([]);
  });

  test('a proxy that refuses is named in the error, without its password', async () => {
    await using proxy = await httpServer((_, response) => response.writeHead(400).end());
    proxy.server.on('connect', (_, socket: Socket) => {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
    });
    const client = clientOf('https://control.example', { proxyUri: proxy.url.replace('//', '//user:hunter2@') });
    const error = await thrownBy(client.call('Api.Op', {}));
    expect(error).toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: `https://control.example cannot be reached: the proxy 127.0.0.1:${proxy.port} refuses to connect to it (HTTP 407)`,
    });
  });

  test('a proxy that cannot be reached is named in the error', async () => {
    const proxy = await httpServer(() => undefined);
    await proxy[Symbol.asyncDispose]();
    const client = clientOf('https://control.example', { proxyUri: proxy.url });
    expect(await thrownBy(client.call('Api.Op', {}))).toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: expect.stringContaining(`127.0.0.1:${proxy.port}`),
    });
  });
});
