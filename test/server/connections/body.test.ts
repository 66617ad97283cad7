import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createBodyReader } from '../../../src/server/connections/body.ts';
import { GuardedResponse, noteEnd } from '../../../src/server/connections/guarded-response.ts';
import { createCalls } from '../../../src/server/http/calls.ts';

const LIMITS = { bodyBytes: 1024 * 1024, bodyBytesPerAddress: 1024 * 1024, bodyMs: 600_000 };

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A request of which these bytes of the body have come, and more are promised. */
async function arrived(body: string): Promise<{ request: IncomingMessage; response: GuardedResponse; client: Socket }> {
  const server = createServer({ ServerResponse: GuardedResponse });
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  closing.push(() => client.destroy());
  client.on('error', () => undefined);
  const came = new Promise<[IncomingMessage, GuardedResponse]>((resolve) =>
    server.once('request', (...both) => resolve(both)),
  );
  client.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n${body}`);
  const [request, response] = await came;
  return { request, response, client };
}

async function hangUp({ response, client }: Awaited<ReturnType<typeof arrived>>): Promise<void> {
  const closed = new Promise((resolve) => response.once('close', resolve));
  client.destroy();
  await closed;
}

test('a body whose client hung up before it was asked for ends too early at once, and not when its time is over', async () => {
  const came = await arrived('begun');
  await hangUp(came);
  const reading = createBodyReader(LIMITS, () => '192.0.2.7')(came.request, came.response, 1000);
  await expect(reading).rejects.toMatchObject({ type: 'SerializationException', message: 'The body ends too early.' });
});

test('a body that is refused while it comes leaves nothing that would keep what has come of it', async () => {
  const { request, response } = await arrived('begun');
  const before = request.listenerCount('end');
  const reading = createBodyReader({ ...LIMITS, bodyBytes: 3 }, () => '192.0.2.7')(request, response, 1000);
  await expect(reading).rejects.toMatchObject({ status: 503 });
  expect(request.listenerCount('end')).toBe(before);
});

test('a call whose client hung up before it began is told so', async () => {
  const came = await arrived('begun');
  const calls = createCalls(() => undefined);
  calls.count(came.response, { api: 'host-command', operation: 'PollHostCommand' });
  await hangUp(came);
  expect(calls.begin(came.response).isGone).toBe(true);
});

test('a call whose client hangs up while it is held is told so once, and counted as closed', async () => {
  const came = await arrived('begun');
  came.response.on('close', noteEnd);
  const counted: string[] = [];
  const calls = createCalls(({ operation }, status) => counted.push(`${operation} ${status}`));
  calls.count(came.response, { api: 'host-command', operation: 'PollHostCommand' });
  const call = calls.begin(came.response);
  const told: string[] = [];
  call.tell({ end: () => void told.push('over') });
  expect(call.isGone).toBe(false);
  await hangUp(came);
  calls.endAll();
  expect({ isGone: call.isGone, told, counted }).toEqual({
    isGone: true,
    told: ['over'],
    counted: ['PollHostCommand closed'],
  });
});
