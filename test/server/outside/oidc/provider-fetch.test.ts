import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { NoAnswer, providerFetch } from '../../../../src/server/outside/oidc/provider-fetch.ts';
import { privateCertificates } from '../../../support/certificates.ts';
import { scratchFolder } from '../../../support/scratch.ts';

const scratch = scratchFolder();
afterAll(() => scratch[Symbol.dispose]());

const LONG = 1024 * 1024 + 1;
const answer: RequestListener = (request, response) => {
  if (request.url === '/moved') return void response.writeHead(302, { location: '/' }).end();
  if (request.url === '/long') return void response.end(Buffer.alloc(LONG));
  if (request.url === '/cut') {
    response.writeHead(200, { 'content-length': 100 });
    return void response.write('{}', () => request.socket.destroy());
  }
  if (request.url === '/silent') return;
  response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'a=b' }).end('{"here":true}');
};

async function listening(server: Server, scheme: string) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      if ('closeAllConnections' in server) (server as ReturnType<typeof createHttpServer>).closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const ask = (url: string, authorities: readonly string[] = [], signal?: AbortSignal) =>
  providerFetch(authorities)(url, {
    ...{ method: 'GET', headers: {}, body: undefined, redirect: 'manual' },
    ...(signal === undefined ? {} : { signal }),
  });

test('an answer comes as it is, and a redirect is an answer that is not followed', async () => {
  await using server = await listening(createHttpServer(answer), 'http');
  const here = await ask(`${server.url}/`);
  expect([here.status, await here.json(), here.headers.get('set-cookie')]).toEqual([200, { here: true }, null]);
  expect((await ask(`${server.url}/moved`)).status).toBe(302);
});

test('a provider that answers too much, is cut off, says nothing or is not there has not answered', async () => {
  const server = await listening(createHttpServer(answer), 'http');
  await expect(ask(`${server.url}/long`)).rejects.toThrowError(/more than 1048576 bytes/);
  await expect(ask(`${server.url}/cut`)).rejects.toThrowError(NoAnswer);
  await expect(ask(`${server.url}/silent`, [], AbortSignal.timeout(20))).rejects.toThrowError(NoAnswer);
  await server[Symbol.asyncDispose]();
  await expect(ask(`${server.url}/`)).rejects.toThrowError(/ECONNREFUSED/);
});

test('a private authority is trusted where the settings name it, and nowhere else', async () => {
  const { caFile, certFile, keyFile } = await privateCertificates(scratch.path);
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  await using server = await listening(createHttpsServer(tls, answer), 'https');
  expect((await ask(`${server.url}/`, [readFileSync(caFile, 'utf8')])).status).toBe(200);
  await expect(ask(`${server.url}/`)).rejects.toThrowError(NoAnswer);
});
