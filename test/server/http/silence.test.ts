import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { saySeldom } from '../../../src/logging/seldom.ts';
import { surviveFailedAccepts } from '../../../src/system/accepting.ts';
import { httpServer } from '../../support/http-server.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { testServer } from '../../support/test-server.ts';

vi.setConfig({ testTimeout: 60_000 });

test.each([
  ['nothing', ''],
  ['half a request head', 'POST / HTTP/1.1\r\nHost: slipway\r\n'],
])(
  'a client that sends %s is closed by both doors within seconds, while a request that is answered works on',
  async (_what, text) => {
    using scratch = scratchFolder();
    await using server = await testServer(scratch.path);
    const startedMs = performance.now();
    const closed = [server.url, server.s3Url].map(async (url) => {
      const { hostname, port } = new URL(url);
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined).resume();
      socket.write(text);
      await once(socket, 'close');
    });
    await Promise.all(closed);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect((await fetch(server.url)).status).toBe(200);
  },
);

test('a server whose connections cannot be accepted lives, and says so once a minute with the number in between', async () => {
  await using running = await httpServer((_request, response) => void response.end('here'));
  const said: unknown[] = [];
  let nowMs = 0;
  const say = saySeldom({ warn: (message, fields) => said.push([message, fields]) }, { now: () => nowMs });
  surviveFailedAccepts(running.server, say);
  const fault = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' });
  for (let times = 0; times < 5; times += 1) running.server.emit('error', fault);
  nowMs = 61_000;
  running.server.emit('error', fault);
  const text = 'connections cannot be accepted: the limit on open files is reached (LimitNOFILE, ulimit -n)';
  expect(said).toEqual([
    [text, {}],
    [text, { alsoBefore: 4 }],
  ]);
  expect(await (await fetch(running.url)).text()).toBe('here');
});

test('a fault before a server listens is left to whoever has it listen', async () => {
  const server = createServer();
  const said: string[] = [];
  surviveFailedAccepts(server, (message) => said.push(message));
  server.emit('error', new Error('in use'));
  expect(said).toEqual([]);
});
