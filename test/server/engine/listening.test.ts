import { expect, test } from 'vitest';
import { createListening } from '../../../src/server/engine/listening.ts';

test('a server hears of its hosts since its start, as long as it is confirmed again and again', () => {
  const listening = createListening(1_000, 60);
  for (let nowMs = 1_000; nowMs <= 2_000; nowMs += 60) listening.confirm(nowMs);
  expect(listening.sinceMs(2_020)).toBe(1_000);
});

test('after a break, noticed by a look or by a question, it hears of them only since its end', () => {
  const listening = createListening(1_000, 60);
  expect(listening.sinceMs(1_061)).toBe(1_061);
  listening.confirm(1_100);
  expect(listening.sinceMs(1_150)).toBe(1_100);
  listening.confirm(1_161);
  expect(listening.sinceMs(1_170)).toBe(1_161);
});

test('a clock that was set back begins anew', () => {
  const listening = createListening(1_000, 60);
  expect(listening.sinceMs(500)).toBe(500);
});
