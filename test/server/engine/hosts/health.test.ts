import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  budget,
  HALF_AT_A_TIME,
  type HostStanding,
  hasSucceeded,
  type MinimumHealthyHosts,
  orderOfAttempt,
  requiredHealthyHosts,
} from '../../../../src/server/engine/hosts/health.ts';

const count = (value: number): MinimumHealthyHosts => ({ type: 'HOST_COUNT', value });
const percent = (value: number): MinimumHealthyHosts => ({ type: 'FLEET_PERCENT', value });
const ONE_AT_A_TIME: MinimumHealthyHosts = { type: 'MOST_CONCURRENCY', value: 1 };

test.each([
  [10, percent(95), '', 10, 0],
  [10, percent(85), '', 9, 1],
  [10, count(9), '', 9, 1],
  [10, count(8), '', 8, 2],
  [10, count(0), '', 0, 10],
  [9, count(6), '', 6, 3],
  [9, percent(40), '', 4, 5],
  [9, percent(50), HALF_AT_A_TIME, 5, 4],
  [10, percent(50), HALF_AT_A_TIME, 5, 5],
  [9, percent(0), 'CodeDeployDefault.AllAtOnce', 0, 9],
  [9, ONE_AT_A_TIME, 'CodeDeployDefault.OneAtATime', 8, 1],
  [1, ONE_AT_A_TIME, 'CodeDeployDefault.OneAtATime', 0, 1],
  [1, percent(50), HALF_AT_A_TIME, 0, 1],
  [1, percent(50), 'half-of-mine', 1, 0],
  [3, count(4), '', 4, -1],
])('%i hosts with %o (%s): %i must stay healthy and %i may be out of service', (hosts, minimum, name, m, f) => {
  const required = requiredHealthyHosts(hosts, minimum, name);
  expect(required).toBe(m);
  expect(budget(hosts, required)).toBe(f);
});

test('at least one host must succeed even where none has to stay healthy', () => {
  const counts = { pending: 0, inProgress: 0, failed: 3, skipped: 0 };
  expect(hasSucceeded({ ...counts, succeeded: 0 }, 0)).toBe(false);
  expect(hasSucceeded({ ...counts, succeeded: 1 }, 0)).toBe(true);
});

const standing = fc.record({
  instanceId: fc.uuid(),
  isHealthy: fc.boolean(),
  revision: fc.constantFrom<HostStanding['revision'][]>('current', 'old', 'unknown'),
  lot: fc.double({ min: 0, max: 1, noNaN: true }),
});

test('the unhealthy come first, then what runs something unknown, something old, and last what is current', () => {
  fc.assert(
    fc.property(fc.uniqueArray(standing, { selector: (host) => host.instanceId }), (hosts) => {
      const byId = new Map(hosts.map((host) => [host.instanceId, host]));
      const order = orderOfAttempt(hosts).map((id) => byId.get(id));
      const ranks = order.map((host) =>
        host?.isHealthy === false ? 0 : ['unknown', 'old', 'current'].indexOf(host?.revision ?? '') + 1,
      );
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      expect(new Set(order).size).toBe(hosts.length);
    }),
  );
});

test('within a class the lot decides', () => {
  const host = (instanceId: string, lot: number): HostStanding => ({
    instanceId,
    isHealthy: true,
    revision: 'old',
    lot,
  });
  expect(orderOfAttempt([host('a', 0.7), host('b', 0.1), host('c', 0.4)])).toEqual(['b', 'c', 'a']);
});
