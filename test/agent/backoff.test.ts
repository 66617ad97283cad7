import { describe, expect, test } from 'vitest';
import { pollBackoffMs, retryDelayMs } from '../../src/agent/backoff.ts';

describe('waiting after failures', () => {
  test('follows the official agents’ table', () => {
    const table = Array.from({ length: 12 }, (_, n) => pollBackoffMs(n, 0) / 1000);
    expect(table).toEqual([0, 10, 13, 17, 21, 27, 34, 44, 56, 71, 90, 90]);
  });
  test('is shortened by the time that the attempt took', () => {
    expect(pollBackoffMs(1, 3_001)).toBe(6_000);
    expect(pollBackoffMs(1, 80_000)).toBe(0);
    expect(() => pollBackoffMs(-1, 0)).toThrow(RangeError);
  });
  test('the pause before a question is asked again grows to a minute', () => {
    expect([1, 2, 6, 50].map(retryDelayMs)).toEqual([1_000, 2_000, 32_000, 60_000]);
  });
});
