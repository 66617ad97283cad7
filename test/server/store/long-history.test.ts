/** The long history that is measured is made by statements of its own, which must fit the tables of today. */
import { expect, test } from 'vitest';
import { openStore } from '../../../src/server/store/store.ts';
import { fillHistory, historicId } from '../../bench-server/fill-history.ts';
import { scratchFolder } from '../../support/scratch.ts';

test('a history made for measuring has its deployments, targets, events and revisions', async () => {
  using scratch = scratchFolder();
  const location = { dataDir: scratch.path };
  await fillHistory(location, { deployments: 120, nowMs: Date.now() });
  const store = await openStore(location);
  try {
    const countOf = async (
      table: 'deployments' | 'targets' | 'lifecycle_events' | 'revisions' | 'deployment_groups',
    ) => {
      const { count } = await store.db
        .selectFrom(table)
        .select((eb) => eb.fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      return Number(count);
    };
    expect(await countOf('deployments')).toBe(120);
    expect(await countOf('targets')).toBe(240);
    expect(await countOf('lifecycle_events')).toBe(1_680);
    expect(await countOf('revisions')).toBe(120);
    expect(await countOf('deployment_groups')).toBe(100);
    const { revision_json: revision, created_at_ms: createdMs } = await store.db
      .selectFrom('deployments')
      .selectAll()
      .where('deployment_id', '=', historicId(7))
      .executeTakeFirstOrThrow();
    expect(JSON.parse(revision)).toMatchObject({ s3Location: { key: '7.zip' } });
    expect(Number(createdMs)).toBeLessThan(Date.now());
  } finally {
    await store.close();
  }
});
