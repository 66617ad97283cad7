/** Attacks on the server's life: clients that prove nothing, and take places, bytes and time. */
import assert from 'node:assert/strict';
import { setInterval as every } from 'node:timers/promises';
import { signRequest } from '../../src/protocol/sigv4/sign.ts';
import { privateCertificates } from '../support/certificates.ts';
import { openRaw, type RawConnection } from '../support/raw-connection.ts';
import { rawS3 } from '../support/raw-s3.ts';
import { type ControlServer, runSlipway } from '../support/slipway.ts';
import type { Attack } from './attack.ts';

const PROMISE = 'no client and no lost connection ends or starves the server';
const TARGET = 'x-amz-target: CodeDeploy_20141006.ListApplications';
const POST = `POST / HTTP/1.1\r\nhost: x\r\n${TARGET}\r\n`;
/** Silent clients and heads that do not end are closed after 10 s, looked for every 2 s. */
const CLOSED_WITHIN_MS = 20_000;

export function keyOf({ env }: ControlServer): { accessKeyId: string; secretAccessKey: string } {
  return { accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '' };
}

/** Far less than what the attacks hold: bodies that never end are given up after 60 s. A slow machine shares itself with 1 500 clients. */
const SERVED_WITHIN_MS = 45_000;

/** An operator's command works while the attack goes on. */
export async function stillServes(server: ControlServer): Promise<void> {
  const startedMs = performance.now();
  const { status, stderr } = await runSlipway(['applications', 'list', '--json'], server.env);
  assert.equal(status, 0, stderr);
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < SERVED_WITHIN_MS, `an operator’s command took ${Math.round(tookMs / 1000)} s`);
}

export async function allClosed(clients: readonly RawConnection[], withinMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(resolve, withinMs, 'late');
  const first = await Promise.race([Promise.all(clients.map(({ closed }) => closed)), late]);
  clearTimeout(timer);
  const open = clients.filter(({ socket }) => !socket.destroyed);
  for (const client of clients) client[Symbol.dispose]();
  assert.ok(first !== 'late', `${open.length} of ${clients.length} connections were still open after ${withinMs} ms`);
}

export const many = (count: number, open: (at: number) => RawConnection) =>
  Array.from({ length: count }, (_, at) => open(at));

export async function signedHead(server: ControlServer, body: string, more: readonly string[]): Promise<string> {
  const headers = { 'x-amz-target': 'CodeDeploy_20141006.ListApplications' };
  const request = { method: 'POST', url: new URL(server.url), headers, body };
  const signed = await signRequest(request, keyOf(server), { service: 'codedeploy', region: 'us-east-1' }, Date.now());
  const lines = Object.entries(signed).map(([name, value]) => `${name}: ${value}`);
  return ['POST / HTTP/1.1', ...lines, `content-length: ${body.length}`, ...more, '', body].join('\r\n');
}

export const ALIVE_ATTACKS: readonly Attack[] = [
  {
    promise: PROMISE,
    name: '1 500 strangers send bodies of 1 MiB to each port',
    limitSeconds: 150,
    async run(ground) {
      const server = await ground.ownServer();
      const body = Buffer.alloc(1024 * 1024 - 1, 'x');
      for (const url of [server.url, server.s3Url]) {
        const clients = many(1_500, () => {
          const client = openRaw(url, `${POST}content-length: ${body.length + 1}\r\n\r\n`);
          client.socket.write(body);
          return client;
        });
        await stillServes(server);
        await allClosed(clients, 60_000);
      }
    },
  },
  {
    promise: PROMISE,
    name: '1 500 clients connect and say nothing, or never end the head of their request',
    async run(ground) {
      const server = await ground.ownServer();
      const clients = many(1_500, (at) => openRaw(server.url, at % 2 === 0 ? '' : POST));
      await stillServes(server);
      await allClosed(clients, CLOSED_WITHIN_MS);
    },
  },
  {
    promise: PROMISE,
    name: '300 clients begin a TLS handshake and do not go on',
    async run(ground) {
      const { certFile, keyFile } = await privateCertificates(ground.folder);
      const server = await ground.ownServer(['--tls-cert', certFile, '--tls-key', keyFile]);
      const hello = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
      const urls = [server.url, server.s3Url].map((url) => url.replace('https:', 'http:'));
      const clients = many(300, (at) => openRaw(urls[at % 2] ?? '', at % 4 < 2 ? '' : hello));
      await allClosed(clients, CLOSED_WITHIN_MS);
    },
  },
  {
    promise: PROMISE,
    name: 'a client with a key lets its body trickle',
    async run(ground) {
      const server = await ground.sharedServer();
      const text = await signedHead(server, 'x'.repeat(1_000), []);
      const clients = many(20, () => openRaw(server.url, text.slice(0, -900)));
      const closed = allClosed(clients, 45_000);
      for await (const _ of every(500)) {
        const open = clients.filter(({ socket }) => !socket.destroyed);
        if (open.length === 0) break;
        for (const { socket } of open) socket.write('x');
      }
      await closed;
    },
  },
  {
    promise: PROMISE,
    name: 'a client sends heads and chunks that do not end',
    async run(ground) {
      const server = await ground.sharedServer();
      const chunked = `${POST}transfer-encoding: chunked\r\n\r\n`;
      const texts = [
        `${POST}${'a: b\r\n'.repeat(50_000)}`,
        `${POST}a: ${'b'.repeat(1_000_000)}`,
        `${chunked}1;${'e'.repeat(1_000_000)}`,
        `${chunked}0\r\n${'a: b\r\n'.repeat(50_000)}`,
        `GET / HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(10_000),
      ];
      await allClosed(
        [server.url, server.s3Url].flatMap((url) => texts.map((text) => openRaw(url, text))),
        20_000,
      );
    },
  },
  {
    promise: 'nothing is answered with success that was not understood',
    name: 'somebody on the way adds second headers, or another method, to a signed call',
    async run(ground) {
      const server = await ground.sharedServer();
      for (const line of [
        'host: elsewhere',
        'authorization: AWS4-HMAC-SHA256 x',
        'x-amz-date: 20260101T000000Z',
        'x-amz-target: CodeDeploy_20141006.DeleteApplication',
        'content-type: text/plain\r\ncontent-type: text/html',
        'x-http-method-override: DELETE',
        'x-http-method: PUT',
        'x-method-override: GET',
      ]) {
        using client = openRaw(server.url, await signedHead(server, '{}', [line]));
        await client.closed;
        assert.match(client.received(), /^HTTP\/1.1 400 /, line);
      }
      const send = rawS3(server.s3Url, keyOf(server));
      const target = '/revisions/overridden.zip';
      assert.equal((await send({ method: 'PUT', target, body: 'kept' })).status, 200);
      const unsigned = [['x-http-method-override', 'DELETE']] as const;
      assert.equal((await send({ method: 'GET', target, unsigned })).status, 501);
      assert.equal((await send({ method: 'GET', target })).text, 'kept');
    },
  },
];
