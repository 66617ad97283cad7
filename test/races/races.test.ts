import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';
import { describeStores } from '../support/stores.ts';
import { runRaces } from './run-races.ts';

describeStores('simultaneous requests', (kind) => {
  test('lose no update, leave nothing behind, exceed no limit and fail in no other words than the API’s', {
    timeout: 120_000,
  }, async () => {
    await using database = await kind.create();
    using scratch = scratchFolder();
    const { races, ...damage } = await runRaces(database.location, scratch.path, 2);
    expect(races).toBeGreaterThan(0);
    expect(damage).toEqual({ lostUpdates: 0, dangling: 0, overLimit: 0, internalFailures: 0 });
  });
});
