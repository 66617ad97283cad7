import { expect, test } from 'vitest';
import { createLogSender } from '../../src/agent/log-sender.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import { RemoteApiError } from '../../src/protocol/errors.ts';
import type { LogBatch } from '../../src/protocol/host-command/logs.ts';
import { manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';

const refusal = (type: string, status: number, retryAfterMs: number | null = null) =>
  new RemoteApiError({ type, message: 'no', status, retryAfterMs });

/** A sender whose requests a test answers. */
function byHand(options: { isOff?: boolean } = {}) {
  const clock = manualClock();
  const asked: {
    batches: readonly LogBatch[];
    signal: AbortSignal;
    answer(waitMs: number): void;
    fail(error: unknown): void;
  }[] = [];
  const sender = createLogSender({
    isOff: options.isOff === true,
    send: (batches, signal) =>
      new Promise((answer, fail) => {
        asked.push({ batches, signal, answer, fail });
        signal.addEventListener('abort', () => fail(signal.reason));
      }),
    clock,
    log: silentLogger,
  });
  sender.wanted(true);
  const taken: string[] = [];
  const take = (id: string, text = 'x\n', firstByte = 0) =>
    sender.take(id, { firstByte, text }, () => void taken.push(id));
  return { clock, asked, sender, taken, take };
}

test('batches of several commands go in one request, and each is told once it has arrived', async () => {
  const { asked, take, taken, clock } = byHand();
  take('one');
  take('two', 'y\n', 7);
  take('one', 'z\n', 2);
  asked[0]?.answer(0);
  expect(await clock.nextSleep()).toBe(500);
  expect(taken).toEqual(['one']);
  clock.advance(500);
  await eventually(() => asked.length === 2);
  expect(asked[1]?.batches).toEqual([
    { HostCommandIdentifier: 'two', FirstByte: 7, Text: 'y\n' },
    { HostCommandIdentifier: 'one', FirstByte: 2, Text: 'z\n' },
  ]);
});

test('a server that asks for a pause gets it, and one that does not answer is asked less and less often, with the same text', async () => {
  const { asked, take, taken, clock } = byHand();
  take('one');
  asked[0]?.answer(7_000);
  expect(await clock.nextSleep()).toBe(7_000);
  take('two');
  const waits: number[] = [];
  for (const error of [new Error('away'), refusal('ThrottlingException', 400, 5_000), new Error('away')]) {
    const count = asked.length;
    clock.advance(60_000);
    await eventually(() => asked.length === count + 1);
    expect(asked.at(-1)?.batches[0]?.HostCommandIdentifier).toBe('two');
    asked.at(-1)?.fail(error);
    waits.push(await clock.nextSleep());
  }
  expect(waits).toEqual([1_000, 5_000, 4_000]);
  expect(taken).toEqual(['one']);
});

test('lines that the server refuses are given up', async () => {
  const { asked, take, taken, clock } = byHand();
  take('one');
  asked[0]?.fail(refusal('AccessDeniedException', 403));
  expect(await clock.nextSleep()).toBe(1_000);
  expect(taken).toEqual(['one']);
});

test('while the server does not answer, little is held, and the oldest is given up first', () => {
  const { take, taken } = byHand();
  const text = 'x'.repeat(32_768);
  for (let n = 0; n < 20; n += 1) take(String(n), text);
  expect(taken).toEqual(['0', '1', '2', '3']);
});

test.each([
  ['the operator has switched live logs off', { isOff: true }, true],
  ['the server does not ask for them', {}, false],
])('nothing is sent when %s', (_, options, areWanted) => {
  const { asked, sender, take, taken } = byHand(options);
  sender.wanted(areWanted);
  expect(sender.isWatching).toBe(false);
  take('one');
  expect([asked, taken]).toEqual([[], ['one']]);
});

test('at its end the agent sends what is left once more, also what is under way', async () => {
  const { asked, sender, take } = byHand();
  take('one');
  const closed = sender.close();
  await eventually(() => asked.length === 2);
  expect(asked[0]?.signal.aborted).toBe(true);
  expect(asked[1]?.batches).toEqual(asked[0]?.batches);
  asked[1]?.answer(0);
  await closed;
});
