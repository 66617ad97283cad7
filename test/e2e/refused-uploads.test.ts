/**
 * `slipway push` to stores that answer in the middle of a bundle, or not as a store does. The command shows the answer, with the remedy for
 * it.
 */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type ControlServer, runSlipway, startControlServer } from '../support/slipway.ts';

let scratch: ScratchFolder;
let server: ControlServer;

beforeAll(async () => {
  scratch = scratchFolder();
  mkdirSync(scratch.at('build'));
  const files = 'files:\n  - source: large.bin\n    destination: /srv/site\n';
  writeFileSync(scratch.at('build/appspec.yml'), `version: 0.0\nos: linux\n${files}`);
  // More than sockets hold on the way: the store answers while there is still something to send.
  writeFileSync(scratch.at('build/large.bin'), Buffer.alloc(16 * 2 ** 20, 'large'));
  server = await startControlServer(scratch.at('server'));
  await runSlipway(['applications', 'create', 'site'], server.env);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

/** Lets the client begin to send, takes so much of the body, gives the answer, and closes on what is still coming. */
async function storeThatAnswers(answer: string | null, takenBytes: number) {
  const sockets = new Set<Socket>();
  const store = createServer((socket) => {
    sockets.add(socket);
    let taken = 0;
    let hasAnswered = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (taken === 0) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      taken += chunk.length;
      if (hasAnswered || taken < takenBytes) return;
      hasAnswered = true;
      if (answer === null) socket.resetAndDestroy();
      else socket.write(answer, () => socket.destroy());
    });
  }).listen(0, '127.0.0.1');
  await once(store, 'listening');
  return {
    url: `http://127.0.0.1:${(store.address() as AddressInfo).port}`,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      store.close();
    },
  };
}

function answer(status: string, body: string, type = 'application/xml'): string {
  const headers = [`Content-Type: ${type}`, `Content-Length: ${body.length}`, 'Connection: close'];
  return [`HTTP/1.1 ${status}`, ...headers, '', body].join('\r\n');
}

function fault(status: string, code: string, message: string): string {
  return answer(status, `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`);
}

const PAGE = '<html><head><title>413</title></head></html>';

test.each([
  [fault('403 Forbidden', 'AccessDenied', 'not yours'), 'answered 403 AccessDenied: not yours', 's3:PutObject'],
  [fault('404 Not Found', 'NoSuchBucket', 'no such bucket'), 'answered 404 NoSuchBucket', 'Make the bucket'],
  [
    fault('400 Bad Request', 'EntityTooLarge', 'too large'),
    'answered 400 EntityTooLarge',
    'larger than the store takes',
  ],
  [answer('413 X', PAGE, 'text/html'), 'answered 413 Payload Too Large', 'a proxy before it, takes'],
  [answer('502 X', PAGE, 'text/html'), 'answered 502 Bad Gateway', 'the log of the store'],
  [answer('500 X', ''), 'answered 500 Internal Server Error', 'the log of the store'],
  [answer('301 X', ''), 'answered 301 Moved Permanently', 'The store is elsewhere'],
  ['220 mail.example ESMTP\r\n', 'Parse Error', 'speaks no HTTP'],
  [null, /ECONNRESET|closed the connection without an answer/, 'ended the connection in the middle'],
])(
  'a store that says %j is told with its answer and the remedy for it, and nothing else',
  async (said, told, remedy) => {
    using store = await storeThatAnswers(said, 2 * 2 ** 20);
    const to = ['--s3-endpoint-url', store.url, '--s3-location', 's3://revisions/site.tar', '--type', 'tar'];
    const { status, stderr } = await runSlipway(
      ['push', scratch.at('build'), '--application', 'site', ...to],
      server.env,
    );
    expect(status).not.toBe(0);
    expect(stderr).toMatch(told);
    expect(stderr).toContain(remedy);
    expect(stderr).not.toMatch(/UnknownError|non-retryable|EPIPE/);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  },
);
