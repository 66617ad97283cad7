/** Streams of pages that have gone, or that take nothing any more. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createStreams } from '../../../../src/server/http/console/streams.ts';
import { systemClock } from '../../../../src/system/clock.ts';
import { manualClock } from '../../../support/clock.ts';
import { openRaw } from '../../../support/raw-connection.ts';

const MOST_PER_KEY = 32;

test('a page that has gone before its stream begins takes no place', async () => {
  const streams = createStreams({ clock: systemClock, elapsedMs: () => performance.now(), look: async () => '' });
  const stream = { topic: 'deployments', accessKeyId: 'AKIA', isStillWelcome: async () => true };
  const outcomes: Promise<string>[] = [];
  const open = (response: Parameters<typeof streams.open>[1]) => {
    try {
      streams.open(stream, response, {});
      return response.headersSent ? 'open' : 'gone';
    } catch {
      return 'refused';
    }
  };
  // As when the server looks up the session while the browser leaves.
  const server = createServer((request, response) => {
    outcomes.push(
      request.url === '/leaves'
        ? once(response, 'close').then(() => open(response))
        : Promise.resolve().then(() => open(response)),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (let at = 1; at <= MOST_PER_KEY + 1; at += 1) {
    const client = openRaw(url, 'GET /leaves HTTP/1.1\r\nhost: x\r\n\r\n');
    while (outcomes.length < at) await new Promise(setImmediate);
    client[Symbol.dispose]();
    expect(await outcomes[at - 1]).toBe('gone');
  }
  using stays = openRaw(url, 'GET /stays HTTP/1.1\r\nhost: x\r\n\r\n');
  await stays.until('event: open');
  expect(await outcomes.at(-1)).toBe('open');
  await streams.close();
  server.close();
});

test('a page that takes nothing is signed out once, and then cut off', async () => {
  const clock = manualClock();
  let looks = 0;
  const look = async () => {
    looks += 1;
    return '';
  };
  const streams = createStreams({ clock, elapsedMs: clock.now, look });
  const answers: ServerResponse[] = [];
  const faults: Error[] = [];
  const server = createServer((_request, response) => {
    answers.push(response.on('error', (error) => faults.push(error)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // The second answer has to wait for the first one, which the test never gives.
  const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
  using client = openRaw(url, `${request}${request}`);
  while (answers.length < 2) await new Promise(setImmediate);
  const waiting = answers[1] as ServerResponse;
  streams.open({ topic: 'deployments', accessKeyId: 'AKIA', isStillWelcome: async () => false }, waiting, {});
  while (looks < 5 && !waiting.destroyed) {
    await new Promise(setImmediate);
    if (clock.untilNextMs() !== null) clock.advance(11_000);
  }
  await streams.close();
  expect({ isEnded: waiting.writableEnded, isCutOff: waiting.destroyed, faults }).toEqual({
    ...{ isEnded: true, isCutOff: true, faults: [] },
  });
  client[Symbol.dispose]();
  server.close();
});
