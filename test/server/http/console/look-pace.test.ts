import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pauseAfterLook } from '../../../../src/server/http/console/look-pace.ts';

test('a page is told within half a second of what is found quickly', () => {
  expect(pauseAfterLook(1, 50)).toBe(500);
});

test('looks take little of the time, however many topics and however slow, until a page would be told too late', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 2_000, noNaN: true }),
      fc.integer({ min: 1, max: 512 }),
      (tookMs, topics) => {
        const pauseMs = pauseAfterLook(tookMs, topics);
        const share = (topics * tookMs) / (tookMs + pauseMs);
        expect(pauseMs).toBeLessThanOrEqual(15_000);
        expect(share <= 1 / 9 || pauseMs === 15_000).toBe(true);
      },
    ),
  );
});
