import { expect, test } from 'vitest';
import { AwsFault } from '../../../src/server/outside/aws/aws-fault.ts';
import type { Progress } from '../../../src/server/work/order.ts';
import { EFFECT_LIMIT_MS, type Repeating, unlessInVain } from '../../../src/server/work/without-effect.ts';

const CALL = 'ModifyListener: 10% to shop-b';
const taken: Progress = { memory: { places: [] }, lastCall: CALL, lastAnswer: 'done', ending: 'later', inMs: 0 };

/** Makes the same change again until it is given up. */
function untilGivenUp() {
  let [nowMs, calls] = [0, 0];
  let memory: Repeating = {};
  let lastCall: string | null = null;
  for (;;) {
    const next = unlessInVain(taken, { lastCall, memory, nowMs, limitMs: EFFECT_LIMIT_MS });
    if (next instanceof AwsFault) return { fault: next, nowMs, calls };
    if (next.ending !== 'later') throw new Error('it has ended');
    calls += 1;
    nowMs += next.inMs;
    memory = next.memory as Repeating;
    lastCall = next.lastCall;
  }
}

test('a change that AWS takes and no look shows is given up after ten minutes, with the call and its answer', () => {
  const { fault, nowMs, calls } = untilGivenUp();
  expect(nowMs).toBeGreaterThanOrEqual(EFFECT_LIMIT_MS);
  expect(nowMs).toBeLessThan(EFFECT_LIMIT_MS + 20_000);
  expect(calls).toBeLessThan(100);
  expect(fault).toMatchObject({ call: CALL, trouble: 'refused' });
  expect(fault.answer).toBe('done, and no look has shown its effect for 10 minutes');
});

test('another call begins anew, and a look that is repeated is never given up', () => {
  const late = { memory: { repeatedSinceMs: 0 }, nowMs: EFFECT_LIMIT_MS * 2, limitMs: EFFECT_LIMIT_MS };
  const other = unlessInVain({ ...taken, memory: late.memory }, { lastCall: 'DescribeListeners', ...late });
  expect(other).toMatchObject({ ending: 'later', inMs: 0, memory: {} });
  const look: Progress = { ...taken, lastCall: 'DescribeServices shop', lastAnswer: '1 of 2 running', inMs: 5_000 };
  const again = unlessInVain(look, { lastCall: 'DescribeServices shop', ...late });
  expect(again).toMatchObject({ ending: 'later', inMs: 5_000 });
});
