import { describe, expect, test } from 'vitest';
import type { HookCalled, KnownHook } from '../../../src/server/outside/hook-caller.ts';
import { afterCall, beforeCall, type HookStanding, memoryOf } from '../../../src/server/work/hook-progress.ts';

const NOW = 10_000_000;
const hook = (facts: Partial<KnownHook> = {}): KnownHook => ({
  ...{ call: 'run it', limitMs: 60_000, mayRunAgain: false },
  tryOut: () => Promise.reject(new Error('not here')),
  invoke: () => Promise.reject(new Error('not here')),
  ...facts,
});
const CALLING = JSON.stringify({ calledAtMs: NOW - 1_000, isCalling: true, failing: null });
const AWAITED = (agoMs: number) => JSON.stringify({ calledAtMs: NOW - agoMs, isCalling: false, failing: null });
const standing = (memory: string | null, isStopped = false): HookStanding => ({
  ...{ name: 'check', event: 'BeforeAllowTraffic', memory: memoryOf(memory), isStopped, givenAtMs: NOW - 120_000 },
  ...{ lastCall: null, lastAnswer: null },
});

describe('before a call', () => {
  test.each<[string, string | null, boolean, KnownHook | null, string]>([
    ['no call was noted', null, false, hook(), 'call'],
    ['a webhook’s call was noted, and its server was killed', CALLING, false, hook({ mayRunAgain: true }), 'call'],
    [
      'a program’s call was noted, and its server was killed',
      CALLING,
      false,
      hook(),
      'was under way when its server ended',
    ],
    ['the deployment is stopped', null, true, hook(), 'was not called: the deployment was stopped'],
    [
      'a call was noted, its server was killed and the deployment is stopped',
      ...([CALLING, true, hook({ mayRunAgain: true }), 'may have been called when its server ended'] as const),
    ],
    ['the file does not have the hook', null, false, null, 'has no check'],
    ['the answer of a call is awaited', AWAITED(1_000), false, hook(), 'later 59000'],
    ['the answer of a call is awaited and the deployment is stopped', AWAITED(1_000), true, hook(), 'later 59000'],
    ['the answer of a call is late', AWAITED(60_000), false, hook(), 'did not answer within 60 seconds'],
    ['the hook that has been called is in the file no more', AWAITED(1_000), false, null, 'later 3480000'],
  ])('when %s, the order comes to: %s', (_, memory, isStopped, known, expected) => {
    const next = beforeCall(standing(memory, isStopped), known, NOW);
    if (next.is === 'call') expect(next.is).toBe(expected);
    else if (next.progress.ending === 'later') expect(`later ${next.progress.inMs}`).toBe(expected);
    else expect(next.progress.message).toContain(expected);
  });

  test('a note of an earlier version is one of a call that is over', () => {
    expect(memoryOf(JSON.stringify({ calledAtMs: 5, failing: null }))).toEqual({
      ...{ calledAtMs: 5, isCalling: false, failing: null },
    });
  });
});

describe('after a call', () => {
  const times = { madeAtMs: NOW, nowMs: NOW + 5_000 };
  test.each<[HookCalled, string, string]>([
    [{ is: 'called', answer: 'exit 0', status: 'Succeeded' }, 'Succeeded', 'The hook check answered Succeeded: exit 0'],
    [{ is: 'called', answer: 'exit 3', status: 'Failed' }, 'Failed', 'answered Failed: exit 3'],
    [
      { is: 'called', answer: '202', status: null },
      'later',
      '202; its PutLifecycleEventHookExecutionStatus is waited for',
    ],
    [{ is: 'failed', answer: '500 no' }, 'Failed', 'failed: 500 no'],
    [{ is: 'refused', answer: 'no function' }, 'Failed', 'could not be called: no function'],
    [{ is: 'again', answer: 'ECONNREFUSED' }, 'later', 'ECONNREFUSED'],
    [{ is: 'unknown', answer: 'ECONNRESET' }, 'later', 'it is not known whether it was called'],
  ])('%j ends as %s', (called, ending, words) => {
    const progress = afterCall(standing(null), hook(), called, times);
    expect(progress.ending).toBe(ending);
    const said = progress.ending === 'later' ? progress.lastAnswer : progress.message;
    expect(said).toContain(words);
    if (progress.ending === 'Failed') expect(progress.message).toMatch(/^HOOK_EXECUTION_FAILURE: The hook check of /);
  });

  test('a hook that cannot be reached for five minutes fails', () => {
    const since = JSON.stringify({ failing: { sinceMs: NOW - 300_000, calls: 9, call: 'run it', answer: 'x' } });
    const progress = afterCall(standing(since), hook(), { is: 'again', answer: 'ECONNREFUSED' }, times);
    expect(progress).toMatchObject({ ending: 'Failed', message: expect.stringContaining('for five minutes') });
  });
});
