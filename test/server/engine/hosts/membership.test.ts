import { expect, test } from 'vitest';
import { filterListsOf, type MembershipSettings } from '../../../../src/server/engine/hosts/membership.ts';
import { instancesWithTags, putInstanceTags } from '../../../../src/server/store/instance-tags.ts';
import { insertInstance } from '../../../../src/server/store/instances.ts';
import type { TagFilter } from '../../../../src/server/store/tag.ts';
import { describeStores } from '../../../support/stores.ts';

const TAGS = Object.entries({ env: 'prod', role: 'web', empty: '' }).map(([Key, Value]) => ({ Key, Value }));
const flat = (...filters: TagFilter[]): MembershipSettings => ({ onPremisesInstanceTagFilters: filters });
const set = (...lists: TagFilter[][]): MembershipSettings => ({ onPremisesTagSet: { onPremisesTagSetList: lists } });

describeStores('members of a deployment group', (kind) => {
  test.each([
    ['key and value', flat({ Key: 'env', Value: 'prod', Type: 'KEY_AND_VALUE' }), true],
    ['key and value without a type', flat({ Key: 'env', Value: 'prod' }), true],
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
  ] as const)('a group’s filter of %s finds the instance or not', async (_what, settings, expected) => {
    await using database = await kind.create();
    const store = await database.open();
    await store.transaction(async (tx) => {
      const common = { arn_kind: 'user', registered_at_ms: 1 } as const;
      for (const name of ['tagged', 'untagged']) {
        await insertInstance(tx, {
          ...common,
          instance_id: name,
          instance_name: name,
          instance_arn: name,
          host_arn: name,
        });
      }
      await putInstanceTags(tx, { instance_id: 'tagged', instance_name: 'tagged' }, TAGS);
    });
    const found = await instancesWithTags(store.db, filterListsOf(settings), 10);
    expect(found.map((row) => row.instance_id)).toEqual(expected ? ['tagged'] : []);
  });
});
