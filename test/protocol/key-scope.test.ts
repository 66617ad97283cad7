import { expect, test } from 'vitest';
import { describeScope, reachOf } from '../../src/protocol/management/key-scope.ts';

const NO_TAGS = { hostTags: [] };

test.each([
  // applications, groups, application, group → the application as a whole, a part of it, the group
  [['shop-*'], [], 'shop-a', 'prod', [true, true, true]],
  [['shop-*'], [], 'shop-', 'prod', [true, true, true]],
  [['shop-*'], [], 'shop', 'prod', [false, false, false]],
  [['shop-*'], [], 'my-shop-a', 'prod', [false, false, false]],
  [['shop'], [], 'Shop', 'prod', [false, false, false]],
  [['shop'], [], 'shopping', 'prod', [false, false, false]],
  [['*-eu', 'a*b*c'], [], 'aXbYc', 'prod', [true, true, true]],
  [['*'], [], 'x'.repeat(100), 'prod', [true, true, true]],
  [['a.b'], [], 'aXb', 'prod', [false, false, false]],
  [[], ['shop-*/staging'], 'shop-a', 'staging', [false, true, true]],
  [[], ['shop-*/staging'], 'shop-a', 'prod', [false, true, false]],
  [[], ['shop-*/staging'], 'bank', 'staging', [false, false, false]],
  [[], ['*/s*'], 'bank', 'staging', [false, true, true]],
  [['shop-*'], ['*/staging'], 'bank', 'staging', [false, false, false]],
  [['shop-*'], ['*/staging'], 'shop-a', 'staging', [false, true, true]],
  [['shop-*'], ['bank/*'], 'shop-a', 'x', [false, false, false]],
  [['shop-*'], ['*/*'], 'shop-a', 'x', [false, true, true]],
])(
  'a key of applications %j and groups %j meets %s/%s as %4$j',
  (applications, groups, application, group, expected) => {
    const reach = reachOf({ applications, groups, ...NO_TAGS });
    const met = [reach.hasApplication(application), reach.hasPartOf(application), reach.hasGroup(application, group)];
    expect(met).toEqual(expected);
  },
);

test('a pattern with many stars is compared at once with a name that is made for it', () => {
  const reach = reachOf({ applications: [`${'a*'.repeat(49)}b`], groups: [], ...NO_TAGS });
  const startedMs = performance.now();
  expect(reach.hasApplication('a'.repeat(100))).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});

test('a scope is described by its parts, and those that it has not are left out', () => {
  const hostTags = [{ Key: 'Role', Value: 'shop' }];
  expect(describeScope({ applications: [], groups: ['a/b', 'c/*'], hostTags })).toBe(
    'groups a/b, c/*; hosts Role=shop',
  );
});
