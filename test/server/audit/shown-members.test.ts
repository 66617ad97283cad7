import { expect, test } from 'vitest';
import { MAX_REQUEST, shownMembers } from '../../../src/server/audit/shown-members.ts';

test.each([
  [{ lifecycleEventHookExecutionId: 'SECRET' }],
  [{ a: { b: [{ secretAccessKey: 'SECRET' }] } }],
  [{ token: 'SECRET' }],
  [{ revision: { string: { content: 'SECRET' } } }],
  [{ webhookPassword: 'SECRET' }],
  [{ target: 'https://user:SECRET@hooks.example.com/x' }],
  [{ target: 'see https://hooks.example.com/x?key=SECRET for more' }],
  [{ target: 'https://hooks.example.com#SECRET' }],
])('no secret of the members %j is shown', (members) => {
  const shown = shownMembers(members);
  expect(shown).not.toContain('SECRET');
  expect(Object.keys(JSON.parse(shown))).toEqual(Object.keys(members));
});

test('members that are no secrets are shown as they are', () => {
  const members = { name: 'shop', nothing: null, tags: [{ Key: 'Role', Value: 'a?b#c' }], flag: false, count: 3 };
  expect(JSON.parse(shownMembers(members))).toEqual({
    ...{ name: 'shop', tags: [{ Key: 'Role', Value: 'a?b#c' }], flag: false, count: 3 },
  });
});

test.each([
  ['a long text', { description: '😀'.repeat(50_000), name: 'kept' }],
  ['a long list', { names: Array.from({ length: 1_000 }, (_, n) => `${n}-${'x'.repeat(300)}`), name: 'kept' }],
  ['many members', { map: Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`m${n}`, 'y'])), name: 'kept' }],
  [
    'many top members',
    Object.fromEntries([['name', 'kept'], ...Array.from({ length: 999 }, (_, n) => [`m${n}`, 'long'])]),
  ],
  ['deep nesting', { deep: nested(60), name: 'kept' }],
] as const)('%s is shortened to a bounded text, and small members stay', (_, members) => {
  const shown = shownMembers(members);
  expect(shown.length).toBeLessThanOrEqual(MAX_REQUEST);
  expect(JSON.parse(shown)).toMatchObject({ name: 'kept' });
});

function nested(depth: number): unknown {
  return depth === 0 ? 'x'.repeat(1_000) : { inner: nested(depth - 1) };
}
