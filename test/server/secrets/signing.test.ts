import { expect, test } from 'vitest';
import { openSigning } from '../../../src/server/secrets/signing.ts';
import { openStore } from '../../../src/server/store/store.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { manualClock } from '../../support/clock.ts';
import { scratchFolder } from '../../support/scratch.ts';

const DAY_MS = 24 * 60 * 60_000;

test('orders are signed again after a signer could not be made, by one signer for all who ask, renewed before it ends', async () => {
  using scratch = scratchFolder();
  const store = await openStore({ dataDir: scratch.at('data') });
  const clock = manualClock();
  let failures = 0;
  const random = {
    ...systemRandom,
    bytes(length: number) {
      if (failures === 0) return systemRandom.bytes(length);
      failures -= 1;
      throw new Error('no randomness');
    },
  };
  const sealer = { seal: (text: string) => text, open: (text: string) => text };
  const signing = await openSigning({ store, sealer, dataDir: scratch.at('data'), clock, random });
  try {
    failures = 1;
    const together = await Promise.allSettled([signing.signer(), signing.signer()]);
    expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const [first, same] = await Promise.all([signing.signer(), signing.signer()]);
    expect(same).toBe(first);
    clock.advance(first.notAfterMs - clock.now() - 31 * DAY_MS);
    expect(await signing.signer()).toBe(first);
    clock.advance(2 * DAY_MS);
    const renewed = await signing.signer();
    expect(renewed.notAfterMs).toBeGreaterThan(first.notAfterMs);
    expect(await signing.signer()).toBe(renewed);
  } finally {
    await store.close();
  }
});
