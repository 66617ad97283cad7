import { expect, test } from 'vitest';
import { rememberedIds } from '../../src/install/remembered-ids.ts';

test('each name is looked up once, those that nobody has included, users and groups apart', () => {
  const asked: string[] = [];
  const ids = rememberedIds({
    userId: (name) => {
      asked.push(`user ${name}`);
      return name === 'web' ? 7 : null;
    },
    groupId: (name) => {
      asked.push(`group ${name}`);
      return 8;
    },
  });
  for (let n = 0; n < 3; n += 1) {
    expect([ids.userId('web'), ids.userId('nobody-knows'), ids.groupId('web')]).toEqual([7, null, 8]);
  }
  expect(asked).toEqual(['user web', 'user nobody-knows', 'group web']);
});
