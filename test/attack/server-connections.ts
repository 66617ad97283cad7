/** Attacks on the server's places: clients that never come to an end, and a key that wants all of them. */
import assert from 'node:assert/strict';
import { setInterval as every } from 'node:timers/promises';
import { privateCertificates } from '../support/certificates.ts';
import { openRaw, type RawConnection } from '../support/raw-connection.ts';
import { runSlipway } from '../support/slipway.ts';
import type { Attack } from './attack.ts';
import { allClosed, many, signedHead, stillServes } from './server-alive.ts';

const PROMISE = 'slow, half-open and endless connections are bounded';
/** A head has 10 s; all connections are looked at every 2 s. */
const CLOSED_WITHIN_MS = 25_000;
const STEP_MS = 500;
const HEAD = 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n';

/** Sends the same again and again on each, until all are closed. */
async function sendForEver(clients: readonly RawConnection[], again: (at: number) => string): Promise<void> {
  const closed = allClosed(clients, CLOSED_WITHIN_MS);
  for await (const _ of every(STEP_MS)) {
    const open = [...clients.entries()].filter(([, { socket }]) => !socket.destroyed && socket.writable);
    if (open.length === 0) break;
    for (const [at, { socket }] of open) socket.write(again(at), 'latin1');
  }
  await closed;
}

export const CONNECTION_ATTACKS: readonly Attack[] = [
  {
    promise: PROMISE,
    name: 'strangers send empty lines, expectations, trailers and changes of the protocol, and do not end',
    async run(ground) {
      const server = await ground.sharedServer();
      const kinds: readonly (readonly [start: string, again: string])[] = [
        ['', '\r\n'],
        ['', 'GET / HTTP/1.1\r\nhost: x\r\nexpect: nothing\r\n\r\n'],
        [`${HEAD}0\r\n`, 'a: b\r\n'],
        [`${HEAD}1;`, 'e'],
        ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0\0\0\x04\0\0\0\0\0'],
        ['GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n', 'x'],
        ['CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n', 'x'],
      ];
      const all = [server.url, server.s3Url].flatMap((url) => kinds.map((kind) => ({ url, kind })));
      await sendForEver(
        all.map(({ url, kind: [start] }) => openRaw(url, start)),
        (at) => all[at]?.kind[1] ?? '',
      );
    },
  },
  {
    promise: PROMISE,
    name: '100 clients send their TLS handshake byte by byte',
    async run(ground) {
      const { certFile, keyFile } = await privateCertificates(ground.folder);
      const server = await ground.ownServer(['--tls-cert', certFile, '--tls-key', keyFile]);
      const hello = Buffer.from([22, 3, 1, 1, 0xfc, 1, 0, 1, 0xf8, 3, 3]);
      const clients = many(100, () => openRaw(server.url.replace('https:', 'http:'), hello));
      await sendForEver(clients, () => 'x');
    },
  },
  {
    promise: PROMISE,
    name: 'one key opens 1 200 connections and keeps them',
    async run(ground) {
      const server = await ground.ownServer();
      const text = await signedHead(server, '{}', []);
      const clients = many(1_200, () => openRaw(server.url, text));
      try {
        await Promise.all(clients.map((client) => client.until('\r\n\r\n')));
        const closing = clients.filter((client) => /connection: close/i.test(client.received())).length;
        assert.ok(closing >= 1_200 - 1_024, `${1_200 - closing} connections of one key were kept`);
        const made = await runSlipway(['keys', 'create', '--role', 'viewer', '--json'], server.env);
        const key = JSON.parse(made.stdout) as { accessKeyId: string; secretAccessKey: string };
        const other = { AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey };
        await stillServes({ ...server, env: { ...server.env, ...other } });
      } finally {
        for (const client of clients) client[Symbol.dispose]();
      }
    },
  },
];
