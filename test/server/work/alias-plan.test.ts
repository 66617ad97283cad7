import { describe, expect, test } from 'vitest';
import { hasMoved } from '../../../src/server/engine/shifting/steps.ts';
import { afterCall, forward, NO_ALIAS_MEMORY } from '../../../src/server/work/alias-plan.ts';

const SCHEDULE = { steps: [10, 100], intervalMs: 60_000 };

/** The memory that is written down before the first update. */
function firstNote() {
  const step = forward(NO_ALIAS_MEMORY, 0, SCHEDULE, 0);
  if (step.is !== 'put') throw new Error(`the first step is ${step.is}`);
  return step.memory;
}

describe('an update of an alias', () => {
  test.each(['denied', 'missing', 'refused', 'limit', 'throttled'] as const)(
    'that AWS has answered with %s has moved nothing, so nothing is put back',
    (trouble) => {
      expect(hasMoved(afterCall(NO_ALIAS_MEMORY, firstNote(), trouble))).toBe(false);
    },
  );

  test('an update of an alias without an answer may have moved traffic', () => {
    const noted = firstNote();
    expect(hasMoved(noted)).toBe(true);
    expect(hasMoved(afterCall(NO_ALIAS_MEMORY, noted, 'away'))).toBe(true);
  });

  test('an update of an alias that is refused after one without an answer leaves open whether the earlier one has moved traffic', () => {
    const before = afterCall(NO_ALIAS_MEMORY, firstNote(), 'away');
    expect(hasMoved(afterCall(before, firstNote(), 'denied'))).toBe(true);
  });
});
