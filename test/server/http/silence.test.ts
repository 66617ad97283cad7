import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { createConnections } from '../../../src/server/connections/connections.ts';
import { connectionLimits } from '../../../src/server/connections/limits.ts';
import { startServer } from '../../../src/server/main.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { eventually } from '../../support/eventually.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { startDaemon } from '../../support/slipway.ts';
import { testServer } from '../../support/test-server.ts';

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
  const said: unknown[] = [];
  let nowMs = 0;
  const log = { ...silentLogger, warn: (message: string, fields?: object) => void said.push([message, fields]) };
  const connections = createConnections({
    limits: connectionLimits(1024),
    trustedProxies: [],
    clock: { now: () => nowMs },
    log,
    areFilesUsedUp: () => false,
  });
  const server = connections.createServer(null, (_request, response) => void response.end('here'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const error = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' });
  for (let times = 0; times < 5; times += 1) server.emit('error', error);
  nowMs = 61_000;
  server.emit('error', error);
  const text =
    'connections cannot be accepted: the limit on open files is reached (LimitNOFILE in the unit, or ulimit -n)';
  expect(said).toEqual([
    [text, { error }],
    [text, { error, alsoBefore: 4 }],
  ]);
  expect(await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text()).toBe('here');
  await connections.close();
  await new Promise((resolve) => server.close(resolve));
});

test('a server that cannot listen says why and is not taken for one that runs', async () => {
  using scratch = scratchFolder();
  await using server = await testServer(join(scratch.path, 'first'));
  const { port } = new URL(server.url);
  const options = { dataDir: join(scratch.path, 'second'), host: '127.0.0.1', port: Number(port) };
  const other = { region: 'us-east-1', accountId: '000000000000', version: '0', consoleDir: scratch.path };
  const starting = startServer({ ...options, ...other, log: silentLogger, clock: systemClock, random: systemRandom });
  await expect(starting).rejects.toMatchObject({ code: 'SERVER_CANNOT_LISTEN' });
});

test.each([
  ['an exception that nothing catches', 'setImmediate(() => { throw new Error("broken within"); })'],
  ['a promise that fails unheard', 'Promise.reject(new Error("broken within"))'],
])('a server that meets %s says why in one line and ends with status 70', async (_what, fault) => {
  using scratch = scratchFolder();
  const preload = `data:text/javascript,${encodeURIComponent(`process.on('SIGUSR2', () => { ${fault} })`)}`;
  await using daemon = startDaemon(['server', '--data-dir', scratch.at('data'), '--listen', '127.0.0.1:0'], {
    env: { NODE_OPTIONS: `--import=${preload}` },
    stderrFile: scratch.at('log'),
  });
  await daemon.firstLine;
  daemon.kill('SIGUSR2');
  expect(await daemon.exited).toEqual({ status: 70, signal: null });
  await eventually(() => daemon.log().includes('broken within'));
  const lines = daemon.log().trim().split('\n');
  expect(lines.filter((line) => line.includes('broken within'))).toHaveLength(1);
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ level: 'error' });
});
