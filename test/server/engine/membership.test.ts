import { expect, test } from 'vitest';
import { isMember, type MembershipSettings, type TagFilter } from '../../../src/server/engine/membership.ts';

const host = { tags: new Map(Object.entries({ env: 'prod', role: 'web', empty: '' })) };
const flat = (...filters: TagFilter[]): MembershipSettings => ({ onPremisesInstanceTagFilters: filters });
const set = (...lists: TagFilter[][]): MembershipSettings => ({ onPremisesTagSet: { onPremisesTagSetList: lists } });

test.each([
  ['key and value', flat({ Key: 'env', Value: 'prod', Type: 'KEY_AND_VALUE' }), true],
  ['the value of another key', flat({ Key: 'role', Value: 'prod', Type: 'KEY_AND_VALUE' }), false],
  ['another case', flat({ Key: 'env', Value: 'Prod', Type: 'KEY_AND_VALUE' }), false],
  ['key only', flat({ Key: 'env', Type: 'KEY_ONLY' }), true],
  ['value only', flat({ Value: 'web', Type: 'VALUE_ONLY' }), true],
  ['an empty value', flat({ Key: 'empty', Type: 'KEY_AND_VALUE' }), true],
  ['any of several', flat({ Key: 'no', Type: 'KEY_ONLY' }, { Key: 'env', Type: 'KEY_ONLY' }), true],
  ['no filter at all', flat(), false],
  ['nothing', {}, false],
  [
    'one of each list',
    set(
      [
        { Key: 'no', Type: 'KEY_ONLY' },
        { Key: 'env', Type: 'KEY_ONLY' },
      ],
      [{ Value: 'web', Type: 'VALUE_ONLY' }],
    ),
    true,
  ],
  ['not one of the second list', set([{ Key: 'env', Type: 'KEY_ONLY' }], [{ Key: 'no', Type: 'KEY_ONLY' }]), false],
  ['an empty list in a set', set([{ Key: 'env', Type: 'KEY_ONLY' }], []), false],
] as const)('a group’s filter of %s', (_what, settings, expected) => {
  expect(isMember(host, settings)).toBe(expected);
});
