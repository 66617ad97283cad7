import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arrivalsOf, type Candidate, type LastGood, MAX_TRIES } from '../../../../src/server/engine/hosts/arrivals.ts';

const MINUTE = 60_000;
const GOOD: LastGood = { deploymentId: 'd-good', createdAtMs: 1_000_000, completedAtMs: 2_000_000 };
const NOW = 100_000_000;

const host = (
  instanceId: string,
  state: Partial<NonNullable<Candidate['state']>> | null,
  more: object = {},
): Candidate => ({
  ...{ instanceId, registeredAtMs: 5, heardOfAtMs: NOW },
  state:
    state === null
      ? null
      : {
          ...{ health: 'unhealthy', revision_identity: null, left_at_ms: 3_000_000, is_missed: 0, automatic: null },
          ...{ tries_of: null, failed_tries: 0, ...state },
        },
  ...more,
});
const decided = (candidate: Candidate, updates = true, nowMs = NOW) => {
  const { next, givenUp } = arrivalsOf([candidate], { lastGood: GOOD, updates }, nowMs);
  return givenUp.length > 0 ? 'given up' : (next?.creator ?? 'left alone');
};

test.each<[string, Candidate, string, string]>([
  ['was never deployed to', host('a', null), 'autoscaling', 'autoscaling'],
  [
    'came while the last good deployment ran',
    host('a', null, { registeredAtMs: 1_500_000 }),
    'CodeDeployAutoUpdate',
    'autoscaling',
  ],
  ['was offline in the last deployment', host('a', { is_missed: 1 }), 'CodeDeployAutoUpdate', 'left alone'],
  [
    'was offline and has not been heard of since',
    host('a', { is_missed: 1 }, { heardOfAtMs: 2_900_000 }),
    'left alone',
    'left alone',
  ],
  [
    'has a revision from before the last good deployment',
    host('a', { health: 'healthy', revision_identity: 'old', left_at_ms: 900_000 }),
    'CodeDeployAutoUpdate',
    'left alone',
  ],
  [
    'got a newer revision by a deployment that failed on others',
    host('a', { health: 'healthy', revision_identity: 'new' }),
    'left alone',
    'left alone',
  ],
  ['failed in a deployment that somebody asked for', host('a', {}), 'left alone', 'left alone'],
  ['was last deployed to by an older version', host('a', { left_at_ms: null }), 'left alone', 'left alone'],
])('a host that %s is treated by its group’s strategy', (_, candidate, withUpdate, withIgnore) => {
  expect([decided(candidate, true), decided(candidate, false)]).toEqual([withUpdate, withIgnore]);
});

test.each([
  [1, MINUTE],
  [2, 5 * MINUTE],
])(
  'after failure %i of its automatic deployments a host waits, and is tried again as it was',
  (failed_tries, pauseMs) => {
    const tried = { tries_of: 'd-good', failed_tries, left_at_ms: NOW } as const;
    for (const automatic of ['autoscaling', 'CodeDeployAutoUpdate'] as const) {
      const candidate = host('a', { ...tried, automatic });
      expect([decided(candidate, true, NOW + pauseMs - 1), decided(candidate, false, NOW + pauseMs)]).toEqual([
        ...['left alone', automatic],
      ]);
    }
  },
);

test('after three failures a host is given up, until its group has another last good revision', () => {
  const tried = { automatic: 'autoscaling' as const, failed_tries: 3, left_at_ms: 900_000 };
  expect(decided(host('a', { ...tried, tries_of: 'd-good' }))).toBe('given up');
  expect(decided(host('a', { ...tried, tries_of: 'd-before' }))).toBe('CodeDeployAutoUpdate');
});

test('new hosts come first, all of them in one deployment, and what follows the last good deployment says so', () => {
  const hosts = [host('a', { is_missed: 1 }), host('b', null), host('c', null)];
  expect(arrivalsOf(hosts, { lastGood: GOOD, updates: true }, NOW).next).toEqual({
    ...{ creator: 'autoscaling', instanceIds: ['b', 'c'], followsLastGood: false },
  });
  const during = [host('a', { is_missed: 1 }), host('b', null, { registeredAtMs: 1_500_000 })];
  expect(arrivalsOf(during, { lastGood: GOOD, updates: true }, NOW).next).toEqual({
    ...{ creator: 'CodeDeployAutoUpdate', instanceIds: ['a', 'b'], followsLastGood: true },
  });
});

test('a bad revision ends: whatever the first failures and times are, a host is tried three times at most', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(10 * MINUTE), { maxLength: 30 }), fc.boolean(), (pauses, updates) => {
      let nowMs = NOW;
      let candidate = host('a', null);
      let tries = 0;
      for (const pauseMs of pauses) {
        nowMs += pauseMs;
        const { next } = arrivalsOf([candidate], { lastGood: GOOD, updates }, nowMs);
        if (next === null) continue;
        tries += 1;
        const failed = { automatic: next.creator, tries_of: 'd-good', failed_tries: tries, left_at_ms: nowMs };
        candidate = host('a', failed);
      }
      expect(tries).toBeLessThanOrEqual(MAX_TRIES);
    }),
  );
});
