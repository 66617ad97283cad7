import { describe, expect, test } from 'vitest';
import { type AgentRuns, isShared, notePoll, readRunId } from '../../../src/server/engine/agent-runs.ts';

const NOTHING: AgentRuns = { ids: [], sharedAtMs: null };
/** Polls a second apart, by ids of one letter. */
const seen = (polls: string) => [...polls].reduce((runs, id, index) => notePoll(runs, id, index * 1000), NOTHING);

describe('The identity of a host', () => {
  test.each([
    ['one agent polls', 'aaaa'],
    ['an agent is started anew', 'aab'],
    ['an agent is started anew again and again', 'aabbbcdefghijklmnopqrstuvwxyz'],
  ])('is not shared when %s', (_, polls) => {
    expect(seen(polls).sharedAtMs).toBeNull();
  });

  test.each([
    ['two agents poll in turn', 'aba', 2000],
    ['one of two polls more often', 'aaabbba', 6000],
    ['three agents poll in turn', 'abca', 3000],
    ['one of two is started anew', 'abcb', 3000],
    ['sixteen agents poll in turn', 'abcdefghijklmnopa', 16_000],
  ])('is shared when %s', (_, polls, atMs) => {
    expect(seen(polls).sharedAtMs).toBe(atMs);
  });

  test('is shared for ten minutes after an agent came back for the last time', () => {
    expect([599_999, 600_000].map((nowMs) => isShared(0, nowMs))).toEqual([true, false]);
    expect(isShared(null, 0)).toBe(false);
  });

  test('is not looked at for agents that have no id, or none that could be one', () => {
    expect([undefined, '', 'short', ['a'.repeat(36)], 'a'.repeat(65), 'with blanks in it'].map(readRunId)).toEqual(
      Array(6).fill(null),
    );
    expect(readRunId('0b0a8c8e-5d0c-4f0c-9d5e-3d2f6f1f7a11')).toBe('0b0a8c8e-5d0c-4f0c-9d5e-3d2f6f1f7a11');
  });
});
