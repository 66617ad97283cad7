/** Foreign servers that send without an end and do not say how much: each reader stops at its limit, and says so. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { createObjectReader } from '../../../src/server/outside/aws/s3-object.ts';
import { createObjectOpener } from '../../../src/server/outside/aws/s3-ranges.ts';
import { createWebhookHook } from '../../../src/server/outside/hook-webhook.ts';
import { providerFetch } from '../../../src/server/outside/oidc/provider-fetch.ts';
import { createPrometheusAlarm } from '../../../src/server/outside/prometheus.ts';
import { createWebhook } from '../../../src/server/outside/webhook.ts';
import { createWebhookSink } from '../../../src/server/outside/webhook-sink.ts';
import { systemClock } from '../../../src/system/clock.ts';

const PIECE = Buffer.alloc(64 * 1024, 'x');
/** The readers' limits are 1 MB at most; the rest lies in the buffers of two sockets. */
const MOST_SENT = 32 * 1024 * 1024;

interface EndlessServer extends AsyncDisposable {
  readonly url: string;
  /** Resolves with what was written, once all requests are given up. */
  givenUp(): Promise<number>;
}

async function endlessServer(status: number): Promise<EndlessServer> {
  const closed: Promise<void>[] = [];
  let bytes = 0;
  const send = (answer: ServerResponse) => {
    while (!answer.destroyed && bytes < 2 * MOST_SENT) {
      bytes += PIECE.length;
      if (!answer.write(PIECE)) return;
    }
    answer.destroy();
  };
  const server = createServer((request, answer) => {
    request.resume();
    // S3 says how long an object is when it is asked for that alone.
    if (request.method === 'HEAD') {
      answer.writeHead(200, { 'content-length': '1000', etag: '"e"' }).end();
      return;
    }
    closed.push(new Promise((resolve) => answer.once('close', resolve)));
    answer.writeHead(status, { etag: '"e"' }).on('drain', () => send(answer));
    send(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async givenUp() {
      await Promise.all(closed);
      return bytes;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

afterEach(() => vi.unstubAllEnvs());

const signal = () => AbortSignal.timeout(20_000);
const failure = async (asked: Promise<unknown>) => {
  try {
    return await asked;
  } catch (error) {
    return String(error);
  }
};
const OBJECT = { bucket: 'b', key: 'k', version: null };
const HOST = { name: 'web-1', tags: new Map<string, string>() } as never;
const NOTICE = {
  messageId: 'm',
  target: 't',
  subject: 's',
  message: 'm',
  madeAtMs: 0,
  event: 'DeploymentStart',
} as never;
const HOOK_CALL = { deploymentId: 'd-1', executionId: 'e', event: 'BeforeAllowTraffic' } as never;
const RECEIVER = { secret: 'a secret of some length', authorities: [] };

type Ask = (url: string) => Promise<unknown>;

const READERS: readonly (readonly [string, number, Ask, string])[] = [
  [
    'an object of S3 that does not say its size is too large',
    200,
    () => createObjectReader('us-east-1')(OBJECT, 1000, signal()),
    'too large',
  ],
  [
    'a piece of an object of S3 from a store without ranges is refused with its limit',
    200,
    async () => (await createObjectOpener('us-east-1')(OBJECT, signal()))?.read(0, 100),
    'more than 100 bytes',
  ],
  [
    'an answer of Prometheus leaves the alarm unreadable',
    200,
    (url) => createPrometheusAlarm({ url, query: 'up', side: 'above', threshold: 1 })(signal()),
    'more than 1000000 bytes',
  ],
  [
    'an answer of a webhook about traffic is refused with its limit',
    200,
    (url) =>
      createWebhook({ ...RECEIVER, url, drainLimitMs: 1000 }, systemClock).block(HOST, {
        isDrainOver: false,
        signal: signal(),
      } as never),
    'more than 65536 bytes',
  ],
  [
    'an answer of a webhook for hooks is no answer',
    200,
    (url) => createWebhookHook('check', { ...RECEIVER, url }, 20_000, systemClock).invoke(HOOK_CALL, signal()),
    'more than 65536 bytes',
  ],
  [
    'an error of a receiver of notices is quoted in part',
    500,
    (url) => createWebhookSink({ ...RECEIVER, url }, systemClock)(NOTICE, signal()),
    '500 xxx',
  ],
  [
    'an answer of a provider of single sign-on is refused with its limit',
    200,
    (url) => providerFetch([])(url, { method: 'GET', headers: {}, body: null, redirect: 'manual', signal: signal() }),
    'more than 1048576 bytes',
  ],
];

test.each(READERS)('%s, and the connection is closed', async (_what, status, ask, expected) => {
  await using server = await endlessServer(status);
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIA');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  const said = await failure(ask(server.url));
  expect(typeof said === 'string' ? said : JSON.stringify(said)).toContain(expected);
  expect(await server.givenUp()).toBeLessThan(MOST_SENT);
});
