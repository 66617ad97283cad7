import { expect, test } from 'vitest';
import { durationText, timeText } from '../../src/console/view/times.ts';

test.each([
  [-3, '0.0 s'],
  [0.42, '0.4 s'],
  [9.9, '9.9 s'],
  [10, '10 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [3_600 + 61, '1 h 1 min'],
  [86_400 * 3 + 59, '3 d 59 s'],
])('%d seconds are %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test('a time in UTC says so', () => {
  expect(timeText(Date.UTC(2026, 10, 29, 7, 5, 9) / 1000, 'UTC')).toBe('29 Nov 2026, 07:05:09 UTC');
});
