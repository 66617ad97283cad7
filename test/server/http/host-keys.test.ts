import { expect, test } from 'vitest';
import { rememberHostKeys } from '../../../src/server/http/host-keys.ts';
import type { KnownAccessKey } from '../../../src/server/store/access-keys.ts';

/** Keys by id, how often each was read, and a clock. */
function keysByHand(keys: Readonly<Record<string, Partial<KnownAccessKey>>>) {
  const asked: string[] = [];
  const time = { nowMs: 1_000_000 };
  const find = rememberHostKeys(
    async (id) => {
      asked.push(id);
      const key = keys[id] ?? (id.startsWith('HOST') ? {} : null);
      const rest = {
        accessKeyId: id,
        secretAccessKey: '',
        role: 'host',
        hostArn: id,
        scope: null,
        host: null,
      } as const;
      return key === null ? null : { ...rest, powerless: null, ...key };
    },
    { now: () => time.nowMs },
  );
  return { find, time, reads: () => asked.splice(0) };
}

test('the key of a host that had power is read once in a moment', async () => {
  const { find, time, reads } = keysByHand({});
  expect(await find('HOST1')).toMatchObject({ accessKeyId: 'HOST1' });
  time.nowMs += 9_999;
  expect(await find('HOST1')).toMatchObject({ accessKeyId: 'HOST1' });
  expect(await find('HOST2')).toMatchObject({ accessKeyId: 'HOST2' });
  expect(reads()).toEqual(['HOST1', 'HOST2']);
  time.nowMs += 1;
  await find('HOST1');
  await find('HOST2');
  expect(reads()).toEqual(['HOST1']);
});

test('keys that are not known, are people’s or have no power are read each time', async () => {
  const { find, reads } = keysByHand({
    PERSON: { role: 'admin', hostArn: null },
    HOST: { powerless: { why: 'disabled', atMs: 1 } },
  });
  for (const id of ['NOBODY', 'PERSON', 'HOST']) {
    await find(id);
    await find(id);
    expect(reads()).toEqual([id, id]);
  }
});

test('after the clock was set back keys are read again', async () => {
  const { find, time, reads } = keysByHand({});
  await find('HOST1');
  time.nowMs -= 3_600_000;
  await find('HOST1');
  expect(reads()).toEqual(['HOST1', 'HOST1']);
});

test('of many hosts those that came last are remembered', async () => {
  const { find, reads } = keysByHand({});
  for (let host = 0; host < 5_000; host += 1) await find(`HOST${host}`);
  reads();
  await find('HOST4999');
  expect(reads()).toEqual([]);
  await find('HOST0');
  expect(reads()).toEqual(['HOST0']);
});
