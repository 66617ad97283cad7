import { expect, test } from 'vitest';
import type { Durability } from '../../../src/server/store/durability.ts';
import { openStore } from '../../../src/server/store/store.ts';
import { observedStore } from '../../../src/server/telemetry/observed.ts';
import { createServerMetrics } from '../../../src/server/telemetry/server-metrics.ts';
import { scratchFolder } from '../../support/scratch.ts';

test('a store that is observed commits a transaction as durably as its caller has asked for', async () => {
  using scratch = scratchFolder();
  const store = await openStore({ dataDir: scratch.path });
  try {
    const asked: (Durability | undefined)[] = [];
    const noting: typeof store = {
      ...store,
      transaction(work, durability) {
        asked.push(durability);
        return store.transaction(work, durability);
      },
    };
    const observed = observedStore(noting, createServerMetrics(), () => 0);
    for (const durability of ['lazy', 'synced', undefined] as const) {
      await observed.transaction(async () => undefined, durability);
    }
    expect(asked).toEqual(['lazy', 'synced', undefined]);
  } finally {
    await store.close();
  }
});
